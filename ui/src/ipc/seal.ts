import type { SealingKey } from "./bindings";

/** A value as it leaves the page: only the shell opens it, once (src-tauri/src/letterbox.rs, which says the same words). */
export interface SealedMessage {
  key: string;
  point: string;
  nonce: string;
  text: string;
}

const PURPOSE = "hilum page secret 1";
const CURVE = { name: "ECDH", namedCurve: "P-256" };

/** Seals a value, as JSON, for a key that the shell made for this one message: an ephemeral key on P-256, HKDF-SHA256 over both points, AES-256-GCM. */
export async function sealFor(key: SealingKey, value: unknown): Promise<SealedMessage> {
  const app = fromBase64(key.point);
  const theirs = await crypto.subtle.importKey("raw", app, CURVE, false, []);
  const own = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
  const secret = await sharedKey(own.privateKey, theirs, app, point, "encrypt");
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const text = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, secret, new TextEncoder().encode(JSON.stringify(value)));
  return { key: key.id, point: toBase64(point), nonce: toBase64(nonce), text: toBase64(new Uint8Array(text)) };
}

/** The key of AES that both sides find, the shell's point first. */
export async function sharedKey(own: CryptoKey, theirs: CryptoKey, app: Uint8Array, page: Uint8Array, use: KeyUsage): Promise<CryptoKey> {
  const bits = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, own, 256);
  const from = await crypto.subtle.importKey("raw", bits, "HKDF", false, ["deriveKey"]);
  const info = new Uint8Array([...new TextEncoder().encode(PURPOSE), ...app, ...page]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return crypto.subtle.deriveKey(how, from, { name: "AES-GCM", length: 256 }, false, [use]);
}

export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
