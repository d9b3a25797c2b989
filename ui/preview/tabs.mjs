// Walks through screens of the preview with Tab: `npm run preview-screens` in one terminal, then
// `node preview/tabs.mjs [dark [SCENE,SCENE [WIDTH HEIGHT]]]`. It prints the order of the stops; ORDER=0 leaves that out.
// Exit 1 where a stop has no name, is not seen, has no ring or a cut one, where the focus leaves an open dialog, where
// something that can be clicked is never reached, or where the order jumps back more than twice within a region.
import { play, preview } from "./browser.mjs";
import { id } from "./scenes.mjs";

const [theme = "dark", only = "", width = "1600", height = "1000"] = process.argv.slice(2);
/** Presses after which a walk is given up. */
const MOST = 200;
const problems = [];
const { browser, open } = await preview({ width: Number(width), height: Number(height), theme, problems });
let screens = 0;
let stops = 0;
let failures = 0;

/** What the page itself can tell of the focus; it stands in `window.walk`. */
function helpers() {
  const CLICKABLE = "button, a[href], input, select, textarea, summary, [contenteditable=true], [tabindex]";
  const numbers = new WeakMap();
  let last = 0;
  const numberOf = (element) => numbers.get(element) ?? (numbers.set(element, ++last), last);
  const dialogs = () => [...document.querySelectorAll("dialog[open]")];
  const say = (element) => `${element.tagName.toLowerCase()}${element.dataset.testid ? ` ${element.dataset.testid}` : ""} "${(element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40)}"`;
  /** What of an element is on the screen: all that cuts it is taken off. */
  function seenBox(element, grown) {
    let { left, top, right, bottom } = element.getBoundingClientRect();
    [left, top, right, bottom] = [left - grown, top - grown, right + grown, bottom + grown];
    const whole = { left, top, right, bottom };
    const clip = (box) => ([left, top, right, bottom] = [Math.max(left, box.left), Math.max(top, box.top), Math.min(right, box.right), Math.min(bottom, box.bottom)]);
    // A dialog and an open list lie over everything; nothing around them cuts them.
    for (let at = element.parentElement; at && at !== document.body && !at.matches("dialog, :popover-open"); at = at.parentElement) {
      if (getComputedStyle(at).overflow !== "visible") clip(at.getBoundingClientRect());
    }
    clip({ left: 0, top: 0, right: innerWidth, bottom: innerHeight });
    const cut = Object.keys(whole).filter((side) => Math.abs({ left, top, right, bottom }[side] - whole[side]) > 1);
    return { left, top, right, bottom, cut };
  }
  /** Whether a point of what is on the screen belongs to the element and not to something over it. */
  function seen(element) {
    const box = seenBox(element, 0);
    if (box.right - box.left < 2 || box.bottom - box.top < 2) return false;
    return [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.15], [0.5, 0.85]].some(([u, v]) => {
      const hit = document.elementFromPoint(box.left + u * (box.right - box.left), box.top + v * (box.bottom - box.top));
      return hit !== null && (element.contains(hit) || hit.closest("label")?.contains(element));
    });
  }
  const drawn = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 0;

  window.walk = {
    stop() {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const style = getComputedStyle(element);
      const outline = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
      const box = element.getBoundingClientRect();
      const dialog = dialogs().at(-1);
      // Nothing can cut what lies inside, and a window's whole side cut is the edge of something that scrolls.
      const cut = outline > 0 ? seenBox(element, outline + parseFloat(style.outlineOffset)).cut : [];
      return {
        number: numberOf(element),
        says: say(element),
        at: [Math.round(box.left), Math.round(box.top)],
        size: [Math.round(box.width), Math.round(box.height)],
        seen: seen(element),
        ring: outline > 0 || style.boxShadow !== "none",
        cut,
        outside: dialog !== undefined && !dialog.contains(element),
        region: numberOf(element.closest("[role=region], [role=toolbar], [role=tablist], nav, header, footer, aside, section, form, [role=form], [role=search], [role=group], fieldset, dialog, main") ?? document.body),
      };
    },
    /** What can be clicked and has been reached by none of `reached`. */
    missed(reached, labels) {
      const had = new Set(reached);
      // What comes and goes with the focus (the evidence of a sentence) is another element each time.
      const told = new Set(labels);
      const dialog = dialogs().at(-1);
      const all = [...(dialog ?? document).querySelectorAll(CLICKABLE)].filter((element) => element.tabIndex >= 0 && !element.disabled && drawn(element) && !element.closest("[inert]"));
      const groups = new Set(all.filter((element) => element.type === "radio" && had.has(numberOf(element))).map((element) => element.name));
      return all.filter((element) => !had.has(numberOf(element)) && !(element.type === "radio" && groups.has(element.name))).map(say).filter((says) => !told.has(says));
    },
  };
}

