import type { Annotation, AnnotationKind, ImageView } from "../../ipc";
import type { Point } from "./view";

/** What millimetres rest on; null where the file says nothing of its pixels' size. */
export interface Spacing {
  /** Millimetres between rows (down) and between columns (across). */
  row: number;
  column: number;
  source: "imager" | "calibrated";
}

/** Statistics of a region in the image's own units. */
export interface RegionStatistics {
  mean: number;
  deviation: number;
  min: number;
  max: number;
  pixels: number;
}

export interface Measurement {
  /** As shown beside the mark. */
  lines: string[];
  /** The numbers that may stand in a report, as the report's checks read them: "148 mm", "0.56". */
  measured: string[];
  /** One sentence for the report. */
  sentence: string;
}

/** How many points make a mark of each kind; a line is two of them. */
export const POINTS: Record<AnnotationKind, number> = { length: 2, angle: 3, cobb: 4, ctr: 4, rectangle: 2, ellipse: 2, arrow: 2, text: 1 };

export const NAMES: Record<AnnotationKind, string> = {
  length: "Length",
  angle: "Angle",
  cobb: "Cobb angle",
  ctr: "Cardiothoracic ratio",
  rectangle: "Rectangle",
  ellipse: "Ellipse",
  arrow: "Arrow",
  text: "Text",
};

/** The size of an image's pixels, as the shell has chosen it from the file's two spacings (workflow/src/reading.rs). */
export function spacingOf({ spacing, spacingSource }: Pick<ImageView, "spacing" | "spacingSource">): Spacing | null {
  return spacing && { row: spacing[0], column: spacing[1], source: spacingSource === "calibrated" ? "calibrated" : "imager" };
}

/** What the millimetres of an image rest on, in words. */
export function spacingWords(spacing: Spacing | null): string {
  if (!spacing) return "spacing unknown, pixels only";
  return spacing.source === "imager" ? "mm at the detector (Imager Pixel Spacing): the body is magnified" : "mm by Pixel Spacing (calibrated)";
}

/** The same behind the millimetres of a sentence, whose reader has no list of marks beside it. */
function basis(spacing: Spacing): string {
  return spacing.source === "imager" ? "(at the detector)" : "(calibrated)";
}

/** Distance in millimetres, or in pixels where the spacing is unknown. */
export function distance(a: Point, b: Point, spacing: Spacing | null): number {
  return Math.hypot((b.x - a.x) * (spacing?.column ?? 1), (b.y - a.y) * (spacing?.row ?? 1));
}

/** Between two directions, 0 to 180 degrees; pixels that are no squares are reckoned with. */
function between(a: Point, b: Point, spacing: Spacing | null): number {
  const [across, down] = [spacing?.column ?? 1, spacing?.row ?? 1];
  const [ax, ay, bx, by] = [a.x * across, a.y * down, b.x * across, b.y * down];
  return (Math.abs(Math.atan2(ax * by - ay * bx, ax * bx + ay * by)) * 180) / Math.PI;
}

const from = (a: Point, b: Point): Point => ({ x: b.x - a.x, y: b.y - a.y });

