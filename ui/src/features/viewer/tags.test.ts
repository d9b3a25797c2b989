import { expect, test } from "vitest";
import { tagWarnings } from "./tags";

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
