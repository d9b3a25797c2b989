import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { enters } from "./entry";

const ENTER = { key: "Enter", keyCode: 13, isComposing: false, ctrlKey: false, altKey: false, metaKey: false, shiftKey: false, defaultPrevented: false, repeat: false };

test.each([
  [{}, true],
  [{ key: "a" }, false],
  [{ key: " " }, false],
  [{ isComposing: true }, false],
  [{ keyCode: 229 }, false],
  [{ ctrlKey: true }, false],
  [{ altKey: true }, false],
  [{ metaKey: true }, false],
  [{ shiftKey: true }, false],
  [{ defaultPrevented: true }, false],
  [{ repeat: true }, false],
])("Enter with %j is an entry: %s", (how, wanted) => expect(enters({ ...ENTER, ...how })).toBe(wanted));

const root = new URL("..", import.meta.url).pathname;
const components = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".svelte"));

test("what takes Enter has one button that it presses", () => {
  const taking = components.map((file) => [file, readFileSync(join(root, file), "utf8")] as const).filter(([, source]) => source.includes("{@attach entry}"));
  expect(taking.length).toBeGreaterThan(3);
  const buttons = taking.map(([file, source]) => [file, source.match(/<button[^>]* data-default /g)?.length ?? 0]);
  expect(buttons).toEqual(taking.map(([file]) => [file, 1]));
});

/** Rooms that are not entered for every study. */
const RARE = /^features\/(unlock|settings|models)\//;

test("no form is made where studies are read", () => {
  expect(components.filter((file) => RARE.test(file)).length).toBeGreaterThan(5);
  const forms = components.filter((file) => !RARE.test(file) && readFileSync(join(root, file), "utf8").includes("<form"));
  expect(forms).toEqual([]);
});
