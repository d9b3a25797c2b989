/** Name, version and licence (SPDX) of a component from outside. */
export type Component = readonly [name: string, version: string, licence: string];

/** What shows the window, in words, by the name that it gives itself. */
export function webEngine(userAgent: string): string {
  const [, edge] = /Edg\/([\d.]+)/.exec(userAgent) ?? [];
  if (edge) return `WebView2 ${edge}`;
  const [, chromium] = /Chrom(?:e|ium)\/([\d.]+)/.exec(userAgent) ?? [];
  if (chromium) return `Chromium ${chromium}`;
  const [, webkit] = /AppleWebKit\/([\d.]+)/.exec(userAgent) ?? [];
  return webkit ? `WebKit ${webkit}` : "a web view of this system";
}
