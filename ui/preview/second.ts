import type {
  CalibrationRow,
  ClaimView,
  FindingSupport,
  PackCandidate,
  ReportView,
  ProposalView,
  ReportFlag,
  SentenceEvidence,
  SimilarCases,
  SimilarFilter,
} from "../src/ipc";
import { SUPPORT } from "./sample";

/** What the preview's models say of words; enough to see every state of a claim. */
const CLAIMS: { words: RegExp; claim: (asked: boolean) => Partial<ClaimView> & Pick<ClaimView, "finding" | "label"> }[] = [
  {
    words: /effusion/i,
    claim: (asked) => ({ finding: "pleural_effusion", label: "Pleural effusion", side: "right", severity: "small", ...both(asked, 0, "yes", "Is there a right pleural effusion?"), state: "agree", reason: "The encoder and the model both support it." }),
  },
  {
    words: /heart is enlarged|cardiomegaly/i,
    claim: (asked) => ({ finding: "cardiomegaly", label: "Cardiomegaly", ...both(asked, 1, "yes", "Is there cardiomegaly?"), state: "agree", reason: "The encoder supports it." }),
  },
  {
    words: /oedema|edema/i,
    claim: (asked) => ({ finding: "edema", label: "Edema", severity: "mild", ...both(asked, 2, "no", "Is there pulmonary edema?"), state: "conflict", reason: "The sentence states it; the encoder does not support it." }),
  },
  {
    words: /pneumothorax/i,
    claim: (asked) => ({ finding: "pneumothorax", label: "Pneumothorax", presence: "absent", ...both(asked, 4, "no", "Is there a pneumothorax?"), state: "agree", reason: "Neither the encoder nor the model supports it." }),
  },
  {
    words: /degenerative/i,
    claim: () => ({ finding: "fracture", label: "Degenerative change", zone: "thoracic_spine", state: "unchecked", reason: "The encoder has no phrases for it." }),
  },
];

function both(asked: boolean, at: number, answer: "yes" | "no", question: string): Pick<ClaimView, "support" | "requery"> {
  const { difference, softmax } = SUPPORT[at]!;
  return {
    support: { difference, softmax, packId: "medsiglip-demo", instanceUid: "1.2.826.0.1.3680043.1.1" },
    requery: asked
      ? { question, answer, yesLogprob: answer === "yes" ? -0.21 : -2.34, noLogprob: answer === "no" ? -0.1 : -1.66, packId: "medgemma-demo" }
      : null,
  };
}

export function evidenceFor(report: ReportView, asked: boolean): SentenceEvidence[] {
  return report.sections
    .filter((s) => s.name === "findings" || s.name === "impression")
    .flatMap((s) => s.sentences)
    .map((sentence) => ({
      sentenceId: sentence.id,
      claims: CLAIMS.filter((c) => c.words.test(sentence.text)).map((c) => ({
        presence: "present" as const, side: null, zone: null, severity: null, temporal: [], device: null, state: "unchecked" as const, reason: "", support: null, requery: null,
        ...c.claim(asked),
      })),
    }))
    .filter((e) => e.claims.length > 0);
}

/** A side that differs between Findings and Impression is flagged, as the shell does it. */
export function withFlags(report: ReportView): ReportView {
  const having = (name: string, words: RegExp) => report.sections.find((s) => s.name === name)!.sentences.filter((s) => words.test(s.text));
  const flags: ReportFlag[] = [];
  const left = having("impression", /left pleural effusion/i);
  const right = having("findings", /right pleural effusion/i);
  if (left[0] && right[0]) {
    flags.push({ code: "report.side_mismatch", text: "Pleural effusion is right in Findings and left in Impression.", sentenceIds: [right[0].id, left[0].id] });
  }
  const [units] = having("findings", /\d mm mm|\d cm mm/);
  if (units) flags.push({ code: "report.units", text: "A measure has two units.", sentenceIds: [units.id] });
  return { ...report, flags };
}

export function proposalOf(id: string): ProposalView {
  return {
    id,
    mode: "sections",
    prompt: JSON.stringify({ sections: ["findings", "impression"], indication: null, prior: false }),
    renderedPrompt: "<bos><start_of_turn>user\n<start_of_image>Describe this X-ray<end_of_turn>\n<start_of_turn>model\n",
    rawText: "FINDINGS:\nHeart and mediastinum: The heart is enlarged.\nPleura: There is a small right pleural effusion with blunting of the costophrenic angle. No pneumothorax.\n\nIMPRESSION:\nCardiomegaly with a small right pleural effusion.",
    packId: "medgemma-demo",
    packHash: "b7c41d".repeat(10),
    startedAt: "2026-11-23 14:02:11 +01:00",
    settings: JSON.stringify({ temperature: 0, max_tokens: 300, seed: 0, threads: 4, cpu: ["avx2", "fma"], build: "0.1.0" }),
    status: "complete",
  };
}

