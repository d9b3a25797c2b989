import { describe, describeCode, type Described } from "../../errors/describe";
import { shell, type AppEvent, type FindingSupport, type StudyDetail, type StudyRow } from "../../ipc";
import { subscribe } from "../../state/bus";
import { session } from "../../state/session.svelte";
import { maps } from "../viewer/map.svelte";
import { marks } from "../viewer/marks.svelte";
import { worklist } from "../worklist/worklist.svelte";
import { PixelRequests } from "./pixel-requests";

/** Milliseconds after a study was opened at which its neighbours' images are decoded: not while this one's are. */
const AFTER = 1500;

/** The open study. */
class Room {
  studyUid = $state<string | null>(null);
  /** What the worklist knew, shown until the study is read. */
  row = $state.raw<StudyRow | null>(null);
  detail = $state.raw<StudyDetail | null>(null);
  failed = $state<Described | null>(null);
  support = $state.raw<FindingSupport[]>([]);
  supportDemo = $state(false);
  supportFailed = $state<Described | null>(null);
  /** The image in the active pane: what similar cases and maps are of. */
  instanceUid = $state<string | null>(null);
  /** An image of it is on the screen. */
  imageShown = $state(false);
  /** When the study was clicked, for the time to the first frame. */
  clickedAt = 0;
  readonly pixels = new PixelRequests(shell.imageOverview, shell.imagePixels);

  /** What the encoder said last since a study was clicked: it may be said before that study has been read. */
  private said: Extract<AppEvent, { event: "support_ready" | "support_failed" }> | null = null;
  private beforeLeaving: (() => Promise<void>) | null = null;
  private dictation: ((text: string) => void) | null = null;
  /** Counts the openings that were asked for. */
  private openings = 0;
  /** Another one for every study that is shown, so that an answer that comes late is known by it. */
  private showing = {};

  readonly position = $derived(worklist.shown.findIndex((r) => r.studyUid === this.studyUid));

  follow(): () => void {
    const started = session.wish();
    const end = subscribe((event) => {
      if (event.event === "open_study") {
        // What was given at start takes a while to be imported; whoever went anywhere meanwhile stays there.
        if (started()) void this.open(event.studyUid);
        else session.say("The study given at start is imported.", "It is in the worklist.");
      }
      if (event.event === "page_reloaded") {
        session.say("The page had ended by itself and was loaded again", "What was kept is here. The last words typed may be missing: read them over.");
        if (event.studyUid) void this.open(event.studyUid);
      }
      if (event.event === "marks_changed") marks.changed(event.studyUid);
      if (event.event === "dictated") {
        if (event.studyUid === this.studyUid) this.dictate(event.text);
        else session.say("A sentence from the second window is of a study that is not open any more.", "Open that study and put the sentence into its report again.");
      }
      if (event.event === "support_ready" || event.event === "support_failed") {
        this.said = event;
        this.hearSupport();
      }
    });
    return () => {
      end();
      this.forget();
    };
  }

  async open(studyUid: string): Promise<void> {
    const clickedAt = performance.now();
    const wanted = session.wish();
    if (studyUid === this.studyUid && this.detail) {
      session.screen = "room";
      return;
    }
    const row = worklist.rows.find((r) => r.studyUid === studyUid) ?? null;
    const opening = (this.openings += 1);
    if (row?.instanceUid) this.pixels.ahead(row.instanceUid);
    if (!(await this.leave()) || !wanted()) {
      // Where another opening followed, that one has what was decoded ahead.
      if (row?.instanceUid && opening === this.openings) this.pixels.giveUp(row.instanceUid);
      return;
    }
    // The shell is not asked before: it records who read the report, and may have a model draft it.
    this.said = null;
    const reading = shell.openStudy(studyUid);
    const showing = (this.showing = {});
    this.clickedAt = clickedAt;
    this.studyUid = studyUid;
    worklist.selectedUid = studyUid;
    this.row = row;
    this.detail = null;
    this.failed = null;
    this.support = [];
    this.supportFailed = null;
    this.instanceUid = null;
    this.imageShown = false;
    maps.clear();
    marks.clear();
    session.screen = "room";
    try {
      const detail = await reading;
      if (this.showing !== showing) return;
      this.detail = detail;
      this.support = detail.support;
      this.supportDemo = detail.supportDemo;
      // The scores may have come while the study was read: its answer is then older than they are.
      if (detail.support.length === 0) this.hearSupport();
      this.expectNext(studyUid);
    } catch (reason) {
      if (this.showing === showing) this.failed = describe(reason);
    }
  }

