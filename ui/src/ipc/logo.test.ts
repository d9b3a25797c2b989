import { expect, test } from "vitest";
import { parseLogo } from "./logo";

function bytes(width: number, height: number, rgb: number[]): ArrayBuffer {
  const buffer = new ArrayBuffer(8 + rgb.length);
  new DataView(buffer).setUint32(0, width, true);
  new DataView(buffer).setUint32(4, height, true);
  new Uint8Array(buffer, 8).set(rgb);
  return buffer;
}

test("a logo becomes pixels that a canvas takes", () => {
  const logo = parseLogo(bytes(2, 1, [1, 2, 3, 4, 5, 6]));
  expect(logo && { width: logo.width, height: logo.height, rgba: [...logo.rgba] }).toEqual({ width: 2, height: 1, rgba: [1, 2, 3, 255, 4, 5, 6, 255] });
});

test("nothing, and what does not fit its size, is no logo", () => {
  for (const buffer of [new ArrayBuffer(0), bytes(0, 0, []), bytes(2, 2, [1, 2, 3])]) expect(parseLogo(buffer)).toBeNull();
});
