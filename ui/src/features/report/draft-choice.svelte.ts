import { SvelteMap } from "svelte/reactivity";
import type { DraftMode, DraftOptions, PriorStudy } from "../../ipc";

/** How the next draft is asked for; kept while the window is open. */
class DraftChoice {
  mode = $state<DraftMode>("structured");
  /** Give the model the newest prior image too, where there is one. */
  usePrior = $state(true);

  /** Clinical notes by report, so that one patient's never reach another's draft. */
  readonly notes = new SvelteMap<string, string>();

  options(reportId: string, indicationConfirmed: boolean, priors: readonly PriorStudy[]): DraftOptions {
    const notes = this.notes.get(reportId) ?? "";
    return { indicationConfirmed, notes, mode: this.mode, usePrior: this.usePrior && priors.length > 0 };
  }

  /** Keeps notes while somebody is logged in; the result forgets them. */
  follow(): () => void {
    return () => this.notes.clear();
  }
}

export const draftChoice = new DraftChoice();

/** "2024-03-02, PA": which image a prior is. */
export function priorText(prior: PriorStudy): string {
  return [prior.date || "unknown date", prior.view].filter((x) => x !== "").join(", ");
}
