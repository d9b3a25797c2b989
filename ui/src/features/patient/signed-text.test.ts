import { expect, test } from "vitest";
import { signedSections } from "./signed-text";

test("each heading has its sentences", () => {
  const text = "Findings\nThe lungs are clear.\nThe heart is of normal size.\n\nImpression\nNo acute disease.\n\nAddendum\nSeen by phone.\n\n";
  expect(signedSections(text)).toEqual([
    { heading: "Findings", text: "The lungs are clear.\nThe heart is of normal size." },
    { heading: "Impression", text: "No acute disease." },
    { heading: "Addendum", text: "Seen by phone." },
  ]);
});

test("a sentence of a heading's word alone is a sentence, and no word is lost", () => {
  expect(signedSections("Findings\nTechnique\nPoor.\n\nUnknown\nKept.\n\n")).toEqual([{ heading: "Findings", text: "Technique\nPoor.\n\nUnknown\nKept." }]);
  expect(signedSections("Words first.\n\nImpression\nNone.")).toEqual([
    { heading: "", text: "Words first." },
    { heading: "Impression", text: "None." },
  ]);
  expect(signedSections("")).toEqual([]);
});
