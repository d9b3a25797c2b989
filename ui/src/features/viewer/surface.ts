import type { PixelImage } from "../../ipc";
import type { Size, View } from "./view";
import type { Voi } from "./window";

/** Everything that decides what is drawn. */
export interface Scene {
  view: View;
  voi: Voi;
  /** Inverted by the reader, on top of what the file asks for. */
  inverted: boolean;
  /** The pane in CSS pixels. */
  pane: Size;
  /** Device pixels per CSS pixel. */
  density: number;
}

/** Something that draws one image into a canvas. */
export interface Surface {
  readonly kind: "webgl2" | "canvas2d";
  setImage(image: PixelImage): void;
  draw(scene: Scene): void;
  /** Waits until what was drawn is really there. */
  finish(): void;
  dispose(): void;
}
