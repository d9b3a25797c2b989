import { expect, test } from "vitest";
import type { SigningNeed } from "../../ipc";
import { needSentence, needsNow, needsText } from "./needs";

const need = (code: string, count: number | null = null, section: SigningNeed["section"] = null): SigningNeed => ({ code, count, section });

test.each([
  [[], "nothing"],
  [[need("sign.unreviewed", 2)], "2 reviews"],
  [[need("sign.unreviewed", 1), need("sign.empty_section", null, "impression")], "1 review, impression"],
  [[need("sign.not_open")], "an open report"],
])("%o reads %s", (needs, text) => expect(needsText(needs)).toBe(text));

test.each([
  [need("sign.unreviewed", 2), "2 sentences unreviewed"],
  [need("sign.empty_section", null, "impression"), "Impression empty"],
])("%o is the check %s", (given, text) => expect(needSentence(given)).toBe(text));

test.each([
  [[need("sign.unreviewed", 3), need("sign.empty_section", null, "findings")], 1, "1 review, findings"],
  [[need("sign.unreviewed", 3)], 0, "nothing"],
  [[], 2, "2 reviews"],
])("%o with %d proposals on the screen reads %s", (needs, left, text) => expect(needsText(needsNow(needs, left))).toBe(text));
