import { getDocument, PDFWorker, type PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import { IpcError } from "../../ipc";
import type { Pdf } from "./pages";
import { Readers, type Reader } from "./reader";

/** A thread that pdf.js reads in. */
interface PdfReader extends Reader {
  worker: PDFWorker;
}

const readers = new Readers(start);

function start(): PdfReader {
  // A file of the application; nothing is fetched from anywhere else.
  const thread = new Worker(new URL("./pdf-worker.ts", import.meta.url), { type: "module" });
  const worker = PDFWorker.create({ port: thread });
  const end = () => {
    worker.destroy();
    thread.terminate();
  };
  const reader: PdfReader = { worker, onfall: null, end };
  // pdf.js does not listen for these, and would wait for ever.
  for (const fault of ["error", "messageerror"]) {
    thread.addEventListener(fault, (event) => reader.onfall?.(unreadable((event as ErrorEvent).message || "what reads documents does not run")));
  }
  return reader;
}

const unreadable = (reason: unknown) => (reason instanceof IpcError ? reason : new IpcError("pdf.unreadable", String(reason)));

/**
 * Opens a PDF without evaluating anything in it. The buffer belongs to the reader afterwards. Rejects where it cannot be
 * read, and when it is `closed` before it was.
 */
export async function openPdf(bytes: ArrayBuffer, closed: AbortSignal): Promise<Pdf> {
  let fall: (reason: unknown) => void = () => undefined;
  const fell = new Promise<never>((_, reject) => (fall = reject));
  // It may fall while nothing is waited for.
  fell.catch(() => undefined);
  const left = new Promise<never>((_, reject) => closed.addEventListener("abort", reject, { once: true }));
  const reader = readers.take(fall);
  try {
    const opening = getDocument({
      data: new Uint8Array(bytes),
      worker: reader.worker,
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
    const pdf = await Promise.race([opening.promise, left, fell]);
    return {
      numPages: pdf.numPages,
      draw: (number, width) => Promise.race([draw(pdf, number, width), fell]),
      destroy: () => readers.giveBack(reader, pdf.destroy()),
    };
  } catch (reason) {
    // It may hang, or be in any state.
    readers.end(reader);
    throw unreadable(reason);
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
