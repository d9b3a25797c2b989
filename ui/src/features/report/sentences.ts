import type { FindingSupport, RegionName, ReportView, SectionName, SentenceState, SentenceView } from "../../ipc";

/** A sentence as the editor holds it: a block of plain text with its standing. */
export interface Sentence {
  id: string;
  text: string;
  region: RegionName | null;
  state: SentenceState;
  demo: boolean;
  /** The model's own words, where a person changed them. */
  modelText: string | null;
  support: FindingSupport[];
}

export interface Section {
  name: SectionName;
  /** False when its text cannot be changed now. */
  open: boolean;
  sentences: Sentence[];
}

/** The part of a report that the editor changes. */
export function sectionsOf(view: ReportView): Section[] {
  return view.sections.map(({ name, open, sentences }) => ({ name, open, sentences: sentences.map(sentenceOf) }));
}

function sentenceOf(view: SentenceView): Sentence {
  const { id, text, region, state, demo, modelText, support } = view;
  return { id, text, region, state, demo, modelText, support };
}

/** Blanks around a sentence are typing, not text. */
export function sameText(a: string, b: string): boolean {
  return a.trim() === b.trim();
}

/** Headings of the regions in Findings, in reading order. */
export const REGION_HEADINGS: Record<RegionName, string> = {
  devices: "Lines, tubes and devices",
  lungs: "Lungs and airways",
  pleura: "Pleura",
  heart_and_mediastinum: "Heart and mediastinum",
  bones_and_soft_tissues: "Bones and soft tissues",
  upper_abdomen: "Upper abdomen",
};

/** The word for a state, shown beside the sentence; none for what a person or a template wrote. */
export const STATE_WORDS: Record<SentenceState, string> = {
  template: "",
  person: "",
  proposed: "proposed",
  accepted: "accepted",
  edited: "edited",
  accepted_in_bulk: "accepted in bulk",
};
