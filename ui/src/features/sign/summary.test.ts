import { expect, test } from "vitest";
import { reportOf, section, sentence } from "../report/fixtures";
import { summaryOf } from "./summary";

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
