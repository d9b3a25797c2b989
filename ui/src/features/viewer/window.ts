import type { PixelDescription } from "../../ipc";

/** A window in modality units (DICOM PS3.3 C.11.2.1.2). */
export interface Window {
  center: number;
  width: number;
}

export type VoiFunction = PixelDescription["voi_function"];

/** How brightness is made now: a window, or the file's own table. */
export type Voi = { kind: "window"; window: Window; name: string } | { kind: "table"; name: string };

/** Brightness from 0 to 1 of a modality value. The shader in `shaders.ts` computes the same. */
export function brightness(value: number, { center, width }: Window, how: VoiFunction): number {
  switch (how) {
    case "sigmoid":
      // PS3.3 C.11.2.1.3.1
      return 1 / (1 + Math.exp((-4 * (value - center)) / width));
    case "linear_exact":
      // PS3.3 C.11.2.1.3.2
      return clamp((value - center) / width + 0.5);
    case "linear":
      // PS3.3 C.11.2.1.2.1; a width of one is a threshold at the centre less one half.
      if (width <= 1) return value <= center - 0.5 ? 0 : 1;
      return clamp((value - (center - 0.5)) / (width - 1) + 0.5);
  }
}

function clamp(x: number): number {
  return Math.min(1, Math.max(0, x));
}

/** Largest output of a VOI LUT: the decoder stretches entries of every depth to it. */
export const TABLE_TOP = 65535;

/** Brightness of a modality value through a VOI LUT (PS3.3 C.11.2.1.1): values outside take the end entries. */
export function throughTable(value: number, table: readonly number[], first: number): number {
  const index = Math.min(table.length - 1, Math.max(0, Math.round(value - first)));
  return table[index]! / TABLE_TOP;
}

export function modality(texel: number, image: Pick<PixelDescription, "slope" | "intercept">): number {
  return texel * image.slope + image.intercept;
}

/** From the smallest to the largest value of the image. */
export function fullRange(image: PixelDescription): Window {
  const low = modality(image.min, image);
  const high = modality(image.max, image);
  return between(Math.min(low, high), Math.max(low, high));
}

export function between(low: number, high: number): Window {
  return { center: (low + high) / 2, width: Math.max(1, high - low) };
}

/** What the file asks for: its table, else its first window, else the full range. */
export function fileVoi(image: PixelDescription): Voi {
  if (image.voi_lut && image.voi_lut.length > 0) return { kind: "table", name: "File table" };
  const first = image.windows[0];
  if (first) {
    const name = first.explanation ?? (first.computed ? "Computed window" : "File window");
    return { kind: "window", window: { center: first.center, width: first.width }, name };
  }
  return { kind: "window", window: fullRange(image), name: "Full range" };
}

/** The window from which dragging starts while a table is in use: the table's whole input. */
export function windowOf(voi: Voi, image: PixelDescription): Window {
  if (voi.kind === "window") return voi.window;
  const first = image.voi_lut_first ?? modality(image.min, image);
  return between(first, first + (image.voi_lut?.length ?? 1) - 1);
}

/**
 * Values below which the given shares (0 to 1) of the pixels lie, from a sample of at most
 * about 200,000. Texels at the very ends are left out: they are collimation and burnt-in black.
 */
export function percentiles(texels: ArrayLike<number>, min: number, max: number, shares: number[]): number[] {
  const step = Math.max(1, Math.floor(texels.length / 200_000)) | 1;
  const counts = new Uint32Array(65536);
  let total = 0;
  for (let i = 0; i < texels.length; i += step) {
    const texel = texels[i]!;
    if (texel <= min || texel >= max) continue;
    counts[texel]! += 1;
    total += 1;
  }
  if (total === 0) return shares.map((share) => min + share * (max - min));
  return shares.map((share) => {
    let seen = 0;
    for (let texel = min; texel <= max; texel++) {
      seen += counts[texel]!;
      if (seen >= share * total) return texel;
    }
    return max;
  });
}

/** Shares of the histogram, from dark to bright as displayed, that each preset spreads over the range. */
const PRESET_SHARES = { lung: [0.01, 0.7], mediastinum: [0.35, 0.97], bone: [0.6, 0.995] } as const;

export interface Presets {
  lung: Window;
  mediastinum: Window;
  bone: Window;
}

/** Windows for lung, mediastinum and bone from the image's own histogram: a radiograph has no absolute unit. */
export function presetsOf(image: PixelDescription, texels: ArrayLike<number>): Presets {
  const rising = image.slope >= 0;
  // What is shown dark lies at the low end, unless values are shown inverted or the slope falls.
  const darkIsLow = image.inverted !== rising;
  const make = ([low, high]: readonly [number, number]): Window => {
    const shares = darkIsLow ? [low, high] : [1 - high, 1 - low];
    const [a, b] = percentiles(texels, image.min, image.max, shares).map((texel) => modality(texel, image));
    return between(Math.min(a!, b!), Math.max(a!, b!));
  };
  return { lung: make(PRESET_SHARES.lung), mediastinum: make(PRESET_SHARES.mediastinum), bone: make(PRESET_SHARES.bone) };
}

/** The window after a drag of (dx, dy) CSS pixels: right widens, down darkens what is shown. */
export function dragged(start: Window, dx: number, dy: number, range: number, inverted: boolean): Window {
  const step = range / 900;
  const width = Math.max(1, start.width + dx * step);
  const center = start.center + dy * step * (inverted ? -1 : 1);
  return { center, width };
}

/** What one press of a key widens the window by, and the part of its width that the centre moves by. */
const KEY_STEP = { width: 1.1, center: 0.05 };
/** How many times the image's own range a window is widened to: past it nothing is to be told apart. */
const WIDEST = 4;

/** The window after one press of a key, in steps of its own width: a narrow one is set as finely as it needs. */
export function windowStep(start: Window, wider: -1 | 0 | 1, brighter: -1 | 0 | 1, range: number, inverted: boolean): Window {
  const width = Math.max(1, Math.min(start.width * KEY_STEP.width ** wider, Math.max(start.width, WIDEST * range)));
  return { center: start.center - brighter * KEY_STEP.center * start.width * (inverted ? -1 : 1), width };
}

/** The window behind keys 1 to 5; null while those that need all pixels are not known. */
export function voiOfPreset(number: number, about: PixelDescription, presets: Presets | null): Voi | null {
  if (number === 1) return fileVoi(about);
  if (number === 2) return { kind: "window", window: fullRange(about), name: "Full range" };
  if (!presets) return null;
  const named = { 3: ["Lung", presets.lung], 4: ["Mediastinum", presets.mediastinum], 5: ["Bone", presets.bone] } as const;
  const [name, window] = named[number as 3 | 4 | 5];
  return { kind: "window", window, name };
}
