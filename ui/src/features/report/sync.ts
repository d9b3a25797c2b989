import { IpcError, type EditCommand, type ReportView } from "../../ipc";
import { diff } from "./diff";
import { sectionsOf, type Section } from "./sentences";

/** What of the shell the editor needs. */
export interface ReportPort {
  edit(reportId: string, revision: number, commands: EditCommand[]): Promise<ReportView>;
  read(studyUid: string): Promise<ReportView>;
}

/** The document on the screen. */
export interface ReportDocument {
  read(): Section[];
  /** Takes over `server` without disturbing what changed since `ancestor`. */
  merge(ancestor: Section[], server: Section[]): void;
}

/** Timers and a clock in milliseconds, passed in. */
export interface Timers {
  now(): number;
  after(milliseconds: number, run: () => void): () => void;
}

export type SaveState = "saved" | "typing" | "saving" | "not_saved";

export interface SyncEvents {
  state(state: SaveState): void;
  view(view: ReportView): void;
  failed(error: IpcError): void;
}

/** Milliseconds of quiet after which typing is sent. */
export const QUIET = 400;
/** Milliseconds after which typing is sent though it goes on. */
export const AT_LATEST = 1500;
/** Milliseconds until a failed save is tried again. */
export const RETRY = 3000;

/**
 * Brings what is typed to the shell's journal and what the shell has to the editor.
 * One request at a time; what was typed is kept and sent again whatever comes back.
 */
export class ReportSync {
  private base: ReportView;
  private arriving: ReportView | null = null;
  private running: Promise<void> | null = null;
  private cancelTimer: (() => void) | null = null;
  private dirtySince: number | null = null;
  private closed = false;

  constructor(
    view: ReportView,
    private readonly port: ReportPort,
    private readonly document: ReportDocument,
    private readonly timers: Timers,
    private readonly on: SyncEvents,
  ) {
    this.base = view;
  }

  /** What the shell had when it last answered. */
  get view(): ReportView {
    return this.base;
  }

  /** To be called after every change that a person makes. */
  changed(): void {
    if (this.closed) return;
    const now = this.timers.now();
    this.dirtySince ??= now;
    this.on.state("typing");
    this.schedule(Math.max(0, Math.min(QUIET, this.dirtySince + AT_LATEST - now)));
  }

  /** Sends everything that is not saved yet; resolves when the shell has it. */
  async flush(): Promise<void> {
    while (this.running) await this.running.catch(() => undefined);
    if (this.closed || diff(sectionsOf(this.base), this.document.read()).length === 0) return;
    await this.exclusively(() => this.send());
  }

  /** Saves the text first, then has the shell carry out `commands`. */
  async command(commands: EditCommand[]): Promise<ReportView> {
    await this.flush();
    while (this.running) await this.running.catch(() => undefined);
    await this.exclusively(async () => {
      const ancestor = this.document.read();
      try {
        this.adopt(await this.port.edit(this.base.id, this.base.revision, commands), ancestor);
      } catch (reason) {
        const error = IpcError.from(reason);
        if (error.code !== "store.stale_revision") throw error;
        await this.readAgain();
        const again = this.document.read();
        this.adopt(await this.port.edit(this.base.id, this.base.revision, commands), again);
      }
    });
    return this.base;
  }

  /** A report that came in an event, such as a finished draft. */
  incoming(view: ReportView): void {
    if (this.closed || view.id !== this.base.id) return;
    if (!this.arriving || view.revision > this.arriving.revision) this.arriving = view;
    if (!this.running) this.takeArriving();
  }

  /** Sends the rest and stops. Text that could not be sent is reported through `failed`. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.closed = true;
      this.cancelTimer?.();
    }
  }

  private schedule(milliseconds: number): void {
    this.cancelTimer?.();
    this.cancelTimer = this.timers.after(milliseconds, () => {
      this.cancelTimer = null;
      // A failure has been reported through `failed` and set the next try.
      this.flush().catch(() => undefined);
    });
  }

  private async exclusively(work: () => Promise<void>): Promise<void> {
    const run = work();
    this.running = run;
    try {
      await run;
    } finally {
      this.running = null;
      this.takeArriving();
    }
  }

  /** Until shell and editor agree. */
  private async send(): Promise<void> {
    let rereads = 0;
    for (;;) {
      const current = this.document.read();
      const commands = diff(sectionsOf(this.base), current);
      if (commands.length === 0) break;
      this.cancelTimer?.();
      this.dirtySince = null;
      this.on.state("saving");
      try {
        this.adopt(await this.port.edit(this.base.id, this.base.revision, commands), current);
      } catch (reason) {
        const error = IpcError.from(reason);
        // Another change came first, or the report is not what the diff was made on.
        const rebase = error.code === "store.stale_revision" || error.code.startsWith("report.");
        if (!rebase || rereads >= 3) throw this.notSaved(error);
        rereads += 1;
        try {
          await this.readAgain();
        } catch (second) {
          throw this.notSaved(IpcError.from(second));
        }
      }
    }
    this.on.state("saved");
  }

  private notSaved(error: IpcError): IpcError {
    this.on.state("not_saved");
    this.on.failed(error);
    if (!this.closed) this.schedule(RETRY);
    return error;
  }

  private async readAgain(): Promise<void> {
    const ancestor = sectionsOf(this.base);
    this.adopt(await this.port.read(this.base.studyUid), ancestor);
  }

  private adopt(view: ReportView, ancestor: Section[]): void {
    this.base = view;
    this.document.merge(ancestor, sectionsOf(view));
    this.on.view(view);
  }

  private takeArriving(): void {
    const view = this.arriving;
    this.arriving = null;
    if (view && view.revision > this.base.revision) this.adopt(view, sectionsOf(this.base));
  }
}
