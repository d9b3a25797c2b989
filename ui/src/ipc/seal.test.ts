import { describe, expect, it } from "vitest";
import { PreviewLetterbox } from "../../preview/letterbox";
import { fromBase64, type SealedMessage, sealFor, toBase64 } from "./seal";

async function sealed(value: unknown): Promise<[PreviewLetterbox, SealedMessage]> {
  const box = new PreviewLetterbox();
  return [box, await sealFor(await box.key(), value)];
}

describe("what is secret leaves the page sealed", () => {
  for (const value of ["correct horse", "", "Grüße, 東京 🫁", { reportId: "1", revision: 3, passphrase: "p" }, "x".repeat(100_000)]) {
    it(`and opens again: ${JSON.stringify(value).slice(0, 40)}`, async () => {
      const [box, message] = await sealed(value);
      expect(await box.open(message)).toEqual(value);
    });
  }

  it("with nothing of it to be read, and differently each time", async () => {
    const box = new PreviewLetterbox();
    const key = await box.key();
    const [one, two] = [await sealFor(key, "correct horse"), await sealFor(key, "correct horse")];
    for (const message of [one, two]) expect(atob(message.text)).not.toContain("horse");
    expect(one.text).not.toBe(two.text);
    expect(one.point).not.toBe(two.point);
    expect(one.nonce).not.toBe(two.nonce);
  });

  for (const field of ["point", "nonce", "text"] as const) {
    it(`and does not open with another ${field}`, async () => {
      const [box, message] = await sealed("correct horse");
      const bytes = fromBase64(message[field]);
      bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ 1;
      await expect(box.open({ ...message, [field]: toBase64(bytes) })).rejects.toThrow();
    });
  }
});
