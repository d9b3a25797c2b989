import type { Point, Size } from "./view";

/** A rectangle of the pane, in CSS pixels. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A mark as it lies in the pane, and what is written beside it. */
export interface Labelled {
  strokes: readonly Point[][];
  lines: readonly string[];
}

/** Where the lines of a mark stand. */
export interface Label {
  left: number;
  top: number;
  /** From the label to its mark, where the two are so far apart that the eye would not join them. */
  leader: [Point, Point] | null;
}

/** Height of a line of text. */
export const LINE = 15;
/** Of a label from the edge of the pane, and from whatever it makes way for. */
const MARGIN = 4;
/** From a mark, the nearest first. */
const DISTANCES = [10, 26, 48, 80, 120];
/** Further away than this, a label is joined to its mark by a line. */
const JOINED = 22;

/** What each thing that a label would lie on costs. It gives way to whatever costs more; a place further off in the row costs 1. */
const COST = { label: 2000, ownStroke: 600, stroke: 200, kept: 150 };

/**
 * Lays the labels of marks: beside their mark, inside the pane, and off each other, the lines of marks and what is `kept` free, as
 * far as there is room. In the order of the marks, so that one that is drawn later moves none before it. Null for a mark without
 * words, and for one that is out of sight: at the edge its numbers would seem to belong to what is there.
 */
export function layLabels(marks: readonly Labelled[], pane: Size, kept: readonly Box[] = []): (Label | null)[] {
  const outlines = marks.map(({ strokes }) => ({ strokes, around: boxAround(strokes.flat()) }));
  const laid: Box[] = [];
  return marks.map(({ lines }, own) => {
    const seen = visible(outlines[own]!.around, pane);
    if (lines.length === 0 || !seen) return null;
    const size = { width: Math.max(...lines.map(lineWidth)), height: lines.length * LINE };

    /** What a place costs, reckoned until it costs as much as the best one so far: it is not taken then. */
    const costOf = (box: Box, cost: number, most: number): number => {
      const wide = grown(box, MARGIN);
      for (const other of laid) if (meet(wide, other)) cost += COST.label + area(wide, other);
      for (const other of kept) if (meet(box, other)) cost += COST.kept;
      for (const [i, { strokes, around }] of outlines.entries()) {
        if (cost >= most) break;
        if (around && meet(wide, around) && strokes.some((stroke) => crosses(stroke, wide))) cost += i === own ? COST.ownStroke : COST.stroke;
      }
      return cost;
    };

    let best: Box | null = null;
    let least = Infinity;
    let turn = 0;
    for (const at of placesAround(seen, outlines[own]!.strokes.flat(), size)) {
      if (turn >= least) break;
      const box = held(at, size, pane);
      // Pushed far by the edge, it stands beside its mark no longer.
      const pushed = Math.abs(box.left - at.x) + Math.abs(box.top - at.y);
      const cost = costOf(box, turn + pushed / 8, least);
      if (cost < least) [best, least] = [box, cost];
      turn += 1;
    }
    laid.push(best!);
    return { left: best!.left, top: best!.top, leader: leaderOf(best!, outlines[own]!.strokes) };
  });
}

