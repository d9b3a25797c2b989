import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "svelte/compiler";
import { expect, test } from "vitest";
import { ofTheDocument } from "./document-properties";

const root = new URL("..", import.meta.url).pathname;
const components = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".svelte"));

interface Node {
  type: string;
  name?: string;
  start: number;
  end: number;
  attributes?: Node[];
}

/**
 * The elements that declare custom properties and have a style of their own as well. WebKit 2.50 keeps the styles of all
 * that stands in an element by its custom properties, which are new ones each time an element with a style of its own is
 * made: opening a study kept some hundreds of kilobytes so, all day (docs/reliability.md, section 8).
 */
function declaring(source: string): string[] {
  const css = [...source.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map(([, rules]) => rules).join("\n");
  const rules = [...css.matchAll(/([^{}]+)\{([^{}]*)/g)].filter(([, , body]) => /(^|[\s;{])--[a-z]/.test(body!));
  const classes = rules.flatMap(([, selector]) => selector!.match(/(?<=\.)[a-z][\w-]*/g) ?? []);
  const found: string[] = [];
  const own = (node: Node, starts: string) => (node.attributes ?? []).filter((one) => source.slice(one.start, one.end).startsWith(starts));
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== "object" || node === null) return;
    const one = node as Node;
    if (one.type === "RegularElement" || one.type === "SvelteElement") {
      const styles = own(one, "style").map((attribute) => source.slice(attribute.start, attribute.end));
      const named = own(one, "class").map((attribute) => source.slice(attribute.start, attribute.end)).join(" ");
      const declares = own(one, "data-theme").length > 0 || styles.some((style) => /(^style:|["'`;\s])--/.test(style)) || classes.some((name) => new RegExp(`\\b${name}\\b`).test(named));
      if (declares && styles.length > 0) found.push(source.slice(one.start, one.end).split("\n")[0]!);
    }
    // Svelte puts an element with a style of its own around a component that is given custom properties.
    if (one.type === "Component" && own(one, "--").length > 0) found.push(`<${one.name} --`);
    Object.values(one).forEach(visit);
  };
  visit(parse(source, { modern: true }).fragment);
  return found;
}

test("an element with a style of its own is found where it declares custom properties", () => {
  const check = (source: string, found: number) => expect(declaring(source), source).toHaveLength(found);
  check('<div data-theme="dark" style:width="3px"></div>', 1);
  check('<div data-theme="dark" class="x"><p style:width="3px"></p></div>', 0);
  check("<div style:--width={`${size.width}px`}></div>", 1);
  check('<div style="--width: 3px"></div>', 1);
  check("<div style={`color: red; --width: ${width}px`}></div>", 1);
  check('<p class="own" style:top={`${at}px`}></p><style>\n.own {\n--line: red;\n}\n</style>', 1);
  check('<p class="x own" style:top="1px"></p><style>.own { --line: red; }</style>', 1);
  check('<p class={["x", "own"]} style:top="1px"></p><style>.own { --line: red; }</style>', 1);
  check('<p class="own" style:top="1px"></p><style>\n.own {\ncolor: var(--line);\n}\n</style>', 0);
  check('{#if a}<div data-theme="dark" style:top="1px" onclick={() => { if (a > b) { f({ c: `${d}` }); } }}></div>{/if}', 1);
  check('<script>import Own from "./Own.svelte";</script><Own --line="red" />', 1);
});

test("no element does both", () => {
  expect(components.length).toBeGreaterThan(50);
  const found = components.flatMap((file) => declaring(readFileSync(join(root, file), "utf8")).map((tag) => `${file}: ${tag}`));
  expect(found).toEqual([]);
});

test("a rule for the document's element is found where it declares custom properties", () => {
  const check = (css: string, found: string[]) => expect(ofTheDocument(css), css).toEqual(found);
  check(":root { --line: red; }", [":root"]);
  check(':root, body[data-theme="dark"] { color: red; --line: red; }', [":root"]);
  check('html[data-theme="light"] {\n--line: red;\n}', ['html[data-theme="light"]']);
  check('[data-theme="dark"] { --line: red; }', ['[data-theme="dark"]']);
  check("@media print {\n:root { --line: red; } }", [":root"]);
  check(":where(html) { --line: red; }", [":where(html)"]);
  check(":is(html,body) { --line: red; }", [":is(html"]);
  check("* { --line: red; }", ["*"]);
  check("html{--line: ;color-scheme:dark}body,.x{--line:red}", ["html"]);
  check('html[data-theme="light"] body { --line: red; }', []);
  check(':not(html)[data-theme="dark"], body { --line: red; }', []);
  check("html { color: var(--line); }\nbody { --line: red; }", []);
});

test("the document's element declares none", () => {
  const sheets = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".css"));
  expect(sheets.length).toBeGreaterThan(1);
  expect(sheets.flatMap((file) => ofTheDocument(readFileSync(join(root, file), "utf8")).map((rule) => `${file}: ${rule}`))).toEqual([]);
  const inComponents = components.flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/:global\((:root|html)[^)]*\)\s*\{([^}]*[\s;])?--[a-z]/g)].map(() => file),
  );
  expect(inComponents).toEqual([]);
});
