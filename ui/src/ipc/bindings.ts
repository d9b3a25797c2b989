// Generated from src-tauri/src/dto by the test `bindings`. Do not edit.

export type AppError = { 
/**
 * Stable, for example "vault.locked".
 */
code: string, 
/**
 * What failed, as a plain sentence without patient identifiers.
 */
detail: string, };

export type SealingKey = { id: string, 
/**
 * A point of P-256, uncompressed, in base 64.
 */
point: string, };

export type AppStatus = { version: string, 
/**
 * True when the data folder holds no user yet.
 */
firstRun: boolean, 
/**
 * Whoever is logged in is the first user and has not come to the end of the first run.
 */
firstRunOpen: boolean, 
/**
 * Nobody is logged in, and no patient data can be read.
 */
locked: boolean, user: UserSummary | null, users: Array<UserSummary>, 
/**
 * False where this system offers no sandbox for the decoder.
 */
decoderProtected: boolean, 
/**
 * A file or folder given at start, to be imported and opened after unlocking.
 */
opensAtStart: boolean, };

export type UserSummary = { id: string, name: string, 
/**
 * Signs as preliminary alone.
 */
trainee: boolean, };

export type FirstUser = { user: UserSummary, 
/**
 * Written down on paper by the user; never shown again.
 */
recoveryKey: string, };

export type EngineStatus = { 
/**
 * "draft" or "encode".
 */
role: string, state: EngineState, packName: string | null, demo: boolean, 
/**
 * A stable code, where `state` is failed.
 */
code: string | null, };

export type EngineState = "no_model" | "idle" | "loading" | "ready" | "working" | "restarted" | "failed";

export type ModelPack = { id: string, 
/**
 * "medgemma", "medgemma-text" (kept, drafts nothing) or "medsiglip".
 */
kind: string, name: string, demo: boolean, hash: string, bytes: number, source: string, terms: string, notice: string, quantization: string, 
/**
 * What an encoder computes in where HILUM_ENCODER chose another form than it takes by itself, which keeps its
 * numbers apart; else empty.
 */
arithmetic: string, 
/**
 * The card, as Markdown source; shown as text.
 */
card: string | null, 
/**
 * When a person accepted the terms, RFC 3339; demonstrations need no acceptance.
 */
termsAcceptedAt: string | null, 
/**
 * True when this is the pack that drafts or scores.
 */
inUse: boolean, 
/**
 * What it ran on, in words; empty before its first load here.
 */
device: string, 
/**
 * Memory of its process after loading, bytes.
 */
memoryBytes: number | null, loadSeconds: number | null, tokensPerSecond: number | null, 
/**
 * Of an encoder: one image embedded and scored.
 */
imageSeconds: number | null, };

export type PackCandidate = { 
/**
 * Stands for the folder in `pack_add`.
 */
token: string, name: string, 
/**
 * As in [`ModelPack`]; empty where there is a problem.
 */
kind: string, 
/**
 * For example "Gemma3ForConditionalGeneration".
 */
architecture: string, files: number, bytes: number, 
/**
 * Of the first of `choices`, bytes.
 */
estimateDisk: number, estimateMemory: number, 
/**
 * To be shown and accepted before `pack_add`, unless `demo`.
 */
terms: string, notice: string, demo: boolean, 
/**
 * The names of `choices`.
 */
quantize: Array<string>, choices: Array<PackChoice>, 
/**
 * Why it cannot become a pack.
 */
problem: PackProblem | null, };

export type PackChoice = { 
/**
 * "q4k", "q8_0" or "none".
 */
quantize: string, disk: number, memory: number, };

export type PackProblem = { code: string, detail: string, };

export type PackPhase = "checking" | "hashing" | "converting" | "copying";

