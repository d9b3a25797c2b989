import { expect, test } from "vitest";
import { PaneView } from "./pane-view.svelte";
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

const said: Linked & { what: "view" } = { what: "view", scale: 2, x: 0.1, y: -0.2, turns: 1, flipped: true };

test("an image that nobody moved follows the size of its pane, also when it was turned", () => {
  const { view, grow } = opened();
  view.look({ ...view.now, turns: 1 }, "turn", true);
  grow();
  expect(view.now).toEqual(fit(image, wide, 1));
  expect(view.lent).toBe(false);
});

test("what linked panes did to it is lent, and the whole image is shown turned and mirrored as it was", () => {
  const { view, grow } = opened();
  view.hear(said);
  expect(view.lent).toBe(true);
  grow();
  view.look(view.now, "whole", false);
  expect(view.now).toEqual(fit(image, wide, 1, true));
  expect(view.told()).toEqual({ what: "view", scale: 1, x: 0, y: 0, turns: 1, flipped: true });
});

test.each([
  // Zoomed beside others it was zoomed with them; alone, or panned in this pane, it is where the reader wants it.
  ["zoom", true, true],
  ["zoom", false, false],
  ["pan", true, false],
  ["pan", false, false],
] as const)("after a %s of this pane, beside linked ones %s, it is lent %s", (did, beside, lent) => {
  const { view } = opened();
  view.look(did === "zoom" ? zoomedAt(view.now, narrow, corner, 2) : panned(view.now, 30, 40), did, beside);
  expect(view.lent).toBe(lent);
});

test("a place of the reader's own stays so when linked panes or a turn move it, until the whole image or another one is shown", () => {
  const { view } = opened();
  const pan = () => view.look(panned(view.now, 30, 40), "pan", false);
  pan();
  view.hear(said);
  view.look({ ...view.now, flipped: false }, "turn", true);
  expect(view.lent).toBe(false);
  view.look(view.now, "whole", true);
  view.hear(said);
  expect(view.lent).toBe(true);
  pan();
  view.hear({ ...said, scale: 1, x: 0, y: 0 });
  view.hear(said);
  expect(view.lent).toBe(true);
  pan();
  view.reset();
  view.hear(said);
  expect(view.lent).toBe(true);
});
