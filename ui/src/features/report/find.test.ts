import { expect, test } from "vitest";
import { found, replacing } from "./find";
import { sections } from "./find.fixtures";

test("finds words whatever their case, in open sections and written sentences only", () => {
  const open = new Set(["findings"]);
  expect(found(sections, open, "left", "right").map((f) => f.after)).toEqual(["Small right effusion, right.", "right."]);
  expect(found(sections, open, "left", "right")[0]).toMatchObject({ section: "findings", sentenceId: "a" });
  expect(found(sections, open, "", "right")).toEqual([]);
  expect(found(sections, open, "(", "x")).toEqual([]);
  expect(found(sections, open, "left", "$&")[1]!.after).toBe("$&.");
});

test("a sentence without words is taken out", () => {
  const open = new Set(["findings"]);
  expect(replacing(found(sections, open, "Left.", ""))).toEqual([
    { do: "edit", id: "a", text: "Small LEFT effusion," },
    { do: "remove", id: "b" },
  ]);
});
