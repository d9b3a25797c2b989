import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  clearScreen: false,
  // The shell's `devUrl` names this port, so another one must be an error.
  server: { port: 1420, strictPort: true, host: "127.0.0.1" },
  worker: { format: "es" },
  build: {
    // What WebKitGTK 2.44 and newer, WKWebView and WebView2 understand.
    target: ["es2022", "safari17"],
    // A data: URL would be a second place where fonts come from.
    assetsInlineLimit: 0,
    // The PDF viewer alone is larger than the default limit; it is loaded on demand.
    chunkSizeWarningLimit: 1200,
  },
  test: { include: ["src/**/*.test.ts", "tests/**/*.test.ts"], environment: "node" },
});
