import { invoke } from "@tauri-apps/api/core";
import { IpcError } from "./error";

/**
 * Messages that follow one with a passphrase, and their length in characters. The web view reads what comes from the page
 * into buffers that it keeps, and nobody else can empty them: what is read next lies over the passphrase. A message of more
 * than 4096 bytes would take another way.
 */
const FOLLOWING = 8;
const LENGTH = 3000;

/** Asks the shell for something; whatever it rejects with becomes an `IpcError`. */
export async function call<T>(name: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(name, args);
  } catch (reason) {
    throw IpcError.from(reason);
  } finally {
    if (holdsSecret(args)) void cover();
  }
}

/** Whether a passphrase or a recovery key is among these arguments, by their names. */
export function holdsSecret(args: unknown): boolean {
  if (typeof args !== "object" || args === null) return false;
  return Object.entries(args).some(([name, value]) => (/passphrase|password|recovery|^(old|new)$/i.test(name) && typeof value === "string") || holdsSecret(value));
}

async function cover(): Promise<void> {
  for (let i = 0; i < FOLLOWING; i += 1) {
    // It asks for what is always answered; what else is in the message is read and passed over.
    await invoke("app_status", { padding: "0".repeat(LENGTH) }).catch(() => undefined);
  }
}
