import { describe, expect, test } from "vitest";
import type { PixelDescription } from "../../ipc";
import { fit, heldToImage, linear, opposite, panStep, sideLetters, toImage, toPane, zoomedAt, zoomStep, ZOOM_LIMITS, type View } from "./view";
import { brightness, dragged, fileVoi, fullRange, percentiles, presetsOf, throughTable, windowOf, windowStep } from "./window";

const image = (more: Partial<PixelDescription> = {}): PixelDescription => ({
  rows: 2,
  columns: 3,
  kind: "gray16",
  slope: 1,
  intercept: 0,
  min: 0,
  max: 4095,
  inverted: false,
  windows: [],
  voi_function: "linear",
  voi_lut: null,
  voi_lut_first: null,
  units: null,
  ...more,
});

describe("windows", () => {
  // PS3.3 C.11.2.1.2.1, note: center 2048 and width 4096 map 0 to black and 4095 to white.
  test.each([
    ["linear", 0, 2048, 4096, 0],
    ["linear", 4095, 2048, 4096, 1],
    ["linear", 2047.5, 2048, 4096, 0.5],
    ["linear", -100, 2048, 4096, 0],
    ["linear", 9999, 2048, 4096, 1],
    ["linear", 2047, 2048, 1, 0],
    ["linear", 2047.5, 2048, 1, 0],
    ["linear", 2048, 2048, 1, 1],
    ["linear_exact", 0, 2048, 4096, 0],
    ["linear_exact", 2048, 2048, 4096, 0.5],
    ["linear_exact", 4096, 2048, 4096, 1],
    ["sigmoid", 2048, 2048, 4096, 0.5],
    ["sigmoid", 4096, 2048, 4096, 1 / (1 + Math.exp(-2))],
  ] as const)("%s: %d in %d/%d", (how, value, center, width, wanted) => {
    expect(brightness(value, { center, width }, how)).toBeCloseTo(wanted, 9);
  });

  test.each([
    [-5, 10],
    [100, 10],
    [101, 20],
    [102, 255],
    [900, 255],
  ])("%d through a table from 100", (value, wanted) => {
    expect(throughTable(value, [10, 20, 255], 100) * 65535).toBeCloseTo(wanted);
  });

  test("the file's table comes first, then its window, then the full range", () => {
    const windows = [{ center: 1, width: 2, explanation: "NORMAL", computed: false }];
    expect(fileVoi(image({ windows, voi_lut: [1, 2], voi_lut_first: 0 })).kind).toBe("table");
    expect(fileVoi(image({ windows }))).toMatchObject({ window: { center: 1, width: 2 }, name: "NORMAL" });
    expect(fileVoi(image())).toMatchObject({ window: fullRange(image()), name: "Full range" });
  });

  test("dragging out of a table starts at its input range", () => {
    const table = image({ voi_lut: new Array(1000).fill(0), voi_lut_first: 500 });
    expect(windowOf({ kind: "table", name: "" }, table)).toEqual({ center: 999.5, width: 999 });
  });

  test("percentiles leave out the very ends", () => {
    const texels = [0, 0, 0, 0, 10, 20, 30, 40, 100, 100, 100];
    expect(percentiles(texels, 0, 100, [0.25, 0.5, 1])).toEqual([10, 20, 40]);
    expect(percentiles([7, 7], 7, 7, [0.5])).toEqual([7]);
  });

  test("the lung window lies where the image is dark, also when it is inverted", () => {
    const texels = Uint16Array.from({ length: 4000 }, (_, i) => i);
    const plain = presetsOf(image(), texels);
    const inverted = presetsOf(image({ inverted: true }), texels);
    expect(plain.lung.center).toBeLessThan(plain.bone.center);
    expect(inverted.lung.center).toBeGreaterThan(inverted.bone.center);
  });

  test("a drag right widens, a drag down moves the centre, and the width stays positive", () => {
    const start = { center: 100, width: 50 };
    expect(dragged(start, 10, 0, 900, false)).toEqual({ center: 100, width: 60 });
    expect(dragged(start, 0, 10, 900, false)).toEqual({ center: 110, width: 50 });
    expect(dragged(start, 0, 10, 900, true)).toEqual({ center: 90, width: 50 });
    expect(dragged(start, -1000, 0, 900, false).width).toBe(1);
  });

  test.each([
    [1, 0, false, 100, 220],
    [-1, 0, false, 100, 200 / 1.1],
    [0, 1, false, 90, 200],
    [0, -1, false, 110, 200],
    // Where high values are shown dark, brighter is towards them.
    [0, 1, true, 110, 200],
  ] as const)("a key's step, wider %d, brighter %d, inverted %s: level %d, width %d", (wider, brighter, inverted, center, width) => {
    const next = windowStep({ center: 100, width: 200 }, wider, brighter, 4000, inverted);
    expect(next.center).toBeCloseTo(center);
    expect(next.width).toBeCloseTo(width);
  });

  test("a step brighter makes a pixel brighter, and a step back leaves it as it was", () => {
    const start = { center: 2000, width: 800 };
    const brighter = windowStep(start, 0, 1, 4095, false);
    expect(brightness(2000, brighter, "linear")).toBeGreaterThan(brightness(2000, start, "linear"));
    expect(windowStep(brighter, 0, -1, 4095, false)).toEqual(start);
  });

  test("a key that is held leaves the width between one and four times the range; a wider one of the file's stays", () => {
    let [narrow, wide] = [{ center: 0, width: 100 }, { center: 0, width: 100 }];
    for (let n = 0; n < 200; n++) [narrow, wide] = [windowStep(narrow, -1, 0, 1000, false), windowStep(wide, 1, 0, 1000, false)];
    expect([narrow.width, wide.width]).toEqual([1, 4000]);
    expect(windowStep({ center: 0, width: 9000 }, 1, 0, 1000, false).width).toBe(9000);
  });
});

