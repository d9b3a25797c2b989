import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The screens with a backend in memory, for looking at them without the shell.
// This is an entry of its own: nothing of `preview/` is part of the application's build.
export default defineConfig({
  root: "preview",
  plugins: [svelte({ configFile: "../svelte.config.js" })],
  clearScreen: false,
  server: { port: 1421, strictPort: true, host: "127.0.0.1", fs: { allow: [".."] } },
  worker: { format: "es" },
});
