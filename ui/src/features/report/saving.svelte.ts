import type { SaveState } from "./sync";

/** Whether the open report is saved, for the foot of the window. */
class Saving {
  state = $state<SaveState | null>(null);
  /** Local time of the last save. */
  at = $state<string | null>(null);

  readonly text = $derived.by(() => {
    switch (this.state) {
      case null:
        return "";
      case "typing":
      case "saving":
        return "Saving…";
      case "not_saved":
        return "Not saved: your text is kept here and tried again";
      case "saved":
        return this.at ? `Saved ${this.at}` : "Saved";
    }
  });
}

export const saving = new Saving();
