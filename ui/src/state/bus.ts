import { onAppEvent, type ShellEvent } from "../ipc";

type Listener = (event: ShellEvent) => void;
const listeners = new Set<Listener>();

/** Everything on the screen that follows the shell's events subscribes here; the result ends it. */
export function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Connects the window to the shell; called once. */
export function connect(): Promise<() => void> {
  return onAppEvent((event) => {
    for (const listener of [...listeners]) listener(event);
  });
}
