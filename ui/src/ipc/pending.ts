/** What of the contract the generated bindings and `commands` do not hold yet; each goes when its twin arrives there. */
import type { CalibrationRow, ModelPack, ReportView, SectionName, SentenceView, SimilarCases, SimilarFilter, SimilarIdentity, StudyDetail } from "./bindings";
import { call as ask } from "./call";
import { parseMap } from "./map";

export interface DraftOptions {
  indicationConfirmed: boolean;
  mode: DraftMode;
  usePrior: boolean;
}
export type DraftMode = "structured" | "raw";
export type SectionHow = "again" | "shorter" | "more_detail" | "from_findings";

export interface PriorStudy {
  studyUid: string;
  date: string;
  instanceUid: string;
  view: string;
}

export interface ProposalView {
  id: string;
  mode: string;
  prompt: string;
  renderedPrompt: string;
  rawText: string;
  packId: string;
  packHash: string;
  startedAt: string;
  /** JSON as text. */
  settings: string;
  status: string;
}

export type SectionToDraft = Extract<SectionName, "findings" | "impression">;

/** Fields that are on their way into generated types. */
export type PendingSentence = SentenceView & { proposalId?: string | null };
export type PendingReport = ReportView;
export type PendingStudy = StudyDetail & { priors?: PriorStudy[] };
export type PendingPack = ModelPack & {
  device?: string;
  memoryBytes?: number | null;
  loadSeconds?: number | null;
  tokensPerSecond?: number | null;
};

export type PendingEvent =

export const draftSection = (reportId: string, section: SectionToDraft, how: SectionHow) =>
  ask<null>("draft_section", { reportId, section, how });
export const proposalView = (proposalId: string) => ask<ProposalView>("proposal_view", { proposalId });
export const evidenceMap = async (instanceUid: string, finding: string) =>
  parseMap(await ask<ArrayBuffer>("evidence_map", { instanceUid, finding }));
export const similarCases = (instanceUid: string, filter: SimilarFilter) =>
  ask<SimilarCases>("similar_cases", { instanceUid, filter });
export const similarReveal = (instanceUid: string) => ask<SimilarIdentity>("similar_reveal", { instanceUid });
export const calibration = () => ask<CalibrationRow[]>("calibration");
export const calibrationFit = () => ask<CalibrationRow[]>("calibration_fit");
