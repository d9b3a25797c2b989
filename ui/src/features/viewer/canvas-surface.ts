import type { PixelDescription, PixelImage } from "../../ipc";
import type { Scene, Surface } from "./surface";
import { linear } from "./view";
import { brightness, modality, throughTable, type Voi, type VoiFunction } from "./window";

/** Draws on the processor where there is no WebGL2: nearest pixel, through a table of 65,536 grays. */
export class CanvasSurface implements Surface {
  readonly kind = "canvas2d";
  readonly enhances = false;
  onlost: (() => void) | null = null;
  private image: PixelImage | null = null;
  private grays = new Uint8Array(0);
  private graysFor = "";

  static create(): CanvasSurface | null {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { alpha: false });
    return context ? new CanvasSurface(canvas, context) : null;
  }

  private constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly context: CanvasRenderingContext2D,
  ) {}

  setImage(image: PixelImage): void {
    this.image = image;
    this.graysFor = "";
  }

  complete(image: PixelImage): void {
    this.setImage(image);
  }

  draw({ view, voi, curve, inverted, pane }: Scene): void {
    const { canvas, context, image } = this;
    if (!image) return;
    // CSS pixels, whatever the screen's density: half the work where it counts.
    const width = Math.max(1, Math.round(pane.width));
    const height = Math.max(1, Math.round(pane.height));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const { rows, columns, kind } = image.description;
    const flip = inverted !== image.description.inverted;
    const grays = kind === "gray16" ? this.tableFor(image.description, voi, curve ?? image.description.voi_function, flip) : null;
    const out = context.createImageData(width, height);
    const pixels = new Uint32Array(out.data.buffer);
    const [a, b, c, d] = linear(view);
    const determinant = a * d - b * c;
    const stepX = d / determinant;
    const stepY = -b / determinant;
    for (let y = 0; y < height; y++) {
      const fromY = y + 0.5 - height / 2 - view.pan.y;
      const fromX = 0.5 - width / 2 - view.pan.x;
      let column = columns / 2 + (d * fromX - c * fromY) / determinant;
      let row = rows / 2 + (a * fromY - b * fromX) / determinant;
      for (let x = 0; x < width; x++, column += stepX, row += stepY) {
        const at = y * width + x;
        if (column < 0 || row < 0 || column >= columns || row >= rows) {
          pixels[at] = 0xff000000;
          continue;
        }
        const texel = (row | 0) * columns + (column | 0);
        pixels[at] = grays ? 0xff000000 | (grays[image.texels[texel]!]! * 0x010101) : colour(image.texels, texel * 3, flip);
      }
    }
    context.putImageData(out, 0, 0);
  }

  finish(): void {
    this.context.getImageData(0, 0, 1, 1);
  }

  region(x: number, y: number, width: number, height: number): Uint16Array | null {
    const { image } = this;
    if (image?.description.kind !== "gray16") return null;
    const out = new Uint16Array(width * height);
    for (let row = 0; row < height; row++) {
      const from = (y + row) * image.description.columns + x;
      out.set(image.texels.subarray(from, from + width), row * width);
    }
    return out;
  }

  dispose(): void {
    this.image = null;
  }

  private tableFor(about: PixelDescription, voi: Voi, how: VoiFunction, flip: boolean): Uint8Array {
    const key = JSON.stringify([voi, how, flip]);
    if (key === this.graysFor) return this.grays;
    this.grays = new Uint8Array(65536);
    for (let texel = about.min; texel <= about.max; texel++) {
      const value = modality(texel, about);
      const light =
        voi.kind === "table"
          ? throughTable(value, about.voi_lut ?? [0, 1], about.voi_lut_first ?? 0)
          : brightness(value, voi.window, how);
      this.grays[texel] = Math.round(255 * (flip ? 1 - light : light));
    }
    this.graysFor = key;
    return this.grays;
  }
}

function colour(texels: ArrayLike<number>, at: number, flip: boolean): number {
  const value = texels[at]! | (texels[at + 1]! << 8) | (texels[at + 2]! << 16);
  return 0xff000000 | (flip ? value ^ 0xffffff : value);
}
