import { tick } from "svelte";
import { describe, type Described } from "../errors/describe";
import { answered, IpcError, shell, type AppStatus, type EngineStatus, type Settings } from "../ipc";
import { subscribe } from "./bus";
import { keep } from "./kept";
import { Latest } from "./latest";
import { leavePage } from "./renewal";

export type Screen = "worklist" | "room" | "models" | "calibration" | "audit" | "settings" | "help";

/** A line at the foot of the window that goes by itself. */
export interface Notice {
  id: number;
  text: string;
  next: string;
  kind: "info" | "error";
}

/** Text that could not be saved before the window was to lock or close, and why. */
export interface Unsaved {
  doing: "lock" | "close";
  error: Described;
  /** Whose text waits in the window, and would go with it. */
  waits: readonly string[];
}

/** Text that waits in the page, and would go with it. */
export interface WaitingText {
  /** Whose it is, each once. */
  readonly names: readonly string[];
  /** Resolves once it is known whether what was on the screen waits as well. */
  settled(): Promise<void>;
}

/** Milliseconds without a sign of somebody after which a page that was locked goes all the same. */
const QUIET = 300_000;
/** Milliseconds after which what keeps a page is looked at again. */
const AGAIN = 1000;
/** Milliseconds after which a person is asked whether the window may close although saving goes on. */
const LONG = 10_000;

const NONE: WaitingText = { names: [], settled: () => Promise.resolve() };

/** Who is there, which screen is shown, what is set, how the engines are. */
class Session {
  status = $state<AppStatus | null>(null);
  failed = $state<Described | null>(null);
  settings = $state<Settings | null>(null);
  engines = $state<EngineStatus[]>([]);
  notices = $state<Notice[]>([]);
  /** Shown above the screens. */
  dialog = $state<"palette" | null>(null);
  /** Set while a person is asked whether unsaved text may be lost. */
  unsaved = $state.raw<Unsaved | null>(null);

  /** The vault is open, though its first user may still be on the way in. */
  readonly open = $derived(this.status !== null && !this.status.locked && !this.status.firstRun);
  readonly unlocked = $derived(this.open && !this.status?.firstRunOpen);
  readonly demo = $derived(this.engines.some((engine) => engine.demo));

  private shown = $state<Screen>("worklist");
  /** Counts where a person wanted to go. */
  private wishes = 0;
  private readonly changes = new Latest();
  /** Changes of the settings that the shell has not answered, and the settings as it kept them last. */
  private unanswered = 0;
  private kept: Settings | null = null;
  private noticeCount = 0;
  private beforeLock: (() => Promise<void>)[] = [];
  private waiting: WaitingText = NONE;
  /** What else keeps this page while it lasts. */
  private keepers: (() => boolean)[] = [];
  /** Counts the times that this page was to be replaced. */
  private renewals = 0;
  /** Counts what shows that somebody is at a window that is locked. */
  private stirs = 0;
  /** Counts the times that the window was locked. */
  private locks = 0;
  /** Counts the times that somebody logged in or was locked out. */
  private turns = 0;

  get screen(): Screen {
    return this.shown;
  }

  /** Going to a screen is a wish like any other: a study that was asked for before does not come over it. */
  set screen(to: Screen) {
    this.wishes += 1;
    this.shown = to;
  }

  /** Does what has to be done first; true where that went well and nobody has gone anywhere meanwhile. A failure is said. */
  async stays(work: () => Promise<unknown>): Promise<boolean> {
    const { wishes } = this;
    try {
      await work();
    } catch (reason) {
      this.say(reason);
      return false;
    }
    return wishes === this.wishes;
  }

  /** A wish to go where it takes a moment to get to; the result says whether it is still the last one. */
  wish(): () => boolean {
    const mine = (this.wishes += 1);
    return () => mine === this.wishes;
  }

  async boot(): Promise<void> {
    subscribe((event) => {
      if (event.event === "locked") void this.locked();
      if (event.event === "closing") void this.close();
      if (event.event === "engine") {
        this.engines = [...this.engines.filter((e) => e.role !== event.engine.role), event.engine];
      }
    });
    try {
      this.status = await shell.appStatus();
      if (this.unlocked) await this.entered();
    } catch (reason) {
      this.failed = describe(reason);
    }
  }

  /**
   * The vault is open: settings and engines are read, what was given at start is imported. For a first user who is still on the
   * way in that waits.
   */
  async entered(status?: AppStatus): Promise<void> {
    this.turns += 1;
    if (status) this.status = status;
    if (!this.unlocked) return;
    const [settings, engines] = await Promise.all([shell.settings(), shell.engines()]);
    this.settings = settings;
    this.engines = engines;
    applyTheme(settings.theme);
    await shell.started();
  }

  /** After packs were added or removed, other engines may stand behind the same roles. */
  async refreshEngines(): Promise<void> {
    this.engines = await shell.engines();
  }

  async saveSettings(change: Partial<Settings>): Promise<void> {
    if (!this.settings) return;
    const current = this.changes.ask();
    if (this.unanswered === 0) this.kept = this.settings;
    this.unanswered += 1;
    this.settings = { ...this.settings, ...change };
    applyTheme(this.settings.theme);
    try {
      this.kept = await shell.setSettings($state.snapshot(this.settings));
    } catch (reason) {
      this.say(reason);
    }
    this.unanswered -= 1;
    // A change made meanwhile holds this one too, and is not taken back by the answer to it.
    if (!current() || !this.kept) return;
    this.settings = this.kept;
    applyTheme(this.kept.theme);
  }

  toggleTheme(): void {
    void this.saveSettings({ theme: this.settings?.theme === "light" ? "dark" : "light" });
  }

