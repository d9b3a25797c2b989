import { expect, test } from "vitest";
import type { FindingSupport, StudyRow } from "../../ipc";
import { FILTERS, flagged, parseSaved, priorityOf, statusWords, type FilterId } from "./rows";

const finding = (key: string, difference: number): FindingSupport => ({ finding: key, label: key, difference, softmax: 0.5, calibrated: null });
const row = (status: string, topFindings: FindingSupport[] = []) => ({ status, topFindings }) as StudyRow;

test.each<[FilterId, string[]]>([
  ["all", ["new", "drafted", "preliminary", "final", "addendum", "amended", "cancelled"]],
  ["unread", ["new", "drafted", "preliminary"]],
  ["drafted", ["drafted"]],
  ["open", ["preliminary"]],
  ["signed", ["final", "addendum", "amended"]],
])("the filter %s admits %o", (id, admitted) => {
  const all = ["new", "drafted", "preliminary", "final", "addendum", "amended", "cancelled"];
  expect(all.filter((status) => FILTERS[id].admits(row(status)))).toEqual(admitted);
});

// The shell gives a limited number of lines: what a filter admits must be what the store looked for.
test("each stage of reading is asked of the store", () => {
  const asked = Object.entries(FILTERS).map(([id, { asks }]) => [id, asks.status]);
  expect(asked).toEqual([
    ["all", "any"],
    ["unread", "to_read"],
    ["mine", "any"],
    ["drafted", "drafted"],
    ["open", "in_progress"],
    ["flagged", "any"],
    ["signed", "signed"],
  ]);
});

test.each([
  [[finding("pneumothorax", 0.1)], "pneumothorax"],
  [[finding("cardiomegaly", 0.3), finding("pleural_effusion", 0.1)], "pleural_effusion"],
  [[finding("pneumothorax", -0.1)], null],
  [[], null],
])("flags %o", (findings, wanted) => expect(flagged(row("new", findings))).toBe(wanted));

test("an unknown status is shown as it is", () => expect(statusWords("odd").word).toBe("odd"));

test.each([
  [{ priority: "stat", front: "Pneumothorax" }, "STAT"],
  [{ priority: "urgent", front: "" }, "Urgent"],
  [{ priority: "routine", front: "Pneumothorax" }, "Pneumothorax"],
  [{ priority: "routine", front: "" }, undefined],
])("%o reads %s", (given, word) => expect(priorityOf({ ...row("new"), ...given })?.word).toBe(word));

test("saved searches that are damaged are left out", () => {
  const good = { name: "ICU", search: "icu", filter: "unread" as const, from: "", to: "" };
  expect(parseSaved(JSON.stringify([good, { name: "x", filter: "gone" }, { filter: "all" }]))).toEqual([good]);
  for (const text of [null, "", "{", "7"]) expect(parseSaved(text)).toEqual([]);
});
