/// <reference lib="webworker" />
import "pdfjs-dist/legacy/build/pdf.worker.min.mjs";

// pdf.js inflates what is compressed by this where it is there, and WebKit 2.50 never lets go of what went through one: the
// whole document, for as long as the worker lives. Without it pdf.js inflates by itself.
Reflect.deleteProperty(self, "DecompressionStream");
