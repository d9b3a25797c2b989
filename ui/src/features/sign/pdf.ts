import { getDocument, GlobalWorkerOptions, PDFWorker, type PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import workerUrl from "pdfjs-dist/legacy/build/pdf.worker.min.mjs?url";

// The worker is a file of the application; nothing is fetched from anywhere else.
GlobalWorkerOptions.workerSrc = workerUrl;

/** One for all documents: WebKit keeps megabytes of every worker that has ended, and a day has hundreds of documents. */
let worker: PDFWorker | null = null;

/** Opens a PDF without evaluating anything in it. The buffer belongs to the worker afterwards. */
export async function openPdf(bytes: ArrayBuffer): Promise<PDFDocumentProxy> {
  worker ??= new PDFWorker();
  const opening = getDocument({
    data: new Uint8Array(bytes),
    worker,
    // Letters are drawn as outlines. As fonts of the page they stay in WebKit's cache of fonts when the document is gone.
    disableFontFace: true,
    isEvalSupported: false,
    enableXfa: false,
    useWasm: false,
    useSystemFonts: false,
    disableAutoFetch: true,
    disableStream: true,
    stopAtErrors: false,
  });
  try {
    return await opening.promise;
  } catch (reason) {
    // Whatever state it was left in, the next document has another one.
    await opening.destroy().catch(() => undefined);
    worker?.destroy();
    worker = null;
    throw reason;
  }
}

/** Draws one page as wide as `width` CSS pixels. */
export async function drawPage(pdf: PDFDocumentProxy, number: number, width: number): Promise<HTMLCanvasElement> {
  const page = await pdf.getPage(number);
  const natural = page.getViewport({ scale: 1 });
  const viewport = page.getViewport({ scale: (width / natural.width) * devicePixelRatio });
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(viewport.width);
  canvas.height = Math.round(viewport.height);
  canvas.style.width = `${width}px`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Page ${number}`);
  try {
    await page.render({ canvas, viewport }).promise;
  } catch (reason) {
    // Closed while it was drawn: nobody else has it to clear.
    canvas.width = canvas.height = 0;
    throw reason;
  }
  return canvas;
}
