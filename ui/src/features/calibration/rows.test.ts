import { expect, test } from "vitest";
import { aucText, countsText, fitText, staleText } from "./rows";

test.each([
  [{ positives: 62, negatives: 80, needed: 40 }, "62, 80"],
  [{ positives: 12, negatives: 80, needed: 40 }, "12 of 40 needed, 80"],
  [{ positives: 0, negatives: 3, needed: 40 }, "0 of 40, 3 of 40 needed"],
])("%o", (row, text) => expect(countsText(row)).toBe(text));

test.each([
  [null, "not measured"],
  [{ value: 0.871, low: 0.805, high: 0.92 }, "0.87 (0.81–0.92)"],
])("%o", (auc, text) => expect(aucText({ auc })).toBe(text));

test.each([
  [[], "Fitted. No finding has enough signed cases yet, so none is calibrated."],
  [["calibrated", "stale"], "Fitted. 1 of 2 findings is calibrated; the others stay support."],
  [["calibrated", "calibrated", "not_calibrated"], "Fitted. 2 of 3 findings are calibrated; the others stay support."],
] as const)("%o", (states, text) => expect(fitText(states.map((status) => ({ status })))).toBe(text));

test.each([
  [1, /^One finding was fitted .* Its probability is not used until you fit again\.$/],
  [3, /^3 findings were fitted .* Their probabilities are not used until you fit again\.$/],
])("%d out of date", (findings, text) => expect(staleText(findings)).toMatch(text));
