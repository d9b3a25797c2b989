import { invoke } from "@tauri-apps/api/core";
import { IpcError } from "./error";

/** What the shell was asked and has not answered. */
const asked = new Set<Promise<unknown>>();

/** Asks the shell for something; whatever it rejects with becomes an `IpcError`. */
export async function call<T>(name: string, args?: Record<string, unknown>): Promise<T> {
  const answer = invoke<T>(name, args);
  asked.add(answer);
  try {
    return await answer;
  } catch (reason) {
    throw IpcError.from(reason);
  } finally {
    asked.delete(answer);
  }
}

/** Resolves once the shell has answered all that it was asked, which may be a person's choice in a dialog of the desktop. */
export async function answered(): Promise<void> {
  while (asked.size > 0) await Promise.allSettled(asked);
}