export type Settings = { 
/**
 * "dark" or "light".
 */
theme: string, 
/**
 * Minutes without input until the window locks; 0 is never.
 */
idleLockMinutes: number, institution: string, department: string, address: string, 
/**
 * Width of the report pane in pixels.
 */
reportWidth: number, defaultTemplate: string, 
/**
 * Start drafting when a study without a report is opened.
 */
draftOnOpen: boolean, 
/**
 * A draft stays covered until its reader has looked at the images or written findings.
 */
readFirst: boolean, 
/**
 * Queue studies for the background when they are imported.
 */
draftOnImport: boolean, 
/**
 * Files that appear below this folder are imported; empty for none.
 */
watchedFolder: string, 
/**
 * Backups go to this folder; empty for none.
 */
backupFolder: string, 
/**
 * Hours from one backup to the next that is made by itself; 0 for none.
 */
backupEveryHours: number, 
/**
 * The oldest backups past so many are deleted; 0 keeps all.
 */
backupKeep: number, };

export type BackupView = { madeAt: string, bytes: number, signedVersions: number, };

export type RestoreChoice = { 
/**
 * Stands for the folder in `restore_start`.
 */
token: string, madeAt: string, bytes: number, signedVersions: number, 
/**
 * Who could unlock when it was made.
 */
users: Array<string>, 
/**
 * There is something in the data folder now, which will be kept.
 */
replaces: boolean, };

export type BackupStage = "database" | "files" | "checking";

export type AuditLine = { seq: number, at: string, who: string, action: string, object: string, 
/**
 * What more is known of the deed, as JSON; never what identifies a patient. Empty where there is nothing.
 */
detail: string, hash: string, };

export type AuditFilter = { 
/**
 * Id of a user; nothing for everybody.
 */
who: string | null, 
/**
 * Somewhere in action, object or detail; empty for all.
 */
words: string, 
/**
 * YYYY-MM-DD, inclusive; empty for any.
 */
from: string, to: string, };

export type AuditExported = { path: string, lines: number, };

export type AuditVerdict = { ok: boolean, 
/**
 * Lines that were read.
 */
checked: number, 
/**
 * Hash of the last line.
 */
head: string, 
/**
 * The first break, in words.
 */
problem: string | null, };

export type StudyRow = { studyUid: string, patient: PatientView, accession: string, 
/**
 * "2026-11-23 14:02" or empty.
 */
date: string, description: string, modality: string, images: number, 
/**
 * "new", "drafting", "drafted", "in_progress", "preliminary", "final", "addendum", "amended", "reopened", "cancelled".
 */
status: string, 
/**
 * Findings that the models put in front, strongest first; empty when not scored.
 */
topFindings: Array<FindingSupport>, 
/**
 * First lines of the report or draft, for the preview.
 */
preview: string, 
/**
 * True when `preview` holds unreviewed words of a model.
 */
proposed: boolean, 
/**
 * The image whose thumbnail stands for the study.
 */
instanceUid: string | null, 
/**
 * "routine", "urgent" or "stat".
 */
priority: string, 
/**
 * The finding for which the models put it in front; empty for none.
 */
front: string, 
/**
 * Who is to read it.
 */
assignedTo: UserSummary | null, };

export type StudyDetail = { studyUid: string, patient: PatientView, accession: string, date: string, description: string, referringPhysician: string, institution: string, images: Array<ImageView>, report: ReportView, 
/**
 * Support of the image that goes to the models; empty when not scored yet.
 */
support: Array<FindingSupport>, supportDemo: boolean, 
/**
 * False when this is no chest radiograph of a kind that the models know; `why` says so.
 */
modelsApply: boolean, modelsApplyWhy: string | null, 
/**
 * Older chest images of the patient, newest first.
 */
priors: Array<PriorStudy>, };

export type PatientView = { 
/**
 * "FAMILY, Given" as displayed; other writings behind it.
 */
name: string, id: string, 
/**
 * "M", "F", "O" or empty.
 */
sex: string, 
/**
 * In years, months, weeks or days at the time of the study, for example "58 Y"; empty when unknown.
 */
age: string, 
/**
 * ISO date or empty.
 */
birthDate: string, };

export type ImageView = { instanceUid: string, modality: string, view: string, laterality: string, bodyPart: string, 
/**
 * Direction letters of rows and columns, for example ["L", "F"]; empty when unknown.
 */
orientation: Array<string>, rows: number, columns: number, frames: number, acquired: string, 
/**
 * Row then column spacing in millimetres, and whether it was measured at the detector.
 */
spacing: [number, number] | null, spacingSource: string | null, 
/**
 * Stable codes of oddities of the file.
 */
warnings: Array<string>, 
/**
 * Ratios of the lossy compressions that the image went through, in their order; empty when unknown.
 */
lossyRatios: Array<number>, };

