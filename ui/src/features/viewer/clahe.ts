/** Tiles along each side of the image. */
export const TILES = 8;
/** Gray levels that are told apart: as many as the screen shows. */
export const BINS = 256;
/** How many times the mean count a gray level may have: more contrast than that amplifies noise. */
const CLIP = 2.5;

/**
 * Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994): for each
 * of `TILES` x `TILES` tiles a table from gray to equalised gray, tile by tile, row by row.
 * Between the middles of tiles the tables are to be mixed.
 *
 * @param grays what is shown without it, one byte a pixel
 */
export function claheTables(grays: Uint8Array, width: number, height: number): Uint8Array {
  const tables = new Uint8Array(TILES * TILES * BINS);
  const counts = new Float64Array(BINS);
  for (let down = 0; down < TILES; down++) {
    const [top, bottom] = [Math.floor((down * height) / TILES), Math.floor(((down + 1) * height) / TILES)];
    for (let across = 0; across < TILES; across++) {
      const [left, right] = [Math.floor((across * width) / TILES), Math.floor(((across + 1) * width) / TILES)];
      counts.fill(0);
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) counts[grays[y * width + x]!]! += 1;
      const pixels = (bottom - top) * (right - left);
      const most = (CLIP * pixels) / BINS;
      let over = 0;
      for (let bin = 0; bin < BINS; bin++) {
        if (counts[bin]! <= most) continue;
        over += counts[bin]! - most;
        counts[bin] = most;
      }
      const table = (down * TILES + across) * BINS;
      let sum = 0;
      for (let bin = 0; bin < BINS; bin++) {
        sum += counts[bin]! + over / BINS;
        tables[table + bin] = pixels === 0 ? bin : Math.round((sum / pixels) * (BINS - 1));
      }
    }
  }
  return tables;
}