  private hearSupport(): void {
    const { said } = this;
    if (!said || said.studyUid !== this.studyUid) return;
    if (said.event === "support_failed") {
      this.supportFailed = describeCode(said.code, said.detail);
      return;
    }
    this.support = said.support;
    this.supportDemo = said.demo;
    this.supportFailed = null;
  }

  /** Once the open study is on the screen, the first images of those after and before it are decoded. */
  private expectNext(studyUid: string): void {
    setTimeout(() => {
      if (this.studyUid !== studyUid || this.position < 0) return;
      const near = [worklist.shown[this.position + 1], worklist.shown[this.position - 1]];
      void this.pixels.expect(near.flatMap((row) => (row?.instanceUid ? [row.instanceUid] : [])));
    }, AFTER);
  }

  /** Reads again what is filed with the open study: its patient and its priors. */
  async refresh(): Promise<void> {
    const { studyUid, showing } = this;
    if (!studyUid || !this.detail) return;
    const fresh = await shell.openStudy(studyUid);
    if (this.showing === showing && this.detail) this.detail = { ...this.detail, patient: fresh.patient, priors: fresh.priors };
  }

  /** To the study before or after this one in the worklist. */
  step(by: 1 | -1): void {
    const next = worklist.shown[this.position + by];
    if (next && this.position >= 0) void this.open(next.studyUid);
  }

  async toWorklist(): Promise<void> {
    const wanted = session.wish();
    if ((await this.leave()) && wanted()) session.screen = "worklist";
  }

  /** To the worklist, with nothing of this study kept: opened again, it is read anew. */
  async shut(): Promise<void> {
    const wanted = session.wish();
    const { showing } = this;
    if (!(await this.leave()) || this.showing !== showing) return;
    // Whoever went to another screen meanwhile stays there; in the room there is nothing left to see.
    if (wanted() || session.screen === "room") session.screen = "worklist";
    this.drop();
    // The window on the second screen follows the room, which is gone before it could say so.
    shell.secondShow(null, false).catch((reason: unknown) => session.say(reason));
  }

  /** What is saved before another study is shown; the result takes it back. */
  onLeave(run: () => Promise<void>): () => void {
    this.beforeLeaving = run;
    return () => {
      if (this.beforeLeaving === run) this.beforeLeaving = null;
    };
  }

  /** Where sentences from the images go: the report, or from the second window the first one. The result takes it back. */
  onDictate(take: (text: string) => void): () => void {
    this.dictation = take;
    return () => {
      if (this.dictation === take) this.dictation = null;
    };
  }

  /** A sentence of the reader's, such as a measurement, for the findings. */
  dictate(text: string): void {
    if (this.dictation) this.dictation(text);
    else session.say("The report is not open for writing.");
  }

  /** False when text could not be saved: the study stays open, and the text in the window. */
  private async leave(): Promise<boolean> {
    try {
      await this.beforeLeaving?.();
      return true;
    } catch (reason) {
      session.say(reason);
      return false;
    }
  }

  private forget(): void {
    // What was on its way there ends: the folder may have been locked meanwhile.
    session.wish();
    this.drop();
  }

  private drop(): void {
    this.showing = {};
    this.studyUid = null;
    this.row = null;
    this.detail = null;
    this.support = [];
    this.said = null;
    this.instanceUid = null;
    maps.clear();
    marks.clear();
    this.pixels.clear();
  }
}

export const room = new Room();
