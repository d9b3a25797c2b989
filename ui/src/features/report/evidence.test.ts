import { expect, test } from "vitest";
import type { ClaimState, ClaimView, SentenceEvidence } from "../../ipc";
import { claimText, inConflict, leading, logprob, numbersText, SENTENCE_WORDS, stateOf } from "./evidence";

const claim = (state: ClaimState, change: Partial<ClaimView> = {}): ClaimView => ({
  finding: "pleural_effusion",
  label: "Pleural effusion",
  presence: "present",
  side: null,
  zone: null,
  severity: null,
  temporal: [],
  device: null,
  state,
  reason: "",
  support: null,
  requery: null,
  ...change,
});
const sentence = (...claims: ClaimView[]): SentenceEvidence => ({ sentenceId: "s", claims });
const of = (...states: ClaimState[]): SentenceEvidence => sentence(...states.map((s) => claim(s)));

test.each([
  [of(), "none"],
  [of("unchecked"), "unchecked"],
  [of("unchecked", "unchecked"), "unchecked"],
  [of("agree"), "agree"],
  [of("agree", "agree"), "agree"],
  [of("unchecked", "agree"), "part"],
  [of("agree", "agree", "unchecked"), "part"],
  [of("conflict", "unchecked"), "conflict"],
  [of("agree", "conflict", "unchecked"), "conflict"],
  [sentence(claim("agree"), claim("unchecked", { presence: "uncertain" })), "agree"],
  [sentence(claim("unchecked", { finding: "no_finding" }), claim("agree", { presence: "absent" })), "agree"],
  [sentence(claim("unchecked", { presence: "uncertain" })), "unchecked"],
  [sentence(claim("agree"), claim("unchecked", { presence: "absent" })), "part"],
])("%#: a sentence is %s", (evidence, state) => expect(stateOf(evidence)).toBe(state));

test("every state of a sentence has a word of its own", () => {
  const words = Object.values(SENTENCE_WORDS);
  expect(new Set(words).size).toBe(words.length);
  expect(SENTENCE_WORDS.part).not.toBe(SENTENCE_WORDS.agree);
});

test("the claim in conflict is looked at first, and of equals the earlier one", () => {
  const claims = [claim("unchecked"), claim("agree", { label: "A" }), claim("agree", { label: "B" })];
  expect(leading(claims)?.label).toBe("A");
  expect(leading([...claims, claim("conflict", { label: "C" })])?.label).toBe("C");
  expect(leading([])).toBeUndefined();
});

test.each([
  [claim("agree"), "Pleural effusion present"],
  [claim("agree", { presence: "absent", side: "left", zone: "lower_zone", severity: "small", temporal: ["new"] }), "Pleural effusion absent, left, lower zone, small, new"],
  [claim("unchecked", { label: "Support devices", device: "endotracheal tube" }), "Support devices present, endotracheal tube"],
])("%#: what is said", (given, text) => expect(claimText(given)).toBe(text));

test.each([
  [claim("unchecked"), ""],
  [claim("agree", { support: { difference: 0.214, softmax: 0.9, packId: "p", instanceUid: "i" } }), "encoder +0.21"],
  [
    claim("conflict", {
      support: { difference: -0.04, softmax: 0.3, packId: "p", instanceUid: "i" },
      requery: { question: "Is there edema?", answer: null, yesLogprob: -1, noLogprob: -1, packId: "p" },
    }),
    "encoder −0.04 · re-asked: no clear answer",
  ],
])("%#: numbers are never percentages", (given, text) => {
  expect(numbersText(given)).toBe(text);
  expect(numbersText(given)).not.toMatch(/%|probab|confiden/);
});

test.each([
  [-0.126, "−0.13"],
  [0, "0.00"],
  [-Infinity, "−∞"],
])("a log-probability of %d", (value, text) => expect(logprob(value)).toBe(text));

test("sentences in conflict keep the order of the report", () => {
  const known = new Map([["b", of("conflict")], ["a", of("conflict")], ["c", of("agree")]]);
  expect(inConflict(["a", "x", "b", "c"], known)).toEqual(["a", "b"]);
});
