import type { SaveState } from "./sync";

/** Whether the open report is saved, for the foot of the window. One report owns it at a time. */
class Saving {
  state = $state<SaveState | null>(null);
  /** Local time of the last save. */
  private at = $state<string | null>(null);
  private owner: object | null = null;

  readonly text = $derived.by(() => {
    switch (this.state) {
      case null:
        return "";
      case "typing":
      case "saving":
        return "Saving…";
      case "not_saved":
        return "Not saved: your text is kept here";
      case "saved":
        return this.at ? `Saved ${this.at}` : "Saved";
    }
  });

  begin(owner: object, at: string | null): void {
    this.owner = owner;
    this.state = "saved";
    this.at = at;
  }
  set(owner: object, state: SaveState): void {
    if (owner === this.owner) this.state = state;
  }
  savedAt(owner: object, at: string | null): void {
    if (owner === this.owner) this.at = at;
  }
  /** A report that closes after the next one has opened leaves that one's state alone. */
  end(owner: object): void {
    if (owner !== this.owner) return;
    this.owner = null;
    this.state = null;
  }
}

export const saving = new Saving();
