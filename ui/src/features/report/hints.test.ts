import { expect, test } from "vitest";
import { keymap } from "../../keys/keymap.svelte";
import { hintOf } from "./hints";

test("empty findings invite to a draft only while there can be one", () => {
  expect([hintOf("findings", false), hintOf("findings", true)]).toEqual(["Type", "Type, or draft with Ctrl G"]);
  expect([hintOf("impression", false), hintOf("impression", true)]).toEqual(["What it comes to", "What it comes to"]);
  expect(hintOf("exam", true)).toBe("");
});

test("the key is the one that the reader chose", () => {
  keymap.changes = { "draft.start": ["F2"] };
  expect(hintOf("findings", true)).toBe("Type, or draft with F2");
  keymap.changes = {};
});
