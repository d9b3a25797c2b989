import { listen } from "@tauri-apps/api/event";
import type { AppEvent } from "./bindings";

/** Everything the shell says unasked. */
export type ShellEvent = AppEvent;

/** Calls `handler` for everything the shell says unasked; the result stops it. */
export function onAppEvent(handler: (event: ShellEvent) => void): Promise<() => void> {
  return listen<ShellEvent>("hilum", (message) => handler(message.payload));
}
