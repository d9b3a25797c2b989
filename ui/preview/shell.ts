import { applied } from "../src/features/report/fixtures";
import type { Annotation, AppError, AppStatus, AuditLine, DraftQueue, EditCommand, EngineStatus, ReportView, SectionHow, SectionToDraft, Settings, ShellEvent, SigningKey, SignRequest, StudyRow } from "../src/ipc";
import { PreviewImages, logoOf } from "./images";
import { PreviewPacks } from "./packs";
import { phantom, thumbnailOf } from "./phantom";
import { calibratedSupport, calibrationRows, evidenceFor, mapFrame, proposalOf, similarFor, withFlags } from "./second";
import { PreviewBackups } from "./backups";
import { PreviewLetterbox } from "./letterbox";
import { PreviewWriting, textsOf } from "./writing";
import { detailFor, pdfOf, preparedFor, PROPOSAL, reportFor, rowsFor, SUPPORT } from "./sample";

export interface PreviewOptions {
  firstRun: boolean;
  locked: boolean;
  empty: boolean;
  noModels: boolean;
  failDecode: boolean;
  failDraft: boolean;
  slowDraft: boolean;
  failPack: boolean;
  failBackup: boolean;
  /** A folder is refused when it is looked at. */
  refusePack: boolean;
  calibrated: boolean;
  staleCalibration: boolean;
  noPrior: boolean;
  noMap: boolean;
  /** Images of 2500 x 3000, drawn before they are asked for, to time the viewer. */
  large: boolean;
  /** Somebody else is writing in the reports. */
  held: boolean;
  /** Drafts are covered until the reader has looked. */
  readFirst: boolean;
  trainee: boolean;
  /** A trainee has signed the reports as preliminary. */
  prepared: boolean;
  /** The disk has no room for what is typed. */
  full: boolean;
  /** A first study of many images. */
  many: boolean;
  theme: string;
}

type Callback = (message: { event: string; id: number; payload: ShellEvent }) => void;

/** The boundary's contract in memory, for looking at the screens. Nothing of it is shipped. */
export class PreviewShell {
  private callbacks = new Map<number, Callback>();
  private listener: Callback | null = null;
  private rows: StudyRow[];
  private reports = new Map<string, ReportView>();
  private scored = new Set<string>();
  private drafting = new Map<string, boolean>();
  private status: AppStatus;
  private settings: Settings;
  private auditLines: AuditLine[] = [];
  /** Reports whose claims the model was asked about. */
  private asked = new Set<string>();
  private fitted: boolean;
  private marks: Annotation[] = [];
  private preferences = new Map<string, string>();
  private unlinked = false;
  private queue: DraftQueue = { paused: false, running: null, studies: [] };
  private writing = new PreviewWriting();
  private backing: PreviewBackups;
  private packs: PreviewPacks;
  private images: PreviewImages;
  private revealed = false;
  private held: boolean;

  private signingKey: SigningKey = {
    name: "Dr A. Reader",
    issuer: "Dr A. Reader",
    selfIssued: true,
    validUntil: "2056-11-23",
    fingerprint: "9f2c41d07be8a3356c1f0d9e84b7a2c5538e6f10b2d4c7a998e1f3056d7c8b4a",
  };
  private figures: unknown = { images: [], measurements: [] };

  constructor(private readonly options: PreviewOptions) {
    const user = { id: "u1", name: "Dr A. Reader", trainee: options.trainee };
    this.rows = rowsFor(options.empty);
    if (options.many) this.rows[0]!.images = 12;
    this.backing = new PreviewBackups((event) => this.emit(event), options.failBackup, () => !options.firstRun);
    this.packs = new PreviewPacks((event) => this.emit(event), options);
    this.images = new PreviewImages(options.large);
    this.held = options.held;
    this.fitted = options.calibrated || options.staleCalibration;
    if (options.large) for (const row of this.rows.slice(0, 3)) this.images.phantom(`${row.studyUid}.1`);
    this.status = {
      version: "0.1.0",
      firstRun: options.firstRun,
      firstRunOpen: false,
      locked: options.firstRun || options.locked,
      user: options.firstRun || options.locked ? null : user,
      users: options.firstRun ? [] : [user],
      decoderProtected: true,
      opensAtStart: false,
    };
    this.settings = {
      theme: options.theme,
      idleLockMinutes: 10,
      institution: "St. Example Hospital",
      department: "Radiology",
      address: "1 Example Street",
      reportWidth: 600,
      defaultTemplate: "cxr-frontal",
      readFirst: options.readFirst,
      draftOnOpen: false,
      draftOnImport: false,
      watchedFolder: "",
      backupFolder: "/media/backups",
      backupEveryHours: 24,
      backupKeep: 14,
    };
  }

