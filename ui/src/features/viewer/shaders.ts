import { BINS, TILES } from "./clahe";
import type { Enhancement } from "./tools.svelte";
import type { VoiFunction } from "./window";

/** Entries of the VOI table in one row of its texture. */
export const TABLE_ROW = 1024;

export const VERTEX = `#version 300 es
// One triangle that covers the target.
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

/** Means of four integer texels. */
export const HALVE = `#version 300 es
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

/** How a grey image is drawn. */
export interface GrayForm {
  how: VoiFunction | "table";
  enhancement: Enhancement;
  /** Between pixels; false where single ones are to be seen. */
  smoothly: boolean;
  /** From values that `valuesOfPixels` left for each device pixel, instead of from the image. */
  sampled: boolean;
}

/**
 * The shader for one form. One shader for all would be slower where the processor draws: it takes every branch for
 * every pixel. The window functions are those of window.ts, which names the parts of the standard.
 */
export function gray({ how, enhancement, smoothly, sampled }: GrayForm): string {
  return `${PLACE}
uniform vec2 rescale;    // slope, intercept
${BRIGHT[how]}
${sampled ? "uniform sampler2D values; // of each device pixel; negative beside the image" : stored(smoothly)}
${ENHANCED[enhancement]}
void main() {
  vec2 at = place();
  ${sampled ? "float value = texelFetch(values, ivec2(gl_FragCoord.xy), 0).r;" : "float value = outside(at) ? -1.0 : stored(at / shrink);"}
  if (value < 0.0) { colour = vec4(0.0, 0.0, 0.0, 1.0); return; }
  float light = enhanced(bright(value * rescale.x + rescale.y), at);
  colour = vec4(vec3(invert ? 1.0 - light : light), 1.0);
}`;
}

/** The stored value that each device pixel shows, which stays the same while only the window changes. */
export function valuesOfPixels(smoothly: boolean): string {
  return `${PLACE}
${stored(smoothly)}
void main() {
  vec2 at = place();
  colour = vec4(outside(at) ? -1.0 : stored(at / shrink), 0.0, 0.0, 1.0);
}`;
}

function stored(smoothly: boolean): string {
  return `uniform usampler2D image;
uniform ivec2 last;      // largest texel of this copy
uniform float shrink;    // 2^n
float texel(ivec2 at) { return float(texelFetch(image, clamp(at, ivec2(0), last), 0).r); }
${smoothly ? SMOOTH : "float stored(vec2 at) { return texel(ivec2(floor(at))); }"}`;
}

const LEVEL = "uniform vec2 level; // centre, width";
const BRIGHT: Record<GrayForm["how"], string> = {
  linear: `${LEVEL}
float bright(float value) {
  if (level.y <= 1.0) return value <= level.x - 0.5 ? 0.0 : 1.0;
  return clamp((value - (level.x - 0.5)) / (level.y - 1.0) + 0.5, 0.0, 1.0);
}`,
  linear_exact: `${LEVEL}
float bright(float value) { return clamp((value - level.x) / level.y + 0.5, 0.0, 1.0); }`,
  sigmoid: `${LEVEL}
float bright(float value) { return 1.0 / (1.0 + exp(-4.0 * (value - level.x) / level.y)); }`,
  table: `uniform usampler2D table;
uniform vec3 entries;    // first value, number, top
float bright(float value) {
  int index = int(clamp(floor(value - entries.x + 0.5), 0.0, entries.y - 1.0));
  return float(texelFetch(table, ivec2(index % ${TABLE_ROW}, index / ${TABLE_ROW}), 0).r) / entries.z;
}`,
};

const SMOOTH = `float stored(vec2 at) {
  vec2 from = at - 0.5;
  ivec2 base = ivec2(floor(from));
  vec2 part = fract(from);
  return mix(
    mix(texel(base), texel(base + ivec2(1, 0)), part.x),
    mix(texel(base + ivec2(0, 1)), texel(base + ivec2(1, 1)), part.x),
    part.y);
}`;

const ENHANCED: Record<Enhancement, string> = {
  none: "float enhanced(float light, vec2 at) { return light; }",
  clahe: `uniform sampler2D tiles; // gray to equalised gray, a row a tile
float inTile(ivec2 tile, int bin) {
  tile = clamp(tile, ivec2(0), ivec2(${TILES - 1}));
  return texelFetch(tiles, ivec2(bin, tile.y * ${TILES} + tile.x), 0).r;
}
float enhanced(float light, vec2 at) {
  vec2 from = at / size * ${TILES}.0 - 0.5;
  ivec2 base = ivec2(floor(from));
  vec2 part = fract(from);
  int bin = int(light * ${BINS - 1}.0 + 0.5);
  return mix(
    mix(inTile(base, bin), inTile(base + ivec2(1, 0), bin), part.x),
    mix(inTile(base + ivec2(0, 1), bin), inTile(base + ivec2(1, 1), bin), part.x),
    part.y);
}`,
  edge: `uniform usampler2D coarse;
uniform ivec2 coarseLast;
uniform float coarseShrink;
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
// Unsharp masking: what differs from its surroundings is shown to differ more.
float enhanced(float light, vec2 at) {
  return clamp(light + 1.8 * (light - bright(blurred(at / coarseShrink) * rescale.x + rescale.y)), 0.0, 1.0);
}`,
};

/** An image of three colours. */
export const COLOUR = `${PLACE}
uniform sampler2D image;
void main() {
  vec2 at = place();
  vec3 light = texture(image, at / size).rgb;
  if (outside(at)) { colour = vec4(0.0, 0.0, 0.0, 1.0); return; }
  colour = vec4(invert ? 1.0 - light : light, 1.0);
}`;
