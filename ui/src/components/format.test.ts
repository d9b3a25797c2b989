import { expect, test } from "vitest";
import { sexAndAge } from "./format";

test.each([
  ["63 Y", "F", "63 Y F"],
  ["8 mo", "M", "8 mo M"],
  ["", "F", "F"],
  ["40 Y", "", "40 Y"],
  ["", "", ""],
])("age %s and sex %s beside a name", (age, sex, expected) => {
  expect(sexAndAge({ age, sex })).toBe(expected);
});
