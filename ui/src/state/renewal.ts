import { shell } from "../ipc";

/** Milliseconds that leaving full screen may take. */
const LEAVING = 1000;

/**
 * Has this page replaced by a new one in a process of its own; it is the one of the second window, or of the first. Out of full
 * screen before: WebKit's view would go on keeping Esc and F from the page, of which it is to leave full screen.
 */
export async function leavePage(second: boolean): Promise<void> {
  if (document.fullscreenElement) {
    const late = new Promise((tell) => setTimeout(tell, LEAVING));
    await Promise.race([document.exitFullscreen().catch(() => undefined), late]);
  }
  await shell.renewPage(second);
}
