import { listen } from "@tauri-apps/api/event";
import type { AppEvent } from "./bindings";
import type { PendingEvent } from "./pending";

/** Everything the shell says unasked. */
export type ShellEvent = AppEvent | PendingEvent;

/** Calls `handler` for everything the shell says unasked; the result stops it. */
export function onAppEvent(handler: (event: ShellEvent) => void): Promise<() => void> {
  return listen<ShellEvent>("hilum", (message) => handler(message.payload));
}
