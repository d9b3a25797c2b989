import { expect, test } from "vitest";
import { BINS, claheTables, TILES } from "./clahe";

const SIDE = 64;
const image = (gray: (x: number, y: number) => number) => Uint8Array.from({ length: SIDE * SIDE }, (_, i) => gray(i % SIDE, Math.floor(i / SIDE)));
const table = (tables: Uint8Array, across: number, down: number) => tables.subarray((down * TILES + across) * BINS, (down * TILES + across + 1) * BINS);

test("every table rises, from dark to bright", () => {
  const tables = claheTables(image((x, y) => (x * 7 + y * 13) % 256), SIDE, SIDE);
  expect(tables.length).toBe(TILES * TILES * BINS);
  for (let tile = 0; tile < TILES * TILES; tile++) {
    const one = tables.subarray(tile * BINS, (tile + 1) * BINS);
    for (let bin = 1; bin < BINS; bin++) expect(one[bin]).toBeGreaterThanOrEqual(one[bin - 1]!);
    expect(one[BINS - 1]).toBe(255);
  }
});

test("little contrast is spread, but never past the limit", () => {
  const tables = claheTables(image((x) => 120 + (x % 8)), SIDE, SIDE);
  const one = table(tables, 3, 3);
  const spread = one[127]! - one[119]!;
  expect(spread).toBeGreaterThan(8);
  // Eight levels at the clip limit, and the share of all that was clipped.
  expect(spread).toBeLessThanOrEqual(Math.ceil(8 * (2.5 + 1)));
});

test("tiles are equalised each by itself", () => {
  const tables = claheTables(image((x) => (x < SIDE / 2 ? 40 : 200)), SIDE, SIDE);
  expect(table(tables, 0, 0)[100]).toBeGreaterThan(table(tables, 7, 0)[100]!);
});

test("an empty tile leaves gray as it is", () => {
  expect(table(claheTables(new Uint8Array(4), 2, 2), 0, 0)[77]).toBe(77);
});
