import { expect, test } from "vitest";
import type { ClaimState, ClaimView } from "../../ipc";
import { reportOf, section, sentence } from "../report/fixtures";
import { noticed, regionHead, summaryOf } from "./summary";

test("the summary counts what became of the model's words", () => {
  const edited = { ...sentence("e", "Small effusion.", "edited"), modelText: "Effusion." };
  const view = reportOf([
    section("exam", [sentence("t", "Chest.", "template")]),
    section("findings", [sentence("a", "Clear.", "accepted"), edited, { ...sentence("b", "Bulk.", "accepted_in_bulk"), demo: true }]),
    section("impression", [sentence("p", "Effusion.")]),
  ]);
  expect(summaryOf(view)).toEqual({
    accepted: 1,
    acceptedInBulk: 1,
    edited: [{ model: "Effusion.", signed: "Small effusion." }],
    person: 1,
    template: 1,
    demo: true,
  });
});

test("a region's heading stands where the text comes to it", () => {
  const regions = [null, "lungs", null, "lungs", "pleura", "lungs"] as const;
  const sentences = regions.map((region) => ({ region }));
  expect(sentences.map((_, i) => regionHead(sentences, i))).toEqual([
    null,
    "Lungs and airways",
    null,
    null,
    "Pleura",
    "Lungs and airways",
  ]);
});

/** What is read at signing of a report of the sentences "a" and "b", of which the checks of the text noticed `flags`. */
function check(evidence: Record<string, ClaimState>, flags: string[], read: string[]): void {
  const view = reportOf([section("findings", [sentence("a", "Effusion.")]), section("impression", [sentence("b", "Clear.")])]);
  view.flags = flags.map((text) => ({ code: "check.side", text, sentenceIds: ["b"] }));
  const known = new Map(Object.entries(evidence).map(([sentenceId, state]) => [sentenceId, { sentenceId, claims: [{ state } as ClaimView] }]));
  expect(noticed(view, known).map((flag) => flag.text)).toEqual(read);
}

test.each([
  [{}, [], []],
  [{}, ["Sides differ."], ["Sides differ."]],
  [{ a: "agree", b: "unchecked" }, ["Sides differ."], ["Sides differ."]],
  // As in the list of checks, whose line of conflicts stands above the flags.
  [{ a: "conflict" }, [], ["1 sentence in conflict with the models."]],
  [{ a: "conflict" }, ["Sides differ.", "No field."], ["1 sentence in conflict with the models.", "Sides differ.", "No field."]],
  [{ a: "conflict", b: "conflict" }, ["Sides differ."], ["2 sentences in conflict with the models.", "Sides differ."]],
  // What is not in the text any more is not signed.
  [{ gone: "conflict" }, [], []],
] as [Record<string, ClaimState>, string[], string[]][])("%o and %o are read as %o", check);
