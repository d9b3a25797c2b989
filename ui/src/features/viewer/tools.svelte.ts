export type Tool = "window" | "zoom" | "pan";

/** What can be done to the image of the active pane. */
export interface PaneActions {
  invert(): void;
  rotate(): void;
  flip(): void;
  fit(): void;
  actual(): void;
  reset(): void;
  /** 1 file, 2 full range, 3 lung, 4 mediastinum, 5 bone. */
  preset(number: number): void;
}

/** The tool in hand, and the pane that the rail and the keys act on. */
class Tools {
  active = $state<Tool>("window");
  private pane: PaneActions | null = null;

  /** Makes a pane the one that is acted on; the result withdraws it. */
  follow(pane: PaneActions): () => void {
    this.pane = pane;
    return () => {
      if (this.pane === pane) this.pane = null;
    };
  }

  on(act: (pane: PaneActions) => void): void {
    if (this.pane) act(this.pane);
  }
}

export const tools = new Tools();
