/** The only room that knows the shell: typed commands, events and the error they reject with. */
export type * from "./bindings";
export * as shell from "./commands";
export { answered } from "./call";
export type { AuditCheck } from "./commands";
export { IpcError } from "./error";
export { onAppEvent, type ShellEvent } from "./events";
export { type LogoPicture } from "./logo";
export { parseMap, type EvidenceMap } from "./map";
export { letGo, parsePixels, type PixelDescription, type PixelImage, type PixelWindow } from "./pixels";
