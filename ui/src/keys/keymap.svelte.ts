import { ACTIONS, type Action, type ActionId, type Scope } from "./registry";

/** Keys that a reader chose in place of the standard ones, by action; no keys for an action that has none. */
export type Changes = Readonly<Partial<Record<ActionId, readonly string[]>>>;

/** Keys that move in a form, press its buttons or edit its text in every window; they are not given away. */
const RESERVED = new Set(["Tab", "Shift+Tab", "Enter", "Shift+Enter", " ", "Shift+ ", "Ctrl+A", "Ctrl+C", "Ctrl+V", "Ctrl+X"]);
/** More keys for one action than anybody remembers. */
const MOST = 3;

/** Which keys mean what: the standard ones, and what the reader changed. */
class Keymap {
  changes = $state.raw<Changes>({});
  /** True while a key is being chosen: then keys do nothing else. */
  choosing = $state(false);

  keysOf(action: Pick<Action, "id" | "keys">): readonly string[] {
    return this.changes[action.id as ActionId] ?? action.keys;
  }

  /** True where the reader changed the keys of an action. */
  isChanged(id: ActionId): boolean {
    return id in this.changes;
  }
}

export const keymap = new Keymap();

/** Whether two scopes are ever on the screen together, so that one key cannot stand in both. */
function meet(a: Scope, b: Scope, key: string): boolean {
  if (a === b) return true;
  // What is done to a focused proposal is asked before all else, and only there.
  if (a === "proposal" || b === "proposal") return false;
  if (a === "everywhere" || b === "everywhere") return true;
  // With the focus in the images their chords come first: "Ctrl Z" undoes there what was drawn.
  const both = new Set([a, b]);
  return both.has("image") && both.has("room") && !/^(Ctrl|Alt)\+/.test(key);
}

/** Why an action cannot have a key: it is reserved, or what has it already. Null when it can. */
export function obstacle(action: Action, key: string, changes: Changes): "reserved" | Action | null {
  if (RESERVED.has(key)) return "reserved";
  const keysOf = (other: Action) => changes[other.id as ActionId] ?? other.keys;
  return ACTIONS.find((other) => other.id !== action.id && keysOf(other).includes(key) && meet(action.scope, other.scope, key)) ?? null;
}

/** An action with one key in place of those it had; other actions that cannot share it lose it. */
export function withKey(action: Action, key: string, changes: Changes): Changes {
  const next: Partial<Record<ActionId, readonly string[]>> = { ...changes, [action.id]: [key] };
  for (let other = obstacle(action, key, next); other !== null && other !== "reserved"; other = obstacle(action, key, next)) {
    const had: readonly string[] = next[other.id as ActionId] ?? other.keys;
    next[other.id as ActionId] = had.filter((k) => k !== key);
  }
  return next;
}

/** The standard keys of an action that nothing else has. A reserved one that is its standard is its own. */
function freeKeys(action: Action, changes: Changes): string[] {
  return action.keys.filter((key) => {
    const taken = obstacle(action, key, changes);
    return taken === null || taken === "reserved";
  });
}

/** An action with its standard keys again, but for those that were given to another one. */
export function withStandard(action: Action, changes: Changes): Changes {
  const { [action.id as ActionId]: _, ...rest } = changes;
  const free = freeKeys(action, rest);
  return free.length === action.keys.length ? rest : { ...rest, [action.id]: free };
}

/** The same changes, where an action that is newer than they are has a key as its standard which the reader gave to another one: that one keeps it. */
function settled(changes: Changes): Changes {
  const unchanged = (ACTIONS as readonly Action[]).filter((action) => !(action.id in changes));
  const robbed = unchanged.map((action) => [action, freeKeys(action, changes)] as const).filter(([action, free]) => free.length < action.keys.length);
  return { ...changes, ...Object.fromEntries(robbed.map(([action, free]) => [action.id, free])) };
}

/** Changes as they were kept; none for what is not such a list, or names what is not there any more. */
export function parseChanges(text: string | null): Changes {
  if (!text) return {};
  try {
    const kept = JSON.parse(text) as Record<string, unknown>;
    if (typeof kept !== "object" || kept === null || Array.isArray(kept)) return {};
    const known = new Set<string>(ACTIONS.map((a) => a.id));
    const keys = (value: unknown): value is string[] => Array.isArray(value) && value.length <= MOST && value.every((k) => typeof k === "string" && k !== "" && k.length < 40 && !RESERVED.has(k));
    return settled(Object.fromEntries(Object.entries(kept).filter(([id, value]) => known.has(id) && keys(value))) as Changes);
  } catch {
    return {};
  }
}
