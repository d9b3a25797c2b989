// Takes a picture of every screen of the preview: `npm run preview-screens` in one terminal, then
// `node preview/screens.mjs OUT [WIDTH HEIGHT THEME [SCENE,SCENE]]`. docs/screens.md says what to look for.
import { mkdirSync } from "node:fs";
import { play, preview } from "./browser.mjs";
import { scenesOf } from "./scenes.mjs";
import { writingScenesOf } from "./writing-scenes.mjs";

const [out = "screens", width = "1920", height = "1080", theme = "dark", only = ""] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const problems = [];
const { browser, open } = await preview({ width: Number(width), height: Number(height), theme, problems });

let number = 0;
async function shoot(page, name) {
  number += 1;
  await page.waitForTimeout(250);
  await page.screenshot({ path: `${out}/${String(number).padStart(2, "0")}-${name}.png` });
}

await play({ ...scenesOf(open, shoot), ...writingScenesOf(open, shoot) }, only, problems);
await browser.close();
if (problems.length > 0) console.log([...new Set(problems)].join("\n"));
