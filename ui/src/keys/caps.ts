import { keymap } from "./keymap.svelte";
import { action, printed, type ActionId } from "./registry";

/** The key cap of an action as the reader has it; empty where it has no key. */
export function capOf(id: ActionId): string {
  const key = keymap.keysOf(action(id))[0];
  return key === undefined ? "" : printed(key);
}

/** "Invert (I)": how tooltips name an action. "Zoom (Z; by keys: +, -)" where others do the same without a pointer. */
export function tooltip(id: ActionId, byKeys: readonly ActionId[] = []): string {
  const caps = byKeys.map(capOf).filter((cap) => cap !== "");
  const said = [capOf(id), caps.length > 0 ? `by keys: ${caps.join(", ")}` : ""].filter((part) => part !== "");
  return said.length === 0 ? action(id).title : `${action(id).title} (${said.join("; ")})`;
}

/** A sentence with the key of every action that it names in braces: "Sign with {sign.open}." */
export function withCaps(text: string): string {
  return text.replace(/\{([a-z_.]+)\}/g, (whole, id: string) => {
    const named = action(id as ActionId) as ReturnType<typeof action> | undefined;
    return named ? capOf(id as ActionId) || `“${named.title}” (from the palette)` : whole;
  });
}