export type ImportFile = { 
/**
 * File name without its folders.
 */
name: string, 
/**
 * "imported", "known" (was there already) or "refused".
 */
verdict: string, code: string | null, message: string | null, studyUid: string | null, };

export type FindingSupport = { 
/**
 * Key such as "pleural_effusion".
 */
finding: string, 
/**
 * "Pleural effusion".
 */
label: string, 
/**
 * Cosine with the present prompts minus cosine with the absent ones.
 */
difference: number, 
/**
 * Softmax over {absent, present}, 0 to 1; for ordering and the bar only.
 */
softmax: number, 
/**
 * A probability with its interval, where this department's signed reports allow one;
 * where absent, nothing here is a probability.
 */
calibrated: CalibratedProbability | null, };

export type EvidenceMapHead = { 
/**
 * Patches along one side of the square model input.
 */
side: number, 
/**
 * Smallest and largest value over the patches that show some of the image.
 */
min: number, max: number, placement: MapPlacement, finding: string, packId: string, demo: boolean, };

export type MapPlacement = { 
/**
 * Zero or negative: black was added to the left and above.
 */
left: number, top: number, size: number, rows: number, columns: number, };

export type SimilarFilter = { 
/**
 * Stated present in the case's signed report.
 */
finding: string | null, 
/**
 * "M", "F" or "O".
 */
sex: string | null, 
/**
 * "0-17", "18-39", "40-59", "60-79" or "80+".
 */
ageBand: string | null, 
/**
 * "PA", "AP" or "lateral".
 */
view: string | null, signedOnly: boolean, 
/**
 * 1 to 100; 0 is 12.
 */
limit: number, };

export type SimilarCases = { 
/**
 * Images of other patients that were compared.
 */
searched: number, 
/**
 * Images of this kind that have no embedding yet; they are on their way.
 */
waiting: number, demo: boolean, 
/**
 * Most similar first. The patient's own images are left out.
 */
cases: Array<SimilarCase>, };

export type SimilarCase = { instanceUid: string, 
/**
 * Cosine of the two embeddings, -1 to 1.
 */
similarity: number, sex: string, ageBand: string, view: string, signed: boolean, 
/**
 * Keys of the findings that its signed report states to be present.
 */
findings: Array<string>, 
/**
 * False where a thumbnail could show the patient's name in the pixels: it is then
 * shown only after `similar_reveal`.
 */
thumbnail: boolean, };

export type SimilarIdentity = { studyUid: string, patientName: string, patientId: string, studyDate: string, };

export type CalibratedProbability = { 
/**
 * 0 to 1, of the finding being stated in this department's signed reports.
 */
probability: number, 
/**
 * 95 % interval.
 */
low: number, high: number, 
/**
 * Patients that it was fitted on.
 */
cases: number, };

export type CalibrationStatus = "calibrated" | "not_calibrated" | "stale";

export type CalibrationRow = { finding: string, label: string, status: CalibrationStatus, 
/**
 * Why it is not calibrated, as a plain sentence; empty when it is.
 */
reason: string, 
/**
 * Patients with signed reports that state the finding, and that do not.
 */
positives: number, negatives: number, 
/**
 * How many of each are needed.
 */
needed: number, 
/**
 * Area under the ROC curve, cross-validated by patient, with its 95 % interval.
 */
auc: AucView | null, fittedAt: string | null, };

export type AucView = { value: number, low: number, high: number, };

export type SentenceEvidence = { sentenceId: string, claims: Array<ClaimView>, };

export type ClaimView = { 
/**
 * Key such as "pleural_effusion"; "no_finding" for "no acute abnormality".
 */
finding: string, 
/**
 * "Pleural effusion".
 */
label: string, presence: ClaimPresence, side: ClaimSide | null, 
/**
 * "lower", "basal" and so on.
 */
zone: string | null, 
/**
 * "minimal", "mild", "moderate" or "severe".
 */
severity: string | null, 
/**
 * "new", "unchanged", "increased", "decreased", "resolved", "chronic", "acute".
 */
temporal: Array<string>, 
/**
 * What kind of device, for example "endotracheal tube".
 */
device: string | null, state: ClaimState, 
/**
 * One plain sentence.
 */
reason: string, support: ClaimSupport | null, requery: ClaimRequery | null, };