/** A frame of `evidence_map` with one warm place for each finding. */
export function mapFrame(finding: string, rows: number, columns: number): ArrayBuffer {
  const side = 32;
  const at = { pleural_effusion: [9, 24], cardiomegaly: [18, 19], edema: [12, 14] }[finding] ?? [20, 9];
  const values = new Float32Array(side * side);
  for (let i = 0; i < values.length; i++) {
    const [x, y] = [i % side, Math.floor(i / side)];
    const ripple = 0.012 * Math.sin(x * 1.7) * Math.cos(y * 1.3);
    values[i] = -0.06 + ripple + 0.2 * Math.exp(-((x - at[0]!) ** 2 + (y - at[1]!) ** 2) / 14);
  }
  const size = Math.max(rows, columns);
  const head = {
    side, min: Math.min(...values), max: Math.max(...values), finding, packId: "medsiglip-demo", demo: true,
    placement: { left: (columns - size) / 2, top: (rows - size) / 2, size, rows, columns },
  };
  let json = JSON.stringify(head);
  while (json.length % 4 !== 0) json += " ";
  const out = new Uint8Array(4 + json.length + values.byteLength);
  new DataView(out.buffer).setUint32(0, json.length, true);
  out.set(new TextEncoder().encode(json), 4);
  out.set(new Uint8Array(values.buffer), 4 + json.length);
  return out.buffer;
}

export function similarFor(filter: SimilarFilter): SimilarCases {
  const bands = ["40-59", "60-79", "80+", "18-39"];
  const all = Array.from({ length: 12 }, (_, i) => ({
    instanceUid: `1.2.826.0.1.3680043.${i + 3}.1`,
    similarity: 0.94 - i * 0.021,
    sex: i % 3 === 0 ? "M" : "F",
    ageBand: bands[i % 4]!,
    view: i % 5 === 4 ? "AP" : "PA",
    signed: i % 4 !== 2,
    findings: i % 4 === 2 ? [] : [["pleural_effusion"], ["pleural_effusion", "cardiomegaly"], [], ["edema", "cardiomegaly", "pleural_effusion"]][i % 4]!,
    thumbnail: i !== 5,
  }));
  const cases = all.filter(
    (c) =>
      (!filter.finding || c.findings.includes(filter.finding)) && (!filter.sex || c.sex === filter.sex) &&
      (!filter.ageBand || c.ageBand === filter.ageBand) && (!filter.view || c.view === filter.view) && (!filter.signedOnly || c.signed),
  );
  return { searched: 1284, waiting: 6, demo: true, cases };
}

export function calibrationRows(fitted: boolean, stale: boolean): CalibrationRow[] {
  const row = (finding: string, label: string, positives: number, negatives: number, auc: number): CalibrationRow => {
    const enough = positives >= 40 && negatives >= 40;
    const status = enough && fitted ? (stale ? "stale" : "calibrated") : "not_calibrated";
    const reason = status === "calibrated" ? "" : status === "stale" ? "Fitted for another encoder." : enough ? "Not fitted yet." : "Too few patients with signed reports.";
    return { finding, label, status, reason, positives, negatives, needed: 40, auc: enough && fitted ? { value: auc, low: auc - 0.06, high: auc + 0.05 } : null, fittedAt: enough && fitted ? "2026-11-20 17:40:02 +01:00" : null };
  };
  return [
    row("pleural_effusion", "Pleural effusion", 62, 181, 0.91),
    row("cardiomegaly", "Cardiomegaly", 71, 172, 0.87),
    row("edema", "Edema", 22, 221, 0.8),
    row("consolidation", "Consolidation", 31, 212, 0.78),
    row("pneumothorax", "Pneumothorax", 4, 239, 0.7),
    row("atelectasis", "Atelectasis", 44, 199, 0.74),
    row("lung_lesion", "Lung lesion", 11, 232, 0.7),
    row("fracture", "Fracture", 9, 234, 0.7),
    row("support_devices", "Support devices", 58, 185, 0.95),
  ];
}

/** The same support with probabilities where the preview has fitted them. */
export function calibratedSupport(support: FindingSupport[]): FindingSupport[] {
  const known: Record<string, [number, number, number]> = { pleural_effusion: [0.71, 0.58, 0.82], cardiomegaly: [0.62, 0.51, 0.72] };
  return support.map((f) => {
    const [probability, low, high] = known[f.finding] ?? [];
    return probability === undefined ? f : { ...f, calibrated: { probability, low: low!, high: high!, cases: 243 } };
  });
}

const TERMS = `HEALTH AI DEVELOPER FOUNDATIONS TERMS OF USE

These are drawn words for the preview, in the length of real ones.

${"1. You may use the model as these terms allow, and you keep this notice with every copy. Clinical use asks for the clearance that your law demands. ".repeat(14)}`;

export function candidate(refused: boolean): PackCandidate {
  return {
    token: "t1",
    name: refused ? "medgemma-4b-download" : "medgemma-1.5-4b-it",
    kind: "medgemma",
    architecture: "Gemma3ForConditionalGeneration, 34 layers, vision tower of 27 layers",
    files: 14,
    bytes: 8_640_000_000,
    estimateDisk: 12_100_000_000,
    estimateMemory: 4_300_000_000,
    terms: TERMS,
    notice: "HAI-DEF is provided under and subject to the Health AI Developer Foundations Terms of Use.",
    demo: false,
    quantize: ["q4k", "q8_0", "none"],
    choices: [
      { quantize: "q4k", disk: 12_100_000_000, memory: 3_900_000_000 },
      { quantize: "q8_0", disk: 13_900_000_000, memory: 5_600_000_000 },
      { quantize: "none", disk: 17_300_000_000, memory: 9_700_000_000 },
    ],
    problem: refused ? { code: "pack.truncated", detail: "model-00002-of-00002.safetensors is cut short: its header asks for 3640026240 bytes, it has 1201340416" } : null,
  };
}
