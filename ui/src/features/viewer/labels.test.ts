import { expect, test } from "vitest";
import { layLabels, LINE, lineWidth, wordsAtEdges, type Box, type Label, type Labelled } from "./labels";
import { pathOf, strokesOf } from "./outline";
import type { Point } from "./view";

const pane = { width: 660, height: 700 };
const same = (point: Point): Point => point;
const REGION = ["Area 12.6 cm², 36 mm × 44 mm", "Mean 1804, SD 212", "Min 1200, max 2890"];

const ellipse = (x: number, y: number, width = 80, height = 60): Labelled => ({
  strokes: strokesOf("ellipse", [{ x, y }, { x: x + width, y: y + height }], same),
  lines: REGION,
});
const length = (a: [number, number], b: [number, number]): Labelled => ({
  strokes: strokesOf("length", [{ x: a[0], y: a[1] }, { x: b[0], y: b[1] }], same),
  lines: ["123 mm"],
});

const boxOf = (label: Label, { lines }: Labelled): Box => ({
  left: label.left,
  top: label.top,
  right: label.left + Math.max(...lines.map(lineWidth)),
  bottom: label.top + lines.length * LINE,
});
const apart = (a: Box, b: Box) => a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top;
const inside = (p: Point, box: Box) => p.x >= box.left && p.x <= box.right && p.y >= box.top && p.y <= box.bottom;

/** The labels as boxes; what nothing may do is checked for every one of them. */
function laid(marks: Labelled[], kept: Box[] = []): Box[] {
  const boxes = layLabels(marks, pane, kept).map((label, i) => boxOf(label!, marks[i]!));
  boxes.forEach((box, i) => {
    expect(inside({ x: box.left, y: box.top }, { left: 0, top: 0, right: pane.width, bottom: pane.height })).toBe(true);
    expect(inside({ x: box.right, y: box.bottom }, { left: 0, top: 0, right: pane.width, bottom: pane.height })).toBe(true);
    for (const other of boxes.slice(0, i)) expect(apart(box, other)).toBe(true);
    for (const { strokes } of marks) expect(strokes.flat().some((point) => inside(point, box))).toBe(false);
    for (const other of kept) expect(apart(box, other)).toBe(true);
  });
  return boxes;
}

test("a label stands right of its mark where there is room", () => {
  const [box] = laid([length([100, 300], [200, 320])]);
  expect(box).toMatchObject({ left: 210, top: 320 - LINE / 2 });
});

test.each([
  ["at the right edge", ellipse(570, 300)],
  ["in the corner", ellipse(575, 635)],
  ["as wide as the pane", ellipse(5, 300, 650, 60)],
  ["as high as the pane", ellipse(300, 5, 60, 690)],
  ["a line across the whole pane", length([2, 350], [658, 350])],
])("the numbers of a mark %s keep off its outline and stay inside", (_, mark) => {
  laid([mark]);
});

test("labels make way for each other, for the lines of other marks and for what is kept free", () => {
  laid([ellipse(200, 200), ellipse(290, 210), ellipse(200, 270), ellipse(290, 280)]);
  laid([length([100, 300], [200, 300]), length([205, 100], [230, 500])]);
  laid([length([560, 350], [600, 350])], wordsAtEdges(pane));
  laid([ellipse(20, 320), ellipse(10, 10), ellipse(560, 600), ellipse(590, 20, 60, 40)], wordsAtEdges(pane));
});

test("marks as a reader draws them on a chest all keep their numbers readable", () => {
  laid([
    { strokes: strokesOf("ctr", [{ x: 270, y: 430 }, { x: 440, y: 430 }, { x: 90, y: 500 }, { x: 570, y: 500 }], same), lines: ["CTR 0.35", "Heart 148 mm, thorax 262 mm"] },
    length([165, 175], [215, 210]),
    ellipse(405, 210),
    { strokes: strokesOf("cobb", [{ x: 285, y: 140 }, { x: 365, y: 152 }, { x: 285, y: 350 }, { x: 365, y: 320 }], same), lines: ["29°"] },
    { strokes: strokesOf("angle", [{ x: 130, y: 630 }, { x: 195, y: 575 }, { x: 280, y: 630 }], same), lines: ["106°"] },
    { strokes: strokesOf("text", [{ x: 130, y: 105 }], same), lines: ["artefact"] },
  ], wordsAtEdges(pane));
});

