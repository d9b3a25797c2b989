import { IpcError, type EditCommand, type ReportView } from "../../ipc";
import { diff } from "./diff";
import { sectionsOf, trimmed, type Section } from "./sentences";

/** What of the shell the editor needs. */
export interface ReportPort {
  edit(reportId: string, revision: number, commands: EditCommand[]): Promise<ReportView>;
  read(studyUid: string): Promise<ReportView>;
}

/**
 * `edit` for as long as `reader`, who opened the report, is the one that is logged in: the shell signs an edit with whoever
 * is, and a request that outlives a lock is no other reader's.
 */
export function onlyBy(reader: string | undefined, present: () => string | undefined, edit: ReportPort["edit"]): ReportPort["edit"] {
  return async (id, revision, commands) => {
    if (reader === undefined || present() !== reader) throw new IpcError("text.reader_gone", "");
    return edit(id, revision, commands);
  };
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
  /** Sentences whose change the shell refuses by itself, with how they stood then. */
  private readonly refused = new Map<string, string>();
  private refusal: IpcError | null = null;

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

  /** Sends everything that is not saved yet; resolves when the shell has all of it. */
  async flush(): Promise<void> {
    while (this.running) await this.running.catch(() => undefined);
    if (this.closed) return;
    if (diff(sectionsOf(this.base), this.sendable()).length > 0) await this.exclusively(() => this.send());
    else this.settled();
    if (this.refused.size > 0) throw this.refusal!;
  }

  /**
   * As `flush`, and rejects where something waits here because another person holds the report, or because its section was
   * closed meanwhile: the window is to ask before it goes.
   */
  async flushAll(): Promise<void> {
    await this.flush();
    if (this.waits()) throw new IpcError(this.base.held === null ? "text.closed" : "text.held", "");
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
    if (!this.arriving || view.revision >= this.arriving.revision) this.arriving = view;
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
      const current = this.sendable();
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
        if (rereads >= 3 && error.code.startsWith("report.")) {
          await this.sendSingly();
          continue;
        }
        if (!rebase || rereads >= 3) throw this.notSaved(error);
        rereads += 1;
        try {
          await this.readAgain();
        } catch (second) {
          throw this.notSaved(IpcError.from(second));
        }
      }
    }
    this.settled();
  }

  /**
   * One command at a time, so that one which the shell always refuses does not hold up the
   * rest. Its sentence stays in the editor as typed and is tried again when it changes.
   */
  private async sendSingly(): Promise<void> {
    let rereads = 0;
    for (;;) {
      const ancestor = sectionsOf(this.base);
      const command = diff(ancestor, this.sendable())[0];
      if (!command) return;
      try {
        // The rest is still to be sent, so both sides agree on no more than they did before.
        this.adopt(await this.port.edit(this.base.id, this.base.revision, [command]), ancestor);
      } catch (reason) {
        const error = IpcError.from(reason);
        if (error.code === "store.stale_revision" && rereads < 3) {
          rereads += 1;
          await this.readAgain().catch((second: unknown) => {
            throw this.notSaved(IpcError.from(second));
          });
        } else if (error.code.startsWith("report.") && "id" in command && !this.refused.has(command.id)) {
          this.refused.set(command.id, standing(this.document.read(), command.id));
          this.refusal = error;
          this.on.failed(error);
        } else {
          throw this.notSaved(error);
        }
      }
    }
  }

  /** The document without the changes that the shell refuses; one changed since then is tried again. */
  private sendable(): Section[] {
    let current = this.document.read();
    for (const [id, then] of this.refused) {
      if (standing(current, id) !== then) this.refused.delete(id);
      else current = withheld(sectionsOf(this.base), current, id);
    }
    return current;
  }

  private settled(): void {
    this.dirtySince = null;
    this.on.state(this.refused.size > 0 || this.waits() ? "not_saved" : "saved");
  }

  /**
   * True when the editor has what cannot be sent, since the section takes nothing: another person holds the report, or it was
   * signed elsewhere before this was saved. It waits here, what was taken out as well as what was written.
   */
  private waits(): boolean {
    const opened = (sections: Section[]) => sections.map((section) => ({ ...section, open: true }));
    return diff(opened(sectionsOf(this.base)), opened(this.document.read())).length > 0;
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
    if (!view) return;
    const newer = view.revision > this.base.revision;
    // Who may write, and what is covered, change without a line in the journal.
    const another = view.revision === this.base.revision && (view.covered !== this.base.covered || view.held?.until !== this.base.held?.until);
    if (newer || another) this.adopt(view, sectionsOf(this.base));
  }
}

/** Where and how a sentence stands, to see whether it changed; empty when it is gone. */
function standing(sections: Section[], id: string): string {
  for (const { name, sentences } of sections) {
    const found = sentences.find((s) => s.id === id);
    if (found) return `${name} ${found.state} ${trimmed(found.text)}`;
  }
  return "";
}

/** `current` with the sentence `id` as `base` has it: at its place there, or not at all. */
function withheld(base: Section[], current: Section[], id: string): Section[] {
  return current.map((section) => {
    const sentences = section.sentences.filter((s) => s.id !== id);
    const before = base.find((s) => s.name === section.name)?.sentences ?? [];
    const at = before.findIndex((s) => s.id === id);
    if (at < 0) return { ...section, sentences };
    const earlier = before.slice(0, at).findLast((s) => sentences.some((x) => x.id === s.id));
    const place = earlier ? sentences.findIndex((s) => s.id === earlier.id) + 1 : 0;
    sentences.splice(place, 0, before[at]!);
    return { ...section, sentences };
  });
}
