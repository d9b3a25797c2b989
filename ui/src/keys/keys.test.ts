import { expect, test } from "vitest";
import { capOf, tooltip, withCaps } from "./caps";
import { actionFor, nameOf, type Stroke } from "./dispatch";
import { keymap, obstacle, parseChanges, withKey, withStandard } from "./keymap.svelte";
import { action, ACTIONS, printed, type ActionId } from "./registry";

const stroke = (key: string, held: Partial<Stroke> = {}): Stroke => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  altGraph: false,
  ...held,
});

test.each([
  [stroke("w"), "w"],
  [stroke("W"), "w"],
  [stroke("R", { shiftKey: true }), "Shift+R"],
  [stroke("?", { shiftKey: true }), "?"],
  [stroke("k", { ctrlKey: true }), "Ctrl+K"],
  [stroke("k", { metaKey: true }), "Ctrl+K"],
  [stroke("Z", { ctrlKey: true, shiftKey: true }), "Ctrl+Shift+Z"],
  [stroke("ArrowDown", { altKey: true }), "Alt+ArrowDown"],
  [stroke("[", { ctrlKey: true, altKey: true, altGraph: true }), "["],
  [stroke(".", { ctrlKey: true }), "Ctrl+."],
  [stroke("Enter", { ctrlKey: true }), "Ctrl+Enter"],
  [stroke(" ", { ctrlKey: true }), "Ctrl+ "],
  [stroke("+", { shiftKey: true }), "+"],
  [stroke("ArrowLeft"), "ArrowLeft"],
  [stroke("ArrowLeft", { shiftKey: true }), "Shift+ArrowLeft"],
])("%o is named", (given, name) => expect(nameOf(given)).toBe(name));

test("no two actions of scopes that meet share a key", () => {
  const taken = new Map<string, string>();
  const clashes: string[] = [];
  for (const scopes of [["everywhere", "worklist"], ["everywhere", "room"]]) {
    taken.clear();
    for (const a of ACTIONS.filter((x) => scopes.includes(x.scope))) {
      for (const key of a.keys) {
        const before = taken.get(key);
        if (before) clashes.push(`${key}: ${before} and ${a.id}`);
        taken.set(key, a.id);
      }
    }
  }
  expect(clashes).toEqual([]);
});

test("plain keys are text while a person types, chords are not", () => {
  expect(actionFor("w", ["room"], true)).toBeNull();
  expect(actionFor("w", ["room"], false)?.id).toBe("tool.window");
  expect(actionFor("Ctrl+G", ["room"], true)?.id).toBe("draft.start");
  expect(actionFor("F6", ["room"], true)?.id).toBe("focus.swap");
  expect(actionFor("w", ["worklist"], false)).toBeNull();
});

test.each<[string, ActionId]>([
  ["+", "view.zoom_in"],
  ["=", "view.zoom_in"],
  ["-", "view.zoom_out"],
  ["ArrowLeft", "view.left"],
  ["ArrowRight", "view.right"],
  ["ArrowUp", "view.up"],
  ["ArrowDown", "view.down"],
  ["Shift+ArrowLeft", "window.narrower"],
  ["Shift+ArrowRight", "window.wider"],
  ["Shift+ArrowUp", "window.brighter"],
  ["Shift+ArrowDown", "window.darker"],
])("%s is %s with the focus in the images and outside of them, and text while a person types", (key, id) => {
  expect(actionFor(key, ["everywhere", "room"], false)?.id).toBe(id);
  expect(actionFor(key, ["everywhere", "image", "room"], false)?.id).toBe(id);
  expect(actionFor(key, ["everywhere", "image", "room"], true)).toBeNull();
});

test("the arrows go through the worklist, and lead to proposals with Alt", () => {
  expect(actionFor("ArrowDown", ["everywhere", "worklist"], false)?.id).toBe("worklist.down");
  expect(actionFor("Alt+ArrowDown", ["everywhere", "image", "room"], false)?.id).toBe("proposal.next");
});

