import type { PixelDescription } from "../../ipc";
import { valueText } from "./measure";
import type { Surface } from "./surface";
import type { Point } from "./view";
import { modality } from "./window";

/** Side of the squares of texels that are read at once: most moves of a pointer stay inside of one. */
const SIDE = 64;

/** A pixel of the image, counted from 1 as DICOM counts them. */
export interface Pixel {
  column: number;
  row: number;
  /** After the modality LUT; null where the image is in colours, or its texels cannot be had. */
  value: number | null;
}

/** Single pixels of one image. Asking the graphics card for each would make it wait at every move of the pointer. */
export class Probe {
  private readonly squares = new Map<number, Uint16Array | null>();

  constructor(
    private readonly texels: Surface["region"],
    private readonly most = 48,
  ) {}

  /** The pixel in which a point of the image lies; null beside the image. */
  at(point: Point, about: PixelDescription): Pixel | null {
    const [column, row] = [Math.floor(point.x), Math.floor(point.y)];
    if (column < 0 || row < 0 || column >= about.columns || row >= about.rows) return null;
    const [left, top] = [column - (column % SIDE), row - (row % SIDE)];
    const width = Math.min(SIDE, about.columns - left);
    const key = top * about.columns + left;
    if (!this.squares.has(key)) {
      if (this.squares.size >= this.most) this.squares.clear();
      this.squares.set(key, this.texels(left, top, width, Math.min(SIDE, about.rows - top)));
    }
    const texel = this.squares.get(key)?.[(row - top) * width + column - left];
    return { column: column + 1, row: row + 1, value: texel === undefined ? null : modality(texel, about) };
  }
}

/** "Column 412, row 1033: 1834 HU". */
export function pixelText({ column, row, value }: Pixel, units: string | null): string {
  const place = `Column ${column}, row ${row}`;
  return value === null ? place : `${place}: ${valueText(value)}${units ? ` ${units}` : ""}`;
}
