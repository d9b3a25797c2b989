import { absolute, relative, type Linked } from "./tools.svelte";
import { fit, type Size, type View } from "./view";

/** What a reader did to a pane: showed the whole image, turned or mirrored it, zoomed, or panned. */
export type Move = "whole" | "turn" | "zoom" | "pan";

/** How a pane stands while something is done to it: the only one, beside others by itself, or moved together with them. */
export type Company = "alone" | "apart" | "linked";

/** How the image of one pane lies in it, and who put it there. */
export class PaneView {
  now = $state.raw<View>({ zoom: 1, pan: { x: 0, y: 0 }, turns: 0, flipped: false });
  /** True until somebody zooms or pans: the image then follows the size of the pane. */
  private fitted = true;
  /** In which layout the reader chose the place in this pane, and not with linked ones: as the only pane or beside others. */
  private own: "alone" | "beside" | null = null;

  constructor(
    private readonly image: () => Size,
    private readonly pane: () => Size,
  ) {}

  /** Takes over what the reader did in this pane. */
  look(next: View, did: Move, company: Company): void {
    this.fitted = did === "whole" || (did === "turn" && this.fitted);
    if (did === "whole") this.own = null;
    // Linked panes are zoomed to be compared; a place is looked for in the pane that the hand is in.
    if (did === "pan" || (did === "zoom" && company !== "linked")) this.own = company === "alone" ? "alone" : "beside";
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
    if (this.fitted) this.own = null;
  }

  /** Another image lies here, as its file has it. */
  reset(): void {
    this.own = null;
    this.fitted = true;
    this.now = fit(this.image(), this.pane());
  }

  /** The pane has another size. */
  resized(): void {
    if (this.fitted) this.now = this.home(this.now);
  }

  /**
   * True where the image lies as another layout had it, and is not left so: alone as linked panes had it, which are gone; beside others
   * as it was looked at alone, in a pane of another size and unlike the image that it is now compared with.
   */
  strayed(alone: boolean): boolean {
    return !this.fitted && (alone ? this.own === null : this.own === "alone");
  }

  private home({ turns, flipped }: Pick<View, "turns" | "flipped">): View {
    return fit(this.image(), this.pane(), turns, flipped);
  }
}
