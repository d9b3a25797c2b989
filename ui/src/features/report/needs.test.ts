import { expect, test } from "vitest";
import type { SigningNeed } from "../../ipc";
import { needSentence, needsText } from "./needs";

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
