/** The letterhead's logo, ready for a canvas. */
export interface LogoPicture {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Width and height as little-endian u32, then three bytes a pixel; null where there is no logo. */
export function parseLogo(buffer: ArrayBuffer): LogoPicture | null {
  if (buffer.byteLength < 8) return null;
  const head = new DataView(buffer);
  const [width, height] = [head.getUint32(0, true), head.getUint32(4, true)];
  const rgb = new Uint8Array(buffer, 8);
  if (width === 0 || height === 0 || rgb.length !== width * height * 3) return null;
  const rgba = new Uint8ClampedArray(new ArrayBuffer(width * height * 4));
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    rgba.set(rgb.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
    rgba[pixel * 4 + 3] = 255;
  }
  return { width, height, rgba };
}
