/** What of the page full screen is asked of. */
type Page = Pick<Document, "fullscreenElement" | "exitFullscreen"> & { documentElement: Pick<HTMLElement, "requestFullscreen"> };

/** Into full screen, or out of it. Esc and the desktop leave it too, so what is so is asked of the page and not remembered. */
export async function toggleFullScreen(page: Page): Promise<void> {
  await (page.fullscreenElement ? page.exitFullscreen() : page.documentElement.requestFullscreen());
}
