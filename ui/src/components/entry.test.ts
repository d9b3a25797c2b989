import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { enters } from "./entry";

const ENTER = { key: "Enter", isComposing: false, ctrlKey: false, altKey: false, metaKey: false, shiftKey: false, defaultPrevented: false, repeat: false };

test.each([
  [{}, true],
  [{ key: "a" }, false],
  [{ key: " " }, false],
  [{ isComposing: true }, false],
  [{ ctrlKey: true }, false],
  [{ altKey: true }, false],
  [{ metaKey: true }, false],
  [{ shiftKey: true }, false],
  [{ defaultPrevented: true }, false],
  [{ repeat: true }, false],
])("Enter with %j is an entry: %s", (how, wanted) => expect(enters({ ...ENTER, ...how })).toBe(wanted));

/** Rooms that are not entered for every study. */
const RARE = /^features\/(unlock|settings|models)\//;

test("no form is made where studies are read", () => {
  const root = new URL("..", import.meta.url).pathname;
  const components = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".svelte"));
  expect(components.filter((file) => RARE.test(file)).length).toBeGreaterThan(5);
  const forms = components.filter((file) => !RARE.test(file) && readFileSync(join(root, file), "utf8").includes("<form"));
  expect(forms).toEqual([]);
});