  internals() {
    let next = 1;
    return {
      metadata: { currentWindow: { label: "main" }, currentWebview: { label: "main", windowLabel: "main" } },
      transformCallback: (callback: Callback) => {
        this.callbacks.set(next, callback);
        return next++;
      },
      unregisterCallback: (id: number) => this.callbacks.delete(id),
      invoke: (command: string, args: Record<string, unknown> = {}) => this.invoke(command, args),
    };
  }

  emit(payload: ShellEvent): void {
    this.listener?.({ event: "hilum", id: 0, payload });
  }

  async invoke(command: string, args: Record<string, unknown>): Promise<unknown> {
    if (command === "plugin:event|listen") {
      this.listener = this.callbacks.get(args.handler as number) ?? null;
      return 1;
    }
    if (command.startsWith("plugin:")) return null;
    await wait(command === "sign" ? 300 : 15);
    if (!["app_status", "sealing_key", "touch", "worklist", "thumbnail"].includes(command)) this.record(command);
    const answer = this.answers[command] ?? this.writing.answers[command] ?? this.backing.answers[command] ?? this.packs.answers[command];
    if (!answer) return refuse("app.internal", `no command ${command}`);
    return answer(await this.letterbox.opened(args));
  }

  private letterbox = new PreviewLetterbox();
  private firstRunOpen = false;

