import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { ofTheDocument } from "./src/theme/document-properties.ts";

/** Refuses a build whose styles give the document's element custom properties. */
const noneOfTheDocument: Plugin = {
  name: "no-custom-properties-of-the-document",
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
      const rules = ofTheDocument(String(file.source));
      if (rules.length > 0) this.error(`${file.fileName}: custom properties of the document's element, in ${rules.join(", ")}`);
    }
  },
};

export default defineConfig({
  plugins: [svelte(), noneOfTheDocument],
  clearScreen: false,
  // The shell's `devUrl` names this port, so another one must be an error.
  server: { port: 1420, strictPort: true, host: "127.0.0.1" },
  worker: { format: "es" },
  build: {
    // What WebKitGTK 2.44 and newer, WKWebView and WebView2 understand.
    target: ["es2022", "safari17"],
    // With light-dark(), which nothing here says: for an engine without it the minifier gives what has a colour scheme custom
    // properties, and the document's element must have none (src/theme/tokens.css).
    cssTarget: ["safari17.5"],
    // A data: URL would be a second place where fonts come from.
    assetsInlineLimit: 0,
    // The PDF viewer alone is larger than the default limit; it is loaded on demand.
    chunkSizeWarningLimit: 1200,
  },
  test: { include: ["src/**/*.test.ts", "tests/**/*.test.ts"], environment: "node" },
});
