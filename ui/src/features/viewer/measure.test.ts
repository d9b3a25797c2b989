import { expect, test } from "vitest";
import type { Annotation, AnnotationKind } from "../../ipc";
import { History } from "./history";
import { boxOf, measure, millimetres, spacingWords, statisticsOf, type Spacing } from "./measure";
import type { Point } from "./view";

const p = (...numbers: number[]): Point[] => Array.from({ length: numbers.length / 2 }, (_, i) => ({ x: numbers[2 * i]!, y: numbers[2 * i + 1]! }));
const square: Spacing = { row: 0.2, column: 0.2, source: "imager" };
const tall: Spacing = { row: 0.4, column: 0.2, source: "calibrated" };

test.each<[AnnotationKind, Point[], Spacing | null, string, string[]]>([
  ["length", p(0, 0, 300, 400), square, "100 mm", ["100 mm"]],
  ["length", p(0, 0, 300, 400), null, "500 px", []],
  ["length", p(0, 0, 0, 100), tall, "40 mm", ["40 mm"]],
  ["length", p(0, 0, 24, 7), square, "5.0 mm", ["5.0 mm"]],
  ["length", p(0, 0), square, "", []],
  ["angle", p(10, 0, 0, 0, 0, 10), null, "90°", ["90°"]],
  ["angle", p(10, 0, 0, 0, 10, 10), tall, "63°", ["63°"]],
  ["angle", p(10, 0, 0, 0), null, "", []],
  ["cobb", p(0, 0, 10, 0, 0, 50, 10, 60), null, "45°", ["45°"]],
  ["cobb", p(0, 0, 10, 0, 10, 60, 0, 50), null, "45°", ["45°"]],
  ["cobb", p(0, 0, 10, 0, 10, 50, 0, 50), null, "0.0°", ["0.0°"]],
  ["ctr", p(100, 50, 840, 50, 0, 90, 1310, 90), square, "CTR 0.56", ["0.56", "148 mm", "262 mm"]],
  ["ctr", p(100, 50, 840, 50, 0, 90, 1310, 90), null, "CTR 0.56", ["0.56"]],
  ["ctr", p(100, 50, 840, 50), square, "Heart 148 mm", []],
  ["ctr", p(100, 50, 840, 50, 3, 3, 3, 3), square, "", []],
  ["rectangle", p(0, 0, 100, 50), square, "Area 2.0 cm², 20 mm × 10 mm", ["20 mm", "10 mm"]],
  ["ellipse", p(0, 0, 20, 20), square, "Area 12.6 mm², 4.0 mm × 4.0 mm", ["4.0 mm", "4.0 mm"]],
  ["ellipse", p(0, 0, 20, 20), null, "Area 314 px²", []],
  ["arrow", p(0, 0, 20, 20), square, "", []],
])("%s %o", (kind, points, spacing, line, measured) => {
  const found = measure(kind, points, spacing);
  expect(found.lines[0] ?? "").toBe(line);
  expect(found.measured).toEqual(measured);
  // A sentence for the report holds no number that was not measured.
  for (const number of found.sentence.match(/\d+(\.\d+)?( mm|°)?/g) ?? []) expect(found.measured).toContain(number);
});

test("millimetres have a tenth below ten", () => expect([millimetres(9.96), millimetres(9.4), millimetres(10.4)]).toEqual(["10.0 mm", "9.4 mm", "10 mm"]));

test("the spacing's kind is said", () => {
  expect(spacingWords(square)).toContain("detector");
  expect(spacingWords(tall)).toContain("calibrated");
  expect(spacingWords(null)).toContain("unknown");
});

test("a region is read within the image", () => {
  expect(boxOf({ x: 30, y: 40 }, { x: -5, y: 10.5 }, { width: 20, height: 50 })).toEqual({ x: 0, y: 10, width: 20, height: 30 });
  expect(boxOf({ x: 30, y: 40 }, { x: 35, y: 45 }, { width: 20, height: 20 })).toMatchObject({ width: 0, height: 0 });
});

test("statistics are of the pixels whose middle lies within, in modality units", () => {
  const box = { x: 2, y: 2, width: 4, height: 4 };
  const texels = Array.from({ length: 16 }, (_, i) => i);
  const rescale = { slope: 2, intercept: -10 };
  const all = statisticsOf("rectangle", { x: 2, y: 2 }, { x: 6, y: 6 }, box, texels, rescale)!;
  expect(all).toMatchObject({ mean: 5, min: -10, max: 20, pixels: 16 });
  expect(all.deviation).toBeCloseTo(2 * Math.sqrt((16 * 16 - 1) / 12), 9);
  // The corners of a 4 x 4 square lie outside its circle.
  const round = statisticsOf("ellipse", { x: 2, y: 2 }, { x: 6, y: 6 }, box, texels, rescale)!;
  expect(round).toMatchObject({ pixels: 12, min: -8, max: 18, mean: 5 });
  expect(statisticsOf("rectangle", { x: 2, y: 2 }, { x: 6, y: 6 }, box, texels, { slope: -1, intercept: 0 })).toMatchObject({ min: -15, max: 0 });
  expect(statisticsOf("ellipse", { x: 2.1, y: 2.1 }, { x: 2.2, y: 2.2 }, { x: 2, y: 2, width: 1, height: 1 }, [7], rescale)).toBeNull();
});

test("changes are taken back in order, and a new one ends what could be done again", () => {
  const mark = (id: string) => ({ id }) as Annotation;
  const history = new History(2);
  expect(history.undo()).toBeNull();
  history.add({ before: null, after: mark("lost") });
  history.add({ before: null, after: mark("a") });
  history.add({ before: mark("a"), after: null });
  expect(history.undo()).toEqual({ before: null, after: mark("a") });
  expect(history.redo()).toEqual({ before: mark("a"), after: null });
  history.undo();
  expect(history.undo()).toEqual({ before: mark("a"), after: null });
  expect(history.undo()).toBeNull();
  history.add({ before: null, after: mark("b") });
  expect(history.redo()).toBeNull();
});