  private answers: Record<string, (args: any) => unknown> = {
    sealing_key: () => this.letterbox.key(),
    app_status: () => this.status,
    create_first_user: ({ name, passphrase }) => {
      if (passphrase.length < 8) return refuse("vault.weak_passphrase", "too short");
      this.firstRunOpen = true;
      this.unlockAs(name);
      return { user: this.status.user, recoveryKey: "7KQD-M2XR-94TV-HBNW-PC5E-8ZYA-J3LF-6GSU" };
    },
    unlock: ({ user, passphrase }) => {
      if (passphrase === "wrong") return refuse("vault.locked", "the vault does not open");
      this.unlockAs(user);
      return this.status;
    },
    unlock_with_recovery: ({ user }) => {
      this.unlockAs(user);
      return this.status;
    },
    add_user: ({ name, trainee }) => ({ id: name, name, trainee }),
    report_texts: ({ reportId }) => textsOf(this.byId(reportId)),
    report_reveal: ({ reportId }) => {
      this.revealed = true;
      return this.shown(this.byId(reportId));
    },
    report_take_over: ({ reportId }) => {
      this.held = false;
      for (const section of this.byId(reportId).sections) section.open = true;
      return this.shown(this.byId(reportId));
    },
    sign_preliminary: ({ request }) => {
      const report = this.byId(request.reportId);
      report.preliminary = { by: this.status.user!.name, at: "2026-11-23 14:12:00 +01:00", meaning: "Prepared this report as preliminary, to be co-signed" };
      report.status = "preliminary";
      report.revision += 1;
      return this.keep(report);
    },
    change_passphrase: () => null,
    lock: () => {
      this.status = { ...this.status, locked: true, user: null, firstRunOpen: false };
      return null;
    },
    page_renew: () => null,
    close_window: () => null,
    touch: () => null,
    started: () => null,
    worklist: ({ search }) => {
      const words = (search as string).toLowerCase();
      return this.rows.filter((r) => `${r.patient.name} ${r.patient.id} ${r.accession} ${r.description}`.toLowerCase().includes(words));
    },
    import_files: () => this.import(),
    import_folder: () => this.import(),
    cancel_import: () => null,
    open_study: ({ studyUid }) => {
      const row = this.rows.find((r) => r.studyUid === studyUid)!;
      if (!this.scored.has(studyUid)) {
        setTimeout(() => {
          this.scored.add(studyUid);
          this.emit({ event: "support_ready", studyUid, instanceUid: `${studyUid}.1`, support: this.support(), demo: true });
        }, 700);
      }
      const detail = detailFor(row, this.report(studyUid), this.scored.has(studyUid));
      const priors = this.options.noPrior ? [] : [{ studyUid: "1.2.3", date: "2024-03-02", instanceUid: "1.2.826.0.1.3680043.40.1", view: "PA", images: [{ ...detail.images[0]!, instanceUid: "1.2.826.0.1.3680043.40.1", acquired: "2024-03-02 09:12" }] }];
      return { ...detail, support: detail.support.length > 0 ? this.support() : [], priors };
    },
    annotations: ({ studyUid }) => this.marks.filter((mark) => mark.instanceUid.startsWith(`${studyUid}.`)),
    annotation_put: ({ annotation }) => {
      this.marks = [...this.marks.filter((mark) => mark.id !== annotation.id), annotation];
      return null;
    },
    annotation_remove: ({ id }) => {
      this.marks = this.marks.filter((mark) => mark.id !== id);
      return null;
    },
    preference: ({ key }) => this.preferences.get(key) ?? null,
    set_preference: ({ key, value }) => {
      this.preferences.set(key, value);
      return null;
    },
    prior_shown: () => null,
    second_show: () => null,
    second_study: () => null,
    second_dictate: () => null,
    timeline: ({ studyUid }) => {
      const row = this.rows.find((r) => r.studyUid === studyUid)!;
      const prior = { ...row, studyUid: "1.2.3", date: "2024-03-02 09:12", description: "Chest PA", status: "final" };
      return [
        { row, current: true, linked: false, signedText: "" },
        { row: prior, current: false, linked: !this.unlinked, signedText: "Exam\nChest radiograph, frontal view.\n\nFindings\nThe lungs are clear.\nThe heart is of normal size.\n\nImpression\nNo acute disease.\n\n" },
        { row: { ...prior, studyUid: "1.2.4", date: "2019-07-19 16:40", status: "new" }, current: false, linked: false, signedText: "" },
      ];
    },
    set_comparison: ({ linked }) => {
      this.unlinked = !linked;
      return null;
    },
    move_study: () => null,
    assign_study: ({ studyUid, userId }) => this.change(studyUid, { assignedTo: userId ? { id: userId, name: "Dr A. Reader", trainee: false } : null }),
    set_priority: ({ studyUid, priority }) => this.change(studyUid, { priority }),
    undo_import: () => ({ removed: 2, kept: 1 }),
    draft_queue: () => this.queue,
    draft_queue_add: ({ studyUids, first }) => {
      const added = this.rows.filter((row) => studyUids.includes(row.studyUid)).map(({ studyUid, patient, description }) => ({ studyUid, patient, description, failed: "" }));
      const others = this.queue.studies.filter((one) => !studyUids.includes(one.studyUid));
      this.queue = { ...this.queue, studies: first ? [...added, ...others] : [...others, ...added] };
      this.emit({ event: "queue_changed", queue: this.queue });
      return null;
    },
    draft_queue_remove: ({ studyUid }) => {
      this.queue = { ...this.queue, studies: this.queue.studies.filter((one) => one.studyUid !== studyUid) };
      this.emit({ event: "queue_changed", queue: this.queue });
      return null;
    },
    draft_queue_pause: ({ paused }) => {
      this.queue = { ...this.queue, paused };
      this.emit({ event: "queue_changed", queue: this.queue });
      return null;
    },
    image_overview: ({ instanceUid }) => this.pixels(instanceUid, 1),
    image_pixels: ({ instanceUid }) => this.pixels(instanceUid, 0),
    thumbnail: ({ instanceUid }) => thumbnailOf(phantom(250, 300, Number(instanceUid.split(".").at(-2))), 240),
    report_view: ({ studyUid }) => this.report(studyUid),
    report_edit: ({ reportId, revision, commands }) => (this.options.full ? refuse("data.disk_full", "the disk is full") : this.edit(reportId, revision, commands)),
    templates: () => [
      { id: "cxr-frontal", name: "Chest, frontal" },
      { id: "cxr-2view", name: "Chest, two views" },
      { id: "cxr-portable", name: "Chest, portable AP" },
    ],
    draft_start: ({ reportId }) => {
      void this.draft(reportId);
      return null;
    },
    draft_section: ({ reportId, section, how }) => {
      void this.draft(reportId, section, how);
      return null;
    },
    proposal_view: ({ proposalId }) => proposalOf(proposalId),
    evidence: ({ reportId }) => evidenceFor(this.shown(this.byId(reportId)), this.asked.has(reportId)),
    evidence_requery: ({ reportId }) => {
      void this.requery(reportId);
      return null;
    },
    evidence_map: async ({ instanceUid, finding }) => {
      await wait(350);
      if (this.options.noMap) return refuse("encode.no_model", "no encoder");
      const { rows, columns } = this.images.phantom(instanceUid);
      return mapFrame(finding, rows, columns);
    },
    similar_cases: async ({ filter }) => {
      await wait(250);
      return similarFor(filter);
    },
    similar_reveal: ({ instanceUid }) => {
      const row = this.rows.find((r) => instanceUid.startsWith(`${r.studyUid}.`))!;
      return { studyUid: row.studyUid, patientName: row.patient.name, patientId: row.patient.id, studyDate: row.date };
    },
    calibration: () => calibrationRows(this.fitted, this.options.staleCalibration),
    calibration_fit: async () => {
      await wait(900);
      this.fitted = true;
      return calibrationRows(true, false);
    },
    recovery_renew: ({ passphrase }) => (passphrase === "wrong" ? refuse("vault.locked", "wrong passphrase") : "M2XR-7KQD-HBNW-94TV-8ZYA-PC5E-6GSU-J3LF"),
    backup_choose: () => this.settings,
    watch_choose: () => (this.settings = { ...this.settings, watchedFolder: "/media/arrivals" }),
    draft_cancel: ({ reportId }) => {
      this.drafting.set(reportId, false);
      return null;
    },
    sign: ({ request }) => this.sign(request),
    sign_without_time_stamp: ({ request }) => this.sign(request),
    figures: () => this.figures,
    set_figures: ({ choice }) => (this.figures = choice),
    logo: () => logoOf(96, 40),
    logo_choose: () => false,
    logo_remove: () => null,
    time_stamp: () => ({ url: "", certificate: "" }),
    set_time_stamp_url: ({ url }) => (url.includes("declined") ? refuse("timestamp.declined", "not allowed") : { url, certificate: "" }),
    time_stamp_certificate: () => null,
    signing_key: () => this.signingKey,
    signing_key_import: ({ password }) => (password === "wrong" ? refuse("pkcs12.wrong_password", "the password does not open the file") : (this.signingKey = { ...this.signingKey, issuer: "St. Example Hospital CA", selfIssued: false })),
    signing_certificate_save: () => "/home/reader/hilum-certificate.der",
    accept_intended_use: () => {
      this.firstRunOpen = false;
      this.status = { ...this.status, firstRunOpen: false };
      return null;
    },
    signed_pdf: ({ versionId }) => pdfOf(["Hilum preview", `Signed version ${versionId}`, "", "Findings", "The heart is enlarged."]),
    draft_preview_pdf: () => pdfOf(["Hilum preview", "DRAFT, not signed"]),
    save_pdf: () => "report.pdf",
    export_report: () => "report.dcm",
    template_import: () => ({ id: "mrrt-chest", name: "Chest Xray - 2 Views" }),
    template_export: () => "template.html",
    settings: () => this.settings,
    set_settings: ({ settings }) => (this.settings = settings),
    audit: ({ limit, filter }) => {
      const wanted = filter.words.toLowerCase();
      const found = this.auditLines.filter((line) => `${line.action} ${line.object} ${line.detail}`.toLowerCase().includes(wanted));
      return found.reverse().slice(0, limit);
    },
    audit_export: ({ filter }) => ({ path: "/home/reader/hilum-audit.csv", lines: (this.answers.audit?.({ limit: 1e9, filter }) as AuditLine[]).length }),
    audit_verify: () => ({ ok: true, checked: this.auditLines.length, head: this.auditLines.at(-1)?.hash ?? "", problem: null }),
  };