export type ClaimState = "agree" | "conflict" | "unchecked";

export type ClaimPresence = "present" | "absent" | "uncertain";

export type ClaimSide = "left" | "right" | "bilateral";

export type ClaimSupport = { difference: number, softmax: number, packId: string, instanceUid: string, };

export type ClaimRequery = { question: string, 
/**
 * "yes", "no", or null where it gave neither.
 */
answer: string | null, yesLogprob: number, noLogprob: number, packId: string, };

export type ReportFlag = { 
/**
 * "check.contradiction", "check.side", "check.no_finding", "check.impression_lacks", "check.sex"
 * or "check.units".
 */
code: string, 
/**
 * One plain sentence.
 */
text: string, sentenceIds: Array<string>, };

export type ReportView = { id: string, studyUid: string, status: ReportStatus, 
/**
 * Grows with every applied command; edits name the revision that they were made on.
 */
revision: number, template: string, becoming: VersionName, sections: Array<SectionView>, versions: Array<VersionView>, 
/**
 * What signing still needs; empty when it may be signed.
 */
needs: Array<SigningNeed>, 
/**
 * What the report says against itself or against the patient's data; forbids nothing.
 */
flags: Array<ReportFlag>, 
/**
 * What was written down of telling critical results, one plain sentence each.
 */
communications: Array<string>, 
/**
 * Another person who is writing in it; nothing is open meanwhile.
 */
held: HeldView | null, 
/**
 * Number of proposed sentences that are covered until the reader has looked; they are not in
 * `sections`.
 */
covered: number, 
/**
 * Who signed the open draft as preliminary.
 */
preliminary: PreliminaryView | null, 
/**
 * Local time of the last save, "14:09:31".
 */
savedAt: string | null, };

export type SectionView = { name: SectionName, heading: string, required: boolean, 
/**
 * False when the text of this section cannot be changed now.
 */
open: boolean, sentences: Array<SentenceView>, };

export type SentenceView = { id: string, text: string, region: RegionName | null, state: SentenceState, 
/**
 * True when a demonstration model wrote it first.
 */
demo: boolean, 
/**
 * The model's own words, where a person changed them.
 */
modelText: string | null, 
/**
 * The generation that it comes from, for [`ProposalView`].
 */
proposalId: string | null, 
/**
 * Findings this sentence speaks of, with the encoder's support where it was scored.
 */
support: Array<FindingSupport>, };

export type SentenceState = "template" | "person" | "proposed" | "accepted" | "edited" | "accepted_in_bulk";

export type RegionName = "devices" | "lungs" | "pleura" | "heart_and_mediastinum" | "bones_and_soft_tissues" | "upper_abdomen";

export type SectionName = "exam" | "indication" | "comparison" | "technique" | "findings" | "impression" | "addendum";

export type ReportStatus = "draft" | "preliminary" | "final" | "reopened" | "cancelled";

export type VersionView = { id: string, kind: VersionName, by: string, at: string, meaning: string, 
/**
 * Who signed it as preliminary before.
 */
preliminary: PreliminaryView | null, 
/**
 * SHA-256 of the signed PDF.
 */
pdfSha256: string, };

export type VersionName = "original" | "addendum" | "amendment";

export type SigningNeed = { 
/**
 * "sign.unreviewed", "sign.empty_section", "sign.untold" or "sign.not_open".
 */
code: string, count: number | null, section: SectionName | null, };

export type MeansName = "telephone" | "in_person" | "secure_message" | "other";

