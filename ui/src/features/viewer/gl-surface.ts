import type { PixelDescription, PixelImage } from "../../ipc";
import { BINS, claheTables, TILES } from "./clahe";
import { Program } from "./program";
import { COLOUR, gray, HALVE, TABLE_ROW, valuesOfPixels, VERTEX, type GrayForm } from "./shaders";
import type { Scene, Surface } from "./surface";
import { fit, linear, zoomedAt } from "./view";
import { brightness, modality, TABLE_TOP, throughTable } from "./window";

/** Smaller copies of the image for zooming out; a texel of copy n is the mean of 2^n x 2^n pixels. */
const MOST_COPIES = 4;
/** Contexts kept without an image, for the next one: making one and its shaders takes longer than to show an image. */
const KEPT = 2;
/** Pixels of a copy that are enough to know the histogram of a tile. */
const ENOUGH = 400_000;

interface Level {
  texture: WebGLTexture;
  width: number;
  height: number;
}

const kept: GlSurface[] = [];
/** A context was made already. */
let any = false;

/** The image as an integer texture; windowing happens in the fragment shader. */
export class GlSurface implements Surface {
  readonly kind = "webgl2";
  readonly enhances = true;
  /** Told when the graphics card has lost what it held. */
  onlost: (() => void) | null = null;
  private readonly programs = new Map<string, Program>();
  /** Copy n is 2^n times smaller; null where only smaller ones are here yet. */
  private levels: (Level | null)[] = [];
  private table: WebGLTexture | null = null;
  private about: PixelDescription | null = null;
  /** A copy in memory that is small enough to make histograms of, and what they were made for. */
  private small: { texels: Uint16Array; width: number; height: number } | null = null;
  private tiles: WebGLTexture | null = null;
  private tilesFor = "";
  /** The stored value of each device pixel, for a window that is dragged over a view that stands still; what it was made for. */
  private values: (Level & { for: string }) | null = null;
  /** What the last frame was drawn for: only one that comes again is worth the values. */
  private drawnFor = "";
  /** False where this context cannot draw into a texture of numbers. */
  private readonly holdsValues: boolean;

  /** Null where this window has no WebGL2 or the image is too large for its textures. */
  static create(image: PixelImage): GlSurface | null {
    let surface = kept.pop();
    // One that was lost while it waited need not have been told so yet.
    while (surface?.gl.isContextLost()) surface = kept.pop();
    surface ??= GlSurface.make() ?? undefined;
    if (!surface) return null;
    const { rows, columns } = image.description;
    if (Math.max(rows, columns) <= (surface.gl.getParameter(surface.gl.MAX_TEXTURE_SIZE) as number)) return surface;
    surface.dispose();
    return null;
  }

  /** Draws a blank image where nobody sees it, so that the first study does not wait for the shaders; nothing where one was shown. */
  static warm(): void {
    if (any || typeof WebGL2RenderingContext === "undefined") return;
    const side = 256;
    const description: PixelDescription = {
      rows: side, columns: side, kind: "gray16", slope: 1, intercept: 0, min: 0, max: 0, inverted: false,
      windows: [], voi_function: "linear", voi_lut: null, voi_lut_first: null, units: null,
    };
    const blank: PixelImage = { description, texels: new Uint16Array(side * side), planes: [] };
    const surface = GlSurface.create(blank);
    if (!surface) return;
    const pane = { width: side / 2, height: side / 2 };
    const voi = { kind: "window", window: { center: 1, width: 2 }, name: "" } as const;
    surface.setImage(blank);
    surface.draw({ view: fit({ width: side, height: side }, pane), voi, curve: null, inverted: false, enhancement: "none", lens: null, pane, density: 1 });
    surface.finish();
    surface.dispose();
  }

  private static make(): GlSurface | null {
    const canvas = document.createElement("canvas");
    const gl = canvas.getContext("webgl2", {
      alpha: false,
      antialias: false,
      depth: false,
      stencil: false,
      powerPreference: "high-performance",
    });
    return gl && new GlSurface(canvas, gl);
  }