  private change(studyUid: string, change: Partial<StudyRow>): null {
    this.rows = this.rows.map((row) => (row.studyUid === studyUid ? { ...row, ...change } : row));
    this.emit({ event: "study_changed", studyUid });
    return null;
  }

  private unlockAs(name: string): void {
    const user = { id: "u1", name, trainee: this.options.trainee };
    this.status = { ...this.status, firstRun: false, firstRunOpen: this.firstRunOpen, locked: false, user, users: [user] };
  }

  private report(studyUid: string): ReportView {
    const kept = this.reports.get(studyUid) ?? (this.options.prepared ? preparedFor(studyUid) : reportFor(studyUid));
    this.reports.set(studyUid, this.checked(kept));
    return this.shown(this.reports.get(studyUid)!);
  }

  private byId(reportId: string): ReportView {
    return [...this.reports.values()].find((r) => r.id === reportId)!;
  }

  private keep(report: ReportView): ReportView {
    report.savedAt = new Date().toTimeString().slice(0, 8);
    this.reports.set(report.studyUid, this.checked(report));
    return this.shown(report);
  }

  /** The report as its reader may see it: covered, or held by another. */
  private shown(report: ReportView): ReportView {
    const view = structuredClone(withFlags(report));
    if (this.settings.readFirst && !this.revealed) {
      for (const section of view.sections) {
        view.covered += section.sentences.filter((s) => s.state === "proposed").length;
        section.sentences = section.sentences.filter((s) => s.state !== "proposed");
      }
    }
    if (this.held) {
      view.held = { name: "Dr B. Colleague", since: "14:01:12", until: "14:19:40" };
      for (const section of view.sections) section.open = false;
    }
    return view;
  }

