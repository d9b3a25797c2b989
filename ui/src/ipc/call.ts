import { invoke } from "@tauri-apps/api/core";
import { IpcError } from "./error";

/** Asks the shell for something; whatever it rejects with becomes an `IpcError`. */
export async function call<T>(name: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(name, args);
  } catch (reason) {
    throw IpcError.from(reason);
  }
}
