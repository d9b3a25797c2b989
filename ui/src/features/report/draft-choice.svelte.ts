import type { DraftMode, DraftOptions, PriorStudy } from "../../ipc";

/** How the next draft is asked for; kept while the window is open. */
class DraftChoice {
  mode = $state<DraftMode>("structured");
  /** Give the model the newest prior image too, where there is one. */
  usePrior = $state(true);

  options(indicationConfirmed: boolean, priors: readonly PriorStudy[]): DraftOptions {
    return { indicationConfirmed, mode: this.mode, usePrior: this.usePrior && priors.length > 0 };
  }
}

export const draftChoice = new DraftChoice();

/** "2024-03-02, PA": which image a prior is. */
export function priorText(prior: PriorStudy): string {
  return [prior.date || "unknown date", prior.view].filter((x) => x !== "").join(", ");
}
