import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { webEngine } from "./about";
import components from "./components.json";

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");

test("every component is one of a lock file, with its version", () => {
  const crates = new Set([...read("Cargo.lock").matchAll(/name = "([^"]+)"\nversion = "([^"]+)"/g)].map(([, name, version]) => `${name} ${version}`));
  const packages = Object.entries(JSON.parse(read("ui/package-lock.json")).packages as Record<string, { version: string }>);
  const npm = new Set(packages.map(([place, { version }]) => `${place.split("node_modules/").at(-1)} ${version}`));
  const unknown = components.map(([name, version]) => `${name} ${version}`).filter((one) => !crates.has(one) && !npm.has(one));
  expect(unknown, "stale: run tools/components.py list").toEqual([]);
  expect(components.length).toBeGreaterThan(500);
  expect(components.filter(([, , licence]) => !licence)).toEqual([]);
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", "WebKit 605.1.15"],
  ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87", "WebView2 126.0.2592.87"],
  ["odd", "a web view of this system"],
])("%s is %s", (userAgent, words) => expect(webEngine(userAgent)).toBe(words));
