import { describe, type Described } from "../../errors/describe";
import { shell, type FigureChoice } from "../../ipc";
import { Latest } from "../../state/latest";

/** What is chosen to be printed with a report. */
export class Figures {
  choice = $state.raw<FigureChoice | null>(null);
  failed = $state<Described | null>(null);
  /** As the shell kept it last. */
  private kept: FigureChoice | null = null;
  /** Choices reach the shell in the order in which they were made. */
  private sending: Promise<void> = Promise.resolve();
  private readonly latest = new Latest();

  constructor(private readonly reportId: string) {}

  async read(): Promise<void> {
    this.choice = this.kept = await shell.figures(this.reportId);
  }

  async set(next: FigureChoice): Promise<void> {
    const current = this.latest.ask();
    this.failed = null;
    // Shown at once: what is ticked next goes on from this.
    this.choice = next;
    const sent = this.sending.then(() => shell.setFigures(this.reportId, next));
    this.sending = sent.then(
      (kept) => void (this.kept = kept),
      () => undefined,
    );
    try {
      const kept = await sent;
      if (current()) this.choice = kept;
    } catch (reason) {
      // A later choice holds this one too.
      if (!current()) return;
      this.failed = describe(reason);
      this.choice = this.kept;
    }
  }
}
