import type { EvidenceMap } from "../../ipc";
import { linear, toPane, type Point, type Size, type View } from "./view";

/** The colour of the overlay; its opacity carries the value. */
export const MAP_COLOUR = [255, 138, 40] as const;

/** One pixel a patch, red-green-blue-alpha: transparent where the map is least, full where it is most. */
export function mapPixels({ head, values }: EvidenceMap): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(values.length * 4);
  const range = head.max - head.min;
  values.forEach((value, i) => {
    const part = range > 0 ? Math.min(1, Math.max(0, (value - head.min) / range)) : 0;
    out.set(MAP_COLOUR, i * 4);
    out[i * 4 + 3] = Math.round(255 * part);
  });
  return out;
}

/** CSS for an element of `placement.size` pixels a side that lies on the image as the model saw it. */
export function mapStyle({ placement }: EvidenceMap["head"], view: View, image: Size, pane: Size): { transform: string; clip: string } {
  const { left, top, size } = placement;
  const at = toPane(view, image, pane, { x: left, y: top });
  const [a, b, c, d] = linear(view);
  const clip = [-top, left + size - image.width, top + size - image.height, -left].map((x) => `${Math.max(0, x)}px`);
  return { transform: `matrix(${[a, b, c, d, at.x, at.y].join(",")})`, clip: `inset(${clip.join(" ")})` };
}

/** Middle of the patch with the largest value that lies on the image, in image pixels; none on an even map. */
export function strongest({ head, values }: EvidenceMap, image: Size): Point | null {
  const { side, placement } = head;
  if (head.max <= head.min) return null;
  const patch = placement.size / side;
  let best: Point | null = null;
  let most = head.min;
  values.forEach((value, i) => {
    const x = placement.left + ((i % side) + 0.5) * patch;
    const y = placement.top + (Math.floor(i / side) + 0.5) * patch;
    if (value <= most || x < 0 || y < 0 || x >= image.width || y >= image.height) return;
    most = value;
    best = { x, y };
  });
  return best;
}
