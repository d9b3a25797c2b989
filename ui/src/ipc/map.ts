import type { EvidenceMapHead } from "./bindings";
import { IpcError } from "./error";

/** Where in an image a model sees words for a finding. */
export interface EvidenceMap {
  head: EvidenceMapHead;
  /** `head.side` squared values, row by row; differences of cosines, larger for "present". */
  values: Float32Array;
}

/**
 * Reads the frame of `evidence_map`: u32 little-endian length n, n bytes of JSON padded
 * with spaces to a multiple of four, then little-endian 32-bit floats.
 */
export function parseMap(frame: ArrayBuffer): EvidenceMap {
  if (frame.byteLength < 4) throw malformed("the frame is shorter than its header");
  const length = new DataView(frame).getUint32(0, true);
  if (4 + length > frame.byteLength) throw malformed("the head is longer than the frame");
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length))) as EvidenceMapHead;
  const count = head.side * head.side;
  if (frame.byteLength - 4 - length !== count * 4) throw malformed("the grid is not complete");
  return { head, values: new Float32Array(frame.slice(4 + length)) };
}

function malformed(why: string): IpcError {
  return new IpcError("pixels.malformed", why);
}
