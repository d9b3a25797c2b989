import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

function tokens(theme: string): Map<string, string> {
  const start = css.lastIndexOf(`[data-theme="${theme}"]`);
  const block = css.slice(start, css.indexOf("}", start));
  return new Map([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]));
}

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

const pairs: [string, string[]][] = [
  ["text", ["background", "field", "panel", "raised", "hover", "proposed-tint", "proposed-tint-focus", "warning-tint", "error-tint", "accent-tint"]],
  ["dim", ["background", "field", "panel", "raised", "hover", "proposed-tint", "proposed-tint-focus", "accent-tint"]],
  ["faint", ["background", "field", "panel", "raised"]],
  ["accent", ["background", "panel", "raised", "accent-tint"]],
  ["proposed", ["panel", "proposed-tint", "proposed-tint-focus"]],
  ["accepted", ["background", "panel", "raised", "proposed-tint"]],
  ["warning", ["background", "panel", "raised", "warning-tint"]],
  ["error", ["background", "panel", "raised", "error-tint", "proposed-tint"]],
  ["on-accent", ["accent-fill", "accent-fill-hover"]],
  ["on-warning", ["warning"]],
];

test.each(["dark", "light"])("text reaches AA on everything it stands on: %s", (theme) => {
  const colours = tokens(theme);
  const low = pairs.flatMap(([fore, backs]) =>
    backs
      .map((back) => ({ pair: `${fore} on ${back}`, ratio: contrast(colours.get(fore)!, colours.get(back)!) }))
      .filter(({ ratio }) => ratio < 4.5),
  );
  expect(low).toEqual([]);
});
