import { expect, test } from "vitest";
import { percent, percentRange, sexAndAge } from "./format";

test.each([
  ["63 Y", "F", "63 Y F"],
  ["8 mo", "M", "8 mo M"],
  ["", "F", "F"],
  ["40 Y", "", "40 Y"],
  ["", "", ""],
])("age %s and sex %s beside a name", (age, sex, expected) => {
  expect(sexAndAge({ age, sex })).toBe(expected);
});

test.each([
  [0.62, "62 %"],
  [0.005, "1 %"],
  [0.0049, "<1 %"],
  [0.0001, "<1 %"],
  [0, "<1 %"],
  [0.994, "99 %"],
  [0.9951, ">99 %"],
  [0.99999, ">99 %"],
  [1, ">99 %"],
])("a probability of %d", (probability, text) => expect(percent(probability)).toBe(text));

test.each([
  [0.48, 0.71, "48–71 %"],
  [0.001, 0.04, "<1–4 %"],
  [0.96, 0.999, "96–>99 %"],
  [0.002, 0.998, "<1–>99 %"],
  [0.001, 0.004, "<1 %"],
  [0.996, 0.9999, ">99 %"],
  [0.621, 0.624, "62 %"],
])("an interval from %d to %d", (low, high, text) => expect(percentRange(low, high)).toBe(text));
