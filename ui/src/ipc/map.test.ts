import { describe, expect, it } from "vitest";
import { parseMap } from "./map";

function frame(side: number, values: number[]): ArrayBuffer {
  const head = {
    side,
    min: -1,
    max: 1,
    placement: { left: -10, top: 0, size: 100, rows: 100, columns: 80 },
    finding: "edema",
    packId: "p",
    demo: true,
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const padded = Math.ceil(json.length / 4) * 4;
  const bytes = new Uint8Array(4 + padded + values.length * 4).fill(32);
  bytes.set(json, 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, padded, true);
  values.forEach((value, i) => view.setFloat32(4 + padded + i * 4, value, true));
  return bytes.buffer;
}

describe("the frame of an evidence map", () => {
  it("gives head and grid", () => {
    const map = parseMap(frame(2, [0.5, -1, 1, 0.25]));
    expect(map.head.placement.left).toBe(-10);
    expect([...map.values]).toEqual([0.5, -1, 1, 0.25]);
  });

  it("is refused when the grid is cut", () => {
    expect(() => parseMap(frame(2, [0.5, -1, 1]))).toThrow("not complete");
  });
});
