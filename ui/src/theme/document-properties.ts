/**
 * The rules that give the document's element custom properties: `tokens.css` says why there must be none. Asked of the
 * sources by a test, and of what is built by the build, since a minifier adds properties of its own.
 */
export function ofTheDocument(css: string): string[] {
  const rules = [...css.replace(/\/\*[\s\S]*?\*\/|@[^{;]*\{/g, "").matchAll(/([^{};]+)\{([^{}]*)/g)].filter(([, , body]) => /(^|[\s;])--[a-z]/.test(body!));
  // Of `[data-theme]` and `*` the document's element is one as well.
  return rules.flatMap(([, selectors]) => selectors!.split(",").map((one) => one.trim())).filter((one) => /^(:root|:where\(|:is\(|html|\*|\[)[^\s>+~]*$/.test(one));
}
