import { expect, test } from "vitest";
import { absolute, absoluteWindow, drawnBy, relative, relativeWindow, tools, type Linked } from "./tools.svelte";
import { fit, zoomedAt, type Size } from "./view";

const pane: Size = { width: 500, height: 700 };

test.each([
  [{ width: 2500, height: 3000 }, { width: 1250, height: 1500 }],
  [{ width: 2500, height: 3000 }, { width: 2000, height: 2400 }],
])("a view of %o shows the same part of %o", (from, to) => {
  const view = { ...zoomedAt(fit(from, pane), pane, { x: 100, y: 650 }, 3), turns: 1 as const, flipped: true };
  const said = relative(view, fit(from, pane, 1, true), from) as Linked & { what: "view" };
  const there = absolute(said, fit(to, pane, 1, true), to);
  expect(there.zoom * to.width).toBeCloseTo(view.zoom * from.width, 6);
  expect(there.pan.x).toBeCloseTo(view.pan.x, 6);
  expect(there.pan.y).toBeCloseTo(view.pan.y, 6);
  expect([there.turns, there.flipped]).toEqual([1, true]);
});

test("a window is the same share of what each file asks for", () => {
  const said = relativeWindow({ kind: "window", window: { center: 1500, width: 500 }, name: "" }, { center: 2000, width: 4000 });
  const there = absoluteWindow(said as Linked & { what: "window" }, { center: 100, width: 200 });
  expect(there).toMatchObject({ window: { center: 75, width: 25 } });
});

test("panes hear the others while they are linked, and never themselves", () => {
  const heard: string[] = [];
  const a = () => void heard.push("a");
  const b = () => void heard.push("b");
  const ends = [tools.join(a), tools.join(b)];
  tools.tell(a, { what: "invert", inverted: true });
  tools.link(false);
  tools.tell(a, { what: "invert", inverted: true });
  tools.link(true);
  ends[1]!();
  tools.tell(a, { what: "invert", inverted: true });
  ends[0]!();
  expect(heard).toEqual(["b"]);
});

test("an image that is put beside others comes to where they are", () => {
  const heard: string[] = [];
  const a = () => undefined;
  const late = (said: Linked) => void heard.push(said.what === "preset" ? `preset ${said.number}` : said.what);
  tools.forget();
  const ends = [tools.join(a)];
  tools.tell(a, { what: "window", width: 2, shift: 0 });
  tools.tell(a, { what: "preset", number: 3 });
  tools.tell(a, { what: "invert", inverted: true });
  // Alone it follows nobody.
  tools.catchUp(late);
  expect(heard).toEqual([]);
  ends.push(tools.join(late));
  tools.catchUp(late);
  expect(heard).toEqual(["preset 3", "invert"]);
  tools.catchUp(late, "voi");
  expect(heard).toEqual(["preset 3", "invert", "preset 3"]);
  tools.link(false);
  tools.link(true);
  tools.catchUp(late);
  expect(heard.length).toBe(3);
  for (const end of ends) end();
});

test.each([
  ["length", "length"],
  ["text", "text"],
  ["window", null],
  ["magnify", null],
  ["select", null],
] as const)("the tool %s draws %s", (tool, kind) => expect(drawnBy(tool)).toBe(kind));
