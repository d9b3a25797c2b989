import { getDocument, PDFWorker, type PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import type { Pdf } from "./pages";

/** What reads documents; the thread is ended with it. */
interface Reader {
  thread: Worker;
  worker: PDFWorker;
}

/** How long a reader may take to let a document go, milliseconds. One that is late is ended. */
const PATIENCE = 5000;

/** One for all documents: WebKit keeps some of every thread that has ended, and a day has hundreds of documents. */
let reader: Reader | null = null;

function start(): Reader {
  // A file of the application; nothing is fetched from anywhere else.
  const thread = new Worker(new URL("./pdf-worker.ts", import.meta.url), { type: "module" });
  return { thread, worker: PDFWorker.create({ port: thread }) };
}

/** Whatever state it is in, the next document has another one. */
function end(ended: Reader): void {
  if (reader === ended) reader = null;
  ended.worker.destroy();
  ended.thread.terminate();
}

/**
 * Opens a PDF without evaluating anything in it. The buffer belongs to the reader afterwards. Rejects where it cannot be
 * read, and when it is `closed` before it was.
 */
export async function openPdf(bytes: ArrayBuffer, closed: AbortSignal): Promise<Pdf> {
  const own = (reader ??= start());
  const opening = getDocument({
    data: new Uint8Array(bytes),
    worker: own.worker,
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
  const left = new Promise<never>((_, reject) => closed.addEventListener("abort", reject, { once: true }));
  try {
    const pdf = await Promise.race([opening.promise, left]);
    return {
      numPages: pdf.numPages,
      draw: (number, width) => draw(pdf, number, width),
      destroy: () => free(pdf, own),
    };
  } catch (reason) {
    // It may hang, and would hold up the next document.
    end(own);
    throw reason;
  }
}

async function free(pdf: PDFDocumentProxy, own: Reader): Promise<void> {
  const late = setTimeout(() => end(own), PATIENCE);
  try {
    await pdf.destroy();
  } catch {
    end(own);
  } finally {
    clearTimeout(late);
  }
}

async function draw(pdf: PDFDocumentProxy, number: number, width: number): Promise<HTMLCanvasElement> {
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