test("a mark that is drawn later moves no label before it", () => {
  const first = [ellipse(200, 200), length([100, 500], [200, 500])];
  const before = layLabels(first, pane);
  expect(layLabels([...first, { ...ellipse(550, 560), lines: REGION }], pane).slice(0, 2)).toEqual(before);
});

test("where there is no room at all every label still stands inside", () => {
  const marks = Array.from({ length: 30 }, (_, i) => ellipse((i % 10) * 60, Math.floor(i / 10) * 220));
  for (const [i, label] of layLabels(marks, pane).entries()) {
    const box = boxOf(label!, marks[i]!);
    expect(box.left >= 0 && box.top >= 0 && box.right <= pane.width && box.bottom <= pane.height).toBe(true);
  }
  expect(layLabels([ellipse(0, 0, 20, 20)], { width: 50, height: 30 })).toEqual([{ left: 4, top: 4, leader: null }]);
});

test("a mark without words and one out of sight have no label", () => {
  expect(layLabels([{ strokes: strokesOf("arrow", [{ x: 9, y: 9 }, { x: 90, y: 90 }], same), lines: [] }, ellipse(-300, 50), ellipse(50, 900)], pane)).toEqual([null, null, null]);
  // What of it is in sight has one beside it.
  laid([ellipse(-40, 300), ellipse(620, 500)]);
});

test("a label that stands far off is joined to its mark", () => {
  const walled = { strokes: strokesOf("rectangle", [{ x: 260, y: 260 }, { x: 380, y: 380 }], same), lines: [] };
  const [label] = layLabels([ellipse(300, 300, 40, 40), walled], pane);
  const [from, to] = label!.leader!;
  expect(from).toEqual({ x: label!.left, y: to.y });
  expect(to.x).toBeCloseTo(340, 0);
  expect(layLabels([ellipse(300, 300, 40, 40)], pane)[0]!.leader).toBeNull();
});

// As Chromium measures them in 12 px Inter with figures of one width.
test.each([
  ["Area 12.6 cm², 36 mm × 44 mm", 182.4],
  ["Heart 47 mm, thorax 129 mm", 167.7],
  ["Mean 1804, SD 212", 115.5],
  ["102°", 28.8],
  ["artefact", 44],
  ["WWWW mmmm", 93.5],
])("%s is taken for no narrower than it is drawn, and not for much wider", (text, drawn) => {
  expect(lineWidth(text)).toBeGreaterThanOrEqual(drawn);
  expect(lineWidth(text)).toBeLessThan(drawn * 1.18);
});

test("the lines of a mark", () => {
  const p = (...numbers: number[]): Point[] => Array.from({ length: numbers.length / 2 }, (_, i) => ({ x: numbers[2 * i]!, y: numbers[2 * i + 1]! }));
  expect(pathOf(strokesOf("length", p(0, 0, 10, 5), same))).toBe("M0.0 0.0L10.0 5.0");
  expect(pathOf(strokesOf("length", p(7, 8), same))).toBe("M7.0 8.0");
  expect(strokesOf("length", [], same)).toEqual([]);
  expect(strokesOf("angle", p(0, 0, 5, 5, 9, 0), same)).toEqual([p(0, 0, 5, 5, 9, 0)]);
  expect(strokesOf("ctr", p(0, 0, 5, 0, 1, 9, 6, 9), same)).toEqual([p(0, 0, 5, 0), p(1, 9, 6, 9)]);
  expect(strokesOf("cobb", p(0, 0, 4, 0, 0, 8, 4, 8), same)[2]).toEqual(p(2, 0, 2, 8));
  // A region is closed, and turned with its image.
  expect(pathOf(strokesOf("rectangle", p(0, 0, 4, 2), ({ x, y }) => ({ x: 9 - y, y: x })))).toBe("M9.0 0.0L9.0 4.0L7.0 4.0L7.0 0.0L9.0 0.0");
  expect(strokesOf("ellipse", p(0, 0, 4, 2), same)[0]!.length).toBe(65);
});
