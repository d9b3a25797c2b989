import { describe, describeCode, type Described } from "../../errors/describe";
import { IpcError, shell, type SentenceEvidence } from "../../ipc";
import { subscribe } from "../../state/bus";
import { Latest } from "../../state/latest";

/** A run of yes/no questions to the model. */
export interface Requery {
  done: number;
  total: number;
  startedAt: number;
}

/** Milliseconds after a change until the claims are read again. */
const SETTLE = 500;

/** What the models say of the open report's sentences. */
export class ReportEvidence {
  known = $state.raw<ReadonlyMap<string, SentenceEvidence>>(new Map());
  requery = $state<Requery | null>(null);
  failed = $state<Described | null>(null);

  private timer: ReturnType<typeof setTimeout> | null = null;
  private closed = false;
  private readonly latest = new Latest();
  private readonly endEvents: () => void;

  constructor(
    private readonly reportId: string,
    private readonly studyUid: string,
    private readonly changed: () => void,
  ) {
    this.endEvents = subscribe((event) => {
      if ("reportId" in event && event.reportId !== this.reportId) return;
      switch (event.event) {
        case "evidence_progress":
          this.requery = { startedAt: this.requery?.startedAt ?? performance.now(), done: event.done, total: event.total };
          break;
        case "evidence_ready":
          this.requery = null;
          void this.read();
          break;
        case "evidence_failed":
          this.requery = null;
          this.failed = describeCode(event.code, event.detail);
          void this.read(true);
          break;
        case "support_ready":
          if (event.studyUid === this.studyUid) void this.read();
          break;
      }
    });
    void this.read();
  }

  /** The text changed and was saved: its claims are read again in a moment. */
  stale(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), SETTLE);
  }

  /** Puts a yes/no question to the model for each claim; goes on in the background. */
  async ask(): Promise<void> {
    if (this.requery) return;
    this.failed = null;
    this.requery = { done: 0, total: 0, startedAt: performance.now() };
    try {
      await shell.evidenceRequery(this.reportId);
    } catch (reason) {
      this.requery = null;
      this.failed = describe(reason);
    }
  }

  async cancel(): Promise<void> {
    if (this.requery) await shell.draftCancel(this.reportId);
  }

  close(): void {
    this.closed = true;
    this.endEvents();
    if (this.timer) clearTimeout(this.timer);
  }

  /** `keepFailure` where words about a run that failed are still to be read. */
  private async read(keepFailure = false): Promise<void> {
    const current = this.latest.ask();
    try {
      const list = await shell.evidence(this.reportId);
      // The claims of a text that has changed since then say nothing of this one.
      if (this.closed || !current()) return;
      if (!keepFailure) this.failed = null;
      this.known = new Map(list.map((e) => [e.sentenceId, e]));
      this.changed();
    } catch (reason) {
      // Writing goes on without evidence; the panel says why there is none.
      if (!this.closed && current()) this.failed = describe(IpcError.from(reason));
    }
  }
}
