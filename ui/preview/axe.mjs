// Asks axe-core about every screen of the preview, dark and light: `npm run preview-screens` in one
// terminal, then `node preview/axe.mjs [dark,light [SCENE,SCENE]]`. Exit 1 when anything is wrong.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { play, preview } from "./browser.mjs";
import { scenesOf } from "./scenes.mjs";
import { writingScenesOf } from "./writing-scenes.mjs";

const [themes = "dark,light", only = ""] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** WCAG 2.2 A and AA, and what axe calls best practice. */
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
let failures = 0;
let screens = 0;

for (const theme of themes.split(",")) {
  const problems = [];
  const { browser, open } = await preview({ width: 1600, height: 1000, theme, problems });
  async function look(page, name) {
    // What fades in is judged once it is there.
    await page.waitForTimeout(250);
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
    const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] }), TAGS);
    screens += 1;
    for (const violation of found.violations) {
      failures += 1;
      console.log(`${theme} ${name}: ${violation.id} (${violation.impact}): ${violation.help}`);
      for (const node of violation.nodes.slice(0, 4)) console.log(`    ${node.html.slice(0, 160)}\n      ${node.failureSummary.split("\n").slice(1, 3).join(" ").trim().slice(0, 220)}`);
    }
  }
  await play({ ...scenesOf(open, look), ...writingScenesOf(open, look) }, only, problems);
  await browser.close();
  const said = [...new Set(problems)];
  failures += said.length;
  if (said.length > 0) console.log(said.join("\n"));
}
console.log(`${screens} screens, ${failures} failures`);
process.exit(failures > 0 ? 1 : 0);
