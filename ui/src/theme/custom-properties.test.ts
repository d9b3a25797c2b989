import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const components = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".svelte"));

/**
 * The elements that declare custom properties and have a style of their own as well. WebKit 2.50 keeps the styles of all
 * that stands in an element by its custom properties, which are new ones each time an element with a style of its own is
 * made: opening a study kept half a megabyte so, all day (docs/reliability.md, section 8).
 */
function declaring(source: string): string[] {
  const [markup = "", css = ""] = source.replace(/<script[\s\S]*?<\/script>/g, "").split(/<style[^>]*>/);
  const classes = [...css.matchAll(/([^{}]+)\{([^{}]*)\}/g)].filter(([, , rules]) => /(^|[\s;])--[a-z]/.test(rules!)).flatMap(([, selector]) => selector!.match(/(?<=\.)[a-z][\w-]*/g) ?? []);
  const tags = markup.match(/<[a-z](?:"[^"]*"|\{(?:[^{}]|\{[^{}]*\})*\}|[^>"{}])*>/g) ?? [];
  const declares = (tag: string) => /\sdata-theme=|\sstyle(?::|="[^"]*)--/.test(tag) || classes.some((name) => new RegExp(`class(=|:)[^\\s>]*\\b${name}\\b`).test(tag));
  return tags.filter((tag) => declares(tag) && /\sstyle(:|=)/.test(tag));
}

test("an element with a style of its own is found where it declares custom properties", () => {
  const check = (source: string, found: number) => expect(declaring(source), source).toHaveLength(found);
  check('<div data-theme="dark" style:width="3px"></div>', 1);
  check('<div data-theme="dark" class="x"><p style:width="3px"></p></div>', 0);
  check("<div style:--width={`${LIST.width}px`}></div>", 1);
  check('<div style="--width: 3px"></div>', 1);
  check('<p class="own" style:top={`${at}px`}></p><style>\n.own {\n--line: red;\n}\n</style>', 1);
  check('<p class="own" style:top="1px"></p><style>\n.own {\ncolor: var(--line);\n}\n</style>', 0);
  check('<p class="own" onclick={() => (a > b ? { c } : d)} style:top="1px"></p><style>.own { --line: red; }</style>', 1);
});

test("no element does both", () => {
  expect(components.length).toBeGreaterThan(50);
  const found = components.flatMap((file) => declaring(readFileSync(join(root, file), "utf8")).map((tag) => `${file}: ${tag}`));
  expect(found).toEqual([]);
});
