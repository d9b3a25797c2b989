/** A drawn chest radiograph for looking at the viewer: no patient, no learning, only shapes. */
export interface Phantom {
  rows: number;
  columns: number;
  texels: Uint16Array;
}

/** `seed` varies anatomy a little; values are 12 bit, air dark and bone bright. */
export function phantom(columns: number, rows: number, seed: number): Phantom {
  const texels = new Uint16Array(rows * columns);
  let noise = seed * 7919 + 1;
  const heart = 0.15 + (seed % 3) * 0.025;
  for (let y = 0; y < rows; y++) {
    const v = y / rows;
    for (let x = 0; x < columns; x++) {
      const u = x / columns;
      let light = 250;
      const body = inside(u, v, 0.5, 0.62, 0.47, 0.62, 2.6);
      light += 2100 * body;
      const right = inside(u, v, 0.31, 0.44, 0.155, 0.33, 2.3);
      const left = inside(u, v, 0.69, 0.44, 0.15, 0.33, 2.3);
      const lungs = Math.max(right, left);
      light -= 1500 * lungs * body;
      const shadow = inside(u, v, 0.545, 0.6, heart, 0.17, 2);
      light += 1300 * shadow * Math.max(lungs, 0.2);
      light += 900 * inside(u, v, 0.5, 0.3, 0.07, 0.4, 4) * (1 - 0.3 * lungs);
      light += 500 * band(u, 0.5, 0.035) * body;
      light += 1200 * inside(u, v, 0.3, 0.95, 0.3, 0.24, 2) * body + 1000 * inside(u, v, 0.72, 0.97, 0.28, 0.22, 2) * body;
      if (seed % 2 === 0) light += 900 * inside(u, v, 0.2, 0.76, 0.1, 0.1, 2) * body;
      for (let rib = 0; rib < 9; rib++) {
        const top = 0.14 + rib * 0.068;
        const arc = top + 0.42 * (Math.abs(u - 0.5) - 0.16) ** 2 * (u < 0.5 ? 1 : 1.05) + 0.11 * Math.abs(u - 0.5);
        light += 300 * Math.exp(-(((v - arc) / 0.011) ** 2)) * lungs;
      }
      light += 500 * Math.exp(-(((v - 0.13 - 0.12 * Math.abs(u - 0.5)) / 0.012) ** 2)) * body * (Math.abs(u - 0.5) > 0.06 ? 1 : 0);
      const hila = Math.hypot(u - 0.41, (v - 0.45) * 0.8) < 0.05 || Math.hypot(u - 0.62, (v - 0.44) * 0.8) < 0.045;
      if (hila) light += 260;
      noise = (Math.imul(noise, 1103515245) + 12345) >>> 0;
      light += ((noise >>> 16) % 120) - 60;
      texels[y * columns + x] = Math.max(0, Math.min(4095, light));
    }
  }
  return { rows, columns, texels };
}

/** The same with every pixel repeated, which is quicker than drawing a large one. */
export function enlarged({ rows, columns, texels }: Phantom, times: number): Phantom {
  const out = new Uint16Array(rows * columns * times * times);
  const width = columns * times;
  for (let y = 0; y < rows * times; y++) {
    const from = Math.floor(y / times) * columns;
    for (let x = 0; x < width; x++) out[y * width + x] = texels[from + Math.floor(x / times)]!;
  }
  return { rows: rows * times, columns: width, texels: out };
}

/** 1 inside a rounded shape, 0 outside, with a soft edge. */
function inside(u: number, v: number, cu: number, cv: number, ru: number, rv: number, power: number): number {
  const d = Math.abs((u - cu) / ru) ** power + Math.abs((v - cv) / rv) ** power;
  return 1 / (1 + Math.exp((d - 1) * 14));
}

function band(u: number, at: number, half: number): number {
  return 1 / (1 + Math.exp((Math.abs(u - at) - half) * 260));
}

/** An 8-bit PNG-able canvas of the phantom, for thumbnails. */
export async function thumbnailOf({ rows, columns, texels }: Phantom, size: number): Promise<ArrayBuffer> {
  const height = Math.round((size * rows) / columns);
  const canvas = new OffscreenCanvas(size, height);
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(size, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < size; x++) {
      const texel = texels[Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / size)]!;
      image.data.set([texel / 12, texel / 12, texel / 12, 255], (y * size + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
  return (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer();
}

/** Means of 2 x 2 pixels, as the app makes them; the last of an odd number counts twice. */
export function halved(texels: Uint16Array, rows: number, columns: number): Uint16Array {
  const across = Math.ceil(columns / 2);
  const at = (row: number, column: number) => texels[Math.min(row, rows - 1) * columns + Math.min(column, columns - 1)]!;
  return Uint16Array.from({ length: across * Math.ceil(rows / 2) }, (_, i) => {
    const row = 2 * Math.floor(i / across);
    const column = 2 * (i % across);
    return (at(row, column) + at(row + 1, column) + at(row, column + 1) + at(row + 1, column + 1) + 2) >> 2;
  });
}