  private checked(report: ReportView): ReportView {
    const proposed = report.sections.flatMap((s) => s.sentences).filter((s) => s.state === "proposed").length;
    report.needs = [
      ...(proposed > 0 ? [{ code: "sign.unreviewed", count: proposed, section: null }] : []),
      ...report.sections
        .filter((s) => s.required && s.sentences.every((x) => x.state === "proposed"))
        .map((s) => ({ code: "sign.empty_section", count: null, section: s.name })),
    ];
    if (report.status === "final") {
      report.needs = [{ code: "sign.not_open", count: null, section: null }];
      for (const s of report.sections) s.open = false;
    }
    return report;
  }

  private edit(reportId: string, revision: number, commands: EditCommand[]): ReportView {
    const report = this.byId(reportId);
    if (report.revision !== revision) return refuse("store.stale_revision", "another change came first");
    try {
      return this.keep(applied(report, commands));
    } catch (error) {
      return refuse((error as Error).message, "refused");
    }
  }

  private sign(request: SignRequest) {
    const report = this.byId(request.reportId);
    if (request.passphrase === "wrong") return refuse("vault.locked", "wrong passphrase");
    const id = `version-${report.versions.length + 1}`;
    const sha = "9f2c".repeat(16);
    report.versions.push({ id, kind: report.becoming, by: this.status.user!.name, at: "2026-11-23 14:12:00 +01:00", meaning: "author", preliminary: report.preliminary, pdfSha256: sha });
    report.status = "final";
    report.revision += 1;
    return { versionId: id, pdfSha256: sha, auditHead: "51ab".repeat(16), pages: 1, report: this.keep(report) };
  }

  private support() {
    return this.options.calibrated ? calibratedSupport(SUPPORT) : SUPPORT;
  }

