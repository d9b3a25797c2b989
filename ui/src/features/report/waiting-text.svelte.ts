import type { ReportView } from "../../ipc";
import type { Section } from "./sentences";

/** What a person typed into a report and Hilum could not take before the report went from the screen. */
export interface WaitingText {
  /** Id of who typed it: nobody else is shown it. */
  user: string;
  name: string;
  /** What editor and shell agreed on last. */
  agreed: ReportView;
  /** How the text stood in the editor. */
  sections: Section[];
}

/**
 * Kept in the page, and nowhere else, until its writer opens the report again: what refuses the text, such as a full disk,
 * refuses a copy of it as well.
 */
class WaitingTexts {
  private all = $state.raw<WaitingText[]>([]);

  /** Whose text waits, each once. */
  readonly names = $derived([...new Set(this.all.map((text) => text.name))]);

  /** In place of what waited of the same report, which this began with. */
  keep(text: WaitingText): void {
    this.all = [...this.without(text.user, text.agreed.id), text];
  }

  /** What waits of a report, which is handed over with it. */
  take(user: string, report: string): WaitingText | null {
    const found = this.all.find((text) => text.user === user && text.agreed.id === report) ?? null;
    if (found) this.all = this.without(user, report);
    return found;
  }

  /** The study of what was left last. */
  studyOf(user: string): string | null {
    return this.all.findLast((text) => text.user === user)?.agreed.studyUid ?? null;
  }

  private without(user: string, report: string): WaitingText[] {
    return this.all.filter((text) => text.user !== user || text.agreed.id !== report);
  }
}

export const waiting = new WaitingTexts();
