import { listen } from "@tauri-apps/api/event";
import type { AppEvent } from "./bindings";

/** Calls `handler` for everything the shell says unasked; the result stops it. */
export function onAppEvent(handler: (event: AppEvent) => void): Promise<() => void> {
  return listen<AppEvent>("hilum", (message) => handler(message.payload));
}
