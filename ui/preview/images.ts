import { enlarged, halved, phantom, type Phantom } from "./phantom";

/** Drawn images by their identity, and a drawn logo, in the frames that the shell sends. */
export class PreviewImages {
  private phantoms = new Map<string, Phantom>();

  /** `large` makes them as large as those of a detector. */
  constructor(private readonly large: boolean) {}

  phantom(instanceUid: string): Phantom {
    const kept = this.phantoms.get(instanceUid);
    if (kept) return kept;
    const seed = Number(instanceUid.split(".").at(-2));
    const made = this.large ? enlarged(phantom(625, 750, seed), 4) : phantom(1251, 1501, seed);
    this.phantoms.set(instanceUid, made);
    return made;
  }

  /** The pixels as the shell sends them; `copy` 1 is the half-size one. */
  pixels(instanceUid: string, copy: 0 | 1 = 0): ArrayBuffer {
    const { rows, columns, texels: all } = this.phantom(instanceUid);
    const texels = copy === 1 ? halved(all, rows, columns) : all;
    const description = {
      copy,
      rows, columns, kind: "gray16", slope: 1, intercept: 0, min: 0, max: 4095, inverted: false,
      windows: [{ center: 1500, width: 3000, explanation: "NORMAL", computed: false }],
      voi_function: "linear", voi_lut: null, voi_lut_first: null, units: null,
    };
    let json = JSON.stringify(description);
    while (json.length % 4 !== 0) json += " ";
    const out = new Uint8Array(4 + json.length + texels.byteLength);
    new DataView(out.buffer).setUint32(0, json.length, true);
    out.set(new TextEncoder().encode(json), 4);
    out.set(new Uint8Array(texels.buffer), 4 + json.length);
    return out.buffer;
  }
}

/** A drawing in two colours that stands for a logo, as the shell sends it. */
export function logoOf(width: number, height: number): ArrayBuffer {
  const buffer = new ArrayBuffer(8 + width * height * 3);
  new DataView(buffer).setUint32(0, width, true);
  new DataView(buffer).setUint32(4, height, true);
  const rgb = new Uint8Array(buffer, 8);
  for (let i = 0; i < width * height; i += 1) rgb.set((i + Math.floor(i / width)) % 24 < 12 ? [16, 94, 122] : [232, 240, 243], i * 3);
  return buffer;
}