/** How wide a line of text of 12 px is at most, so that no label has to be measured before it is laid. */
export function lineWidth(text: string): number {
  let width = 0;
  for (const letter of text) {
    if (/[ .,:;'|!()ijlI]/.test(letter)) width += 3.9;
    else if (/[frt]/.test(letter)) width += 5;
    else if (/[mwMW%]/.test(letter)) width += 11.8;
    else if (/[\u1100-\uffff]|[\u{10000}-\u{3ffff}]/u.test(letter)) width += 12.5;
    else if (/\p{Lu}|\d/u.test(letter)) width += 8.2;
    else width += 7;
  }
  return width;
}

/** Where words stand on an image anyway (Corners.svelte): the letters of the sides, and the blocks in the corners as they usually are. */
export function wordsAtEdges({ width, height }: Size): Box[] {
  const [x, y] = [width / 2, height / 2];
  return [
    { left: 10, top: y - 10, right: 32, bottom: y + 10 },
    { left: width - 32, top: y - 10, right: width - 10, bottom: y + 10 },
    { left: x - 12, top: 8, right: x + 12, bottom: 28 },
    { left: x - 12, top: height - 28, right: x + 12, bottom: height - 8 },
    { left: 0, top: 0, right: 150, bottom: 66 },
    { left: width - 90, top: 0, right: width, bottom: 48 },
    { left: 0, top: height - 48, right: 190, bottom: height },
    { left: width - 150, top: height - 48, right: width, bottom: height },
  ];
}

/** Upper left corners of a label beside a mark, the wonted one first: right of the point that lies furthest to the right. */
function* placesAround(box: Box, points: readonly Point[], { width, height }: Size): Generator<Point> {
  const right = points.reduce((most, p) => (p.x > most.x ? p : most)).y - height / 2;
  const left = points.reduce((most, p) => (p.x < most.x ? p : most)).y - height / 2;
  const across = [(box.left + box.right - width) / 2, box.left, box.right - width];
  for (const far of DISTANCES) {
    for (const y of [right, box.top, box.bottom - height]) yield { x: box.right + far, y };
    for (const y of [left, box.top, box.bottom - height]) yield { x: box.left - far - width, y };
    for (const x of across) yield { x, y: box.bottom + far };
    for (const x of across) yield { x, y: box.top - far - height };
  }
}

/** A label held inside the pane; one that is larger than the pane begins at its upper left. */
function held({ x, y }: Point, { width, height }: Size, pane: Size): Box {
  const left = Math.max(MARGIN, Math.min(x, pane.width - MARGIN - width));
  const top = Math.max(MARGIN, Math.min(y, pane.height - MARGIN - height));
  return { left, top, right: left + width, bottom: top + height };
}

function boxAround(points: readonly Point[]): Box | null {
  if (points.length === 0) return null;
  const [xs, ys] = [points.map((p) => p.x), points.map((p) => p.y)];
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

/** The part of a mark's box that the pane shows. */
function visible(box: Box | null, pane: Size): Box | null {
  if (!box || box.right < 0 || box.bottom < 0 || box.left > pane.width || box.top > pane.height) return null;
  return { left: Math.max(0, box.left), top: Math.max(0, box.top), right: Math.min(pane.width, box.right), bottom: Math.min(pane.height, box.bottom) };
}

const grown = (box: Box, by: number): Box => ({ left: box.left - by, top: box.top - by, right: box.right + by, bottom: box.bottom + by });

const meet = (a: Box, b: Box): boolean => a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;

const area = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));

/** Whether a row of points runs through a box. */
function crosses(stroke: readonly Point[], box: Box): boolean {
  if (stroke.length === 1) return passes(stroke[0]!, stroke[0]!, box);
  for (let i = 1; i < stroke.length; i++) if (passes(stroke[i - 1]!, stroke[i]!, box)) return true;
  return false;
}

/** Whether a line has a part in a box (Liang and Barsky: the box leaves of the line what lies between all four of its edges). */
function passes(a: Point, b: Point, box: Box): boolean {
  // Most lines lie wholly on one side of it.
  if ((a.x < box.left && b.x < box.left) || (a.x > box.right && b.x > box.right) || (a.y < box.top && b.y < box.top) || (a.y > box.bottom && b.y > box.bottom)) return false;
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  let [from, to] = [0, 1];
  for (const [step, room] of [[-dx, a.x - box.left], [dx, box.right - a.x], [-dy, a.y - box.top], [dy, box.bottom - a.y]] as const) {
    if (step === 0) {
      if (room < 0) return false;
    } else if (step < 0) from = Math.max(from, room / step);
    else to = Math.min(to, room / step);
  }
  return from <= to;
}

/** From the edge of a label to the nearest point of its mark. */
function leaderOf(box: Box, strokes: readonly Point[][]): [Point, Point] | null {
  const middle = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
  let nearest: [Point, Point] | null = null;
  let least = Infinity;
  for (const stroke of strokes) {
    for (let i = Math.min(1, stroke.length - 1); i < stroke.length; i++) {
      const on = nearestOn(stroke[Math.max(0, i - 1)]!, stroke[i]!, middle);
      const edge = { x: Math.min(box.right, Math.max(box.left, on.x)), y: Math.min(box.bottom, Math.max(box.top, on.y)) };
      const far = Math.hypot(on.x - edge.x, on.y - edge.y);
      if (far < least) [nearest, least] = [[edge, on], far];
    }
  }
  return least > JOINED ? nearest : null;
}

function nearestOn(a: Point, b: Point, to: Point): Point {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const long = dx * dx + dy * dy;
  const part = long === 0 ? 0 : Math.min(1, Math.max(0, ((to.x - a.x) * dx + (to.y - a.y) * dy) / long));
  return { x: a.x + part * dx, y: a.y + part * dy };
}
