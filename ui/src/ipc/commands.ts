import type {
  Annotation,
  AppStatus,
  AuditExported,
  AuditFilter,
  AuditLine,
  BackupView,
  CalibrationRow,
  DraftOptions,
  DraftQueue,
  EditCommand,
  EngineStatus,
  FigureChoice,
  ExportAs,
  FirstUser,
  ImportUndone,
  MacroView,
  ModelPack,
  PackCandidate,
  ProposalView,
  ReportText,
  ReportView,
  RestoreChoice,
  SealingKey,
  SectionHow,
  SectionToDraft,
  Settings,
  SimilarCases,
  SimilarFilter,
  SimilarIdentity,
  SentenceEvidence,
  SignedResult,
  SigningKey,
  SignRequest,
  SituationName,
  Spelling,
  StudyDetail,
  StudyRow,
  TemplateChoice,
  TemplateView,
  TimeStampSettings,
  TimelineStudy,
  UserSummary,
  WorklistFilter,
} from "./bindings";
import { call } from "./call";
import { type LogoPicture, parseLogo } from "./logo";
import { type EvidenceMap, parseMap } from "./map";
import { parsePixels, type PixelImage } from "./pixels";
import { sealFor } from "./seal";

/** What the check of the audit chain found. */
export interface AuditCheck {
  ok: boolean;
  /** Number of lines whose hash was computed again. */
  checked: number;
  /** Hash of the last line. */
  head: string;
  problem: string | null;
}

export const appStatus = () => call<AppStatus>("app_status");
/** What is secret leaves the page sealed, each for a key of its own. */
const seal = async (value: unknown) => sealFor(await call<SealingKey>("sealing_key"), value);

export const createFirstUser = async (name: string, passphrase: string) =>
  call<FirstUser>("create_first_user", { name, passphrase: await seal(passphrase) });
export const unlock = async (user: string, passphrase: string) => call<AppStatus>("unlock", { user, passphrase: await seal(passphrase) });
export const unlockWithRecovery = async (recoveryKey: string, user: string, newPassphrase: string) =>
  call<AppStatus>("unlock_with_recovery", { recoveryKey: await seal(recoveryKey), user, newPassphrase: await seal(newPassphrase) });
/** A trainee signs as preliminary alone. */
export const addUser = async (name: string, passphrase: string, trainee: boolean) =>
  call<UserSummary>("add_user", { name, passphrase: await seal(passphrase), trainee });
export const changePassphrase = async (old: string, next: string) =>
  call<null>("change_passphrase", { old: await seal(old), new: await seal(next) });
/** A new recovery key, to be shown once; the one before opens nothing any more. */
export const recoveryRenew = async (passphrase: string) => call<string>("recovery_renew", { passphrase: await seal(passphrase) });
export const lock = () => call<null>("lock");
/** Ends this page, in the second window or in the first, which shows another then; nothing while somebody is logged in. */
export const renewPage = (second: boolean) => call<null>("page_renew", { second });
export const closeWindow = () => call<null>("close_window");
export const touch = () => call<null>("touch");
export const started = () => call<null>("started");

export const worklist = (search: string, filter: WorklistFilter | null = null) => call<StudyRow[]>("worklist", { search, filter });
/** All studies of the patient and those linked from elsewhere, the newest first. */
export const timeline = (studyUid: string) => call<TimelineStudy[]>("timeline", { studyUid });
export const setComparison = (studyUid: string, priorUid: string, linked: boolean) =>
  call<null>("set_comparison", { studyUid, priorUid, linked });
/** Files a study under the patient of another one. */
export const moveStudy = (studyUid: string, toPatientOf: string, reason: string) =>
  call<null>("move_study", { studyUid, toPatientOf, reason });
export const assignStudy = (studyUid: string, userId: string | null) => call<null>("assign_study", { studyUid, userId });
export const setPriority = (studyUid: string, priority: string) => call<null>("set_priority", { studyUid, priority });
export const undoImport = (job: string) => call<ImportUndone>("undo_import", { job });
export const draftQueue = () => call<DraftQueue>("draft_queue");
export const draftQueueAdd = (studyUids: string[], first: boolean) => call<null>("draft_queue_add", { studyUids, first });
export const draftQueueRemove = (studyUid: string) => call<null>("draft_queue_remove", { studyUid });
export const draftQueuePause = (paused: boolean) => call<null>("draft_queue_pause", { paused });
export const importFiles = () => call<string | null>("import_files");
export const importFolder = () => call<string | null>("import_folder");
export const cancelImport = (job: string) => call<null>("cancel_import", { job });
export const openStudy = (studyUid: string) => call<StudyDetail>("open_study", { studyUid });

/** What is shown first of an image in this window: means of 2 x 2 pixels where those show the same, else the image itself. */
export async function imageOverview(instanceUid: string): Promise<PixelImage> {
  const [width, height] = [innerWidth, innerHeight].map((side) => Math.max(1, Math.ceil(side * devicePixelRatio)));
  return parsePixels(await call<ArrayBuffer>("image_overview", { instanceUid, width, height }));
}

