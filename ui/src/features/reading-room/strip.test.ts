import { expect, test } from "vitest";
import { beyond, type Span } from "./strip";

/** Images of 100 pixels beside each other, the first of which begins at `from`. */
const row = (from: number, count: number): Span[] => Array.from({ length: count }, (_, i) => ({ left: from + i * 100, right: from + i * 100 + 100 }));
const strip: Span = { left: 20, right: 320 };

function check(images: Span[], left: number[], right: number[]): void {
  expect(beyond(images, strip)).toEqual({ left, right });
}

test.each([
  ["no image", [], [], []],
  ["as many as there is room for", row(20, 3), [], []],
  ["edges at fractions of a pixel", row(19.4, 3), [], []],
  ["more than there is room for", row(20, 5), [], [3, 4]],
  ["scrolled to the end", row(-180, 5), [1, 0], []],
  ["scrolled to the middle", row(-80, 5), [0], [4]],
  ["cut at both sides", row(-30, 4), [0], [3]],
  ["one that is wider than the strip and begins with it", [{ left: 20, right: 400 }, { left: 400, right: 500 }], [], [1]],
  ["one that reaches past both sides", [{ left: 0, right: 400 }], [], []],
  ["one that is wider than the strip and ends with it", [{ left: -160, right: -60 }, { left: -60, right: 320 }], [0], []],
] as [string, Span[], number[], number[]][])("%s", (_, images, left, right) => check(images, left, right));