  private constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
  ) {
    any = true;
    this.holdsValues = gl.getExtension("EXT_color_buffer_float") !== null;
    gl.bindVertexArray(gl.createVertexArray());
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      const at = kept.indexOf(this);
      if (at >= 0) kept.splice(at, 1);
      this.onlost?.();
    });
  }

  setImage(image: PixelImage): void {
    const { gl } = this;
    this.release();
    // Smaller copies are drawn whole, whatever became of the last frame.
    gl.disable(gl.SCISSOR_TEST);
    this.about = image.description;
    const { rows: height, columns: width } = image.description;
    if (image.description.kind === "rgb8") {
      const texture = this.texture(gl.RGB8, width, height, 1 + Math.floor(Math.log2(Math.max(width, height))));
      // Rows of three bytes a pixel need not end at a multiple of four.
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGB, gl.UNSIGNED_BYTE, image.texels);
      gl.generateMipmap(gl.TEXTURE_2D);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
      this.levels = [{ texture, width, height }];
      return;
    }
    const copy = image.description.copy ?? 0;
    this.levels = [...Array<null>(copy).fill(null), this.upload(image, Math.ceil(width / 2 ** copy), Math.ceil(height / 2 ** copy))];
    this.shrink();
    if (image.description.voi_lut) this.uploadTable(image.description.voi_lut);
  }

  complete(image: PixelImage): void {
    // The smaller copies are the same.
    this.levels[0] ??= this.upload(image, image.description.columns, image.description.rows);
  }

  private upload({ texels }: PixelImage, width: number, height: number): Level {
    const { gl } = this;
    const texture = this.texture(gl.R16UI, width, height, 1);
    // Rows of an odd number of 16-bit values end at a multiple of two only.
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RED_INTEGER, gl.UNSIGNED_SHORT, texels);
    return { texture, width, height };
  }

  draw(scene: Scene): void {
    const { gl, canvas, about } = this;
    if (!about) return;
    const width = Math.max(1, Math.round(scene.pane.width * scene.density));
    const height = Math.max(1, Math.round(scene.pane.height * scene.density));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    const sampled = about.kind === "gray16" && this.sampled(scene, about, width, height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.clearColor(0, 0, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
    this.keepToImage(scene, about, height);
    this.paint(scene, about, width, height, sampled);
    const { lens } = scene;
    if (!lens) return gl.disable(gl.SCISSOR_TEST);
    const side = 2 * lens.radius * scene.density;
    gl.scissor(Math.round((lens.at.x - lens.radius) * scene.density), Math.round(height - (lens.at.y + lens.radius) * scene.density), Math.round(side), Math.round(side));
    this.paint({ ...scene, view: zoomedAt(scene.view, scene.pane, lens.at, lens.factor) }, about, width, height, false);
    gl.disable(gl.SCISSOR_TEST);
  }

  /**
   * Whether the value of each device pixel is at hand. While a window is dragged only the window changes: reading four
   * texels for each pixel anew is most of the work where the processor draws. The second frame of a view makes the values.
   */
  private sampled(scene: Scene, about: PixelDescription, width: number, height: number): boolean {
    const { gl } = this;
    const [n, smoothly] = [this.copyFor(scene), smooth(scene)];
    const now = JSON.stringify([scene.view, scene.pane, scene.density, n]);
    const again = now === this.drawnFor;
    this.drawnFor = now;
    if (!again || !this.holdsValues) return false;
    if (this.values?.for === now) return true;
    if (this.values?.width !== width || this.values.height !== height) {
      if (this.values) gl.deleteTexture(this.values.texture);
      this.values = { texture: this.texture(gl.R32F, width, height, 1), width, height, for: "" };
    }
    const { texture } = this.values;
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    const whole = gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE;
    if (whole) {
      gl.disable(gl.SCISSOR_TEST);
      const program = this.program(`values ${smoothly}`, () => valuesOfPixels(smoothly));
      program.use();
      this.bindPlace(program, scene, about, width, height);
      this.bindTexels(program, n);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      this.values.for = now;
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.deleteFramebuffer(frame);
    return whole;
  }

  /** What lies beside the image is black already, and no shader need run for it. */
  private keepToImage({ view, pane, density }: Scene, about: PixelDescription, height: number): void {
    const [a, b, c, d] = linear(view);
    const across = (Math.abs(a) * about.columns + Math.abs(c) * about.rows) / 2;
    const down = (Math.abs(b) * about.columns + Math.abs(d) * about.rows) / 2;
    const left = Math.floor((pane.width / 2 + view.pan.x - across) * density);
    const right = Math.ceil((pane.width / 2 + view.pan.x + across) * density);
    const top = Math.floor((pane.height / 2 + view.pan.y - down) * density);
    const bottom = Math.ceil((pane.height / 2 + view.pan.y + down) * density);
    this.gl.scissor(left, height - bottom, Math.max(0, right - left), Math.max(0, bottom - top));
  }

  private paint(scene: Scene, about: PixelDescription, width: number, height: number, sampled: boolean): void {
    const { gl } = this;
    const form = this.form(scene, about, sampled);
    const program = form ? this.program(JSON.stringify(form), () => gray(form)) : this.program("colour", () => COLOUR);
    program.use();
    this.bindPlace(program, scene, about, width, height);
    gl.uniform1i(program.at("invert"), Number(scene.inverted !== about.inverted));
    if (form) this.bindGray(program, scene, about, form);
    else {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.levels[0]!.texture);
      gl.uniform1i(program.at("image"), 0);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Where each device pixel lies on the image. */
  private bindPlace(program: Program, { view, pane, density }: Scene, about: PixelDescription, width: number, height: number): void {
    const { gl } = this;
    const [a, b, c, d] = linear(view);
    const scale = density * (a * d - b * c);
    gl.uniform2f(program.at("target"), width, height);
    gl.uniform2f(program.at("middle"), (pane.width / 2 + view.pan.x) * density, (pane.height / 2 + view.pan.y) * density);
    gl.uniformMatrix2fv(program.at("toImage"), false, [d / scale, -b / scale, -c / scale, a / scale]);
    gl.uniform2f(program.at("size"), about.columns, about.rows);
  }

  finish(): void {
    // Reading one pixel waits for the drawing on every driver; finish alone does not on some.
    this.gl.finish();
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  /** Lets go of the image; the context waits for another one. */
  dispose(): void {
    this.release();
    this.about = null;
    this.onlost = null;
    // What was drawn goes with the size.
    this.canvas.width = this.canvas.height = 1;
    if (kept.length < KEPT && !this.gl.isContextLost()) {
      kept.push(this);
      return;
    }
    for (const program of this.programs.values()) program.dispose();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  private program(name: string, fragment: () => string): Program {
    let program = this.programs.get(name);
    if (!program) this.programs.set(name, (program = new Program(this.gl, VERTEX, fragment())));
    return program;
  }

  /** How a grey image is drawn now; null for one in colours. */
  private form(scene: Scene, about: PixelDescription, sampled: boolean): GrayForm | null {
    if (about.kind === "rgb8") return null;
    const { voi, curve, enhancement } = scene;
    const how = voi.kind === "table" && this.table ? "table" : (curve ?? about.voi_function);
    return { how, enhancement, smoothly: smooth(scene), sampled };
  }

  /** Which smaller copy is drawn from. */
  private copyFor({ view, density }: Scene): number {
    // A quarter of a step in favour of sharpness.
    const wanted = Math.floor(Math.log2(1 / (view.zoom * density)) + 0.25);
    return Math.min(this.levels.length - 1, Math.max(this.levels[0] ? 0 : 1, wanted));
  }

  private bindTexels(program: Program, n: number): void {
    const { gl } = this;
    const level = this.levels[n]!;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, level.texture);
    gl.uniform1i(program.at("image"), 0);
    gl.uniform2i(program.at("last"), level.width - 1, level.height - 1);
    gl.uniform1f(program.at("shrink"), 2 ** n);
  }

  private bindGray(program: Program, scene: Scene, about: PixelDescription, { how, sampled }: GrayForm): void {
    const { gl } = this;
    if (scene.enhancement === "clahe") this.equalise(scene, about);
    const n = this.copyFor(scene);
    if (sampled) {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.values!.texture);
      gl.uniform1i(program.at("values"), 0);
    } else this.bindTexels(program, n);
    gl.uniform2f(program.at("rescale"), about.slope, about.intercept);
    const { voi } = scene;
    if (how === "table" && about.voi_lut) {
      gl.activeTexture(gl.TEXTURE1);
      gl.bindTexture(gl.TEXTURE_2D, this.table);
      gl.uniform1i(program.at("table"), 1);
      gl.uniform3f(program.at("entries"), about.voi_lut_first ?? 0, about.voi_lut.length, TABLE_TOP);
    } else if (voi.kind === "window") gl.uniform2f(program.at("level"), voi.window.center, voi.window.width);
    this.bindEnhancement(program, scene, n);
  }

  private bindEnhancement(program: Program, scene: Scene, n: number): void {
    const { gl } = this;
    if (scene.enhancement === "clahe") {
      gl.uniform1i(program.at("tiles"), 2);
      gl.activeTexture(gl.TEXTURE2);
      gl.bindTexture(gl.TEXTURE_2D, this.tiles);
    } else if (scene.enhancement === "edge") {
      const m = Math.min(this.levels.length - 1, n + 3);
      const coarse = this.levels[m]!;
      gl.uniform1i(program.at("coarse"), 3);
      gl.activeTexture(gl.TEXTURE3);
      gl.bindTexture(gl.TEXTURE_2D, coarse.texture);
      gl.uniform2i(program.at("coarseLast"), coarse.width - 1, coarse.height - 1);
      gl.uniform1f(program.at("coarseShrink"), 2 ** m);
    }
  }

  /** Tables of every tile, made anew when what is shown without them has changed. */
  private equalise({ voi, curve }: Scene, about: PixelDescription): void {
    const { gl } = this;
    const key = JSON.stringify([voi, curve]);
    if (key === this.tilesFor && this.tiles) return;
    this.tilesFor = key;
    const level = this.levels.find((one) => one && one.width * one.height <= ENOUGH) ?? this.levels.at(-1)!;
    if (!this.small) {
      const texels = this.read(level, 0, 0, level.width, level.height);
      // Tables of nothing change nothing.
      this.small = texels ? { texels, width: level.width, height: level.height } : { texels: new Uint16Array(0), width: 0, height: 0 };
    }
    const grays = new Uint8Array(65536);
    for (let texel = about.min; texel <= about.max; texel++) {
      const value = modality(texel, about);
      const light = voi.kind === "table" ? throughTable(value, about.voi_lut ?? [0, 1], about.voi_lut_first ?? 0) : brightness(value, voi.window, curve ?? about.voi_function);
      grays[texel] = Math.round(light * (BINS - 1));
    }
    const { texels, width, height } = this.small;
    const tables = claheTables(Uint8Array.from(texels, (texel) => grays[texel]!), width, height);
    this.tiles ??= this.texture(gl.R8, BINS, TILES * TILES, 1);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.tiles);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, BINS, TILES * TILES, gl.RED, gl.UNSIGNED_BYTE, tables);
  }

  region(x: number, y: number, width: number, height: number): Uint16Array | null {
    const level = this.levels[0];
    if (this.about?.kind !== "gray16" || !level || width < 1 || height < 1) return null;
    return this.read(level, x, y, width, height);
  }

  /** Texels back from the graphics card, which alone holds them once they are shown; null where it does not give them. */
  private read(level: Level, x: number, y: number, width: number, height: number): Uint16Array | null {
    const { gl } = this;
    const out = new Uint16Array(width * height);
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, level.texture, 0);
    while (gl.getError() !== gl.NO_ERROR);
    // Four 32-bit numbers a pixel, some rows at a time, is the one form that every driver gives. WebKit names one of 16 bits
    // too (IMPLEMENTATION_COLOR_READ_TYPE), refuses it when it is asked for, and leaves zeros.
    const rows = Math.max(1, Math.floor(500_000 / width));
    const four = new Uint32Array(Math.min(rows, height) * width * 4);
    for (let row = 0; row < height; row += rows) {
      const now = Math.min(rows, height - row);
      gl.readPixels(x, y + row, width, now, gl.RGBA_INTEGER, gl.UNSIGNED_INT, four);
      for (let i = 0; i < now * width; i++) out[row * width + i] = four[4 * i]!;
    }
    const refused = gl.isContextLost() || gl.getError() !== gl.NO_ERROR;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.deleteFramebuffer(frame);
    return refused ? null : out;
  }

  /** Integer textures cannot be filtered by the hardware, so smaller copies are drawn once. */
  private shrink(): void {
    const { gl } = this;
    const halve = this.program("halve", () => HALVE);
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    halve.use();
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform1i(halve.at("source"), 0);
    while (this.levels.length <= MOST_COPIES) {
      const source = this.levels.at(-1)!;
      const width = Math.ceil(source.width / 2);
      const height = Math.ceil(source.height / 2);
      if (Math.min(width, height) < 64) break;
      const texture = this.texture(gl.R16UI, width, height, 1);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
      if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) {
        gl.deleteTexture(texture);
        break;
      }
      gl.bindTexture(gl.TEXTURE_2D, source.texture);
      gl.viewport(0, 0, width, height);
      gl.uniform2i(halve.at("last"), source.width - 1, source.height - 1);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      this.levels.push({ texture, width, height });
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.deleteFramebuffer(frame);
  }

  private uploadTable(entries: number[]): void {
    const { gl } = this;
    const rows = Math.ceil(entries.length / TABLE_ROW);
    const padded = new Uint16Array(rows * TABLE_ROW);
    padded.set(entries);
    this.table = this.texture(gl.R16UI, TABLE_ROW, rows, 1);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, TABLE_ROW, rows, gl.RED_INTEGER, gl.UNSIGNED_SHORT, padded);
  }

  private texture(format: number, width: number, height: number, levels: number): WebGLTexture {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, levels, format, width, height);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }

  private release(): void {
    for (const level of this.levels) this.gl.deleteTexture(level?.texture ?? null);
    if (this.table) this.gl.deleteTexture(this.table);
    if (this.tiles) this.gl.deleteTexture(this.tiles);
    if (this.values) this.gl.deleteTexture(this.values.texture);
    this.values = null;
    this.drawnFor = "";
    this.levels = [];
    this.table = null;
    this.tiles = null;
    this.tilesFor = "";
    this.small = null;
  }
}

/** Single pixels are shown as such once they are large enough to be looked at. */
function smooth({ view, density }: Scene): boolean {
  return view.zoom * density < 6;
}
