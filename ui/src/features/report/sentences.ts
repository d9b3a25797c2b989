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
  /** Id of the sentence that these words were split from, until the shell knows; null for all others. */
  from: string | null;
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
  return { id, text, region, state, demo, modelText, support, from: null };
}

/** Blanks around a sentence are typing, not text. */
export function sameText(a: string, b: string): boolean {
  return trimmed(a) === trimmed(b);
}

/**
 * The words without blanks around them. Blank is what has the property White_Space in
 * Unicode, as the shell trims: U+0085 is, U+FEFF is not. `String.trim` has it the other
 * way round, and the two sides would disagree on which sentences are empty.
 */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && BLANK.test(text[start]!)) start += 1;
  while (end > start && BLANK.test(text[end - 1]!)) end -= 1;
  return text.slice(start, end);
}
const BLANK = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** True when a model wrote the words first. */
export function fromModel(state: SentenceState): boolean {
  return state !== "template" && state !== "person";
}

/** What a half split off a sentence begins as: words that a model wrote stay known as such. */
export function halfOf(whole: Omit<Sentence, "text">, text: string, id: string): Omit<Sentence, "text"> {
  const plain = { id, region: null, state: "person" as const, demo: false, modelText: null, support: [], from: null };
  if (!fromModel(whole.state)) return plain;
  // A half of a half that the shell does not know yet stems from what the shell knows.
  return { ...plain, state: "edited", demo: whole.demo, modelText: whole.modelText ?? text, from: whole.from ?? whole.id };
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