/** Whole millimetres from ten on, tenths below: a pixel is some tenths of a millimetre. */
export function millimetres(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} mm`;
}

/** A value of pixels in the image's own units: hundredths only where it is small and no whole number. */
export function valueText(value: number): string {
  return Math.abs(value) < 10 && !Number.isInteger(value) ? value.toFixed(2) : Math.round(value).toString();
}

function lengthText(value: number, spacing: Spacing | null): string {
  return spacing ? millimetres(value) : `${Math.round(value)} px`;
}

const nothing: Measurement = { lines: [], measured: [], sentence: "" };

/** What a mark measures. Points that are still missing measure nothing. */
export function measure(
  kind: AnnotationKind,
  points: readonly Point[],
  spacing: Spacing | null,
  statistics: RegionStatistics | null = null,
  units: string | null = null,
): Measurement {
  const [a, b, c, d] = points;
  switch (kind) {
    case "length": {
      if (!a || !b) return nothing;
      const text = lengthText(distance(a, b, spacing), spacing);
      return spacing ? { lines: [text], measured: [text], sentence: `Measured length ${text} ${basis(spacing)}.` } : { lines: [text], measured: [], sentence: "" };
    }
    case "angle": {
      if (!a || !b || !c) return nothing;
      return degrees(between(from(b, a), from(b, c), spacing), "Measured angle");
    }
    case "cobb": {
      if (!a || !b || !c || !d) return nothing;
      const angle = between(from(a, b), from(c, d), spacing);
      // Which way along an end plate a line was drawn says nothing.
      return degrees(Math.min(angle, 180 - angle), "Measured Cobb angle");
    }
    case "ctr": {
      if (!a || !b) return nothing;
      const heart = distance(a, b, spacing);
      if (!c || !d) return { ...nothing, lines: [`Heart ${lengthText(heart, spacing)}`] };
      const thorax = distance(c, d, spacing);
      if (thorax === 0) return nothing;
      const ratio = (heart / thorax).toFixed(2);
      return {
        lines: [`CTR ${ratio}`, `Heart ${lengthText(heart, spacing)}, thorax ${lengthText(thorax, spacing)}`],
        // A ratio of two lengths on one detector needs no spacing.
        measured: spacing ? [ratio, millimetres(heart), millimetres(thorax)] : [ratio],
        sentence: `Cardiothoracic ratio ${ratio}.`,
      };
    }
    case "rectangle":
    case "ellipse": {
      if (!a || !b) return nothing;
      const [width, height] = [Math.abs(b.x - a.x), Math.abs(b.y - a.y)];
      const share = kind === "ellipse" ? Math.PI / 4 : 1;
      const area = width * height * share * (spacing ? spacing.row * spacing.column : 1);
      const areaText = spacing ? (area >= 100 ? `${(area / 100).toFixed(1)} cm²` : `${area.toFixed(1)} mm²`) : `${Math.round(area)} px²`;
      const sides = spacing ? `${millimetres(width * spacing.column)} × ${millimetres(height * spacing.row)}` : "";
      const unit = units ? ` ${units}` : "";
      const lines = [`Area ${areaText}${sides && `, ${sides}`}`];
      if (statistics) {
        lines.push(`Mean ${valueText(statistics.mean)}${unit}, SD ${valueText(statistics.deviation)}`, `Min ${valueText(statistics.min)}, max ${valueText(statistics.max)}`);
      }
      const measured = spacing ? [millimetres(width * spacing.column), millimetres(height * spacing.row)] : [];
      return { lines, measured, sentence: spacing ? `Measured ${measured[0]} by ${measured[1]} ${basis(spacing)}.` : "" };
    }
    default:
      return nothing;
  }
}

/** What is kept with a mark: its numbers, and what its millimetres rest on where it has any. */
export function keptOf(kind: AnnotationKind, points: readonly Point[], spacing: Spacing | null): Pick<Annotation, "measured" | "spacing"> {
  const { measured } = measure(kind, points, spacing);
  return { measured, spacing: measured.some((value) => value.endsWith(" mm")) ? (spacing?.source ?? null) : null };
}

function degrees(angle: number, name: string): Measurement {
  const text = `${angle.toFixed(angle < 10 ? 1 : 0)}°`;
  return { lines: [text], measured: [text], sentence: `${name} ${text}.` };
}

/** The smallest box of whole pixels around a region, cut off at the image's edges. */
export function boxOf(a: Point, b: Point, image: { width: number; height: number }): { x: number; y: number; width: number; height: number } {
  const x = Math.max(0, Math.floor(Math.min(a.x, b.x)));
  const y = Math.max(0, Math.floor(Math.min(a.y, b.y)));
  const right = Math.min(image.width, Math.ceil(Math.max(a.x, b.x)));
  const bottom = Math.min(image.height, Math.ceil(Math.max(a.y, b.y)));
  return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
}

/**
 * Statistics of the pixels whose middle lies in the region. `texels` are those of `box`, row by
 * row; the deviation is that of the population. Null where no pixel's middle lies within.
 */
export function statisticsOf(
  kind: "rectangle" | "ellipse",
  a: Point,
  b: Point,
  box: { x: number; y: number; width: number; height: number },
  texels: ArrayLike<number>,
  rescale: { slope: number; intercept: number },
): RegionStatistics | null {
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  const half = { x: Math.abs(b.x - a.x) / 2, y: Math.abs(b.y - a.y) / 2 };
  let [pixels, mean, squares, min, max] = [0, 0, 0, Infinity, -Infinity];
  for (let row = 0; row < box.height; row++) {
    const v = (box.y + row + 0.5 - middle.y) / half.y;
    for (let column = 0; column < box.width; column++) {
      const u = (box.x + column + 0.5 - middle.x) / half.x;
      if (kind === "ellipse" ? u * u + v * v > 1 : Math.abs(u) > 1 || Math.abs(v) > 1) continue;
      const texel = texels[row * box.width + column]!;
      // Welford's recurrence keeps its precision over millions of large values.
      pixels += 1;
      const off = texel - mean;
      mean += off / pixels;
      squares += off * (texel - mean);
      if (texel < min) min = texel;
      if (texel > max) max = texel;
    }
  }
  if (pixels === 0) return null;
  const { slope, intercept } = rescale;
  const ends = [min * slope + intercept, max * slope + intercept];
  return {
    mean: mean * slope + intercept,
    deviation: Math.sqrt(squares / pixels) * Math.abs(slope),
    min: Math.min(...ends),
    max: Math.max(...ends),
    pixels,
  };
}
