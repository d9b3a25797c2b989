import { expect, test } from "vitest";
import type { EvidenceMap } from "../../ipc";
import { mapPixels, mapStyle, strongest } from "./map";
import { fit, toPane, type Size, type View } from "./view";

const image: Size = { width: 1000, height: 1200 };
const pane: Size = { width: 500, height: 500 };

/** A map of 4 x 4 patches over a square that is padded left and right. */
function map(values: number[]): EvidenceMap {
  const placement = { left: -100, top: 0, size: 1200, rows: 1200, columns: 1000 };
  const head = { side: 4, min: Math.min(...values), max: Math.max(...values), placement, finding: "edema", packId: "p", demo: true };
  return { head, values: Float32Array.from(values) };
}
const rising = map(Array.from({ length: 16 }, (_, i) => i / 15));

test("the least is transparent and the most is opaque", () => {
  const pixels = mapPixels(rising);
  expect([pixels[3], pixels[15 * 4 + 3], pixels[5 * 4 + 3]]).toEqual([0, 255, 85]);
});

test("an even map shows nothing and points nowhere", () => {
  const even = map(Array<number>(16).fill(0.2));
  expect([...mapPixels(even)].filter((_, i) => i % 4 === 3)).toEqual(Array(16).fill(0));
  expect(strongest(even, image)).toBeNull();
});

test("the strongest patch is looked for on the image alone", () => {
  const values = Array<number>(16).fill(0);
  values[0] = 0.9;
  values[6] = 0.5;
  expect(strongest(map(values), image)).toEqual({ x: 50, y: 150 });
  const padded = map(values);
  padded.head.placement.left = -400;
  expect(strongest(padded, image)).toEqual({ x: 350, y: 450 });
});

test.each<[string, Partial<View>]>([
  ["fitted", {}],
  ["turned", { turns: 1 }],
  ["mirrored and moved", { flipped: true, pan: { x: 30, y: -40 } }],
  ["enlarged and turned over", { zoom: 2.5, turns: 2, flipped: true }],
])("a point of the map lies on the point of the image it is of: %s", (_, change) => {
  const view = { ...fit(image, pane), ...change };
  const { transform, clip } = mapStyle(rising.head, view, image, pane);
  const [a, b, c, d, e, f] = transform.slice(7, -1).split(",").map(Number) as [number, number, number, number, number, number];
  for (const [x, y] of [[0, 0], [1200, 0], [300, 900]] as const) {
    const wanted = toPane(view, image, pane, { x: x - 100, y });
    expect(a * x + c * y + e).toBeCloseTo(wanted.x);
    expect(b * x + d * y + f).toBeCloseTo(wanted.y);
  }
  expect(clip).toBe("inset(0px 100px 0px 100px)");
});
