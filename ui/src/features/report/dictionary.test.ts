import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { Dictionary, oneApart } from "./dictionary";
import { expanded, MACROS } from "./macros";
import { wordsOf } from "./words";

// A suggestion looks through two whole dictionaries, which takes seconds where other work has the processors.
vi.setConfig({ testTimeout: 120_000 });

const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");
const list = (name: string) => [read(`../../../node_modules/${name}/index.aff`), read(`../../../node_modules/${name}/index.dic`)] as const;
const lexicon = read("../../../../src-tauri/crates/report/src/lexicon.txt").trim().split("\n");
const dictionary = new Dictionary([list("dictionary-en"), list("dictionary-en-gb")]);
dictionary.learn(lexicon);

const wrong = (text: string) => wordsOf(text).map((w) => w.word).filter((word) => !dictionary.knows(word));

describe("words", () => {
  test.each([
    ["The heart's size isn't normal.", ["The", "heart's", "size", "isn't", "normal"]],
    ["[none|small] .ett T12 L1-L2 PICC a 3.5cm", []],
    ["Œdème naïve’s", ["Œdème", "naïve’s"]],
    ["ends 4 cm above.normal", ["ends", "cm", "above", "normal"]],
  ])("%j", (text, expected) => {
    const found = wordsOf(text);
    expect(found.map((w) => w.word)).toEqual(expected);
    for (const { word, from, to } of found) expect(text.slice(from, to)).toBe(word);
  });
});

describe("spelling", () => {
  test.each([
    ["No acute cardiopulmonary abnormality.", []],
    ["Oedema and edema, haemothorax and hemothorax, colour and color, centred and centered.", []],
    ["The costophrenic angles are blunted; subsegmental atelectases at the bases.", []],
    ["Port-a-Cath, retrocardiac, hilum's, hila.", []],
    ["Pnuemothorax and efusion are preesnt.", ["Pnuemothorax", "efusion", "preesnt"]],
    ["The lugns are cleer.", ["lugns", "cleer"]],
    ["Conslidation in teh right lobe.", ["Conslidation", "teh"]],
  ])("%j", (text, expected) => expect(wrong(text)).toEqual(expected));

  test.each([
    ["Pnuemothorax", "Pneumothorax"],
    ["efusion", "effusion"],
    ["atelectisis", "atelectasis"],
    ["lugns", "lungs"],
    ["mediastinm", "mediastinum"],
  ])("%s is meant to be %s", (typed, meant) => expect(dictionary.suggest(typed)).toContain(meant));

  test.each([
    ["abc", "abd", true],
    ["abc", "abcd", true],
    ["abc", "acb", true],
    ["abc", "abc", false],
    ["abc", "cba", false],
    ["abcd", "ab", false],
    ["", "a", true],
    ["ab", "ba", true],
    ["aab", "ab", true],
  ])("%j and %j", (a, b, expected) => {
    expect(oneApart(a, b)).toBe(expected);
    expect(oneApart(b, a)).toBe(expected);
  });

  test("the project's own macros and templates are clean", () => {
    for (const macro of MACROS) {
      const text = expanded(MACROS, macro.name, macro.sections[0] ?? "findings", [])!;
      expect(wrong(text.replace(/[[\]|]/g, " ")), macro.name).toEqual([]);
    }
    // That the lexicon holds every word of the built-in templates is tested beside them.
    expect(lexicon.every((word) => dictionary.knows(word))).toBe(true);
  });

  test("few real sentences hold a word that is called wrong", () => {
    const path = fileURLToPath(new URL("../../../../../shared/data/reports/iu-xray-reports.json", import.meta.url));
    if (!existsSync(path)) return console.log(`skipped: the real reports (${path} is not there)`);
    const { words, alarms, reports, flagged, most } = measured(JSON.parse(readFileSync(path, "utf8")));
    console.log(`spelling: ${alarms} of ${words} words, in ${flagged} of ${reports} reports: ${most.join(", ")}`);
    expect(reports).toBeGreaterThan(100);
    expect(alarms / words).toBeLessThan(0.005);
  });
});

/** Over all reports: the lexicon was made without them, and takes no word from them. */
function measured(all: unknown): { words: number; alarms: number; reports: number; flagged: number; most: string[] } {
  const out = { words: 0, alarms: 0, reports: 0, flagged: 0 };
  const counts = new Map<string, number>();
  for (const report of textsOf(all)) {
    const found = wrong(report);
    out.reports += 1;
    out.words += wordsOf(report).length;
    out.alarms += found.length;
    if (found.length > 0) out.flagged += 1;
    for (const word of found) counts.set(word.toLowerCase(), (counts.get(word.toLowerCase()) ?? 0) + 1);
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 30).map(([word, n]) => `${word} ${n}`);
  return { ...out, most };
}

/** Findings and impression of each report, without the placeholders of de-identification. */
function textsOf(all: unknown): string[] {
  const reports = Object.values(all as Record<string, { section_findings?: string; section_impression?: string }>);
  return reports.map((r) => [r.section_findings, r.section_impression].filter(Boolean).join(" ").replace(/x{2,}/gi, " "));
}
