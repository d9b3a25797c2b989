import { describe, type Described } from "../../errors/describe";
import { shell, type StudyDetail } from "../../ipc";
import { subscribe } from "../../state/bus";
import { Latest } from "../../state/latest";
import { marks } from "../viewer/marks.svelte";

/** The study that the window on the second screen shows: the one that is open in the first. */
export class SecondStudy {
  detail = $state.raw<StudyDetail | null>(null);
  failed = $state<Described | null>(null);
  private readonly latest = new Latest();

  /**
   * `prepare` reads what whoever is logged in has chosen, before the first of their studies is shown; `gone` is what is done
   * once a lock has taken it away. Nobody's text waits here.
   */
  constructor(
    private readonly prepare: () => Promise<void>,
    private readonly gone: () => void = () => undefined,
  ) {}

  follow(): () => void {
    return subscribe((event) => {
      if (event.event === "locked") void this.show(null).then(this.gone);
      if (event.event === "second_shows") void this.show(event.studyUid);
      if (event.event === "marks_changed") marks.changed(event.studyUid);
    });
  }

  /** Asks what to show; what the first window says meanwhile is newer than the answer. */
  async begin(): Promise<void> {
    const current = this.latest.ask();
    const studyUid = await shell.secondStudy();
    if (current()) await this.show(studyUid);
  }

  private async show(studyUid: string | null): Promise<void> {
    const current = this.latest.ask();
    this.failed = null;
    if (!studyUid) return this.put(null);
    try {
      if (!this.detail) await this.prepare();
      const read = await shell.openStudy(studyUid);
      if (current()) this.put(read);
    } catch (reason) {
      if (!current()) return;
      this.put(null);
      this.failed = describe(reason);
    }
  }

  private put(read: StudyDetail | null): void {
    // Marks of another study are neither kept nor taken back here.
    if (read?.studyUid !== this.detail?.studyUid) marks.clear();
    this.detail = read;
  }
}
