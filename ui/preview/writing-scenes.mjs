// The screens of writing: critical results, find, macros and pick lists, exports, spelling, comparison,
// a covered draft, a report that another one holds, two signatures, and their settings.

import { PATIENCE } from "./browser.mjs";

const id = (name) => `[data-testid="${name}"]`;

/** The scenes by name; `open` and `shoot` as in `scenes.mjs`. */
export function writingScenesOf(open, shoot) {
  async function inRoom(query, row = 0) {
    const page = await open(query);
    await page.locator(id("open-study")).nth(row).click();
    await page.waitForSelector(`${id("viewer")}[data-ready=true]`, { timeout: PATIENCE });
    return page;
  }
  const section = (page, name) => page.click(`${id(`section-${name}`)} .ProseMirror`);
  async function signed(page) {
    await page.click(id("sign-open"));
    await page.waitForSelector(id("sign-text"));
    await page.check(id("sign-patient"));
    await page.check(id("sign-accession"));
    await page.fill(id("sign-passphrase"), "correct horse");
  }
  async function written(page) {
    await section(page, "findings");
    await page.keyboard.type(".normal ");
    await section(page, "impression");
    await page.keyboard.type(".normal ");
    await page.waitForSelector(`${id("sign-open")}:not(:disabled)`);
  }

  return {
    async unsaved() {
      const page = await inRoom("full&no-prior");
      await section(page, "comparison");
      await page.keyboard.type("Typed when there was no room on the disk.");
      await page.waitForSelector(`${id("save-state")}[data-state=not_saved]`);
      await page.click(id("lock"));
      await page.waitForSelector(id("unsaved-dialog"));
      await shoot(page, "not-saved");
      await page.click(id("unsaved-confirm"));
      await page.waitForSelector(id("text-waits"));
      await shoot(page, "text-waits");
      await page.fill(id("unlock-passphrase"), "correct horse");
      await page.click(id("unlock-submit"));
      await page.waitForSelector(id("waiting-copy"));
      await page.click(id("waiting-discard"));
      await shoot(page, "waiting-text");
      await page.click(id("waiting-close"));
      await shoot(page, "waiting-mark");
      await page.close();
    },
    async writing() {
      const page = await inRoom("no-prior");
      await section(page, "findings");
      await page.keyboard.type(".cvc ");
      await page.keyboard.press("ArrowDown");
      await shoot(page, "pick-list");
      await page.keyboard.press("Tab");
      await page.keyboard.press("End");
      await page.keyboard.press("Enter");
      await page.keyboard.type("There is a smal efusion at the left costophrenic angel, unchangd. ");
      await section(page, "impression");
      await page.waitForSelector(".misspelt");
      await page.keyboard.type("No acute disease.");
      await shoot(page, "misspelt");
      await section(page, "findings");
      await page.keyboard.press("Control+Home");
      await page.keyboard.press("F9");
      await page.waitForSelector(`${id("spell-menu")} hr`);
      await page.waitForTimeout(600);
      await shoot(page, "spell-menu");
      await page.keyboard.press("Enter");
      await section(page, "findings");
      await page.keyboard.press("Control+End");
      await page.keyboard.press("Enter");
      await page.keyboard.type(".n");
      await page.keyboard.press("Control+ ");
      await page.waitForSelector(id("macro-choice"));
      await page.keyboard.press("ArrowDown");
      await shoot(page, "macro-menu");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Home");
      await page.keyboard.press("Shift+End");
      await page.keyboard.press("Control+ ");
      await page.keyboard.type("kept");
      await shoot(page, "macro-kept");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+f");
      await page.waitForSelector(id("find-bar"));
      await page.fill(id("find-words"), "the");
      await page.fill(id("find-replacement"), "a");
      await shoot(page, "find");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+Shift+k");
      await page.waitForSelector(id("critical-dialog"));
      await shoot(page, "critical-told");
      await page.fill(id("critical-finding"), "Tension pneumothorax on the right.");
      await page.check(id("critical-not-told"));
      await shoot(page, "critical-not-told");
      await page.close();
    },
    async comparing() {
      const page = await inRoom("no-prior");
      await page.click(id("draft-start"));
      await page.waitForSelector(id("proposed-sentence"), { timeout: 20_000 });
      await page.keyboard.press("Alt+ArrowDown");
      await page.keyboard.press("Enter");
      await page.keyboard.press("e");
      await page.keyboard.press("End");
      await page.keyboard.type(" No pneumonia.");
      await page.keyboard.press("Alt+ArrowDown");
      for (let i = 0; i < 4; i++) await page.keyboard.press("Enter");
      await section(page, "findings");
      await page.keyboard.press("Control+End");
      await page.keyboard.press("Enter");
      await page.keyboard.type("Old fractur of the left clavicle, unchanged. ");
      await page.waitForTimeout(1800);
      await page.keyboard.press("Control+Shift+x");
      await page.waitForSelector(id("compare-count"));
      await shoot(page, "draft-and-final");
      await page.click(id("compare-close"));
      await signed(page);
      await page.click(id("sign-submit"));
      await page.waitForSelector(`${id("signed-pdf")}[data-pages="1"]`);
      await page.click(id("sign-close"));
      await shoot(page, "signed-as-written");
      await page.locator("button[aria-haspopup=menu]", { hasText: "Export" }).first().click();
      await shoot(page, "export-menu");
      await page.keyboard.press("Escape");
      await page.click(id("compare-open"));
      await page.waitForSelector(id("compare-count"));
      await shoot(page, "compare-signed");
      await page.close();
    },
    async readFirst() {
      let page = await inRoom("no-prior&read-first");
      await page.click(id("draft-start"));
      await page.waitForSelector(id("covered"), { timeout: 20_000 });
      await shoot(page, "covered");
      await page.click(id("reveal"));
      await page.waitForSelector(id("claim-state"));
      await shoot(page, "uncovered");
      await page.close();
      page = await inRoom("no-prior&held");
      await page.waitForSelector(id("held"));
      await shoot(page, "held");
      await page.click(id("take-over"));
      await page.waitForSelector(id("take-over-dialog"));
      await shoot(page, "take-over");
      await page.click(id("take-over-confirm"));
      await page.waitForSelector(id("held"), { state: "detached" });
      await page.keyboard.press("Control+Shift+Delete");
      await page.waitForSelector(id("cancel-report-dialog"));
      await shoot(page, "cancel-report");
      await page.close();
    },
    async coSigning() {
      let page = await inRoom("no-prior&trainee");
      await written(page);
      await signed(page);
      await shoot(page, "sign-preliminary");
      await page.click(id("sign-submit"));
      await page.waitForSelector(id("preliminary-signature"));
      await shoot(page, "preliminary");
      await page.close();
      page = await inRoom("no-prior&prepared");
      await page.waitForSelector(id("preliminary-signature"));
      await shoot(page, "prepared");
      await signed(page);
      await shoot(page, "co-sign");
      await page.close();
    },
    async ownSettings() {
      const page = await open("");
      await page.click(id("go-settings"));
      await page.waitForSelector(id("macro-row"));
      await shoot(page, "settings-top");
      await page.locator(id("macro-edit")).last().click();
      await page.waitForSelector(id("macro-preview"));
      await page.locator(id("macros")).scrollIntoViewIfNeeded();
      await page.locator(id("words")).scrollIntoViewIfNeeded();
      await shoot(page, "macro-form");
      await page.click(id("watch-choose"));
      await page.waitForSelector(id("watch-none"));
      await page.fill(id("time-stamp-url"), "http://declined.example/tsr");
      await page.press(id("time-stamp-url"), "Tab");
      await page.waitForSelector(id("time-stamp-declined"));
      await page.locator(id("watched-folder")).scrollIntoViewIfNeeded();
      await shoot(page, "settings-asked");
      await page.close();
    },
  };
}
