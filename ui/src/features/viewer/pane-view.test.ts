import { expect, test } from "vitest";
import { PaneView, type Company, type Move } from "./pane-view.svelte";
import type { Linked } from "./tools.svelte";
import { fit, panned, zoomedAt, type Size } from "./view";

const image: Size = { width: 2500, height: 3000 };
const narrow: Size = { width: 400, height: 900 };
const wide: Size = { width: 800, height: 900 };
const corner = { x: 50, y: 60 };

/** A pane of two, with an image that lies as at first. */
function opened(): { view: PaneView; grow: () => void } {
  let pane = narrow;
  const view = new PaneView(() => image, () => pane);
  view.reset();
  return { view, grow: () => ((pane = wide), view.resized()) };
}

/** What a reader does to it: zooms towards a corner, pans, or shows the whole image. */
function does(view: PaneView, did: Move, company: Company): void {
  const next = did === "zoom" ? zoomedAt(view.now, narrow, corner, 2) : did === "pan" ? panned(view.now, 30, 40) : view.now;
  view.look(next, did, company);
}

const said: Linked & { what: "view" } = { what: "view", scale: 2, x: 0.1, y: -0.2, turns: 1, flipped: true };

test("an image that nobody moved follows the size of its pane, also when it was turned", () => {
  const { view, grow } = opened();
  view.look({ ...view.now, turns: 1 }, "turn", "linked");
  grow();
  expect(view.now).toEqual(fit(image, wide, 1));
  expect([view.strayed(true), view.strayed(false)]).toEqual([false, false]);
});

test("what linked panes did to it is not kept alone, and the whole image is shown turned and mirrored as it was", () => {
  const { view, grow } = opened();
  view.hear(said);
  expect(view.strayed(true)).toBe(true);
  grow();
  does(view, "whole", "alone");
  expect(view.now).toEqual(fit(image, wide, 1, true));
  expect(view.told()).toEqual({ what: "view", scale: 1, x: 0, y: 0, turns: 1, flipped: true });
});

test.each([
  // Zoomed beside others it was zoomed with them; panned in this pane, or zoomed by itself, it is where the reader wants it.
  ["zoom", "linked", true, false],
  ["zoom", "apart", false, false],
  ["pan", "linked", false, false],
  ["pan", "apart", false, false],
  // Looked at alone it filled another pane: beside others it is fitted as they are.
  ["zoom", "alone", false, true],
  ["pan", "alone", false, true],
  ["whole", "alone", false, false],
] as const)("after a %s of this pane, %s, it has strayed alone %s, beside others %s", (did, company, alone, beside) => {
  const { view } = opened();
  does(view, did, company);
  expect([view.strayed(true), view.strayed(false)]).toEqual([alone, beside]);
});

test("the layout in which the reader chose the place last is the one that keeps it", () => {
  const { view, grow } = opened();
  does(view, "zoom", "alone");
  does(view, "pan", "linked");
  expect(view.strayed(false)).toBe(false);
  does(view, "zoom", "alone");
  view.look({ ...view.now, turns: 1 }, "turn", "alone");
  expect(view.strayed(false)).toBe(true);
  // A prior is put beside: the image is fitted to its new pane as it was turned, and what the prior is told is the whole image.
  grow();
  does(view, "whole", "linked");
  expect(view.now).toEqual(fit(image, wide, 1));
  expect(view.told()).toEqual({ what: "view", scale: 1, x: 0, y: 0, turns: 1, flipped: false });
  expect(view.strayed(false)).toBe(false);
});

test("a place of the reader's own stays so when linked panes or a turn move it, until the whole image or another one is shown", () => {
  const { view } = opened();
  const pan = () => does(view, "pan", "apart");
  pan();
  view.hear(said);
  view.look({ ...view.now, flipped: false }, "turn", "linked");
  expect(view.strayed(true)).toBe(false);
  does(view, "whole", "linked");
  view.hear(said);
  expect(view.strayed(true)).toBe(true);
  pan();
  view.hear({ ...said, scale: 1, x: 0, y: 0 });
  view.hear(said);
  expect(view.strayed(true)).toBe(true);
  pan();
  view.reset();
  view.hear(said);
  expect(view.strayed(true)).toBe(true);
});