/** The name and the role that the browser gives to what has the focus. */
async function named(session) {
  const { result } = await session.send("Runtime.evaluate", { expression: "document.activeElement" });
  const { nodes } = await session.send("Accessibility.getPartialAXTree", { objectId: result.objectId, fetchRelatives: false });
  return { name: nodes[0]?.name?.value?.trim() ?? "", role: nodes[0]?.role?.value ?? "" };
}

async function walk(page, name) {
  await page.waitForTimeout(250);
  if (!(await page.evaluate(() => "walk" in window))) await page.evaluate(helpers);
  const session = await page.context().newCDPSession(page);
  const wrong = [];
  const order = [];
  const reached = new Set();
  const jumps = new Map();
  let before = null;
  const first = await page.evaluate(() => window.walk.stop());
  for (let presses = 0; presses < MOST; presses++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => window.walk.stop());
    // Past the last one the focus is with the window for a moment; a date has three stops of its own.
    if (stop === null || stop.number === before?.number) continue;
    if (reached.has(stop.number)) {
      if (stop.number === order[0].number) break;
      wrong.push(`goes back to ${stop.says} before all was reached`);
      break;
    }
    const { name: label, role } = await named(session);
    order.push({ ...stop, label, role });
    reached.add(stop.number);
    if (label === "") wrong.push(`no name: ${stop.says}`);
    if (!stop.seen) wrong.push(`not seen: ${stop.says}`);
    if (!stop.ring) wrong.push(`no ring: ${stop.says}`);
    if (stop.cut.length > 1) wrong.push(`ring cut at ${stop.cut.join(", ")}: ${stop.says}`);
    if (stop.outside) wrong.push(`outside the dialog: ${stop.says}`);
    if (before && before.region === stop.region && stop.at[1] < before.at[1] - 40 && stop.at[0] < before.at[0]) jumps.set(stop.region, [...(jumps.get(stop.region) ?? []), `${before.says} to ${stop.says}`]);
    before = stop;
  }
  for (const back of jumps.values()) if (back.length > 2) wrong.push(`jumps back ${back.length} times: ${back.slice(0, 3).join("; ")}`);
  if (order.length > 0 && order.length < MOST) for (const says of await page.evaluate(([had, labels]) => window.walk.missed(had, labels), [[...reached], order.map((stop) => stop.says)])) wrong.push(`never reached: ${says}`);
  await session.detach();
  screens += 1;
  stops += order.length;
  failures += wrong.length;
  console.log(`${name}: ${order.length} stops, at first the focus is in ${first?.says ?? "nothing"}`);
  if (process.env.ORDER !== "0") console.log(`    ${order.map((stop) => `${stop.label.slice(0, 32) || "?"} (${stop.role})`).join(" · ")}`);
  for (const line of wrong) console.log(`  ${theme} ${name}: ${line}`);
}

const inRoom = async (query, row = 0) => {
  const page = await open(query);
  await page.locator(id("open-study")).nth(row).click();
  await page.waitForSelector(`${id("viewer")}[data-ready=true]`);
  return page;
};
/** A scene of one page, in which `go` says what comes before a walk. */
const scene = (query, ...steps) => async () => {
  const page = await open(query);
  for (const [name, go] of steps) {
    await go(page);
    await walk(page, name);
  }
  await page.close();
};
const at = (button, sign) => async (page) => {
  await page.click(id(button));
  if (sign) await page.waitForSelector(id(sign));
};
const nothing = async () => undefined;

