import { expect, test } from "vitest";
import { moved, nearest } from "./roving";

/** "xx.x" is four buttons, of which the third cannot be pressed. */
const bar = (text: string) => [...text].map((letter) => letter === "x");

test.each([
  ["ArrowRight", 0, "xxxx", 1],
  ["ArrowLeft", 1, "xxxx", 0],
  ["ArrowRight", 0, "x..x", 3],
  ["ArrowLeft", 3, "x..x", 0],
  ["Home", 3, ".xxx", 1],
  ["End", 0, "xxx.", 2],
  // At the end it stays where it is.
  ["ArrowRight", 3, "xxxx", 3],
  ["ArrowRight", 1, "xx..", 1],
  ["ArrowLeft", 0, "xxxx", 0],
  // In a toolbar that lies, these are nobody's.
  ["ArrowDown", 0, "xxxx", null],
  ["ArrowUp", 3, "xxxx", null],
  ["Enter", 0, "xxxx", null],
  ["w", 0, "xxxx", null],
])("%s from %d in %s leads to %s", (key, at, buttons, to) => expect(moved(key, at, bar(buttons), null)).toBe(to));

test.each([
  ["ArrowDown", 0, "xxxxxx", 1, 1],
  ["ArrowUp", 2, "x.xxxx", 1, 0],
  ["ArrowDown", 0, "xxxxxx", 2, 2],
  ["ArrowDown", 1, "xxx.xx", 2, 5],
  ["ArrowUp", 5, "xxxxxx", 2, 3],
  // The column ends; the one beside it is not gone to.
  ["ArrowDown", 3, "xxxxx", 2, 3],
  ["ArrowUp", 1, "xxxxx", 2, 1],
  ["ArrowRight", 1, "xxxxx", 2, 2],
])("%s from %d in %s with %d beside each other leads to %d", (key, at, buttons, columns, to) => {
  expect(moved(key, at, bar(buttons), columns)).toBe(to);
});

test("another button takes the place of one that cannot be pressed any more: the next one, or one before it", () => {
  expect(nearest(bar("x.xx"), 1)).toBe(2);
  expect(nearest(bar("xx.."), 2)).toBe(1);
  expect(nearest(bar(".xx"), -1)).toBe(1);
  expect(nearest(bar("..."), 1)).toBe(-1);
});
