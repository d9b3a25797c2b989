import { expect, test } from "vitest";
import { reportOf, section, sentence } from "../report/fixtures";
import { regionHead, summaryOf } from "./summary";

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
