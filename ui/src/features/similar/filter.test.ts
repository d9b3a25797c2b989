import { expect, test } from "vitest";
import { aboutCase, findingLabel, searchedText } from "./filter";

test.each([
  ["pleural_effusion", "Pleural effusion"],
  ["edema", "Oedema (as named here)"],
])("%s is called %s", (key, label) => {
  expect(findingLabel(key, [{ finding: "edema", label: "Oedema (as named here)" }])).toBe(label);
});

test.each([
  [{ sex: "F", ageBand: "60-79", view: "PA" }, "F · 60-79 · PA"],
  [{ sex: "", ageBand: "60-79", view: "" }, "60-79"],
  [{ sex: "", ageBand: "", view: "" }, "nothing known"],
])("%o", (item, text) => expect(aboutCase(item)).toBe(text));

test.each([
  [{ searched: 1, waiting: 0 }, "1 image of another patient compared with image 1, PA."],
  [{ searched: 41200, waiting: 12 }, "41,200 images of other patients compared with image 1, PA; 12 not read by the encoder yet."],
])("%o", (found, text) => expect(searchedText(found, "image 1, PA")).toBe(text));
