import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

function filesUnder(folder: string): { path: string; text: string }[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|svelte|css|html)$/.test(entry.name))
    .map((entry) => {
      const full = join(entry.parentPath, entry.name);
      return { path: relative(root, full).split(sep).join("/"), text: readFileSync(full, "utf8") };
    });
}

const sources = [...filesUnder("src"), { path: "index.html", text: readFileSync(join(root, "index.html"), "utf8") }];
const shipped = sources.filter((file) => !file.path.endsWith(".test.ts"));

/** Paths of files that hold the pattern. */
function holding(pattern: RegExp, files = shipped): string[] {
  return files.filter((file) => pattern.test(file.text)).map((file) => file.path);
}

test("only src/ipc knows Tauri", () => {
  const knowing = holding(/@tauri-apps|__TAURI/);
  expect(knowing.length).toBeGreaterThan(0);
  expect(knowing.filter((path) => !path.startsWith("src/ipc/"))).toEqual([]);
});

test("text stays text: nothing is ever parsed as markup", () => {
  const pattern = /\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTMLUnsafe/;
  expect(holding(pattern)).toEqual([]);
});

test("nothing is evaluated and nothing is fetched", () => {
  expect(holding(/\beval\(|new Function\(|\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon/)).toEqual([]);
});

test("no address of the outside world is in the sources", () => {
  expect(holding(/https?:\/\//)).toEqual([]);
});

test("no screen names a variable of the environment: those who read it set none", () => {
  expect(holding(/\bHILUM_[A-Z]/).filter((path) => path !== "src/ipc/bindings.ts")).toEqual([]);
});

test("no colour fades: between two that can be read lies one that cannot", () => {
  expect(holding(/transition(-property)?:[^;]*\b(background|color|fill|all|border|opacity)/)).toEqual([]);
});

test("the application does not know the preview", () => {
  expect(holding(/preview\/|\.\.\/preview/)).toEqual([]);
  expect(readFileSync(join(root, "vite.config.ts"), "utf8")).not.toMatch(/preview/);
});

test("the lock file names no registry", () => {
  expect(readFileSync(join(root, "package-lock.json"), "utf8")).not.toMatch(/"resolved"|registry\./);
});

test("every dependency is pinned", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version as string));
  expect(loose).toEqual([]);
});

test("files stay small enough to read at a sitting", () => {
  const long = sources.filter((f) => f.path !== "src/ipc/bindings.ts" && f.text.split("\n").length > 500).map((f) => f.path);
  expect(long).toEqual([]);
});
