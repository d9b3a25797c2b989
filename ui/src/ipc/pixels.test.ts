import { expect, test } from "vitest";
import { letGo, parsePixels } from "./pixels";

/** A frame as the shell sends it: JSON padded so that pixels start at a multiple of four. */
function frame(description: object, bytes: number[]): ArrayBuffer {
  let json = JSON.stringify(description);
  while (json.length % 4 !== 0) json += " ";
  const out = new Uint8Array(4 + json.length + bytes.length);
  new DataView(out.buffer).setUint32(0, json.length, true);
  out.set(new TextEncoder().encode(json), 4);
  out.set(bytes, 4 + json.length);
  return out.buffer;
}

test("gray values are read in place and little-endian", () => {
  const buffer = frame({ rows: 1, columns: 3, kind: "gray16" }, [1, 0, 0, 2, 255, 255]);
  const image = parsePixels(buffer);
  expect([...image.texels]).toEqual([1, 512, 65535]);
  expect(image.texels.buffer).toBe(buffer);
});

test("a smaller copy has half the rows and columns, rounded up, of the image that is described", () => {
  const description = { rows: 3, columns: 5, kind: "gray16", copy: 1 };
  expect([...parsePixels(frame(description, [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0])).texels]).toEqual([1, 2, 3, 4, 5, 6]);
  expect(() => parsePixels(frame(description, [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]))).toThrow(expect.objectContaining({ code: "pixels.malformed" }));
});

test("colour keeps three bytes a pixel", () => {
  const image = parsePixels(frame({ rows: 1, columns: 1, kind: "rgb8" }, [9, 8, 7]));
  expect([...image.texels]).toEqual([9, 8, 7]);
});

test("overlay planes follow the pixels, each from a byte of its own", () => {
  const plane = (columns: number) => ({ rows: 3, columns, top: 0, left: -1, label: null });
  const description = { rows: 1, columns: 2, kind: "gray16", overlays: [plane(3), plane(1)] };
  const image = parsePixels(frame(description, [1, 0, 2, 0, 0xaa, 1, 5]));
  expect(image.planes.map(({ columns, left, bits }) => [columns, left, [...bits]])).toEqual([
    [3, -1, [0xaa, 1]],
    [1, -1, [5]],
  ]);
  letGo(image);
  expect(image.planes[0]!.bits[0]).toBe(0xaa);
  expect(() => parsePixels(frame(description, [1, 0, 2, 0, 0xaa, 1]))).toThrow(expect.objectContaining({ code: "pixels.malformed" }));
});

test.each([
  ["too short", new Uint8Array([1, 0]).buffer],
  ["a length beyond the end", new Uint8Array([255, 0, 0, 0, 1]).buffer],
  ["missing pixels", frame({ rows: 2, columns: 2, kind: "gray16" }, [1, 2])],
])("%s is refused", (_, buffer) => {
  expect(() => parsePixels(buffer)).toThrow(expect.objectContaining({ code: "pixels.malformed" }));
});

test("pixels that are let go hold no memory", () => {
  const image = parsePixels(frame({ rows: 1, columns: 3, kind: "gray16" }, [1, 0, 0, 2, 255, 255]));
  letGo(image);
  expect(image.texels.length).toBe(0);
  expect(image.texels.buffer.byteLength).toBe(0);
});