describe("the view", () => {
  const size = { width: 3000, height: 2000 };
  const pane = { width: 900, height: 800 };
  const views: View[] = ([0, 1, 2, 3] as const).flatMap((turns) =>
    [false, true].map((flipped) => ({ zoom: 0.37, pan: { x: 31, y: -12 }, turns, flipped })),
  );

  test.each(views)("pane and image agree: %o", (view) => {
    const back = toImage(view, size, pane, toPane(view, size, pane, { x: 123, y: 456 }));
    expect(back.x).toBeCloseTo(123);
    expect(back.y).toBeCloseTo(456);
  });

  test.each(views)("zooming keeps the place under the cursor: %o", (view) => {
    const at = { x: 200, y: 650 };
    const before = toImage(view, size, pane, at);
    const after = toImage(zoomedAt(view, pane, at, 1.7), size, pane, at);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  test.each(views)("a key's step zooms about the middle of the pane, and back: %o", (view) => {
    const middle = { x: pane.width / 2, y: pane.height / 2 };
    const nearer = zoomStep(view, pane, 1);
    expect(nearer.zoom).toBeGreaterThan(view.zoom);
    const [before, after] = [toImage(view, size, pane, middle), toImage(nearer, size, pane, middle)];
    expect([after.x, after.y]).toEqual([expect.closeTo(before.x), expect.closeTo(before.y)]);
    expect(zoomStep(nearer, pane, -1).zoom).toBeCloseTo(view.zoom);
    expect(zoomStep({ ...view, zoom: ZOOM_LIMITS.most }, pane, 1).zoom).toBe(ZOOM_LIMITS.most);
  });

  test.each(views)("a key's step moves the image on the screen, however it is turned: %o", (view) => {
    const at = { x: 1000, y: 700 };
    const [before, right, up] = [view, panStep(view, pane, 1, 0), panStep(view, pane, 0, -1)].map((v) => toPane(v, size, pane, at));
    expect([right!.x - before!.x, right!.y - before!.y]).toEqual([expect.closeTo(64), expect.closeTo(0)]);
    expect([up!.x - before!.x, up!.y - before!.y]).toEqual([expect.closeTo(0), expect.closeTo(-64)]);
  });

  test("a point beside the image is held to its edge", () => {
    const view = fit(size, pane);
    expect(heldToImage(view, size, pane, { x: 450, y: -50 })).toEqual({ x: 1500, y: 0 });
    expect(heldToImage(view, size, pane, { x: 450, y: 400 })).toEqual({ x: 1500, y: 1000 });
  });

  test("a fitted image touches two edges", () => {
    expect(fit(size, pane).zoom).toBeCloseTo(0.3);
    expect(fit(size, pane, 1).zoom).toBeCloseTo(800 / 3000);
  });

  test("a quarter turn brings the right edge down", () => {
    const [a, b] = linear({ zoom: 1, pan: { x: 0, y: 0 }, turns: 1, flipped: false });
    expect([a, b]).toEqual([0, 1]);
  });

  test.each([
    [0, false, "R", "L", "H", "F"],
    [1, false, "F", "H", "R", "L"],
    [2, false, "L", "R", "F", "H"],
    [0, true, "L", "R", "H", "F"],
    [1, true, "F", "H", "L", "R"],
  ] as const)("letters after %d turns, flipped %s", (turns, flipped, left, right, top, bottom) => {
    expect(sideLetters(["L", "F"], { turns, flipped })).toEqual({ left, right, top, bottom });
  });

  test("no letters where the file says nothing", () => {
    expect(sideLetters([], { turns: 0, flipped: false })).toBeNull();
    expect(opposite("LF")).toBe("RH");
  });
});
