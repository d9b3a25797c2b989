import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

/** Runes everywhere, so that reactivity is always written out. */
export default {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true },
};
