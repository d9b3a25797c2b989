import { expect, test } from "vitest";
import { newId, uuidOf } from "./ids";

test.each([
  [0x00, "00000000-0000-4000-8000-000000000000"],
  [0xff, "ffffffff-ffff-4fff-bfff-ffffffffffff"],
])("bytes of %d carry version and variant", (byte, uuid) => {
  expect(uuidOf(new Uint8Array(16).fill(byte))).toBe(uuid);
});

test("ids differ", () => {
  expect(new Set(Array.from({ length: 100 }, newId)).size).toBe(100);
});