/** The stored values of one image. The buffer is read in place, never copied. */
export async function imagePixels(instanceUid: string): Promise<PixelImage> {
  return parsePixels(await call<ArrayBuffer>("image_pixels", { instanceUid }));
}

/** PNG bytes; empty when there is none. */
export const thumbnail = (instanceUid: string) => call<ArrayBuffer>("thumbnail", { instanceUid });

/** What this window keeps for itself in the data folder, as text. */
export const preference = (key: string) => call<string | null>("preference", { key });
export const setPreference = (key: string, value: string) => call<null>("set_preference", { key, value });
/** Shows a study in the window of images for a second screen, which opens when `open` is set. */
export const secondShow = (studyUid: string | null, open: boolean) => call<null>("second_show", { studyUid, open });
export const secondStudy = () => call<string | null>("second_study");
/** A sentence from the second window for the study's report, which is open in the first one. */
export const secondDictate = (studyUid: string, text: string) => call<null>("second_dictate", { studyUid, text });
/** A prior came on the screen beside a study; written to the audit chain. */
export const priorShown = (studyUid: string, priorUid: string) => call<null>("prior_shown", { studyUid, priorUid });

/** The folder that is watched, as the person chooses it; null when the dialog was closed. */
export const watchChoose = () => call<Settings | null>("watch_choose");
/** The folder for backups, as the person chooses it; null when the dialog was closed. */
export const backupChoose = () => call<Settings | null>("backup_choose");
/** The backups in that folder, the newest first. */
export const backups = () => call<BackupView[]>("backups");
/** Begins a backup; events tell how it goes. */
export const backupStart = () => call<null>("backup_start");
export const backupCancel = () => call<null>("backup_cancel");
/** A backup to put back, as the person chooses it; null when the dialog was closed. */
export const restoreChoose = () => call<RestoreChoice | null>("restore_choose");
/** Begins to put it back; what is there is kept, and the vault locks. Events tell how it goes. */
export const restoreStart = async (token: string, user: string, secret: string, byRecoveryKey: boolean) =>
  call<null>("restore_start", { token, user, secret: await seal(secret), byRecoveryKey });

/** Measurements and marks on the images of a study. */
export const annotations = (studyUid: string) => call<Annotation[]>("annotations", { studyUid });
/** Adds a mark, changes it, or brings back one that was taken away. */
export const annotationPut = (annotation: Annotation) => call<null>("annotation_put", { annotation });
export const annotationRemove = (id: string) => call<null>("annotation_remove", { id });

/** Where the encoder sees words for a finding in an image. */
export async function evidenceMap(instanceUid: string, finding: string): Promise<EvidenceMap> {
  return parseMap(await call<ArrayBuffer>("evidence_map", { instanceUid, finding }));
}

export const similarCases = (instanceUid: string, filter: SimilarFilter) =>
  call<SimilarCases>("similar_cases", { instanceUid, filter });
/** Who a similar case is. The question is written to the audit chain. */
export const similarReveal = (instanceUid: string) => call<SimilarIdentity>("similar_reveal", { instanceUid });
export const indexCancel = () => call<null>("index_cancel");
export const calibration = () => call<CalibrationRow[]>("calibration");
export const calibrationFit = () => call<CalibrationRow[]>("calibration_fit");

export const reportView = (studyUid: string) => call<ReportView>("report_view", { studyUid });
export const reportEdit = (reportId: string, revision: number, commands: EditCommand[]) =>
  call<ReportView>("report_edit", { reportId, revision, commands });
/** The texts that the report had in its life, the oldest first. */
export const reportTexts = (reportId: string) => call<ReportText[]>("report_texts", { reportId });
/** Uncovers the draft for who is logged in; what came first is audited. */
export const reportReveal = (reportId: string) => call<ReportView>("report_reveal", { reportId });
/** Takes the report from whoever is writing in it; audited. */
export const reportTakeOver = (reportId: string) => call<ReportView>("report_take_over", { reportId });
/** The person has left the report. */
export const reportRelease = (reportId: string) => call<null>("report_release", { reportId });
/** The macros of the person who is logged in. */
export const macros = () => call<MacroView[]>("macros");
/** Keeps a macro, in the place of another one where that is given; all of them as they are now. */
export const macroPut = (one: MacroView, instead: MacroView | null) => call<MacroView[]>("macro_put", { one, instead });
export const macroRemove = (one: MacroView) => call<MacroView[]>("macro_remove", { one });
/** Takes macros from a file that the person chooses; null when the dialog was closed. */
export const macrosImport = () => call<MacroView[] | null>("macros_import");
export const macrosExport = () => call<string | null>("macros_export");
/** Words that spelling accepts besides the general lists. */
export const spelling = () => call<Spelling>("spelling");
export const wordAdd = (word: string) => call<null>("word_add", { word });
export const wordRemove = (word: string) => call<null>("word_remove", { word });
export const templateChoices = () => call<TemplateChoice[]>("template_choices");
/** The template that the person wants for a kind of study; null for the one that everybody gets. */
export const templateChoose = (situation: SituationName, template: string | null) => call<null>("template_choose", { situation, template });
/** What the report's sentences claim, and what speaks for and against each claim by now. */
export const evidence = (reportId: string) => call<SentenceEvidence[]>("evidence", { reportId });
/** Puts a yes/no question to the model for each claim; `draftCancel` ends it. */
export const evidenceRequery = (reportId: string) => call<null>("evidence_requery", { reportId });
export const templates = () => call<TemplateView[]>("templates");
/** Takes a template from a file that the person chooses; null when the dialog was closed. */
export const templateImport = () => call<TemplateView | null>("template_import");
export const templateExport = (id: string) => call<string | null>("template_export", { id });
export const draftStart = (reportId: string, options: DraftOptions) =>
  call<null>("draft_start", { reportId, options });
