import { fromBase64, type SealedMessage, sharedKey, toBase64 } from "../src/ipc/seal";

const CURVE = { name: "ECDH", namedCurve: "P-256" };

/** The shell's side of what the page seals, for the preview. */
export class PreviewLetterbox {
  private waiting = new Map<string, CryptoKeyPair>();

  async key(): Promise<{ id: string; point: string }> {
    const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
    const id = String(Math.random());
    this.waiting.set(id, pair);
    return { id, point: toBase64(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey))) };
  }

  /** The arguments with what was sealed in them opened. */
  async opened(args: Record<string, unknown>): Promise<Record<string, unknown>> {
    const open = async ([name, value]: [string, unknown]) => [name, isSealed(value) ? await this.open(value) : value] as const;
    return Object.fromEntries(await Promise.all(Object.entries(args).map(open)));
  }

  async open(message: SealedMessage): Promise<unknown> {
    const pair = this.waiting.get(message.key);
    if (!pair) throw new Error(`no key ${message.key}`);
    this.waiting.delete(message.key);
    const app = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const point = fromBase64(message.point);
    const theirs = await crypto.subtle.importKey("raw", point, CURVE, false, []);
    const secret = await sharedKey(pair.privateKey, theirs, app, point, "decrypt");
    const value = await crypto.subtle.decrypt({ name: "AES-GCM", iv: fromBase64(message.nonce) }, secret, fromBase64(message.text));
    return JSON.parse(new TextDecoder().decode(value));
  }
}

const isSealed = (value: unknown): value is SealedMessage =>
  typeof value === "object" && value !== null && "point" in value && "nonce" in value && "text" in value;
