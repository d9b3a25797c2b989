const KINDS: Record<string, string> = {
  medgemma: "MedGemma architecture, drafts reports",
  "medgemma-text": "MedGemma architecture for text alone",
  medsiglip: "MedSigLIP architecture, scores findings",
};

/** What a pack is for. */
export function kindText(kind: string): string {
  return KINDS[kind] ?? kind;
}
