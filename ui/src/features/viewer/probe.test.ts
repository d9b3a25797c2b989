import { expect, test } from "vitest";
import type { PixelDescription } from "../../ipc";
import { pixelText, Probe } from "./probe";

const about = { rows: 130, columns: 100, slope: 2, intercept: -1000 } as PixelDescription;

/** Texels that say where they lie, and how often they were asked for. */
function image(columns: number) {
  const asked: number[][] = [];
  const texels = (x: number, y: number, width: number, height: number) => {
    asked.push([x, y, width, height]);
    return Uint16Array.from({ length: width * height }, (_, i) => (y + Math.floor(i / width)) * columns + x + (i % width));
  };
  return { asked, texels };
}

test.each([
  ["the first pixel", 0, 0, { column: 1, row: 1, value: -1000 }],
  ["the end of a pixel", 0.99, 0.99, { column: 1, row: 1, value: -1000 }],
  ["a pixel of another square", 70.5, 65.2, { column: 71, row: 66, value: 2 * (65 * 100 + 70) - 1000 }],
  ["the last pixel", 99.5, 129.5, { column: 100, row: 130, value: 2 * (129 * 100 + 99) - 1000 }],
  ["left of the image", -0.1, 5, null],
  ["above it", 5, -0.1, null],
  ["right of it", 100, 5, null],
  ["below it", 5, 130, null],
])("%s has its place and its modality value", (_, x, y, pixel) => {
  expect(new Probe(image(100).texels).at({ x, y }, about)).toEqual(pixel);
});

test("pixels beside each other are read at once, and few squares are kept", () => {
  const { asked, texels } = image(100);
  const probe = new Probe(texels, 2);
  const move = (x: number, y: number) => probe.at({ x, y }, about);
  for (let x = 0; x < 64; x++) move(x, 10);
  expect(asked).toEqual([[0, 0, 64, 64]]);
  move(80, 10);
  expect(asked.at(-1)).toEqual([64, 0, 36, 64]);
  move(10, 10);
  expect(asked).toHaveLength(2);
  move(10, 129);
  expect(asked.at(-1)).toEqual([0, 128, 64, 2]);
  move(10, 10);
  expect(asked).toHaveLength(4);
});

test("where texels cannot be had, the place is said alone, and they are asked for once", () => {
  let asked = 0;
  const probe = new Probe(() => (asked++, null));
  expect(probe.at({ x: 3, y: 4 }, about)).toEqual({ column: 4, row: 5, value: null });
  probe.at({ x: 5, y: 4 }, about);
  expect(asked).toBe(1);
});

test.each([
  [{ column: 412, row: 1033, value: 1834 }, null, "Column 412, row 1033: 1834"],
  [{ column: 1, row: 2, value: -12.4 }, "HU", "Column 1, row 2: -12 HU"],
  [{ column: 1, row: 2, value: 0.125 }, "OD", "Column 1, row 2: 0.13 OD"],
  [{ column: 1, row: 2, value: null }, "HU", "Column 1, row 2"],
])("%o is put in words", (pixel, units, text) => expect(pixelText(pixel, units)).toBe(text));
