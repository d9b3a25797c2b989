import { describe, type Described } from "../../errors/describe";
import { shell, type SimilarCases, type SimilarFilter } from "../../ipc";
import { Latest } from "../../state/latest";

/** The search for images like the one in the active pane. */
export class SimilarSearch {
  found = $state.raw<SimilarCases | null>(null);
  failed = $state<Described | null>(null);
  busy = $state(false);
  private of: string | null = null;
  private readonly latest = new Latest();

  async ask(instanceUid: string, filter: SimilarFilter): Promise<void> {
    const current = this.latest.ask();
    // The cases of another image do not stand under this one's name until its own are there.
    if (instanceUid !== this.of) this.found = null;
    this.of = instanceUid;
    this.busy = true;
    try {
      const cases = await shell.similarCases(instanceUid, filter);
      if (current()) [this.found, this.failed] = [cases, null];
    } catch (reason) {
      if (current()) [this.found, this.failed] = [null, describe(reason)];
    }
    if (current()) this.busy = false;
  }
}
