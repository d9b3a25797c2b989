import { expect, test } from "vitest";
import { fileWarnings, oddityWords, tagWarnings } from "./tags";

test.each([
  ["PA", ["L", "F"], "", []],
  ["AP", ["LF", "FR"], "", []],
  ["PA", ["P", "F"], "", ["Tags disagree: view PA, but rows run to P, as in a lateral"]],
  ["LL", ["A", "F"], "L", []],
  ["ll", ["L", "F"], "", ["Tags disagree: view LL, but rows run to L, as in a frontal"]],
  ["PA", ["R", "F"], "", ["By the tags the patient's right is on the right of the stored image"]],
  ["PA", ["L", "H"], "", ["By the tags the image is stored upside down"]],
  ["PA", [], "", ["Orientation is not in the tags: sides are not marked"]],
  ["PA", ["L", "F"], "R", ["Tags say laterality R of a frontal chest"]],
  ["", ["L", "F"], "", []],
])("view %s with rows and columns to %o, laterality %s", (view, orientation, laterality, warnings) => {
  expect(tagWarnings({ view, orientation, laterality, bodyPart: "CHEST" })).toEqual(warnings);
});

test.each<[string, Parameters<typeof fileWarnings>[0], string[]]>([
  ["one frame", { frames: 1, warnings: [], lossyRatios: [] }, []],
  ["many frames", { frames: 12, warnings: ["header.missing_window"], lossyRatios: [] }, ["Frame 1 of 12; the others are not shown"]],
  ["loss", { frames: 1, warnings: ["pixels.lossy"], lossyRatios: [] }, ["Compressed with loss"]],
  ["loss of a known ratio", { frames: 1, warnings: ["pixels.lossy"], lossyRatios: [12.345] }, ["Compressed with loss, 12.3:1"]],
  ["loss in two steps", { frames: 1, warnings: ["pixels.lossy"], lossyRatios: [10, 4] }, ["Compressed with loss, 10:1, then 4:1"]],
  // A ratio says nothing where the file says that nothing was lost.
  ["a ratio without loss", { frames: 1, warnings: [], lossyRatios: [2.1] }, []],
  ["both", { frames: 2, warnings: ["pixels.lossy"], lossyRatios: [] }, ["Frame 1 of 2; the others are not shown", "Compressed with loss"]],
])("what the file says of the image: %s", (_, image, warnings) => expect(fileWarnings(image)).toEqual(warnings));

test("codes of oddities are put in words", () => {
  expect(["pixels.lossy", "header.missing_window"].map(oddityWords)).toEqual(["compressed with loss", "missing window"]);
});
