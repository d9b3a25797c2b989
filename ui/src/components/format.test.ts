import { expect, test } from "vitest";
import { sexAndAge } from "./format";

test.each([
  ["63 Y", "F", "63 Y F"],
  ["8 M", "M", "8 mo M"],
  ["3 W", "F", "3 wk F"],
  ["12 D", "M", "12 d M"],
  ["", "F", "F"],
  ["40 Y", "", "40 Y"],
  ["", "", ""],
])("age %s and sex %s beside a name", (age, sex, expected) => {
  expect(sexAndAge({ age, sex })).toBe(expected);
});
