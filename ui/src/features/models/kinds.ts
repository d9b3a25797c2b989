const KINDS: Record<string, string> = {
  medgemma: "MedGemma architecture, drafts reports",
  "medgemma-text": "MedGemma architecture for text alone",
  medsiglip: "MedSigLIP architecture, scores findings",
};

/** What a pack is for. */
export function kindText(kind: string): string {
  return KINDS[kind] ?? kind;
}

/** What a pack does where nothing runs it; empty of a kind that drafts or scores. */
export function keptText(kind: string): string {
  return kind === "medgemma-text" ? "kept and checked; nothing drafts with it yet" : "";
}
