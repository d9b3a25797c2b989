import type { ReportFlag, ReportView, SentenceEvidence, SentenceView } from "../../ipc";
import { conflictText, inConflict } from "../report/evidence";
import { REGION_HEADINGS } from "../report/sentences";

/** What became of the model's words in a report. */
export interface Summary {
  accepted: number;
  acceptedInBulk: number;
  /** Sentences that the model wrote and a person changed, with both wordings. */
  edited: { model: string; signed: string }[];
  /** Written by a person. */
  person: number;
  /** Untouched words of the template. */
  template: number;
  demo: boolean;
}

export function summaryOf(view: ReportView): Summary {
  const sentences = view.sections.flatMap((s) => s.sentences);
  const having = (state: SentenceView["state"]) => sentences.filter((s) => s.state === state);
  return {
    accepted: having("accepted").length,
    acceptedInBulk: having("accepted_in_bulk").length,
    edited: having("edited").map((s) => ({ model: s.modelText ?? "", signed: s.text })),
    person: having("person").length,
    template: having("template").length,
    demo: sentences.some((s) => s.demo),
  };
}

/** What was noticed in the text, for a last look: first a conflict with the models, as the list of checks stands above the flags. */
export function noticed(view: ReportView, known: ReadonlyMap<string, SentenceEvidence>): ReportFlag[] {
  const against = inConflict(view.sections.flatMap((s) => s.sentences.map((x) => x.id)), known);
  const conflict = { code: "evidence.conflict", text: `${conflictText(against.length)}.`, sentenceIds: against };
  return against.length > 0 ? [conflict, ...view.flags] : view.flags;
}

/** The heading in front of sentence `i`: its region, where the text comes to another one; else null. */
export function regionHead(sentences: Pick<SentenceView, "region">[], i: number): string | null {
  const region = sentences[i]!.region;
  if (region === null) return null;
  const before = sentences.slice(0, i).findLast((s) => s.region !== null)?.region;
  return region === before ? null : REGION_HEADINGS[region];
}
