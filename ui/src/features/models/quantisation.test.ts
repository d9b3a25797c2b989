import { expect, test } from "vitest";
import { arithmeticText, bitsText, firstForm, formName } from "./quantisation";

test.each([
  [["none", "q8_0", "q4k"], "q4k"],
  [["none", "q8_0"], "q8_0"],
  [["none"], "none"],
  [[], "none"],
  [["q3_new"], "q3_new"],
])("of %j the first offered is %s", (offered, first) => expect(firstForm(offered)).toBe(first));

test.each([
  ["q4k", "4-bit (Q4_K)", "4.5 of 16 bits a weight"],
  ["q3_new", "q3_new", ""],
])("%s is named", (key, name, bits) => expect([formName(key), bitsText(key)]).toEqual([name, bits]));

test.each([
  ["", ""],
  ["int8", "computes in 8-bit integers, chosen for this computer; its scores are kept apart from the usual ones"],
  ["f8", "computes in f8, chosen for this computer; its scores are kept apart from the usual ones"],
])("the arithmetic %j is said in words", (key, text) => expect(arithmeticText(key)).toBe(text));
