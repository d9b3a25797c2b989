import { expect, test } from "vitest";
import { actionFor, nameOf, type Stroke } from "./dispatch";
import { ACTIONS, printed } from "./registry";

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

test.each([
  ["Ctrl+K", "Ctrl K"],
  ["Ctrl+Enter", "Ctrl ↵"],
  ["Alt+ArrowDown", "Alt Down"],
  ["Ctrl+,", "Ctrl ,"],
  ["w", "W"],
  ["?", "?"],
])("%s is printed as %s", (key, cap) => expect(printed(key)).toBe(cap));