export type EditCommand = { "do": "insert", section: SectionName, after: string | null, id: string, text: string, region: RegionName | null, 
/**
 * The sentence that this one is split off.
 */
from?: string | null, } | { "do": "edit", id: string, text: string, } | { "do": "remove", id: string, } | { "do": "move", id: string, section: SectionName, after: string | null, } | { "do": "accept", id: string, } | { "do": "drop", id: string, } | { "do": "take_back", id: string, section: SectionName, after: string | null, } | { "do": "accept_section", section: SectionName, seen: Array<string>, } | { "do": "use_template", template: string, } | { "do": "communicate", finding: string, to: string, at: number, how: MeansName, readBack: boolean, } | { "do": "not_communicated", reason: string, } | { "do": "mark_preliminary" } | { "do": "reopen", kind: VersionName, } | { "do": "cancel" };

export type SignRequest = { reportId: string, 
/**
 * The revision that was on the screen; another one refuses the signature.
 */
revision: number, passphrase: string, 
/**
 * Both are ticked by the person in the sign dialog.
 */
patientConfirmed: boolean, accessionConfirmed: boolean, };

export type SignedResult = { versionId: string, pdfSha256: string, auditHead: string, report: ReportView, };

export type FigureChoice = { 
/**
 * Instances in the order in which they are printed.
 */
images: Array<string>, 
/**
 * Ids of annotations whose values are printed as a table.
 */
measurements: Array<string>, };

export type TimeStampSettings = { 
/**
 * Empty for none.
 */
url: string, 
/**
 * The name in the certificate to which its time stamps must lead; empty for none.
 */
certificate: string, };

export type SigningKey = { name: string, 
/**
 * Who vouches for the name.
 */
issuer: string, 
/**
 * True where nobody else vouches for it, as for the keys that Hilum makes.
 */
selfIssued: boolean, 
/**
 * YYYY-MM-DD.
 */
validUntil: string, 
/**
 * SHA-256 of the certificate in hex.
 */
fingerprint: string, };

export type TemplateView = { id: string, name: string, };

export type ExportAs = "pdf" | "sr" | "encapsulated" | "fhir" | "hl7";

export type AppEvent = { "event": "import_progress", job: string, done: number, total: number, file: ImportFile, } | { "event": "import_done", job: string, imported: number, known: number, refused: number, studyUids: Array<string>, } | { "event": "study_changed", studyUid: string, } | { "event": "engine", engine: EngineStatus, } | { "event": "pack_progress", job: string, phase: PackPhase, fraction: number | null, detail: string, } | { "event": "pack_added", job: string, id: string, } | { "event": "pack_failed", job: string, code: string, detail: string, } | { "event": "backup_progress", stage: BackupStage, fraction: number, } | { "event": "backup_done", bytes: number, files: number, signedVersions: number, } | { "event": "backup_failed", code: string, detail: string, } | { "event": "restore_done", signedVersions: number, replaced: string | null, } | { "event": "support_ready", studyUid: string, instanceUid: string, support: Array<FindingSupport>, demo: boolean, } | { "event": "support_failed", studyUid: string, code: string, detail: string, } | { "event": "queue_changed", queue: DraftQueue, } | { "event": "second_shows", studyUid: string | null, } | { "event": "marks_changed", studyUid: string, } | { "event": "dictated", studyUid: string, text: string, } | { "event": "dragging", over: boolean, } | { "event": "index_progress", done: number, total: number, failed: number, } | { "event": "draft_progress", reportId: string, stage: DraftStage, fraction: number | null, seconds: number, } | { "event": "draft_text", reportId: string, text: string, } | { "event": "draft_done", reportId: string, report: ReportView, seconds: number, } | { "event": "draft_cancelled", reportId: string, } | { "event": "draft_failed", reportId: string, code: string, detail: string, } | { "event": "evidence_progress", reportId: string, done: number, total: number, } | { "event": "evidence_ready", reportId: string, } | { "event": "evidence_failed", reportId: string, code: string, detail: string, } | { "event": "closing" } | { "event": "locked" } | { "event": "page_reloaded", studyUid: string | null, } | { "event": "open_study", studyUid: string, };

export type DraftStage = "loading_model" | "reading_image" | "writing";

export type DraftOptions = { 
/**
 * The indication in the report was confirmed and goes to the model.
 */
indicationConfirmed: boolean, 
/**
 * Clinical notes that were typed for the model; they go into no report.
 */
notes: string, mode: DraftMode, 
/**
 * The newest prior goes before the current image.
 */
usePrior: boolean, };

