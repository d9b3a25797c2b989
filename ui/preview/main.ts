import { PreviewShell } from "./shell";

// The shell's side of the boundary, in the browser. It must stand before the application starts.
const options = new URLSearchParams(location.search);
const shell = new PreviewShell({
  firstRun: options.has("first-run"),
  locked: options.has("locked"),
  empty: options.has("empty"),
  noModels: options.has("no-models"),
  failDecode: options.has("fail-decode"),
  failDraft: options.has("fail-draft"),
  slowDraft: options.has("slow-draft"),
  failPack: options.has("fail-pack"),
  failBackup: options.has("fail-backup"),
  refusePack: options.has("refuse-pack"),
  calibrated: options.has("calibrated"),
  staleCalibration: options.has("stale"),
  noPrior: options.has("no-prior"),
  noMap: options.has("no-map"),
  large: options.has("large"),
  held: options.has("held"),
  readFirst: options.has("read-first"),
  trainee: options.has("trainee"),
  prepared: options.has("prepared"),
  many: options.has("many"),
  full: options.has("full"),
  theme: options.get("theme") ?? "dark",
});
Object.assign(window, { __TAURI_INTERNALS__: shell.internals(), preview: shell });
await import("../src/main");