test.each([
  ["Ctrl+K", "Ctrl K"],
  ["Ctrl+Enter", "Ctrl ↵"],
  ["Ctrl+ ", "Ctrl Space"],
  ["Alt+ArrowDown", "Alt Down"],
  ["Ctrl+,", "Ctrl ,"],
  ["w", "W"],
  ["?", "?"],
  ["+", "+"],
  ["Ctrl++", "Ctrl +"],
  ["Shift+ArrowLeft", "Shift Left"],
])("%s is printed as %s", (key, cap) => expect(printed(key)).toBe(cap));

test.each<[ActionId, string, ActionId | "reserved" | null]>([
  ["view.invert", "y", null],
  ["view.invert", "r", "view.rotate"],
  ["view.invert", "Ctrl+K", "palette"],
  ["view.invert", "Enter", "reserved"],
  // The worklist and the room are never on the screen together.
  ["view.invert", "j", null],
  // A focused proposal is asked first, and only there.
  ["view.invert", "n", null],
  // With the focus in the images their chords come first.
  ["mark.undo", "Ctrl+G", null],
  ["mark.undo", "g", null],
  ["mark.undo", "w", "tool.window"],
])("%s with %s: %s", (id, key, expected) => {
  const found = obstacle(action(id), key, {});
  expect(found === null || found === "reserved" ? found : found.id).toBe(expected);
});

test("a key is taken from one action for another, and given back", () => {
  const taken = withKey(action("view.invert"), "r", {});
  expect(taken).toEqual({ "view.invert": ["r"], "view.rotate": [] });
  keymap.changes = taken;
  expect(actionFor("r", ["room"], false)?.id).toBe("view.invert");
  expect(actionFor("i", ["room"], false)).toBeNull();
  expect(capOf("view.invert")).toBe("R");
  expect(tooltip("view.rotate")).toBe("Rotate by 90°");
  expect(withCaps("Press {view.invert}, or {view.rotate}, not {this}.")).toBe("Press R, or “Rotate by 90°” (from the palette), not {this}.");
  // The standard key of the other one is still in use.
  expect(withStandard(action("view.rotate"), taken)).toEqual({ "view.invert": ["r"], "view.rotate": [] });
  expect(withStandard(action("view.rotate"), withStandard(action("view.invert"), taken))).toEqual({});
  keymap.changes = {};
  expect(capOf("view.invert")).toBe("I");
});

test("a tool that is dragged says by which keys the same is done", () => {
  expect(tooltip("tool.zoom", ["view.zoom_in", "view.zoom_out"])).toBe("Zoom (Z; by keys: +, -)");
  keymap.changes = { "tool.zoom": [], "view.zoom_in": [] };
  expect(tooltip("tool.zoom", ["view.zoom_in", "view.zoom_out"])).toBe("Zoom (by keys: -)");
  expect(tooltip("tool.zoom", ["view.zoom_in"])).toBe("Zoom");
  keymap.changes = {};
});

test("a standard key that is reserved comes back to the action whose it is", () => {
  const changed = withKey(action("worklist.open"), "o", {});
  expect(withStandard(action("worklist.open"), changed)).toEqual({});
});

test.each([
  [null, {}],
  ["{}", {}],
  ["", {}],
  ["[]", {}],
  ["{", {}],
  ['{"view.invert":["y"],"gone.action":["z"],"view.flip":"x","view.fit":["Tab"],"view.actual":[]}', { "view.invert": ["y"], "view.actual": [] }],
  // A key that the reader had chosen before another action came with it stays the reader's.
  ['{"view.rotate":["+"],"image.next":["ArrowRight"]}', { "view.rotate": ["+"], "image.next": ["ArrowRight"], "view.zoom_in": ["="], "view.right": [] }],
  // In the worklist, and on a proposed sentence, it is in nobody's way.
  ['{"worklist.open":["+"],"proposal.below":["-"]}', { "worklist.open": ["+"], "proposal.below": ["-"] }],
])("kept keys %s are read as %o", (kept, changes) => expect(parseChanges(kept)).toEqual(changes));