  private async requery(reportId: string): Promise<void> {
    const slow = this.options.slowDraft ? 6 : 1;
    this.drafting.set(reportId, true);
    const total = evidenceFor(this.byId(reportId), true).length;
    for (let done = 0; done <= total; done++) {
      this.emit({ event: "evidence_progress", reportId, done, total });
      await wait(300 * slow);
      if (!this.drafting.get(reportId)) return this.emit({ event: "evidence_ready", reportId });
      if (this.options.failDraft) return this.emit({ event: "evidence_failed", reportId, code: "worker.died", detail: "the worker ended" });
    }
    this.asked.add(reportId);
    this.emit({ event: "evidence_ready", reportId });
  }

  private async draft(reportId: string, only?: SectionToDraft, how?: SectionHow): Promise<void> {
    const slow = this.options.slowDraft ? 12 : 1;
    this.drafting.set(reportId, true);
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    const going = () => this.drafting.get(reportId);
    this.engineState("working");
    for (const [stage, fraction] of [["loading_model", 0.4], ["loading_model", 0.9], ["reading_image", null], ["writing", null]] as const) {
      this.emit({ event: "draft_progress", reportId, stage, fraction, seconds: seconds() });
      await wait(250 * slow);
      if (!going()) return this.cancelled(reportId);
    }
    if (this.options.failDraft) {
      this.engineState("restarted");
      this.emit({ event: "draft_failed", reportId, code: "worker.died", detail: "the worker ended" });
      return;
    }
    let text = "";
    const wanted = PROPOSAL.filter((p) => !only || p.section === only).slice(0, how === "shorter" ? 2 : 99);
    for (const word of wanted.map((p) => p.sentence.text).join(" ").split(" ")) {
      text += (text === "" ? "" : " ") + word;
      this.emit({ event: "draft_text", reportId, text });
      await wait(30 * slow);
      if (!going()) return this.cancelled(reportId);
    }
    const report = structuredClone(this.byId(reportId));
    for (const s of report.sections) if (!only || s.name === only) s.sentences = s.sentences.filter((x) => x.state !== "proposed");
    for (const { section, sentence } of wanted) {
      report.sections.find((s) => s.name === section)!.sentences.push({ ...structuredClone(sentence), id: crypto.randomUUID(), proposalId: "p1" });
    }
    report.revision += 2;
    this.engineState("ready");
    this.emit({ event: "draft_done", reportId, report: this.keep(report), seconds: seconds() });
  }

  private cancelled(reportId: string): void {
    this.engineState("ready");
    this.emit({ event: "draft_cancelled", reportId });
  }

  private engineState(state: EngineStatus["state"]): void {
    this.emit({ event: "engine", engine: { ...this.packs.engines()[0]!, state } });
  }

  private async import(): Promise<string> {
    const files = ["chest-pa.dcm", "chest-lat.dcm", "report.pdf", "IM0001", "truncated.dcm", "IM0002"];
    setTimeout(async () => {
      for (const [i, name] of files.entries()) {
        const refused = { "report.pdf": "This file is not a DICOM image (it starts like a PDF). Nothing was imported from it.", "truncated.dcm": "This file ends in the middle of its pixels. Nothing was imported from it." }[name];
        const file = { name, verdict: refused ? "refused" : i === 3 ? "known" : "imported", code: refused ? "decode.refused" : null, message: refused ?? null, studyUid: null };
        this.emit({ event: "import_progress", job: "job-1", done: i + 1, total: files.length, file });
        await wait(120);
      }
      if (this.rows.length === 0) this.rows = rowsFor(false).slice(0, 1);
      this.emit({ event: "import_done", job: "job-1", imported: 3, known: 1, refused: 2, studyUids: [] });
    }, 30);
    return "job-1";
  }

  private pixels(instanceUid: string, copy: 0 | 1): ArrayBuffer {
    return this.options.failDecode ? refuse("decode.timeout", "took too long") : this.images.pixels(instanceUid, copy);
  }

  private record(action: string): void {
    const seq = this.auditLines.length + 1;
    this.auditLines.push({ seq, at: "2026-11-23 14:02:11", who: this.status.user?.name ?? "", action, object: "1.2.826.0.1", detail: action === "report_edit" ? '{"from":3,"journal_sha256":"51ab…","to":4}' : "", hash: (seq * 7919).toString(16).padStart(64, "a") });
  }
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function refuse(code: string, detail: string): never {
  throw { code, detail } satisfies AppError;
}
