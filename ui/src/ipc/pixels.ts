import { IpcError } from "./error";

/** A window of the file (DICOM PS3.3 C.11.2) or one computed from the values. */
export interface PixelWindow {
  /** In modality units. */
  center: number;
  /** In modality units, above zero. */
  width: number;
  explanation: string | null;
  /** True when the file had none and this one was computed. */
  computed: boolean;
}

/** How stored values become brightness. */
export interface PixelDescription {
  rows: number;
  columns: number;
  kind: "gray16" | "rgb8";
  /** Modality value = texel * slope + intercept. */
  slope: number;
  intercept: number;
  /** Smallest and largest texel of the image. */
  min: number;
  max: number;
  /** True where the smallest value is shown white (MONOCHROME1 or an inverse presentation LUT). */
  inverted: boolean;
  windows: PixelWindow[];
  voi_function: "linear" | "linear_exact" | "sigmoid";
  voi_lut: number[] | null;
  /** Modality value of the first entry of `voi_lut`. */
  voi_lut_first: number | null;
  units: string | null;
  /** Overlay planes (60xx), whose bits follow the pixels in this order. */
  overlays?: OverlayPlane[];
  /** Shutters of the file (PS3.3 C.7.6.11), in image pixels; several hide what any of them hides. */
  shutter?: ShutterShape[];
  /** 1 where the texels are the means of 2 x 2 pixels: half the rows and columns, rounded up. */
  copy?: 0 | 1;
}

/** Where an overlay plane lies, in image pixels from the top left. */
export interface OverlayPlane {
  rows: number;
  columns: number;
  top: number;
  left: number;
  label: string | null;
}

export type ShutterShape =
  | { shape: "rectangle"; left: number; top: number; right: number; bottom: number }
  | { shape: "circle"; x: number; y: number; radius: number }
  | { shape: "polygon"; points: [number, number][] };

export interface PixelImage {
  description: PixelDescription;
  /** One value a pixel of the copy ("gray16"), or three ("rgb8"), row by row without padding. */
  texels: Uint16Array | Uint8Array;
  /** Overlay planes with their bits, one a pixel, each plane from a byte of its own; copies. */
  planes: (OverlayPlane & { bits: Uint8Array })[];
}

/**
 * Reads the frame of `image_pixels` and `image_overview`: u32 little-endian length n, n bytes of JSON padded
 * with spaces to a multiple of four, then the pixels, then overlay planes. The pixels are a view, not a copy.
 */
export function parsePixels(frame: ArrayBuffer): PixelImage {
  if (frame.byteLength < 4) throw malformed("the frame is shorter than its header");
  const length = new DataView(frame).getUint32(0, true);
  if (4 + length > frame.byteLength) throw malformed("the description is longer than the frame");
  const description = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length))) as PixelDescription;
  const start = 4 + length;
  const by = 2 ** (description.copy ?? 0);
  const pixels = Math.ceil(description.rows / by) * Math.ceil(description.columns / by);
  if (description.kind === "rgb8") {
    if (frame.byteLength - start < pixels * 3) throw malformed("pixels are missing");
    return { description, texels: new Uint8Array(frame, start, pixels * 3), planes: planesOf(description, frame, start + pixels * 3) };
  }
  if (frame.byteLength - start < pixels * 2) throw malformed("pixels are missing");
  // An odd start would only come from a shell that breaks the contract; a copy keeps the image visible.
  const texels = start % 2 === 0 ? new Uint16Array(frame, start, pixels) : new Uint16Array(frame.slice(start, start + pixels * 2));
  return { description, texels, planes: planesOf(description, frame, start + pixels * 2) };
}

/** Copied, because the buffer goes once the pixels are on the graphics card. */
function planesOf(description: PixelDescription, frame: ArrayBuffer, start: number): PixelImage["planes"] {
  let at = start;
  return (description.overlays ?? []).map((plane) => {
    const length = Math.ceil((plane.rows * plane.columns) / 8);
    if (at + length > frame.byteLength) throw malformed("an overlay plane is missing");
    const bits = new Uint8Array(frame.slice(at, at + length));
    at += length;
    return { ...plane, bits };
  });
}

/**
 * Frees the pixels now: the collector does not see how large they are and let ten of them
 * pile up. The image must not be read any more; its texels are empty afterwards.
 */
export function letGo(image: PixelImage): void {
  if (image.texels.byteLength === 0) return;
  const buffer = image.texels.buffer as ArrayBuffer & { transfer?: (length: number) => ArrayBuffer };
  if (buffer.transfer) buffer.transfer(0);
  // WebKitGTK before 2.44: the pixels move to where nothing holds them.
  else structuredClone(buffer, { transfer: [buffer] });
}

function malformed(why: string): IpcError {
  return new IpcError("pixels.malformed", why);
}
