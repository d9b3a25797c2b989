/** What of the contract the generated bindings and `commands` do not hold yet; each goes when its twin arrives there. */
import type { CalibrationRow, ModelPack, ReportView, SentenceView, SimilarCases, SimilarFilter, SimilarIdentity, StudyDetail } from "./bindings";
import { call as ask } from "./call";
import { parseMap } from "./map";

/** Fields that are on their way into generated types. */
export type PendingSentence = SentenceView;
export type PendingReport = ReportView;
export type PendingStudy = StudyDetail;
export type PendingPack = ModelPack & {
  device?: string;
  memoryBytes?: number | null;
  loadSeconds?: number | null;
  tokensPerSecond?: number | null;
};

export const evidenceMap = async (instanceUid: string, finding: string) =>
  parseMap(await ask<ArrayBuffer>("evidence_map", { instanceUid, finding }));
export const similarCases = (instanceUid: string, filter: SimilarFilter) =>
  ask<SimilarCases>("similar_cases", { instanceUid, filter });
export const similarReveal = (instanceUid: string) => ask<SimilarIdentity>("similar_reveal", { instanceUid });
export const calibration = () => ask<CalibrationRow[]>("calibration");
export const calibrationFit = () => ask<CalibrationRow[]>("calibration_fit");