export type DraftMode = "structured" | "raw";

export type SectionToDraft = "findings" | "impression";

export type SectionHow = "again" | "shorter" | "more_detail" | "from_findings";

export type ProposalView = { id: string, 
/**
 * "report", "sections", "section", "raw" or "yes_no".
 */
mode: string, 
/**
 * The request as JSON.
 */
prompt: string, 
/**
 * The words as the model read them, image tokens not expanded.
 */
renderedPrompt: string, rawText: string, packId: string, packHash: string, startedAt: string, 
/**
 * JSON as text: decoding, images and their hashes, and the circumstances.
 */
settings: string, 
/**
 * "running", "complete", "cancelled" or "failed".
 */
status: string, };

export type PriorStudy = { studyUid: string, 
/**
 * ISO date.
 */
date: string, instanceUid: string, 
/**
 * "PA", "AP" or empty.
 */
view: string, 
/**
 * All its images, for showing them beside the current ones.
 */
images: Array<ImageView>, };

export type HeldView = { name: string, since: string, 
/**
 * When the report is free, if nothing more is written, "14:09:31".
 */
until: string, };

export type PreliminaryView = { by: string, at: string, meaning: string, };

export type MacroView = { 
/**
 * Without the point.
 */
name: string, 
/**
 * Where it can be used; everywhere when empty.
 */
sections: Array<SectionName>, 
/**
 * A line a sentence; `${1:side}` and `${2:left|right}` are parameters.
 */
text: string, };

export type Spelling = { 
/**
 * In lower case.
 */
lexicon: Array<string>, 
/**
 * What the person who is logged in added.
 */
own: Array<string>, };

export type SituationName = "child" | "two_views" | "frontal" | "portable";

export type TemplateChoice = { situation: SituationName, template: string | null, };

export type TextKind = "draft" | "preliminary" | "signed_preliminary" | "signed" | "addendum" | "amendment" | "now";

export type ReportText = { kind: TextKind, 
/**
 * Who brought it there; empty for the text as it stands.
 */
by: string, at: string, sections: Array<TextSection>, };

export type TextSection = { name: SectionName, heading: string, sentences: Array<TextSentence>, };

export type TextSentence = { id: string, text: string, state: SentenceState, 
/**
 * The model's own words, where a person changed them.
 */
modelText: string | null, };

export type Annotation = { id: string, instanceUid: string, kind: AnnotationKind, 
/**
 * Column and row in image pixels, the middle of the first pixel at 0.5.
 */
points: Array<[number, number]>, label: string, 
/**
 * Numbers as they may stand in a report, for example "148 mm" or "0.56".
 */
measured: Array<string>, 
/**
 * What millimetres rest on: "imager" or "calibrated"; `null` where none were measured.
 */
spacing: string | null, };

export type AnnotationKind = "length" | "angle" | "cobb" | "ctr" | "rectangle" | "ellipse" | "arrow" | "text";

export type WorklistFilter = { 
/**
 * "any", "to_read", "drafted", "in_progress" or "signed".
 */
status: string, 
/**
 * Only those that the models put in front.
 */
inFront: boolean, 
/**
 * Only those handed to whoever is logged in.
 */
mine: boolean, 
/**
 * ISO dates, inclusive; empty for no limit.
 */
from: string, to: string, };

export type TimelineStudy = { row: StudyRow, 
/**
 * The study that the timeline was asked of.
 */
current: boolean, 
/**
 * It is compared with the current one.
 */
linked: boolean, 
/**
 * Text of the newest signed version; empty while there is none.
 */
signedText: string, };

export type ImportUndone = { removed: number, 
/**
 * Reported on by now, or here before with other images.
 */
kept: number, };

export type DraftQueue = { paused: boolean, 
/**
 * The study that is being drafted.
 */
running: string | null, 
/**
 * The next first; what failed comes last.
 */
studies: Array<QueuedDraft>, };

export type QueuedDraft = { studyUid: string, patient: PatientView, description: string, 
/**
 * The code with which drafting failed; empty while it waits.
 */
failed: string, };
