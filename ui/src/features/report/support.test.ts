import { render } from "svelte/server";
import { afterEach, expect, test } from "vitest";
import SupportBars from "../../components/SupportBars.svelte";
import type { ClaimView, FindingSupport } from "../../ipc";
import { room } from "../reading-room/room.svelte";
import EvidencePanel from "./EvidencePanel.svelte";
import { reportOf, sentence } from "./fixtures";
import SupportAndChecks from "./SupportAndChecks.svelte";

const bare = (finding: string, difference: number, softmax: number): FindingSupport => ({ finding, label: finding, difference, softmax, calibrated: null });
const fitted = (finding: string, difference: number): FindingSupport => ({
  ...bare(finding, difference, 0.99), calibrated: { probability: 0.62, low: 0.48, high: 0.71, cases: 84 },
});

/** What is read on the screen. */
const wordsOf = (html: string) => html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();
/** What is read when the pointer rests on it, or by a screen reader. */
const titlesOf = (html: string) => [...html.matchAll(/ (?:title|aria-label)="([^"]*)"/g)].map((found) => found[1]).join(" | ");

interface Row {
  words: string;
  titles: string;
}

/** Each finding's row. Widths of bars are no words. */
function rows(support: FindingSupport[]): Row[] {
  const { body } = render(SupportBars, { props: { support, most: 99, onpick: () => {} } });
  return body.split("<li").slice(1).map((row) => ({ words: wordsOf(row.slice(row.indexOf(">") + 1)), titles: titlesOf(row) }));
}

function isSupport(row: Row): void {
  expect(row.words + row.titles).not.toContain("%");
  expect(row.titles).toContain("not a probability");
  expect(row.titles).toContain("Not calibrated here");
}

test.each([
  [0.21, 0.9999, "Effusion +0.21"],
  [0.004, 0.62, "Effusion 0.00"],
  [-0.3, 0.01, "Effusion −0.30"],
  [1, 1, "Effusion +1.00"],
])("a difference of %d with a softmax of %d is shown as support", (difference, softmax, words) => {
  const [row] = rows([bare("Effusion", difference, softmax)]) as [Row];
  expect(row.words).toBe(words);
  isSupport(row);
});

test("a calibrated finding has its interval and the number of patients beside its probability", () => {
  const [row] = rows([fitted("Effusion", 0.21)]) as [Row];
  expect(row.words).toBe("Effusion 62 % (48–71 %, n 84)");
  expect(row.titles).toContain("Calibrated here on 84 patients with signed reports, 95 % interval");
  expect(row.titles).not.toContain("not a probability");
});

test("beside a calibrated finding the others stay support, and come after it", () => {
  const all = rows([bare("Oedema", 0.9, 1), fitted("Effusion", -0.2), bare("Fracture", -0.1, 0.2)]);
  expect(all.map((row) => row.words)).toEqual(["Effusion 62 % (48–71 %, n 84)", "Oedema +0.90", "Fracture −0.10"]);
  all.slice(1).forEach(isSupport);
});

/** What the two parts of the report's pane read; neither asks for more of a report here. */
function pane(claims: ClaimView[]) {
  const view = reportOf([]);
  const evidence = { known: new Map([["s", { sentenceId: "s", claims }]]), failed: null, requery: null };
  const report = { view, left: 0, evidence, current: "s", proposed: [], explained: 0, sentence: () => sentence("s", "Effusion.", "proposed") };
  return { detail: { images: [], modelsApply: true }, report, flags: [], prior: null, askable: true, onorigin: () => {} } as never;
}

afterEach(() => (room.support = []));

test.each([
  ["no finding is calibrated", [bare("Effusion", 0.21, 0.99)], "support, not a probability; not calibrated", false],
  ["some are", [fitted("Effusion", 0.21), bare("Oedema", 0.9, 1)], "bars with a percentage are calibrated here; the others are support, not a probability", true],
  ["all are", [fitted("Effusion", 0.21)], "calibrated here, 95 % interval", true],
])("above the bars stands what they are: %s", (_, support, line, percentages) => {
  room.support = support;
  const words = wordsOf(render(SupportAndChecks, { props: pane([]) }).body);
  expect(words).toContain(line);
  expect(words.includes("%")).toBe(percentages);
});

test("evidence of a sentence is called support and has no percentage", () => {
  const claim: ClaimView = {
    finding: "pleural_effusion", label: "Pleural effusion", presence: "present", side: null, zone: null, severity: null, temporal: [], device: null,
    state: "agree", reason: "The encoder's score and the model's answer say the same.",
    support: { difference: 0.034, softmax: 0.968, packId: "encoder", instanceUid: "1.2" },
    requery: { question: "Is there a pleural effusion?", answer: "yes", yesLogprob: -0.03, noLogprob: -3.6, packId: "drafter" },
  };
  const { body } = render(EvidencePanel, { props: pane([claim]) });
  const words = wordsOf(body);
  expect(words).toContain("Evidence (support, not a probability)");
  expect(words).toContain("Encoder +0.03 , cosine with phrases for the finding minus phrases against it");
  expect(words).toContain("log-probability of the word yes −0.03, of no −3.60");
  expect(words + titlesOf(body)).not.toContain("%");
  // The softmax, and what the logarithm is one of.
  expect(words).not.toMatch(/0\.97|0\.968|97/);
});
