// The preview in headless Chromium, which CHROMIUM names where it is not /usr/bin/chromium; PREVIEW names
// another address of it.
import { chromium } from "playwright-core";

const address = process.env.PREVIEW ?? "http://127.0.0.1:1421/";

/** Milliseconds that something may take on a machine that is busy with other things. */
export const PATIENCE = 180_000;

/** What says nothing of the screens: the drawn PDF names a font without bringing it, as Hilum's own never do. */
const HARMLESS = /GPU stall|vite|standardFontDataUrl/;

/** A browser; `open(query)` gives a page of the preview, whose complaints go to `problems`. */
export async function preview({ width, height, theme, problems }) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
  });
  async function open(query) {
    const page = await browser.newPage({ viewport: { width, height } });
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !HARMLESS.test(message.text())) problems.push(`${query}: ${message.text()}`);
    });
    page.on("pageerror", (error) => problems.push(`${query}: ${error.message}`));
    await page.goto(`${address}?theme=${theme}&${query}`);
    await page.waitForSelector("body[data-ready=true]", { timeout: PATIENCE });
    return page;
  }
  return { browser, open };
}

/** Runs the scenes, or those named in `only`; what fails goes to `problems`. */
export async function play(scenes, only, problems) {
  for (const [name, scene] of Object.entries(scenes)) {
    if (only !== "" && !only.split(",").includes(name)) continue;
    await scene().catch((error) => problems.push(`${name}: ${String(error).split("\n").slice(0, 4).join(" | ")}`));
  }
}
