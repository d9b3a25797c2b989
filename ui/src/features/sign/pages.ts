/** Opens a document; rejects with `pdf.unreadable` where it cannot be read, and when it is `closed` before it was. */
export type OpenPdf = (bytes: ArrayBuffer, closed: AbortSignal) => Promise<Pdf>;

/** A document that is open. */
export interface Pdf {
  numPages: number;
  /** Draws one page as wide as `width` CSS pixels. */
  draw(number: number, width: number): Promise<HTMLCanvasElement>;
  destroy(): Promise<unknown>;
}

/** Reads, opens and draws a document once. The result ends that and frees the document, however far it has come. */
export function showPages(
  place: HTMLElement,
  load: () => Promise<ArrayBuffer>,
  drawer: () => Promise<{ openPdf: OpenPdf }>,
  on: { drawn: (pages: number) => void; failed: (reason: unknown) => void },
): () => void {
  const closing = new AbortController();
  const closed = closing.signal;
  let pdf: Pdf | undefined;
  const drawn: HTMLCanvasElement[] = [];
  // Their pixels would stay until the page's engine collects the elements.
  const clear = () => drawn.forEach((page) => (page.width = page.height = 0));
  void (async () => {
    try {
      const bytes = await load();
      const { openPdf } = await drawer();
      if (closed.aborted) return;
      const opened = await openPdf(bytes, closed);
      // Closed while it was opened: nobody else frees it.
      if (closed.aborted) return void opened.destroy();
      pdf = opened;
      const width = Math.min(860, place.clientWidth - 40);
      for (let number = 1; !closed.aborted && number <= opened.numPages; number++) {
        const page = await opened.draw(number, width);
        drawn.push(page);
        place.append(page);
      }
      if (closed.aborted) clear();
      else on.drawn(opened.numPages);
    } catch (reason) {
      if (!closed.aborted) on.failed(reason);
    }
  })();
  return () => {
    closing.abort();
    clear();
    void pdf?.destroy();
  };
}
