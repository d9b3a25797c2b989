import { describeCode, type Described } from "../../errors/describe";
import type { DraftStage, SectionToDraft } from "../../ipc";
import { subscribe } from "../../state/bus";

/** A draft being written, or the reason why it is not. */
export interface DraftRun {
  running: boolean;
  /** The one section that is drafted anew; none for a whole draft. */
  section: SectionToDraft | null;
  stage: DraftStage;
  fraction: number | null;
  /** `performance.now()` at which the draft had taken no time yet. */
  startedAt: number;
  /** Tentative words so far. */
  text: string;
  failed: Described | null;
  /** Seconds that the finished draft took. */
  took: number | null;
}

export const STAGE_WORDS: Record<DraftStage, string> = {
  loading_model: "Loading the model",
  reading_image: "Reading the image",
  writing: "Writing",
};

function begun(seconds = 0): DraftRun {
  return {
    running: true,
    section: null,
    stage: "loading_model",
    fraction: null,
    startedAt: performance.now() - seconds * 1000,
    text: "",
    failed: null,
    took: null,
  };
}

/** Drafts by report: they go on when another study is opened. */
class Drafts {
  runs = $state<Record<string, DraftRun>>({});

  follow(): () => void {
    const end = subscribe((event) => {
      switch (event.event) {
        case "draft_progress": {
          const run = this.running(event.reportId, event.seconds);
          run.stage = event.stage;
          run.fraction = event.fraction;
          break;
        }
        case "draft_text":
          this.running(event.reportId).text = event.text;
          break;
        case "draft_done":
          this.runs[event.reportId] = { ...begun(), running: false, took: event.seconds };
          break;
        case "draft_cancelled":
          delete this.runs[event.reportId];
          break;
        case "draft_failed":
          this.runs[event.reportId] = { ...begun(), running: false, failed: describeCode(event.code, event.detail) };
          break;
      }
    });
    return () => {
      end();
      this.runs = {};
    };
  }

  start(reportId: string, section: SectionToDraft | null = null): void {
    this.runs[reportId] = { ...begun(), section };
  }

  clear(reportId: string): void {
    delete this.runs[reportId];
  }

  private running(reportId: string, seconds = 0): DraftRun {
    if (!this.runs[reportId]?.running) this.runs[reportId] = begun(seconds);
    return this.runs[reportId]!;
  }
}

export const drafts = new Drafts();