  /** Something that must be done before the window locks or closes, such as saving; the result takes it back. */
  onLock(run: () => Promise<void>): () => void {
    this.beforeLock.push(run);
    return () => (this.beforeLock = this.beforeLock.filter((x) => x !== run));
  }

  /** What is looked at before the page goes, for text that would be lost with it; the result takes that back. */
  onClose(waiting: WaitingText): () => void {
    this.waiting = waiting;
    return () => (this.waiting = NONE);
  }

  /** Something that goes on in a page though it is locked, which keeps it; the result takes that back. */
  onRenewal(keeps: () => boolean): () => void {
    this.keepers.push(keeps);
    return () => (this.keepers = this.keepers.filter((x) => x !== keeps));
  }

  /** Somebody is at a window that is locked, or closes it: its page is not taken away under their hands. */
  stir(): void {
    this.stirs += 1;
  }

  /** Saves and locks. Text that cannot be saved keeps the window open until a person locks it all the same. */
  async lock(): Promise<void> {
    const { locks } = this;
    const failed = await this.notSaved();
    if (failed) this.ask("lock", failed, locks);
    else await this.lockNow();
  }

  /** Saves and closes the window; asks first when something cannot be saved, or not soon, or waits to be put back. */
  async close(): Promise<void> {
    this.stir();
    // The shell takes a page for dead that gives no sign of life for some seconds. Saving and asking may take longer.
    shell.touch().catch(() => undefined);
    const late = new Promise<Described>((tell) => setTimeout(() => tell(describe(new IpcError("text.slow", ""))), LONG));
    const { locks } = this;
    const failed = await Promise.race([this.notSaved(), late]);
    const waits = this.waiting.names;
    if (waits.length > 0) this.unsaved = { doing: "close", error: failed ?? describe(new IpcError("text.waiting", "")), waits };
    else if (failed) this.ask("close", failed, locks);
    else await this.closeNow();
  }

  /** The person's answer to `unsaved`. */
  async answerUnsaved(lose: boolean): Promise<void> {
    const doing = this.unsaved?.doing;
    this.unsaved = null;
    if (!lose || !doing) return;
    await (doing === "lock" ? this.lockNow() : this.closeNow());
  }

  /** Saves what is to be saved; says why that failed. */
  private async notSaved(): Promise<Described | null> {
    const results = await Promise.allSettled(this.beforeLock.map((run) => run()));
    const failed = results.find((result) => result.status === "rejected");
    return failed ? describe(failed.reason) : null;
  }

  /** Locked while it was being saved, the window has nobody to ask, and whoever logs in next is not asked about it either. */
  private ask(doing: Unsaved["doing"], error: Described, locks: number): void {
    if (this.unlocked && locks === this.locks) this.unsaved = { doing, error, waits: [] };
  }

  private async closeNow(): Promise<void> {
    try {
      await shell.closeWindow();
    } catch (reason) {
      this.say(reason);
    }
  }

  private async lockNow(): Promise<void> {
    try {
      await shell.lock();
      await this.locked();
    } catch (reason) {
      this.say(reason);
    }
  }

  private async locked(): Promise<void> {
    // A first run that is left shows the recovery key, or has shown it.
    if (this.open) this.renew().catch(() => undefined);
    this.locks += 1;
    this.dialog = null;
    this.unsaved = null;
    this.screen = "worklist";
    // Before the shell says who may log in now, which takes a moment: nothing may open over what is locked.
    if (this.status) this.status = { ...this.status, locked: true, user: null, firstRunOpen: false };
    const turn = (this.turns += 1);
    try {
      const status = await shell.appStatus();
      // Whoever has logged in meanwhile is not put out by what was said before.
      if (turn === this.turns) this.status = status;
    } catch (reason) {
      this.failed = describe(reason);
    }
  }

  /**
   * Has the page replaced that was locked, since its memory holds what was shown of patients, and what its engine never
   * gives back. One in which text waits stays until it is locked without. What passes keeps it meanwhile: questions that the
   * shell has not answered, an error that is said, somebody who is there.
   */
  private async renew(): Promise<void> {
    const mine = (this.renewals += 1);
    const pause = (milliseconds: number) => new Promise((end) => setTimeout(end, milliseconds));
    let { stirs } = this;
    // The screens go first, and their reports begin to close.
    await tick();
    for (;;) {
      await this.waiting.settled();
      await answered();
      if (this.open || mine !== this.renewals || this.waiting.names.length > 0) return;
      if (stirs !== this.stirs) {
        ({ stirs } = this);
        await pause(QUIET);
      } else if (this.notices.some((notice) => notice.kind === "error") || this.keepers.some((keeps) => keeps())) {
        await pause(AGAIN);
      } else break;
    }
    await leavePage(false);
  }

  /** A short notice, or words for whatever was thrown. */
  say(what: unknown, next = ""): void {
    const error = typeof what === "string" ? null : describe(what);
    const id = ++this.noticeCount;
    const notice: Notice = error
      ? { id, text: error.what, next: error.next, kind: "error" }
      : { id, text: what as string, next, kind: "info" };
    this.notices = [...this.notices.filter((n) => n.text !== notice.text), notice].slice(-3);
    setTimeout(() => this.dismiss(id), error ? 12_000 : 5_000);
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((n) => n.id !== id);
  }
}

/** Shows the theme, and keeps it for the page that comes after the lock, when nobody's settings can be read. */
function applyTheme(theme: string): void {
  document.documentElement.dataset.theme = theme === "light" ? "light" : "dark";
  keep("theme", document.documentElement.dataset.theme);
}

export const session = new Session();
