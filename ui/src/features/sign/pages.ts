import { IpcError } from "../../ipc";

/** What reads a document and draws its pages. */
export interface Drawer<T extends Pdf> {
  openPdf(bytes: ArrayBuffer): Promise<T>;
  drawPage(pdf: T, number: number, width: number): Promise<HTMLCanvasElement>;
}

export interface Pdf {
  numPages: number;
  destroy(): Promise<unknown>;
}

/** Reads, opens and draws a document once. The result ends that and frees the document, however far it has come. */
export function showPages<T extends Pdf>(
  place: HTMLElement,
  load: () => Promise<ArrayBuffer>,
  drawer: () => Promise<Drawer<T>>,
  on: { drawn: (pages: number) => void; failed: (reason: unknown) => void },
): () => void {
  let current = true;
  let pdf: T | undefined;
  const drawn: HTMLCanvasElement[] = [];
  // Their pixels would stay until the page's engine collects the elements.
  const clear = () => drawn.forEach((page) => (page.width = page.height = 0));
  void (async () => {
    try {
      const bytes = await load();
      const { openPdf, drawPage } = await drawer();
      if (!current) return;
      const opened = await openPdf(bytes).catch((reason: unknown) => {
        throw new IpcError("pdf.unreadable", String(reason));
      });
      // Closed while it was opened: nobody else frees it.
      if (!current) return void opened.destroy();
      pdf = opened;
      const width = Math.min(860, place.clientWidth - 40);
      for (let number = 1; current && number <= opened.numPages; number++) {
        const page = await drawPage(opened, number, width);
        drawn.push(page);
        place.append(page);
      }
      if (!current) clear();
      if (current) on.drawn(opened.numPages);
    } catch (reason) {
      if (current) on.failed(reason);
    }
  })();
  return () => {
    current = false;
    clear();
    void pdf?.destroy();
  };
}
