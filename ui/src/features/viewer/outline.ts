import type { AnnotationKind } from "../../ipc";
import type { Point } from "./view";

/**
 * The lines that a mark is drawn with, in the pane: each a row of points. `points` are those of the mark on its image, and `place`
 * says where a point of the image lies in the pane. A mark of one point is that point.
 */
export function strokesOf(kind: AnnotationKind, points: readonly Point[], place: (point: Point) => Point): Point[][] {
  const at = points.map(place);
  const [a, b, c, d] = at;
  if (!a || !b) return a ? [[a]] : [];
  switch (kind) {
    case "angle":
      return [c ? [a, b, c] : [a, b]];
    case "cobb":
      // A line between the middles, so that the eye sees which two belong together.
      return c && d ? [[a, b], [c, d], [middle(a, b), middle(c, d)]] : [[a, b]];
    case "ctr":
      return c && d ? [[a, b], [c, d]] : [[a, b]];
    case "arrow": {
      const back = Math.atan2(a.y - b.y, a.x - b.x);
      const barb = (turn: number) => ({ x: b.x + 11 * Math.cos(back + turn), y: b.y + 11 * Math.sin(back + turn) });
      return [[a, b], [barb(0.45), b, barb(-0.45)]];
    }
    case "rectangle":
    case "ellipse": {
      // The corners turn with the image; an ellipse is drawn as its outline in the image.
      const [from, to] = points as [Point, Point];
      const outline = (kind === "rectangle" ? cornersOf(from, to) : roundOf(from, to)).map(place);
      return [[...outline, outline[0]!]];
    }
    default:
      return [[a, b]];
  }
}

/** What an SVG path draws them with. */
export function pathOf(strokes: readonly Point[][]): string {
  return strokes.map((stroke) => stroke.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("")).join("");
}

const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

const cornersOf = (a: Point, b: Point): Point[] => [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];

const roundOf = (a: Point, b: Point): Point[] =>
  Array.from({ length: 64 }, (_, i) => {
    const turn = (i * Math.PI) / 32;
    return { x: (a.x + b.x) / 2 + (Math.abs(b.x - a.x) / 2) * Math.cos(turn), y: (a.y + b.y) / 2 + (Math.abs(b.y - a.y) / 2) * Math.sin(turn) };
  });
