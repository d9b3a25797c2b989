import type { FindingSupport, ReportView, SectionView, SentenceState, SentenceView, StudyDetail, StudyRow } from "../src/ipc";

const finding = (key: string, label: string, difference: number): FindingSupport => ({
  finding: key,
  label,
  difference,
  softmax: 1 / (1 + Math.exp(-14 * difference)),
  calibrated: null,
});

export const SUPPORT: FindingSupport[] = [
  finding("pleural_effusion", "Pleural effusion", 0.21),
  finding("cardiomegaly", "Cardiomegaly", 0.18),
  finding("edema", "Edema", -0.04),
  finding("consolidation", "Consolidation", -0.12),
  finding("pneumothorax", "Pneumothorax", -0.31),
  finding("atelectasis", "Atelectasis", -0.02),
  finding("lung_opacity", "Lung opacity", 0.05),
  finding("enlarged_cardiomediastinum", "Enlarged cardiomediastinum", 0.02),
  finding("lung_lesion", "Lung lesion", -0.22),
  finding("pneumonia", "Pneumonia", -0.18),
  finding("pleural_other", "Pleural other", -0.27),
  finding("fracture", "Fracture", -0.35),
  finding("support_devices", "Support devices", -0.4),
];

const sentence = (id: string, text: string, state: SentenceState, region: SentenceView["region"] = null, support: FindingSupport[] = []): SentenceView => ({
  id,
  text,
  region,
  state,
  demo: state !== "template" && state !== "person",
  modelText: null,
  support,
  proposalId: null,
});

/** The proposal that the preview's model writes. */
export const PROPOSAL: { section: "findings" | "impression"; sentence: SentenceView }[] = [
  { section: "findings", sentence: sentence("", "The heart is enlarged.", "proposed", "heart_and_mediastinum", [SUPPORT[1]!]) },
  { section: "findings", sentence: sentence("", "There is a small right pleural effusion with blunting of the costophrenic angle.", "proposed", "pleura", [SUPPORT[0]!]) },
  { section: "findings", sentence: sentence("", "Interstitial markings are prominent, in keeping with mild pulmonary oedema.", "proposed", "lungs", [SUPPORT[2]!]) },
  { section: "findings", sentence: sentence("", "No pneumothorax.", "proposed", "pleura", [SUPPORT[4]!]) },
  { section: "findings", sentence: sentence("", "Degenerative change of the thoracic spine.", "proposed", "bones_and_soft_tissues") },
  { section: "impression", sentence: sentence("", "Cardiomegaly with a small right pleural effusion.", "proposed") },
];

function sections(uid: string): SectionView[] {
  const section = (name: SectionView["name"], heading: string, required: boolean, texts: [string, SentenceState][]): SectionView => ({
    name,
    heading,
    required,
    open: true,
    sentences: texts.map(([text, state], i) => sentence(`${uid}:${name}:${i}`, text, state)),
  });
  return [
    section("exam", "Exam", true, [["Chest radiograph, frontal view.", "template"]]),
    section("indication", "Indication", false, uid.endsWith(".1") ? [["Increasing dyspnoea. History of heart failure.", "person"]] : []),
    section("comparison", "Comparison", false, [["None.", "template"]]),
    section("technique", "Technique", false, [["Single frontal view of the chest.", "template"]]),
    section("findings", "Findings", true, []),
    section("impression", "Impression", true, []),
  ];
}

export function reportFor(uid: string): ReportView {
  return {
    id: `report-${uid}`,
    studyUid: uid,
    status: "draft",
    revision: 1,
    template: "cxr-frontal",
    becoming: "original",
    sections: sections(uid),
    versions: [],
    needs: [],
    flags: [],
    communications: [],
    held: null,
    covered: 0,
    preliminary: null,
    savedAt: null,
  };
}

/** A report that a trainee has written and signed as preliminary. */
export function preparedFor(uid: string): ReportView {
  const report = reportFor(uid);
  const written = { findings: ["The heart is enlarged.", "There is a small right pleural effusion.", "No pneumothorax."], impression: ["Cardiomegaly with a small right pleural effusion."] };
  for (const [name, texts] of Object.entries(written)) {
    report.sections.find((s) => s.name === name)!.sentences = texts.map((text, i) => sentence(`${uid}:${name}:${i}`, text, "person"));
  }
  return { ...report, status: "preliminary", preliminary: { by: "Dr T. Trainee", at: "2026-11-23 13:40:21 +01:00", meaning: "Prepared this report as preliminary, to be co-signed" } };
}

