import type { SectionName } from "../../ipc";
import { withCaps } from "../../keys/caps";

const HINTS: Partial<Record<SectionName, string>> = {
  indication: "Why was the image taken?",
  comparison: "Earlier images, or none",
  findings: "Type",
  impression: "What it comes to",
  addendum: "What is to be added to the signed report",
};

/** What a section without words invites to; to a draft only while the model can be asked for one. */
export function hintOf(section: SectionName, canDraft: boolean): string {
  return section === "findings" && canDraft ? withCaps("Type, or draft with {draft.start}") : (HINTS[section] ?? "");
}
