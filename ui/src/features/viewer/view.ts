/** A point in CSS pixels of the pane, or in image pixels (column, row). */
export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** How the image lies in the pane. */
export interface View {
  /** CSS pixels per image pixel. */
  zoom: number;
  /** Middle of the image from the middle of the pane, in CSS pixels. */
  pan: Point;
  /** Quarter turns clockwise. */
  turns: 0 | 1 | 2 | 3;
  /** Mirrored left to right, before turning. */
  flipped: boolean;
}

export const ZOOM_LIMITS = { least: 0.02, most: 40 };

/** The part of the pane's height and width that a fitted image takes. */
export function fit(image: Size, pane: Size, turns: View["turns"] = 0, flipped = false): View {
  const turned = turns % 2 === 0 ? image : { width: image.height, height: image.width };
  const zoom = Math.min(pane.width / turned.width, pane.height / turned.height);
  return { zoom: limited(zoom), pan: { x: 0, y: 0 }, turns, flipped };
}

export function limited(zoom: number): number {
  if (!Number.isFinite(zoom)) return 1;
  return Math.min(ZOOM_LIMITS.most, Math.max(ZOOM_LIMITS.least, zoom));
}

/** The linear part: image axes to pane axes, [a, b, c, d] with x' = a x + c y and y' = b x + d y. */
export function linear({ zoom, turns, flipped }: View): [number, number, number, number] {
  const cos = [1, 0, -1, 0][turns]!;
  const sin = [0, 1, 0, -1][turns]!;
  const mirror = flipped ? -1 : 1;
  return [zoom * cos * mirror, zoom * sin * mirror, -zoom * sin, zoom * cos];
}

export function toPane(view: View, image: Size, pane: Size, at: Point): Point {
  const [a, b, c, d] = linear(view);
  const x = at.x - image.width / 2;
  const y = at.y - image.height / 2;
  return { x: pane.width / 2 + view.pan.x + a * x + c * y, y: pane.height / 2 + view.pan.y + b * x + d * y };
}

export function toImage(view: View, image: Size, pane: Size, at: Point): Point {
  const [a, b, c, d] = linear(view);
  const determinant = a * d - b * c;
  const x = at.x - pane.width / 2 - view.pan.x;
  const y = at.y - pane.height / 2 - view.pan.y;
  return {
    x: image.width / 2 + (d * x - c * y) / determinant,
    y: image.height / 2 + (a * y - b * x) / determinant,
  };
}

/** Zooms by `factor` so that the image under `at` (pane pixels) stays there. */
export function zoomedAt(view: View, pane: Size, at: Point, factor: number): View {
  const zoom = limited(view.zoom * factor);
  const real = zoom / view.zoom;
  const from = { x: at.x - pane.width / 2, y: at.y - pane.height / 2 };
  return {
    ...view,
    zoom,
    pan: { x: from.x - (from.x - view.pan.x) * real, y: from.y - (from.y - view.pan.y) * real },
  };
}

export function panned(view: View, dx: number, dy: number): View {
  return { ...view, pan: { x: view.pan.x + dx, y: view.pan.y + dy } };
}

/** What one press of a key zooms by, and the part of the pane's smaller side that it moves the image by. */
const KEY_STEP = { zoom: 1.2, pan: 0.08 };

/** One step nearer (1) or further (-1), with the middle of the pane where it is. */
export function zoomStep(view: View, pane: Size, by: 1 | -1): View {
  return zoomedAt(view, pane, { x: pane.width / 2, y: pane.height / 2 }, KEY_STEP.zoom ** by);
}

/** One step to a side, as the hand would drag the image. */
export function panStep(view: View, pane: Size, right: number, down: number): View {
  const step = KEY_STEP.pan * Math.min(pane.width, pane.height);
  return panned(view, right * step, down * step);
}

/** A point of the pane on the image, held to it. */
export function heldToImage(view: View, image: Size, pane: Size, at: Point): Point {
  const { x, y } = toImage(view, image, pane, at);
  return { x: Math.min(image.width, Math.max(0, x)), y: Math.min(image.height, Math.max(0, y)) };
}

const OPPOSITE: Record<string, string> = { L: "R", R: "L", A: "P", P: "A", H: "F", F: "H" };

/** "LF" becomes "RH". */
export function opposite(direction: string): string {
  return [...direction].map((letter) => OPPOSITE[letter] ?? letter).join("");
}

export interface SideLetters {
  left: string;
  right: string;
  top: string;
  bottom: string;
}

/**
 * Letters at the pane's edges. `orientation` is Patient Orientation (PS3.3 C.7.6.1.1.1):
 * the direction of the rows, to the right, then of the columns, downwards. None when unknown.
 */
export function sideLetters(orientation: string[], view: Pick<View, "turns" | "flipped">): SideLetters | null {
  const [row, column] = orientation;
  if (!row || !column) return null;
  const right = view.flipped ? opposite(row) : row;
  // Clockwise from the right: right, bottom, left, top. A quarter turn moves each on by one.
  const around = [right, column, opposite(right), opposite(column)];
  const at = (i: number) => around[(i - view.turns + 4) % 4]!;
  return { right: at(0), bottom: at(1), left: at(2), top: at(3) };
}
