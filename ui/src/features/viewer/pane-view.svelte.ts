import { absolute, relative, type Linked } from "./tools.svelte";
import { fit, type Size, type View } from "./view";

/** What a reader did to a pane: showed the whole image, turned or mirrored it, zoomed, or panned. */
export type Move = "whole" | "turn" | "zoom" | "pan";

/** How the image of one pane lies in it, and who put it there. */
export class PaneView {
  now = $state.raw<View>({ zoom: 1, pan: { x: 0, y: 0 }, turns: 0, flipped: false });
  /** True until somebody zooms or pans: the image then follows the size of the pane. */
  private fitted = true;
  /** Whether the reader chose the place in this pane, and not with linked ones. */
  private own = false;

  constructor(
    private readonly image: () => Size,
    private readonly pane: () => Size,
  ) {}

  /** Takes over what the reader did in this pane, beside others that are linked with it or not. */
  look(next: View, did: Move, beside: boolean): void {
    this.fitted = did === "whole" || (did === "turn" && this.fitted);
    if (did === "whole") this.own = false;
    // Linked panes are zoomed to be compared; a place is looked for in the pane that the hand is in.
    if (did === "pan" || (did === "zoom" && !beside)) this.own = true;
    this.now = this.fitted ? this.home(next) : next;
  }

  /** What linked panes are told of it. */
  told(): Linked {
    return relative(this.now, this.home(this.now), this.image());
  }

  /** Takes over what was done in a linked pane. */
  hear(said: Linked & { what: "view" }): void {
    this.now = absolute(said, this.home(said), this.image());
    this.fitted = said.scale === 1 && said.x === 0 && said.y === 0;
    // The whole image is shown here as well: the place that the reader chose before is gone.
    if (this.fitted) this.own = false;
  }

  /** Another image lies here, as its file has it. */
  reset(): void {
    this.own = false;
    this.fitted = true;
    this.now = fit(this.image(), this.pane());
  }

  /** The pane has another size. */
  resized(): void {
    if (this.fitted) this.now = this.home(this.now);
  }

  /** True where the image lies as linked panes had it: it is not left so once they are gone. */
  get lent(): boolean {
    return !this.fitted && !this.own;
  }

  private home({ turns, flipped }: Pick<View, "turns" | "flipped">): View {
    return fit(this.image(), this.pane(), turns, flipped);
  }
}
