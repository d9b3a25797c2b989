import type { PixelDescription, PixelImage } from "../../ipc";
import { BINS, claheTables, TILES } from "./clahe";
import { Program } from "./program";
import type { Scene, Surface } from "./surface";
import { linear, zoomedAt } from "./view";
import { brightness, modality, tableTop, throughTable } from "./window";

/** Smaller copies of the image for zooming out; a texel of copy n is the mean of 2^n x 2^n pixels. */
const MOST_COPIES = 4;
/** Entries of the VOI table in one row of its texture. */
const TABLE_ROW = 1024;
/** Pixels of a copy that are enough to know the histogram of a tile. */
const ENOUGH = 400_000;

interface Level {
  texture: WebGLTexture;
  width: number;
  height: number;
}

const VERTEX = `#version 300 es
// One triangle that covers the target.
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const HALVE = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D source;
uniform ivec2 last;
out uint mean;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy) * 2;
  uint sum = texelFetch(source, min(at, last), 0).r
    + texelFetch(source, min(at + ivec2(1, 0), last), 0).r
    + texelFetch(source, min(at + ivec2(0, 1), last), 0).r
    + texelFetch(source, min(at + ivec2(1, 1), last), 0).r;
  mean = (sum + 2u) / 4u;
}`;

/** From a device pixel to a place in the image, common to both kinds of image. */
const PLACE = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp usampler2D;
uniform vec2 target;    // device pixels
uniform vec2 middle;    // middle of the image in device pixels from the top left
uniform mat2 toImage;   // device pixels to image pixels
uniform vec2 size;      // of the image
uniform bool invert;
out vec4 colour;
vec2 place() {
  vec2 at = vec2(gl_FragCoord.x, target.y - gl_FragCoord.y);
  return toImage * (at - middle) + size * 0.5;
}
bool outside(vec2 at) { return any(lessThan(at, vec2(0.0))) || any(greaterThanEqual(at, size)); }
`;

// The window functions are those of window.ts, which names the parts of the standard.
const GRAY = `${PLACE}
uniform usampler2D image;
uniform ivec2 last;      // largest texel of this copy
uniform float shrink;    // 2^n
uniform bool smoothly;
uniform vec2 rescale;    // slope, intercept
uniform int how;         // 0 linear, 1 linear exact, 2 sigmoid, 3 table
uniform vec2 level;      // centre, width
uniform usampler2D table;
uniform vec3 entries;    // first value, number, top
uniform int enhance;     // 0 as it is, 1 CLAHE, 2 edges
uniform sampler2D tiles; // gray to equalised gray, a row a tile
uniform usampler2D coarse;
uniform ivec2 coarseLast;
uniform float coarseShrink;
float texel(ivec2 at) { return float(texelFetch(image, clamp(at, ivec2(0), last), 0).r); }
float stored(vec2 at) {
  if (!smoothly) return texel(ivec2(floor(at)));
  vec2 from = at - 0.5;
  ivec2 base = ivec2(floor(from));
  vec2 part = fract(from);
  return mix(
    mix(texel(base), texel(base + ivec2(1, 0)), part.x),
    mix(texel(base + ivec2(0, 1)), texel(base + ivec2(1, 1)), part.x),
    part.y);
}
float bright(float value) {
  if (how == 3) {
    int index = int(clamp(floor(value - entries.x + 0.5), 0.0, entries.y - 1.0));
    return float(texelFetch(table, ivec2(index % ${TABLE_ROW}, index / ${TABLE_ROW}), 0).r) / entries.z;
  }
  if (how == 2) return 1.0 / (1.0 + exp(-4.0 * (value - level.x) / level.y));
  if (how == 1) return clamp((value - level.x) / level.y + 0.5, 0.0, 1.0);
  if (level.y <= 1.0) return value <= level.x - 0.5 ? 0.0 : 1.0;
  return clamp((value - (level.x - 0.5)) / (level.y - 1.0) + 0.5, 0.0, 1.0);
}
float blurred(vec2 at) {
  vec2 from = at - 0.5;
  ivec2 base = ivec2(floor(from));
  vec2 part = fract(from);
  vec4 four = vec4(
    texelFetch(coarse, clamp(base, ivec2(0), coarseLast), 0).r,
    texelFetch(coarse, clamp(base + ivec2(1, 0), ivec2(0), coarseLast), 0).r,
    texelFetch(coarse, clamp(base + ivec2(0, 1), ivec2(0), coarseLast), 0).r,
    texelFetch(coarse, clamp(base + ivec2(1, 1), ivec2(0), coarseLast), 0).r);
  return mix(mix(four.x, four.y, part.x), mix(four.z, four.w, part.x), part.y);
}
float inTile(ivec2 tile, int bin) {
  tile = clamp(tile, ivec2(0), ivec2(${TILES - 1}));
  return texelFetch(tiles, ivec2(bin, tile.y * ${TILES} + tile.x), 0).r;
}
float equalised(float light, vec2 at) {
  vec2 from = at / size * ${TILES}.0 - 0.5;
  ivec2 base = ivec2(floor(from));
  vec2 part = fract(from);
  int bin = int(light * ${BINS - 1}.0 + 0.5);
  return mix(
    mix(inTile(base, bin), inTile(base + ivec2(1, 0), bin), part.x),
    mix(inTile(base + ivec2(0, 1), bin), inTile(base + ivec2(1, 1), bin), part.x),
    part.y);
}
void main() {
  vec2 at = place();
  if (outside(at)) { colour = vec4(0.0, 0.0, 0.0, 1.0); return; }
  float light = bright(stored(at / shrink) * rescale.x + rescale.y);
  if (enhance == 1) light = equalised(light, at);
  // Unsharp masking: what differs from its surroundings is shown to differ more.
  if (enhance == 2) light = clamp(light + 1.8 * (light - bright(blurred(at / coarseShrink) * rescale.x + rescale.y)), 0.0, 1.0);
  colour = vec4(vec3(invert ? 1.0 - light : light), 1.0);
}`;

const COLOUR = `${PLACE}
uniform sampler2D image;
void main() {
  vec2 at = place();
  vec3 light = texture(image, at / size).rgb;
  if (outside(at)) { colour = vec4(0.0, 0.0, 0.0, 1.0); return; }
  colour = vec4(invert ? 1.0 - light : light, 1.0);
}`;

/** The image as an integer texture; windowing happens in the fragment shader. */
export class GlSurface implements Surface {
  readonly kind = "webgl2";
  readonly enhances = true;
  private readonly gray: Program;
  private readonly colour: Program;
  private readonly halve: Program;
  private levels: Level[] = [];
  private table: WebGLTexture | null = null;
  private about: PixelDescription | null = null;
  /** A copy in memory that is small enough to make histograms of, and what they were made for. */
  private small: { texels: Uint16Array; width: number; height: number } | null = null;
  private tiles: WebGLTexture | null = null;
  private tilesFor = "";

  /** Null where this window has no WebGL2 or the image is too large for its textures. */
  static create(canvas: HTMLCanvasElement, image: PixelImage): GlSurface | null {
    const gl = canvas.getContext("webgl2", {
      alpha: false,
      antialias: false,
      depth: false,
      stencil: false,
      powerPreference: "high-performance",
    });
    if (!gl) return null;
    const { rows, columns } = image.description;
    if (Math.max(rows, columns) > (gl.getParameter(gl.MAX_TEXTURE_SIZE) as number)) return null;
    return new GlSurface(canvas, gl);
  }

  private constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
  ) {
    this.gray = new Program(gl, VERTEX, GRAY);
    this.colour = new Program(gl, VERTEX, COLOUR);
    this.halve = new Program(gl, VERTEX, HALVE);
    gl.bindVertexArray(gl.createVertexArray());
  }

  setImage(image: PixelImage): void {
    const { gl } = this;
    this.release();
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
    const texture = this.texture(gl.R16UI, width, height, 1);
    // Rows of an odd number of 16-bit values end at a multiple of two only.
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RED_INTEGER, gl.UNSIGNED_SHORT, image.texels);
    this.levels = [{ texture, width, height }];
    this.shrink();
    if (image.description.voi_lut) this.uploadTable(image.description.voi_lut);
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
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    this.paint(scene, about, width, height);
    const { lens } = scene;
    if (!lens) return;
    const side = 2 * lens.radius * scene.density;
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(Math.round((lens.at.x - lens.radius) * scene.density), Math.round(height - (lens.at.y + lens.radius) * scene.density), Math.round(side), Math.round(side));
    this.paint({ ...scene, view: zoomedAt(scene.view, scene.pane, lens.at, lens.factor) }, about, width, height);
    gl.disable(gl.SCISSOR_TEST);
  }

  private paint(scene: Scene, about: PixelDescription, width: number, height: number): void {
    const { gl } = this;
    const program = about.kind === "rgb8" ? this.colour : this.gray;
    program.use();
    const [a, b, c, d] = linear(scene.view);
    const scale = scene.density * (a * d - b * c);
    gl.uniform2f(program.at("target"), width, height);
    gl.uniform2f(
      program.at("middle"),
      (scene.pane.width / 2 + scene.view.pan.x) * scene.density,
      (scene.pane.height / 2 + scene.view.pan.y) * scene.density,
    );
    gl.uniformMatrix2fv(program.at("toImage"), false, [d / scale, -b / scale, -c / scale, a / scale]);
    gl.uniform2f(program.at("size"), about.columns, about.rows);
    gl.uniform1i(program.at("invert"), Number(scene.inverted !== about.inverted));
    if (about.kind === "gray16") this.bindGray(program, scene, about);
    else {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.levels[0]!.texture);
      gl.uniform1i(program.at("image"), 0);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  finish(): void {
    // Reading one pixel waits for the drawing on every driver; finish alone does not on some.
    this.gl.finish();
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  dispose(): void {
    this.release();
    for (const program of [this.gray, this.colour, this.halve]) program.dispose();
  }

  private bindGray(program: Program, scene: Scene, about: PixelDescription): void {
    const { gl } = this;
    if (scene.enhancement === "clahe") this.equalise(scene, about);
    const perPixel = scene.view.zoom * scene.density;
    // A quarter of a step in favour of sharpness.
    const wanted = Math.floor(Math.log2(1 / perPixel) + 0.25);
    const n = Math.min(this.levels.length - 1, Math.max(0, wanted));
    const level = this.levels[n]!;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, level.texture);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.table ?? level.texture);
    gl.uniform1i(program.at("image"), 0);
    gl.uniform1i(program.at("table"), 1);
    gl.uniform2i(program.at("last"), level.width - 1, level.height - 1);
    gl.uniform1f(program.at("shrink"), 2 ** n);
    // Single pixels are shown as such once they are large enough to be looked at.
    gl.uniform1i(program.at("smoothly"), Number(perPixel < 6));
    gl.uniform2f(program.at("rescale"), about.slope, about.intercept);
    const { voi } = scene;
    if (voi.kind === "table" && this.table && about.voi_lut) {
      gl.uniform1i(program.at("how"), 3);
      gl.uniform3f(program.at("entries"), about.voi_lut_first ?? 0, about.voi_lut.length, tableTop(about.voi_lut));
    } else if (voi.kind === "window") {
      gl.uniform1i(program.at("how"), { linear: 0, linear_exact: 1, sigmoid: 2 }[scene.curve ?? about.voi_function]);
      gl.uniform2f(program.at("level"), voi.window.center, voi.window.width);
    }
    this.bindEnhancement(program, scene, n);
  }

  private bindEnhancement(program: Program, scene: Scene, n: number): void {
    const { gl } = this;
    // A sampler without a texture of its kind may not be left on a unit of another kind.
    gl.uniform1i(program.at("tiles"), 2);
    gl.uniform1i(program.at("coarse"), 3);
    gl.uniform1i(program.at("enhance"), { none: 0, clahe: 1, edge: 2 }[scene.enhancement]);
    if (scene.enhancement === "clahe") {
      gl.activeTexture(gl.TEXTURE2);
      gl.bindTexture(gl.TEXTURE_2D, this.tiles);
    } else if (scene.enhancement === "edge") {
      const m = Math.min(this.levels.length - 1, n + 3);
      const coarse = this.levels[m]!;
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
    const level = this.levels.find(({ width, height }) => width * height <= ENOUGH) ?? this.levels.at(-1)!;
    this.small ??= { texels: this.read(level, 0, 0, level.width, level.height), width: level.width, height: level.height };
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

  /** Texels back from the graphics card, which alone holds them once they are shown. */
  private read(level: Level, x: number, y: number, width: number, height: number): Uint16Array {
    const { gl } = this;
    const out = new Uint16Array(width * height);
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, level.texture, 0);
    const direct = gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_FORMAT) === gl.RED_INTEGER && gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_TYPE) === gl.UNSIGNED_SHORT;
    if (direct) {
      gl.pixelStorei(gl.PACK_ALIGNMENT, 2);
      gl.readPixels(x, y, width, height, gl.RED_INTEGER, gl.UNSIGNED_SHORT, out);
    } else {
      // The one form that every driver gives: four 32-bit numbers a pixel, some rows at a time.
      const rows = Math.max(1, Math.floor(500_000 / width));
      const four = new Uint32Array(rows * width * 4);
      for (let row = 0; row < height; row += rows) {
        const now = Math.min(rows, height - row);
        gl.readPixels(x, y + row, width, now, gl.RGBA_INTEGER, gl.UNSIGNED_INT, four);
        for (let i = 0; i < now * width; i++) out[row * width + i] = four[4 * i]!;
      }
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.deleteFramebuffer(frame);
    return out;
  }

  /** Integer textures cannot be filtered by the hardware, so smaller copies are drawn once. */
  private shrink(): void {
    const { gl, halve } = this;
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
    for (const { texture } of this.levels) this.gl.deleteTexture(texture);
    if (this.table) this.gl.deleteTexture(this.table);
    if (this.tiles) this.gl.deleteTexture(this.tiles);
    this.levels = [];
    this.table = null;
    this.tiles = null;
    this.tilesFor = "";
    this.small = null;
  }
}