const PEOPLE: [string, string, string, string, string, number][] = [
  ["SAMPLE, Patient", "M", "58 Y", "new", "Chest PA and lateral", 2],
  ["OKAFOR, Ngozi Amarachi", "F", "71 Y", "drafted", "Chest AP portable", 1],
  ["Yamada, Tarō (山田, 太郎)", "M", "44 Y", "drafting", "Chest PA", 1],
  ["MÜLLER-LÜDENSCHEIDT, Karl-Friedrich Maria", "M", "83 Y", "in_progress", "Thorax p.a. im Stehen, Verlaufskontrolle nach Drainage", 1],
  ["DUPONT, Éloïse", "F", "29 Y", "preliminary", "Chest PA", 1],
  ["SILVA, João", "M", "8 mo", "final", "Chest AP supine", 1],
  ["KOWALSKA, Zofia", "F", "66 Y", "reopened", "Chest PA", 1],
  ["IVANOVA, Olga", "F", "", "cancelled", "Chest PA", 1],
];

export function rowsFor(empty: boolean): StudyRow[] {
  if (empty) return [];
  return Array.from({ length: 41 }, (_, i) => {
    const [name, sex, age, status, description, images] = PEOPLE[i % PEOPLE.length]!;
    const uid = `1.2.826.0.1.3680043.${i + 1}`;
    const day = 23 - Math.floor(i / 4);
    return {
      studyUid: uid,
      patient: { name: i < PEOPLE.length ? name : `${name.split(",")[0]}, ${String.fromCharCode(65 + (i % 26))}.`, id: String(i + 1).padStart(8, "0"), sex, age, birthDate: age ? "1968-04-02" : "" },
      accession: `2026-11${day}-${String((i % 9) + 1).padStart(2, "0")}`,
      date: `2026-11-${String(Math.max(1, day)).padStart(2, "0")} ${String(8 + (i % 10)).padStart(2, "0")}:0${i % 6}`,
      description,
      modality: i % 3 ? "DX" : "CR",
      images,
      status,
      topFindings: i % 4 === 3 ? [] : SUPPORT.map((f) => ({ ...f, difference: f.difference - (i % 3) * 0.12 })),
      preview: status === "new" ? "" : "The heart is enlarged. There is a small right pleural effusion.\nNo pneumothorax.",
      proposed: status === "drafted",
      instanceUid: `${uid}.1`,
      priority: i === 4 ? "urgent" : "routine",
      front: "",
      assignedTo: null,
    };
  });
}

export function detailFor(row: StudyRow, report: ReportView, scored: boolean): StudyDetail {
  return {
    studyUid: row.studyUid,
    patient: row.patient,
    accession: row.accession,
    date: row.date,
    description: row.description,
    referringPhysician: "",
    institution: "",
    images: Array.from({ length: row.images }, (_, i) => ({
      instanceUid: `${row.studyUid}.${i + 1}`,
      modality: row.modality,
      view: ["PA", "LATERAL"][i] ?? "",
      laterality: "",
      bodyPart: "CHEST",
      orientation: i === 0 ? ["L", "F"] : ["P", "F"],
      rows: 1501,
      columns: 1251,
      frames: 1,
      acquired: row.date,
      spacing: i === 0 ? [0.143, 0.143] : null,
      spacingSource: i === 0 ? "imager" : null,
      warnings: i === 0 ? ["header.missing_window"] : [],
      lossyRatios: [],
    })),
    report,
    support: scored ? SUPPORT : [],
    supportDemo: true,
    modelsApply: true,
    modelsApplyWhy: null,
    priors: [],
  };
}

/** A one-page PDF with the given lines, enough for the page view. */
export function pdfOf(lines: string[]): ArrayBuffer {
  const clean = (line: string) => line.replace(/[^\x20-\x7e]/g, "?").replace(/[\\()]/g, "\\$&");
  const content = `BT /F1 11 Tf 56 780 Td 16 TL ${lines.map((line) => `(${clean(line)}) Tj T*`).join(" ")} ET`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ];
  let out = "%PDF-1.7\n";
  const offsets = objects.map((body, i) => {
    const at = out.length;
    out += `${i + 1} 0 obj\n${body}\nendobj\n`;
    return at;
  });
  const start = out.length;
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map((o) => `${String(o).padStart(10, "0")} 00000 n \n`).join("")}`;
  out += `trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return new TextEncoder().encode(out).buffer as ArrayBuffer;
}
