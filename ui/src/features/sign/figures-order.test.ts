import { beforeEach, expect, test, vi } from "vitest";
import type { FigureChoice } from "../../ipc";
import { toggled } from "./figures";

let kept: FigureChoice;
let full = false;
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    figures: async () => kept,
    setFigures: async (_: string, choice: FigureChoice) => {
      if (full) throw new Error("no room");
      return (kept = choice);
    },
  },
}));

const { Figures } = await import("./figures.svelte");

beforeEach(() => {
  kept = { images: [], measurements: [] };
  full = false;
});

/** Ticks images one after the other, faster than the shell answers. */
async function ticked(...images: string[]): Promise<InstanceType<typeof Figures>> {
  const figures = new Figures("r");
  await figures.read();
  await Promise.all(images.map((image) => figures.set({ ...figures.choice!, images: toggled(figures.choice!.images, image) })));
  return figures;
}

test("of two images ticked at once, both are printed", async () => {
  const figures = await ticked("1", "2");
  expect([figures.choice?.images, kept.images]).toEqual([["1", "2"], ["1", "2"]]);
});

test("a choice that could not be kept is not shown as chosen", async () => {
  full = true;
  const figures = await ticked("1", "2");
  expect(figures.choice?.images).toEqual([]);
  expect(figures.failed).not.toBeNull();
});
