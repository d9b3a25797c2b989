import { keymap } from "./keymap.svelte";
import { ACTIONS, type Action, type ActionId, type Scope } from "./registry";

/** What of a keyboard event decides which action it means. */
export interface Stroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  /** The third level of a keyboard, with which "[" is typed on many. */
  altGraph: boolean;
}

export function strokeOf(event: KeyboardEvent): Stroke {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  return { key, ctrlKey, metaKey, altKey, shiftKey, altGraph: event.getModifierState("AltGraph") };
}

/** The name of a stroke as the registry spells it. */
export function nameOf(stroke: Stroke): string {
  const modifiers: string[] = [];
  if (!stroke.altGraph) {
    if (stroke.ctrlKey || stroke.metaKey) modifiers.push("Ctrl");
    if (stroke.altKey) modifiers.push("Alt");
  }
  const letter = /^[a-z]$/i.test(stroke.key);
  // Shift is part of the character in "?" and "/", but chosen in "Shift+R" and "Ctrl+Shift+Z".
  if (stroke.shiftKey && (letter || stroke.key.length > 1)) modifiers.push("Shift");
  const key = letter ? (modifiers.length > 0 ? stroke.key.toUpperCase() : stroke.key.toLowerCase()) : stroke.key;
  return [...modifiers, key].join("+");
}

/** True for a stroke that would put a character into a text field or move in it. */
export function isTyping(name: string): boolean {
  return !/^(Ctrl|Alt)\+/.test(name) && !/^F\d+$/.test(name);
}

/** The action of a stroke in the given scopes; none for plain keys while a person types. */
export function actionFor(name: string, scopes: readonly Scope[], inText: boolean): Action | null {
  if (inText && isTyping(name)) return null;
  return ACTIONS.find((a) => scopes.includes(a.scope) && keymap.keysOf(a).includes(name)) ?? null;
}

type Handler = () => void;
const handlers = new Map<ActionId, Handler[]>();

/** Offers to carry out an action; the latest offer wins. The result withdraws it. */
export function provide(offers: Partial<Record<ActionId, Handler>>): () => void {
  const entries = Object.entries(offers) as [ActionId, Handler][];
  for (const [id, handler] of entries) handlers.set(id, [...(handlers.get(id) ?? []), handler]);
  return () => {
    for (const [id, handler] of entries) handlers.set(id, (handlers.get(id) ?? []).filter((h) => h !== handler));
  };
}

/** Carries out an action; false when nothing on the screen offers it. */
export function perform(id: ActionId): boolean {
  const handler = handlers.get(id)?.at(-1);
  if (!handler) return false;
  handler();
  return true;
}

/** The actions that something on the screen offers now, for the palette. */
export function available(): Action[] {
  return ACTIONS.filter((a) => (handlers.get(a.id)?.length ?? 0) > 0);
}

function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}

/**
 * True where the arrow keys have a meaning of their own: in the report they scroll what is read, and on a slider, a splitter,
 * a tab or a choice they move it. Whatever action has them waits there.
 */
function hasArrows(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[data-room=report], [role=separator], [role=tab], [role=menu], input[type=range], input[type=radio]") !== null;
}

/** Listens for keys on the window. `scopes` says what is on the screen at the moment. */
export function listenForKeys(scopes: () => readonly Scope[]): () => void {
  const onKey = (event: KeyboardEvent, chords: boolean) => {
    if (event.defaultPrevented || event.isComposing || keymap.choosing) return;
    const name = nameOf(strokeOf(event));
    if (isTyping(name) === chords) return;
    // Enter and Space belong to a focused button.
    if (event.target instanceof HTMLButtonElement && (name === "Enter" || name === " ")) return;
    if (/^(Shift\+)?Arrow/.test(name) && hasArrows(event.target)) return;
    const found = actionFor(name, scopes(), isTextField(event.target));
    // A plain field undoes its own typing.
    if (found && /^(edit|mark)\./.test(found.id) && event.target instanceof HTMLInputElement) return;
    if (found && perform(found.id as ActionId)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  // Chords come before the text editor, which swallows some of them; plain keys come after it.
  const before = (event: KeyboardEvent) => onKey(event, true);
  const after = (event: KeyboardEvent) => onKey(event, false);
  window.addEventListener("keydown", before, { capture: true });
  window.addEventListener("keydown", after);
  return () => {
    window.removeEventListener("keydown", before, { capture: true });
    window.removeEventListener("keydown", after);
  };
}