export const draftSection = (reportId: string, section: SectionToDraft, how: SectionHow) =>
  call<null>("draft_section", { reportId, section, how });
/** Where a drafted sentence comes from. */
export const proposalView = (proposalId: string) => call<ProposalView>("proposal_view", { proposalId });
export const draftCancel = (reportId: string) => call<null>("draft_cancel", { reportId });
export const sign = async (request: SignRequest) => call<SignedResult>("sign", { request: await seal(request) });
/** Signs as preliminary, to be co-signed by another person. */
export const signPreliminary = async (request: SignRequest) => call<ReportView>("sign_preliminary", { request: await seal(request) });
/** As sign, and asks no server for the time. */
export const signWithoutTimeStamp = async (request: SignRequest) => call<SignedResult>("sign_without_time_stamp", { request: await seal(request) });
export const figures = (reportId: string) => call<FigureChoice>("figures", { reportId });
export const setFigures = (reportId: string, choice: FigureChoice) => call<FigureChoice>("set_figures", { reportId, choice });
export async function logo(): Promise<LogoPicture | null> {
  return parseLogo(await call<ArrayBuffer>("logo"));
}
export const logoChoose = () => call<boolean>("logo_choose");
export const logoRemove = () => call<null>("logo_remove");
export const timeStamp = () => call<TimeStampSettings>("time_stamp");
/** A new address is kept once the person has allowed it in a dialog; an empty one turns time stamps off. */
export const setTimeStampUrl = (url: string) => call<TimeStampSettings>("set_time_stamp_url", { url });
export const timeStampCertificate = () => call<TimeStampSettings | null>("time_stamp_certificate");
/** The certificate with which whoever is logged in signs. */
export const signingKey = () => call<SigningKey>("signing_key");
/** Signs from now on with the PKCS#12 file that the person chooses; null when the dialog was closed. */
export const signingKeyImport = async (password: string, passphrase: string) =>
  call<SigningKey | null>("signing_key_import", { password: await seal(password), passphrase: await seal(passphrase) });
/** Writes that certificate where the person says; the file, or null. */
export const signingCertificateSave = () => call<string | null>("signing_certificate_save");
/** Records that the person read what Hilum is for. */
export const acceptIntendedUse = () => call<null>("accept_intended_use");
export const signedPdf = (versionId: string) => call<ArrayBuffer>("signed_pdf", { versionId });
export const savePdf = (versionId: string) => call<string | null>("save_pdf", { versionId });
/** Saves a signed version in one of its forms; the file that it was saved to, null when the dialog was closed. */
export const exportReport = (versionId: string, form: ExportAs) => call<string | null>("export_report", { versionId, form });
export const draftPreviewPdf = (reportId: string) => call<ArrayBuffer>("draft_preview_pdf", { reportId });

export const engines = () => call<EngineStatus[]>("engines");
export const models = () => call<ModelPack[]>("models");
export const packChoose = () => call<PackCandidate | null>("pack_choose");
export const packAdd = (token: string, quantize: string, termsAccepted: boolean) =>
  call<string>("pack_add", { token, quantize, termsAccepted });
export const packAddCancel = (job: string) => call<null>("pack_add_cancel", { job });
export const packRemove = (id: string) => call<null>("pack_remove", { id });
export const verifyModel = (id: string) => call<null>("verify_model", { id });
export const settings = () => call<Settings>("settings");
export const setSettings = (value: Settings) => call<Settings>("set_settings", { settings: value });
/** The newest lines that the filter lets through; `before` leaves out the line of that number and those after it. */
export const audit = (limit: number, before: number | null, filter: AuditFilter) =>
  call<AuditLine[]>("audit", { limit, before, filter });
/** Writes the lines that the filter lets through to a file; null when the dialog was closed. */
export const auditExport = (filter: AuditFilter) => call<AuditExported | null>("audit_export", { filter });
export const auditVerify = () => call<AuditCheck>("audit_verify");
