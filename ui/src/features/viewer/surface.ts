import type { PixelImage } from "../../ipc";
import type { Enhancement } from "./tools.svelte";
import type { Point, Size, View } from "./view";
import type { Voi, VoiFunction } from "./window";

/** A square of the pane in which the image is shown larger. */
export interface Lens {
  at: Point;
  /** Half of its side, CSS pixels. */
  radius: number;
  factor: number;
}

/** Everything that decides what is drawn. */
export interface Scene {
  view: View;
  voi: Voi;
  /** The window function that the reader chose; null for the file's. */
  curve: VoiFunction | null;
  enhancement: Enhancement;
  lens: Lens | null;
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
  /** Where it draws. */
  readonly canvas: HTMLCanvasElement;
  /** Called when the image is lost and must be set again. */
  onlost: (() => void) | null;
  /** Takes a smaller copy only where it completes one. */
  setImage(image: PixelImage): void;
  /** The whole of the image of which it has a smaller copy. */
  complete(image: PixelImage): void;
  draw(scene: Scene): void;
  /** False where it draws no enhanced views and no lens. */
  readonly enhances: boolean;
  /** Texels of a part of a grey image, row by row; null where they cannot be had. */
  region(x: number, y: number, width: number, height: number): Uint16Array | null;
  /** Waits until what was drawn is really there. */
  finish(): void;
  dispose(): void;
}
