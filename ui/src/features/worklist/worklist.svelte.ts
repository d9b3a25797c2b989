import { describe, type Described } from "../../errors/describe";
import { shell, type DraftQueue, type ImportFile, type StudyRow } from "../../ipc";
import { subscribe } from "../../state/bus";
import { Latest } from "../../state/latest";
import { session } from "../../state/session.svelte";
import { keepPlace, keptPlace } from "./place";
import { FILTERS, parseSaved, type FilterId, type SavedFilter } from "./rows";

/** A running or finished import. */
export interface ImportJob {
  job: string;
  done: number;
  total: number;
  running: boolean;
  /** How many files had each verdict. */
  counts: Record<string, number>;
  /** The newest verdicts. */
  files: ImportFile[];
}

/** Verdicts kept for the list; a folder of thousands must not fill the memory. */
const MOST_VERDICTS = 500;

class Worklist {
  rows = $state.raw<StudyRow[]>([]);
  search = $state("");
  filter = $state<FilterId>("all");
  /** ISO dates; empty for no limit. */
  from = $state("");
  to = $state("");
  /** Searches that were named, kept in the data folder. */
  saved = $state.raw<SavedFilter[]>([]);
  queue = $state.raw<DraftQueue>({ paused: false, running: null, studies: [] });
  /** Files are held over the window. */
  dragging = $state(false);
  selectedUid = $state<string | null>(null);
  loaded = $state(false);
  /** All studies were asked for, and there are none. */
  empty = $state(false);
  failed = $state<Described | null>(null);
  job = $state<ImportJob | null>(null);
  showVerdicts = $state(false);

  readonly shown = $derived(this.rows.filter(FILTERS[this.filter].admits));
  readonly selected = $derived(this.shown.find((r) => r.studyUid === this.selectedUid) ?? this.shown[0] ?? null);

  private readonly latest = new Latest();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Follows the shell while somebody is logged in; the result ends it. */
  follow(): () => void {
    Object.assign(this, keptPlace());
    void this.read();
    this.readKept().catch((reason: unknown) => session.say(reason));
    const end = subscribe((event) => {
      switch (event.event) {
        case "study_changed":
        case "support_ready":
        case "draft_done":
          this.readSoon();
          break;
        case "queue_changed":
          this.queue = event.queue;
          break;
        case "dragging":
          this.dragging = event.over;
          break;
        case "import_progress":
          this.progress(event.job, event.done, event.total, event.file);
          break;
        case "import_done":
          if (this.job?.job === event.job) this.job = { ...this.job, running: false };
          if (event.refused > 0) this.showVerdicts = true;
          if (event.studyUids[0]) this.selectedUid = event.studyUids[0];
          this.readSoon();
          break;
      }
    });
    return () => {
      end();
      clearTimeout(this.timer);
      // An answer that is on its way brings no patient's name behind the lock.
      this.latest.ask();
      this.rows = [];
      this.loaded = false;
      this.job = null;
      // Left open, the verdicts would come by themselves with the first file of the next import.
      this.showVerdicts = false;
      this.search = "";
      keepPlace(this);
    };
  }

  async read(): Promise<void> {
    const current = this.latest.ask();
    const all = this.filter === "all" && [this.search, this.from, this.to].every((text) => text === "");
    try {
      const rows = await shell.worklist(this.search, { ...FILTERS[this.filter].asks, from: this.from, to: this.to });
      if (!current()) return;
      this.rows = rows;
      this.empty = all && rows.length === 0;
      this.failed = null;
    } catch (reason) {
      if (!current()) return;
      this.failed = describe(reason);
    }
    this.loaded = true;
  }

  /** Shows what a filter admits. */
  choose(filter: FilterId): void {
    this.filter = filter;
    void this.read();
  }

  /** Keeps the search as it stands under a name; a name that is known is replaced. */
  async save(name: string): Promise<void> {
    const { search, filter, from, to } = this;
    await this.keep([...this.saved.filter((one) => one.name !== name), { name, search, filter, from, to }]);
  }

  async forget(name: string): Promise<void> {
    await this.keep(this.saved.filter((one) => one.name !== name));
  }

  recall({ search, filter, from, to }: SavedFilter): void {
    Object.assign(this, { search, filter, from, to });
    void this.read();
  }

  private async keep(saved: SavedFilter[]): Promise<void> {
    this.saved = saved;
    await shell.setPreference("filters", JSON.stringify(saved)).catch((reason: unknown) => session.say(reason));
  }

  private async readKept(): Promise<void> {
    const [saved, queue] = await Promise.all([shell.preference("filters"), shell.draftQueue()]);
    this.saved = parseSaved(saved);
    this.queue = queue;
  }

  /** Takes the last import back. */
  async undoImport(): Promise<void> {
    const job = this.job?.job;
    if (job === undefined) return;
    try {
      const { removed, kept } = await shell.undoImport(job);
      session.say(`${removed} studies of this import were taken out again.`, kept > 0 ? `${kept} stay: reported on, or here before.` : "");
      // Another import, such as one from the watched folder, may have begun: what became of its files is still to be seen.
      if (this.job?.job === job) {
        this.showVerdicts = false;
        this.job = null;
      }
      await this.read();
    } catch (reason) {
      session.say(reason);
    }
  }

  readSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), 120);
  }

  step(by: 1 | -1): void {
    const rows = this.shown;
    const at = rows.findIndex((r) => r.studyUid === this.selected?.studyUid);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next) this.selectedUid = next.studyUid;
  }

  async import(what: "files" | "folder"): Promise<void> {
    try {
      const job = await (what === "files" ? shell.importFiles() : shell.importFolder());
      // Its first events may have come before the answer.
      if (job !== null && this.job?.job !== job) this.job = { job, done: 0, total: 0, running: true, counts: {}, files: [] };
    } catch (reason) {
      session.say(reason);
    }
  }

  async cancelImport(): Promise<void> {
    if (this.job) await shell.cancelImport(this.job.job).catch((reason: unknown) => session.say(reason));
  }

  private progress(job: string, done: number, total: number, file: ImportFile): void {
    const before = this.job?.job === job ? this.job : { counts: {} as Record<string, number>, files: [] };
    const counts = { ...before.counts, [file.verdict]: (before.counts[file.verdict] ?? 0) + 1 };
    // Those that were refused are what a person has to see: they stay longest.
    const files = [...before.files, file];
    if (files.length > MOST_VERDICTS) files.splice(Math.max(0, files.findIndex((one) => one.verdict !== "refused")), 1);
    this.job = { job, done, total, running: true, counts, files };
  }
}

export const worklist = new Worklist();
