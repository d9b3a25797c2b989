import type { AnnotationKind } from "../../ipc";
import type { View } from "./view";
import type { VoiFunction, Voi } from "./window";

export type Tool = "select" | "window" | "zoom" | "pan" | "magnify" | AnnotationKind;
/** What is done to the brightness past the window; always said on the image. */
export type Enhancement = "none" | "clahe" | "edge";

const DRAWING: readonly string[] = ["length", "angle", "cobb", "ctr", "rectangle", "ellipse", "arrow", "text"] satisfies AnnotationKind[];

/** The kind of mark that a tool draws, if it draws. */
export function drawnBy(tool: Tool): AnnotationKind | null {
  return DRAWING.includes(tool) ? (tool as AnnotationKind) : null;
}

/** What can be done to the image of the active pane. */
export interface PaneActions {
  invert(): void;
  rotate(): void;
  flip(): void;
  fit(): void;
  actual(): void;
  /** One step nearer (1) or further (-1). */
  zoom(by: 1 | -1): void;
  /** Steps to the right and down, or back. */
  pan(right: number, down: number): void;
  /** One step of the window. */
  window(wider: -1 | 0 | 1, brighter: -1 | 0 | 1): void;
  reset(): void;
  /** 1 file, 2 full range, 3 lung, 4 mediastinum, 5 bone. */
  preset(number: number): void;
  /** Between a straight and a sigmoid curve. */
  curve(): void;
  enhance(how: Enhancement): void;
}

/** What one pane tells the panes that are linked with it, in terms that hold for any image. */
export type Linked =
  | { what: "view"; scale: number; x: number; y: number; turns: View["turns"]; flipped: boolean }
  | { what: "window"; width: number; shift: number }
  | { what: "preset"; number: number }
  | { what: "curve"; how: VoiFunction | null }
  | { what: "invert"; inverted: boolean };

type Follower = (said: Linked) => void;

/** The tool in hand, the pane that the rail and the keys act on, and the panes that move together. */
class Tools {
  active = $state<Tool>("window");
  /** Panes move and are windowed together. */
  linked = $state(true);
  /** Overlay planes and shutters of the file are shown. */
  overlays = $state(true);
  private pane: PaneActions | null = null;
  private readonly panes = new Set<Follower>();
  /** The last that was told of each kind, for a pane that is opened beside the others. */
  private readonly told = new Map<"view" | "voi" | "curve" | "invert", Linked>();

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

  /** Lets a pane hear what the others do while they are linked; the result ends it. */
  join(pane: Follower): () => void {
    this.panes.add(pane);
    return () => this.panes.delete(pane);
  }

  /** Whether what is done in one pane is done in others too. */
  get together(): boolean {
    return this.linked && this.panes.size > 1;
  }

  tell(from: Follower, said: Linked): void {
    if (!this.linked) return;
    this.told.set(said.what === "preset" || said.what === "window" ? "voi" : said.what, said);
    for (const pane of this.panes) if (pane !== from) pane(said);
  }

  /** Brings a pane that shows another image to where those that it is linked with are; only its brightness with "voi". */
  catchUp(pane: Follower, only?: "voi"): void {
    if (!this.together) return;
    for (const [kind, said] of this.told) if (!only || kind === only) pane(said);
  }

  /** Links the panes, or lets each go by itself from where it is. */
  link(linked: boolean): void {
    this.linked = linked;
    this.told.clear();
  }

  /** Other images are shown. */
  forget(): void {
    this.told.clear();
  }
}

export const tools = new Tools();

/** A view in terms that hold for an image of any size in a pane of any size. */
export function relative(view: View, fitted: View, image: { width: number; height: number }): Linked {
  const size = Math.max(image.width, image.height) * view.zoom;
  return { what: "view", scale: view.zoom / fitted.zoom, x: view.pan.x / size, y: view.pan.y / size, turns: view.turns, flipped: view.flipped };
}

/** That view of another image, which fills its pane as `fitted` says. */
export function absolute(said: Linked & { what: "view" }, fitted: View, image: { width: number; height: number }): View {
  const zoom = fitted.zoom * said.scale;
  const size = Math.max(image.width, image.height) * zoom;
  return { zoom, pan: { x: said.x * size, y: said.y * size }, turns: said.turns, flipped: said.flipped };
}

/** A window in terms of the window that the file itself asks for. */
export function relativeWindow(voi: Voi & { kind: "window" }, home: { center: number; width: number }): Linked {
  return { what: "window", width: voi.window.width / home.width, shift: (voi.window.center - home.center) / home.width };
}

export function absoluteWindow(said: Linked & { what: "window" }, home: { center: number; width: number }): Voi {
  return { kind: "window", window: { width: said.width * home.width, center: home.center + said.shift * home.width }, name: "Linked" };
}