await play(
  {
    firstRun: scene(
      "first-run&empty",
      ["first run", nothing],
      ["recovery key", async (page) => {
        await page.fill(id("first-run-name"), "Dr A. Reader");
        await page.fill(id("first-run-passphrase"), "correct horse");
        await page.click(id("first-run-create"));
        await page.waitForSelector(id("recovery-key"));
        await page.check(id("recovery-written"));
      }],
      ["signing key", at("recovery-done", "signing-key-name")],
      ["a key of one's own", at("signing-key-import")],
      ["models of first run", async (page) => {
        await page.click(id("first-run-key"));
        await page.check(id("first-run-understood"));
      }],
      ["empty worklist", at("first-run-begin", "worklist")],
      ["import finished", at("import-files", "verdicts")],
    ),
    unlock: scene("locked", ["unlocking", nothing], ["restoring", at("restore-choose", "restore-secret")]),
    worklist: scene("", ["worklist", nothing], ["search being saved", at("save-filter", "save-filter-name")], ["palette over the worklist", async (page) => {
      await page.keyboard.press("Control+k");
      await page.waitForSelector(id("palette"));
    }]),
    async room() {
      const page = await inRoom("");
      await walk(page, "reading room");
      await page.click(id("draft-start"));
      await page.waitForSelector(id("claim-state"));
      await page.keyboard.press("Alt+ArrowDown");
      await walk(page, "proposals");
      await page.keyboard.press("Control+Shift+x");
      await page.waitForSelector(id("compare-count"));
      await walk(page, "comparison");
      await page.keyboard.press("Escape");
      await page.click(id("tab-timeline"));
      await page.waitForSelector(id("timeline-study"));
      await walk(page, "timeline");
      await page.click(id("move-study"));
      await walk(page, "another patient");
      await page.close();
    },
    async images() {
      let page = await inRoom("no-prior");
      await page.keyboard.press("Shift+L");
      await walk(page, "marks");
      await page.keyboard.press("Shift+H");
      await page.waitForSelector(id("hanging-rules"));
      await walk(page, "hanging rules");
      await page.close();
      page = await inRoom("calibrated");
      await page.keyboard.press("Control+Shift+c");
      await page.waitForSelector(id("similar-case"));
      await walk(page, "similar cases");
      await page.close();
    },
    async signing() {
      const page = await inRoom("no-prior");
      for (const section of ["findings", "impression"]) {
        await page.click(`${id(`section-${section}`)} .ProseMirror`);
        await page.keyboard.type(".normal ");
      }
      await page.keyboard.press("Control+f");
      await page.waitForSelector(id("find-bar"));
      await walk(page, "find");
      await page.click(`${id("section-findings")} .ProseMirror`);
      await page.keyboard.press("Control+Shift+k");
      await page.waitForSelector(id("critical-dialog"));
      await walk(page, "critical result");
      await page.keyboard.press("Escape");
      await page.click(id("sign-open"));
      await page.waitForSelector(id("sign-text"));
      await walk(page, "signing");
      await page.check(id("sign-patient"));
      await page.check(id("sign-accession"));
      await page.fill(id("sign-passphrase"), "correct horse");
      await walk(page, "signing, ready");
      await page.click(id("sign-submit"));
      await page.waitForSelector(`${id("signed-pdf")}[data-pages="1"]`);
      await walk(page, "signed");
      await page.click(id("sign-close"));
      await walk(page, "signed report");
      await page.close();
    },
    screens: scene(
      "",
      ["models", at("go-models")],
      ["audit", at("go-audit")],
      ["calibration", at("go-calibration", "calibration-row")],
      ["settings", at("go-settings", "macro-row")],
      ["keys", at("go-help")],
      ["about", async (page) => {
        await page.keyboard.press("Shift+F1");
        await page.click("details summary");
        await page.waitForSelector(id("about-component"));
      }],
      ["adding a pack", async (page) => {
        await page.keyboard.press("Control+Shift+m");
        await page.waitForSelector(id("add-pack"));
      }],
    ),
  },
  only,
  problems,
);
await browser.close();
for (const line of new Set(problems)) {
  failures += 1;
  console.log(line);
}
console.log(`${screens} screens, ${stops} stops, ${failures} failures`);
process.exit(failures > 0 ? 1 : 0);
