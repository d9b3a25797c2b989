import { expect, test } from "vitest";
import { localMinute, secondsOf } from "./critical";

test("a moment goes through the field and back, to the minute", () => {
  const at = new Date(2026, 10, 23, 9, 5, 42);
  expect(localMinute(at)).toBe("2026-11-23T09:05");
  expect(secondsOf(localMinute(at))).toBe(Math.floor(new Date(2026, 10, 23, 9, 5).getTime() / 1000));
});

test.each(["", "soon", "2026-13-40T99:99"])("%j is no time", (field) => {
  expect(secondsOf(field)).toBeNull();
});
