// Every screen of the preview, reached as a person would reach it.
import { writingScenesOf } from "./writing-scenes.mjs";

import { PATIENCE } from "./browser.mjs";

/** Selector of a test id. */
export const id = (name) => `[data-testid="${name}"]`;

/**
 * The scenes by name. `open(query)` gives a page of the preview, `shoot(page, name)` is called on each screen.
 */
export function scenesOf(open, shoot) {
  async function inRoom(query, row = 0) {
    const page = await open(query);
    await page.locator(id("open-study")).nth(row).click();
    await page.waitForSelector(`${id("viewer")}[data-ready=true]`, { timeout: PATIENCE });
    return page;
  }

  return {
    async firstRun() {
      const page = await open("first-run&empty");
      await shoot(page, "first-run");
      await page.fill(id("first-run-name"), "Dr A. Reader");
      await page.fill(id("first-run-passphrase"), "correct horse");
      await page.click(id("first-run-create"));
      await page.waitForSelector(id("recovery-key"));
      await shoot(page, "recovery-key");
      // Nobody is there for as long as the settings say, and then goes on.
      await page.evaluate(() => window.preview.invoke("lock", {}).then(() => window.preview.emit({ event: "locked" })));
      await page.fill(id("unlock-passphrase"), "correct horse");
      await page.click(id("unlock-submit"));
      await page.waitForSelector(id("first-run-renew"));
      await shoot(page, "recovery-key-again");
      await page.fill(id("first-run-renew-passphrase"), "wrong");
      await page.click(id("first-run-renew"));
      await page.waitForSelector("[data-code='vault.locked']");
      await shoot(page, "recovery-key-refused");
      await page.fill(id("first-run-renew-passphrase"), "correct horse");
      await page.click(id("first-run-renew"));
      await page.waitForSelector(id("recovery-key"));
      await page.check(id("recovery-written"));
      await page.click(id("recovery-done"));
      await page.waitForSelector(id("signing-key-name"));
      await shoot(page, "signing-key");
      await page.click(id("signing-key-import"));
      await shoot(page, "signing-key-import");
      await page.fill(id("signing-key-password"), "wrong");
      await page.fill(id("signing-key-passphrase"), "correct horse");
      await page.click(id("signing-key-choose"));
      await page.waitForSelector("[data-code='pkcs12.wrong_password']");
      await shoot(page, "signing-key-refused");
      await page.click(id("first-run-key"));
      await page.waitForSelector(id("first-run-understood"));
      await page.check(id("first-run-understood"));
      await shoot(page, "first-run-models");
      await page.click(id("first-run-begin"));
      await page.waitForSelector(id("worklist"));
      await shoot(page, "empty-worklist");
      await page.click(id("import-files"));
      await page.waitForSelector(id("verdicts"));
      await shoot(page, "verdicts");
      await page.close();
    },
    async unlock() {
      const page = await open("locked");
      await page.fill(id("unlock-passphrase"), "wrong");
      await page.click(id("unlock-submit"));
      await page.waitForSelector("[data-code='vault.locked']");
      await shoot(page, "unlock");
      await page.fill(id("unlock-passphrase"), "right one");
      await page.click(id("unlock-submit"));
      await page.waitForSelector(id("worklist-row"));
      await shoot(page, "worklist");
      await page.close();
    },
    async room() {
      const page = await inRoom("");
      await shoot(page, "room-fresh");
      await page.click(id("draft-start"));
      await page.waitForTimeout(1700);
      await page.click(`${id("section-indication")} .ProseMirror`);
      await page.keyboard.press("End");
      await page.keyboard.type(" Cough.");
      await shoot(page, "drafting");
      await page.waitForSelector(id("proposed-sentence"));
      await page.keyboard.press("Alt+ArrowDown");
      await shoot(page, "proposals");
      await page.keyboard.press("Enter");
      await page.keyboard.press("e");
      await page.keyboard.type(" No pneumonia.");
      await page.keyboard.press("Alt+ArrowDown");
      await page.keyboard.press("Backspace");
      await shoot(page, "reviewing");
      for (let i = 0; i < 3; i++) await page.keyboard.press("Enter");
      await page.waitForSelector(`${id("sign-open")}:not(:disabled)`);
      await shoot(page, "reviewed");
      await page.keyboard.press("Control+k");
      await page.waitForSelector(id("palette"));
      await shoot(page, "palette");
      await page.keyboard.press("Escape");
      await page.click(id("sign-open"));
      await page.waitForSelector(id("sign-text"));
      await shoot(page, "sign");
      await page.check(id("sign-patient"));
      await page.check(id("sign-accession"));
      await page.fill(id("sign-passphrase"), "correct horse");
      await page.click(id("sign-submit"));
      await page.waitForSelector(`${id("signed-pdf")}[data-pages="1"]`);
      await page.click(id("save-pdf"));
      await shoot(page, "signed-pdf");
      await page.click(id("sign-close"));
      await shoot(page, "read-only");
      await page.click(id("addendum"));
      await page.waitForSelector(`${id("section-addendum")} .ProseMirror`);
      await shoot(page, "addendum");
      await page.close();
    },
    async evidence() {
      const page = await inRoom("", 0);
      await page.click(id("draft-start"));
      await page.waitForSelector(id("proposed-sentence"));
      await page.waitForSelector(id("claim-state"));
      await page.keyboard.press("F8");
      await shoot(page, "conflict");
      await page.keyboard.press("Control+m");
      await page.waitForSelector(id("evidence-map"));
      await shoot(page, "map");
      await page.keyboard.press("Control+Shift+a");
      await page.waitForSelector(id("requery-cancel"));
      await shoot(page, "asking");
      await page.waitForSelector(id("requery"));
      await page.waitForTimeout(300);
      await page.keyboard.press("F7");
      await shoot(page, "asked");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+Shift+f");
      await page.waitForSelector(id("origin-dialog"));
      await shoot(page, "origin");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Alt+ArrowUp");
      await page.keyboard.press("Backspace");
      await page.keyboard.press("Control+z");
      await page.keyboard.press("Control+z");
      await page.waitForTimeout(600);
      await shoot(page, "undone");
      await page.click(id("section-model-impression"));
      await shoot(page, "section-menu");
      await page.keyboard.press("Escape");
      await page.click(id("support-all"));
      await page.keyboard.press("r");
      await shoot(page, "all-support");
      await page.close();
    },
    async flags() {
      const page = await inRoom("no-prior", 1);
      await page.click(`${id("section-findings")} .ProseMirror`);
      await page.keyboard.type("There is a right pleural effusion of 12 mm mm.");
      await page.keyboard.press("Enter");
      await page.keyboard.type("There is pulmonary oedema.");
      await page.click(`${id("section-impression")} .ProseMirror`);
      await page.keyboard.type("Small left pleural effusion.");
      await page.waitForSelector(id("report-flags"));
      await page.waitForTimeout(700);
      await shoot(page, "flags");
      await page.click(id("sign-open"));
      await page.waitForSelector(id("sign-flags"));
      await shoot(page, "sign-flags");
      await page.close();
    },
    async similar() {
      const page = await inRoom("calibrated", 0);
      await page.waitForSelector(id("pick-finding"));
      await page.waitForTimeout(900);
      await shoot(page, "calibrated");
      await page.keyboard.press("Control+Shift+c");
      await page.waitForSelector(id("similar-case"));
      await page.waitForTimeout(1500);
      await shoot(page, "similar");
      await page.locator(id("similar-whose")).nth(1).click();
      await shoot(page, "reveal");
      await page.click(id("reveal-confirm"));
      await page.selectOption(id("similar-finding"), "pleural_effusion");
      await page.waitForTimeout(600);
      await shoot(page, "revealed");
      await page.close();
    },
    async packs() {
      let page = await open("slow-draft");
      await page.keyboard.press("Control+Shift+m");
      await page.waitForSelector(id("add-pack"));
      await shoot(page, "add-pack");
      await page.check(id("accept-terms"));
      await page.click(id("pack-add"));
      await page.waitForSelector(`${id("pack-job")}[data-phase=converting]`, { timeout: PATIENCE });
      await shoot(page, "adding");
      await page.waitForSelector(`${id("model-pack")}[data-pack-id="medgemma-1-5-4b-it"]`, { timeout: PATIENCE });
      await shoot(page, "added");
      await page.locator(id("remove-pack")).first().click();
      await shoot(page, "remove");
      await page.close();
      page = await open("refuse-pack");
      await page.keyboard.press("Control+2");
      await page.click(id("pack-choose"));
      await page.waitForSelector(id("pack-refusal"));
      await shoot(page, "refused");
      await page.close();
      page = await open("fail-pack");
      await page.keyboard.press("Control+Shift+m");
      await page.check(id("accept-terms"));
      await page.click(id("pack-add"));
      await page.waitForSelector(id("pack-refusal"), { timeout: PATIENCE });
      await shoot(page, "pack-failed");
      await page.close();
    },
    async calibration() {
      const page = await open("stale");
      await page.click(id("go-calibration"));
      await page.waitForSelector(id("calibration-row"));
      await shoot(page, "calibration-stale");
      await page.click(id("calibration-fit"));
      await page.waitForSelector("[data-status=calibrated]");
      await shoot(page, "calibration");
      await page.click(id("go-settings"));
      await page.fill(id("recovery-passphrase"), "correct horse");
      await shoot(page, "settings-recovery");
      await page.click(id("recovery-renew"));
      await page.waitForSelector(id("recovery-dialog"));
      await shoot(page, "recovery-renewed");
      await page.close();
    },
    async viewer() {
      const page = await inRoom("no-prior", 0);
      const box = await page.locator(id("viewer")).first().boundingBox();
      // The image is 1251 x 1501 and fills its pane.
      const zoom = Math.min(box.width / 1251, box.height / 1501);
      const at = (u, v) => [box.x + box.width / 2 + (u - 0.5) * 1251 * zoom, box.y + box.height / 2 + (v - 0.5) * 1501 * zoom];
      const line = async (a, b) => {
        await page.mouse.move(...at(...a));
        await page.mouse.down();
        await page.mouse.move(...at(...b), { steps: 4 });
        await page.mouse.up();
      };
      await line([0.5, 0.5], [0.5, 0.5]);
      await page.keyboard.press("c");
      await line([0.42, 0.62], [0.68, 0.62]);
      await line([0.14, 0.72], [0.86, 0.72]);
      await page.keyboard.press("l");
      await line([0.25, 0.25], [0.33, 0.3]);
      await page.keyboard.press("o");
      await line([0.62, 0.3], [0.75, 0.42]);
      await page.keyboard.press("b");
      await line([0.44, 0.2], [0.56, 0.22]);
      await line([0.44, 0.5], [0.56, 0.46]);
      await page.keyboard.press("a");
      await line([0.2, 0.9], [0.3, 0.82]);
      await line([0.42, 0.9], [0.44, 0.9]);
      await page.keyboard.press("d");
      await line([0.8, 0.15], [0.72, 0.24]);
      await page.keyboard.press("t");
      await page.mouse.click(...at(0.2, 0.15));
      // Before the field is there, the letters would be keys.
      await page.waitForSelector("[aria-label='Text on the image']");
      await page.keyboard.type("artefact");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Shift+L");
      await page.waitForSelector(id("mark-row"));
      await page.locator(`${id("mark-row")} button`).first().click();
      await shoot(page, "marks");
      await page.click(id("mark-to-report"));
      await page.waitForTimeout(700);
      await shoot(page, "mark-in-report");
      await page.keyboard.press("Shift+L");
      await page.keyboard.press("Escape");
      await page.locator(id("viewer")).first().click({ position: { x: 30, y: 200 } });
      await page.keyboard.press("k");
      await page.keyboard.press("m");
      await page.mouse.move(...at(0.3, 0.6));
      await shoot(page, "clahe-magnifier");
      await page.keyboard.press("Shift+K");
      await page.keyboard.press("Escape");
      await page.keyboard.press("u");
      await shoot(page, "edge-sigmoid");
      await page.keyboard.press("Shift+T");
      await page.waitForSelector(id("test-pattern"));
      await shoot(page, "pattern");
      await page.close();
    },
    async layouts() {
      const page = await inRoom("", 0);
      await page.waitForTimeout(1200);
      await shoot(page, "prior-beside");
      await page.keyboard.press("F6");
      await page.keyboard.press("F6");
      await page.locator(id("viewer")).first().click({ position: { x: 200, y: 300 } });
      await page.mouse.wheel(0, -400);
      await page.keyboard.press("i");
      await page.waitForTimeout(300);
      await shoot(page, "linked");
      await page.keyboard.press("x");
      await page.waitForTimeout(300);
      await shoot(page, "mirrored");
      await page.keyboard.press("v");
      await page.waitForTimeout(1500);
      await shoot(page, "single");
      await page.keyboard.press("Shift+H");
      await page.waitForSelector(id("hanging-rules"));
      await shoot(page, "hanging-rules");
      await page.close();
    },
    async panes() {
      const page = await inRoom("", 0);
      await page.waitForTimeout(1200);
      await page.hover(id("empty-pane"));
      await shoot(page, "empty-pane");
      await page.click(id("empty-pane"));
      await shoot(page, "empty-pane-active");
      // By a rule that no image fits, one is left that no pane shows.
      await page.keyboard.press("Shift+H");
      await page.locator(`${id("hanging-rules")} li`).nth(1).getByLabel("Pane 3").selectOption("other");
      await page.click(id("hanging-keep"));
      await page.click(id("go-worklist"));
      await page.locator(id("open-study")).nth(1).click();
      await page.waitForSelector(`${id("viewer")}[data-ready=true]`, { timeout: PATIENCE });
      await page.click(id("go-worklist"));
      await page.locator(id("open-study")).nth(0).click();
      await page.waitForSelector(id("empty-show"), { timeout: PATIENCE });
      await page.waitForTimeout(1200);
      await shoot(page, "empty-pane-left");
      await page.locator(id("empty-show")).first().click();
      await page.waitForTimeout(1200);
      await page.keyboard.press("Shift+L");
      await shoot(page, "no-marks");
      await page.close();
    },
    async strip() {
      const page = await inRoom("many", 0);
      await page.waitForTimeout(1200);
      await shoot(page, "strip-many");
      await page.locator(id("strip-image")).last().click();
      await page.waitForTimeout(1200);
      await shoot(page, "strip-many-last");
      await page.close();
    },
    async worklist() {
      const page = await open("");
      await page.fill(id("worklist-search"), "eff");
      await page.click(id("save-filter"));
      await page.fill(id("save-filter-name"), "Effusions this week");
      await page.keyboard.press("Enter");
      await page.fill(id("worklist-search"), "");
      await page.locator(`${id("worklist-row")}[data-status=new]`).first().click();
      await page.click(id("queue-draft"));
      await page.waitForSelector(id("queue-remove"));
      await page.locator(`${id("worklist-row")}[data-status=new]`).nth(1).click();
      await page.click(id("queue-draft"));
      await page.locator(`${id("worklist-row")}[data-status=new]`).first().click();
      await page.selectOption(id("set-priority"), "stat");
      await page.selectOption(id("assign"), { index: 1 });
      await page.waitForTimeout(500);
      await shoot(page, "worklist-queue");
      // One that failed, and one at hand, as the shell says it.
      await page.evaluate(() => {
        const [a, b] = window.preview.queue.studies;
        window.preview.emit({ event: "queue_changed", queue: { paused: false, running: a.studyUid, studies: [a, { ...b, failed: "worker.died" }] } });
      });
      await shoot(page, "worklist-queue-failed");
      await page.locator(id("open-study")).first().click();
      await page.waitForSelector(`${id("viewer")}[data-ready=true]`, { timeout: PATIENCE });
      await page.click(id("tab-timeline"));
      await page.waitForSelector(id("timeline-study"));
      await shoot(page, "timeline");
      await page.click(id("move-study"));
      await page.fill(id("move-search"), "a");
      await page.waitForTimeout(400);
      await shoot(page, "move-study");
      await page.close();
    },
    async states() {
      let page = await open("fail-decode");
      await page.locator(id("open-study")).nth(3).click();
      await page.waitForSelector("[data-code='decode.timeout']");
      await shoot(page, "decode-failed");
      await page.close();
      page = await inRoom("fail-draft", 1);
      await page.click(id("draft-start"));
      await page.waitForSelector(id("draft-retry"));
      await shoot(page, "draft-failed");
      await page.close();
      page = await inRoom("no-models", 1);
      await shoot(page, "no-models");
      await page.close();
    },
    async backups() {
      let page = await open("");
      await page.click(id("go-settings"));
      await page.locator(id("backup")).scrollIntoViewIfNeeded();
      await shoot(page, "backup");
      await page.click(id("backup-start"));
      await page.waitForSelector(id("backup-running"));
      await shoot(page, "backup-running");
      await page.waitForSelector(id("backup-running"), { state: "detached" });
      await shoot(page, "backup-done");
      await page.close();
      page = await open("fail-backup");
      await page.click(id("go-settings"));
      await page.click(id("backup-start"));
      await page.waitForSelector(id("backup-failed"));
      await page.locator(id("backup")).scrollIntoViewIfNeeded();
      await shoot(page, "backup-failed");
      await page.close();
      page = await open("locked");
      await page.click(id("restore-choose"));
      await page.fill(id("restore-secret"), "wrong");
      await shoot(page, "restore");
      await page.click(id("restore-start"));
      await page.waitForSelector("[data-code='vault.locked']");
      await shoot(page, "restore-refused");
      await page.fill(id("restore-secret"), "right one");
      await page.click(id("restore-start"));
      await page.waitForSelector(id("restore-running"));
      await shoot(page, "restore-running");
      await page.waitForSelector(id("restore-done"));
      await shoot(page, "restore-done");
      await page.close();
      page = await open("first-run&empty");
      await shoot(page, "restore-first-run");
      await page.click(id("restore-choose"));
      await page.waitForSelector(id("restore"));
      await shoot(page, "restore-new-computer");
      await page.close();
    },
    async screens() {
      const page = await open("");
      for (const name of ["models", "audit", "settings", "help"]) {
        await page.click(id(`go-${name}`));
        await page.waitForTimeout(200);
        await shoot(page, name);
        if (name === "audit") {
          await page.fill(id("audit-words"), "settings");
          await page.click(id("audit-export"));
          await page.waitForSelector(id("audit-written"));
          await page.click(id("audit-verify"));
          await page.waitForSelector(id("audit-ok"));
          await shoot(page, "audit-filtered");
        }
      }
      await page.click(id("keys-change"));
      await page.click(id("key-of-view.invert"));
      await page.waitForTimeout(100);
      await page.keyboard.press("r");
      await page.waitForSelector(id("key-take"));
      await shoot(page, "keys-changing");
      await page.click(id("key-take"));
      await page.click(id("keys-change"));
      await page.keyboard.press("Shift+F1");
      await page.click("details summary");
      await page.waitForSelector(id("about-component"));
      await shoot(page, "about");
      await page.close();
    },
    ...writingScenesOf(open, shoot),
  };
}
