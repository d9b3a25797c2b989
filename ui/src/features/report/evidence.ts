import { count, signed } from "../../components/format";
import type { ClaimState, ClaimView, SentenceEvidence } from "../../ipc";

export const CLAIM_WORDS: Record<ClaimState, string> = {
  agree: "agree",
  conflict: "conflict",
  unchecked: "unchecked",
};

/** How a whole sentence stands to the models; "part" where some of its claims agree and others were not checked. */
export type SentenceState = ClaimState | "part" | "none";

export const SENTENCE_WORDS: Record<Exclude<SentenceState, "none">, string> = { ...CLAIM_WORDS, part: "in part" };

/** Whether a score or an answer can speak of a claim at all: none can of what the sentence itself leaves open, or of "nothing". */
function isCheckable(claim: ClaimView): boolean {
  return claim.presence !== "uncertain" && claim.finding !== "no_finding";
}

/**
 * How a sentence stands to the models: one claim in conflict is enough, and nothing checked is unchecked. It agrees when all of
 * its claims that can be checked do.
 */
export function stateOf({ claims }: SentenceEvidence): SentenceState {
  if (claims.length === 0) return "none";
  if (claims.some((c) => c.state === "conflict")) return "conflict";
  if (!claims.some((c) => c.state === "agree")) return "unchecked";
  return claims.every((c) => c.state === "agree" || !isCheckable(c)) ? "agree" : "part";
}

/** The claim that is looked at first: one in conflict, then one that was checked. */
export function leading(claims: readonly ClaimView[]): ClaimView | undefined {
  const rank: Record<ClaimState, number> = { conflict: 0, agree: 1, unchecked: 2 };
  return [...claims].sort((a, b) => rank[a.state] - rank[b.state])[0];
}

/** "Pleural effusion present, right, small": what the sentence says. */
export function claimText(claim: ClaimView): string {
  const more = [claim.device, claim.side, claim.zone, claim.severity, ...claim.temporal].filter((x): x is string => !!x);
  return [`${claim.label} ${claim.presence}`, ...more.map((word) => word.replaceAll("_", " "))].join(", ");
}

/** "encoder +0.21 · re-asked: no": both numbers' short form; empty when nothing was asked. */
export function numbersText(claim: ClaimView): string {
  const parts: string[] = [];
  if (claim.support) parts.push(`encoder ${signed(claim.support.difference)}`);
  if (claim.requery) parts.push(`re-asked: ${claim.requery.answer ?? "no clear answer"}`);
  return parts.join(" · ");
}

/** A natural logarithm of a probability of words, "−0.13"; never shown as a percentage. */
export function logprob(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2).replace("-", "−") : "−∞";
}

/** Ids of the sentences in conflict, in the order of `ids`. */
export function inConflict(ids: readonly string[], known: ReadonlyMap<string, SentenceEvidence>): string[] {
  return ids.filter((id) => {
    const evidence = known.get(id);
    return evidence !== undefined && stateOf(evidence) === "conflict";
  });
}

/** What the list of checks says of sentences in conflict. */
export function conflictText(sentences: number): string {
  return `${count(sentences, "sentence")} in conflict with the models`;
}
