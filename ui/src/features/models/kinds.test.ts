import { expect, test } from "vitest";
import { keptText, kindText } from "./kinds";

test.each([
  ["medgemma", "MedGemma architecture, drafts reports", ""],
  ["medgemma-text", "MedGemma architecture for text alone", "kept and checked; nothing drafts with it yet"],
  ["medsiglip", "MedSigLIP architecture, scores findings", ""],
  ["later", "later", ""],
])("%s is said in words", (kind, words, kept) => expect([kindText(kind), keptText(kind)]).toEqual([words, kept]));
