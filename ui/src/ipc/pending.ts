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

export interface SentenceEvidence {
  sentenceId: string;
  claims: ClaimView[];
}
export type ClaimState = "agree" | "conflict" | "unchecked";
export interface ClaimView {
  finding: string;
  label: string;
  presence: "present" | "absent" | "uncertain";
  side: "left" | "right" | "bilateral" | null;
  zone: string | null;
  severity: string | null;
  temporal: string[];
  /** What kind of device, for example "endotracheal tube". */
  device: string | null;
  state: ClaimState;
  /** One plain sentence. */
  reason: string;
  support: ClaimSupport | null;
  requery: ClaimRequery | null;
}
export interface ClaimSupport {
  difference: number;
  softmax: number;
  packId: string;
  instanceUid: string;
}
export interface ClaimRequery {
  question: string;
  /** "yes", "no", or null where it gave neither. */
  answer: string | null;
  yesLogprob: number;
  noLogprob: number;
  packId: string;
}
export interface ReportFlag {
  code: string;
  text: string;
  sentenceIds: string[];
}

export interface PackCandidate {
  token: string;
  name: string;
  kind: string;
  architecture: string;
  files: number;
  bytes: number;
  estimateDisk: number;
  estimateMemory: number;
  terms: string;
  notice: string;
  demo: boolean;
  quantize: string[];
  choices: PackChoice[];
  problem: { code: string; detail: string } | null;
}
export interface PackChoice {
  quantize: string;
  disk: number;
  memory: number;
}
export type PackPhase = "checking" | "hashing" | "converting" | "copying";

export type SectionToDraft = Extract<SectionName, "findings" | "impression">;

/** Fields that are on their way into generated types. */
export type PendingSentence = SentenceView & { proposalId?: string | null };
export type PendingReport = ReportView & { flags?: ReportFlag[] };
export type PendingStudy = StudyDetail & { priors?: PriorStudy[] };
export type PendingPack = ModelPack & {
  termsAcceptedAt?: string | null;
  device?: string;
  memoryBytes?: number | null;
  loadSeconds?: number | null;
  tokensPerSecond?: number | null;
};

export type PendingEvent =
  | { event: "evidence_ready"; reportId: string }
  | { event: "evidence_failed"; reportId: string; code: string; detail: string }
  | { event: "evidence_progress"; reportId: string; done: number; total: number }
  | { event: "pack_progress"; job: string; phase: PackPhase; fraction: number | null; detail: string }
  | { event: "pack_added"; job: string; id: string }
  | { event: "pack_failed"; job: string; code: string; detail: string };

export const draftSection = (reportId: string, section: SectionToDraft, how: SectionHow) =>
  ask<null>("draft_section", { reportId, section, how });
export const proposalView = (proposalId: string) => ask<ProposalView>("proposal_view", { proposalId });
export const evidence = (reportId: string) => ask<SentenceEvidence[]>("evidence", { reportId });
export const evidenceRequery = (reportId: string) => ask<null>("evidence_requery", { reportId });
export const evidenceMap = async (instanceUid: string, finding: string) =>
  parseMap(await ask<ArrayBuffer>("evidence_map", { instanceUid, finding }));
export const similarCases = (instanceUid: string, filter: SimilarFilter) =>
  ask<SimilarCases>("similar_cases", { instanceUid, filter });
export const similarReveal = (instanceUid: string) => ask<SimilarIdentity>("similar_reveal", { instanceUid });
export const calibration = () => ask<CalibrationRow[]>("calibration");
export const calibrationFit = () => ask<CalibrationRow[]>("calibration_fit");
export const packChoose = () => ask<PackCandidate | null>("pack_choose");
export const packAdd = (token: string, quantize: string, termsAccepted: boolean) =>
  ask<string>("pack_add", { token, quantize, termsAccepted });
export const packAddCancel = (job: string) => ask<null>("pack_add_cancel", { job });
export const packRemove = (id: string) => ask<null>("pack_remove", { id });
