import type { Action } from "../../keys/registry";

/** Actions whose title or group holds every word of the query, those that begin with it first. */
export function matching(actions: readonly Action[], query: string): Action[] {
  const words = query.toLowerCase().split(/\s+/).filter((w) => w !== "");
  const hits = actions.filter((a) => words.every((w) => `${a.title} ${a.group}`.toLowerCase().includes(w)));
  const first = words[0] ?? "";
  return hits.sort((a, b) => rank(a, first) - rank(b, first));
}

function rank(action: Action, word: string): number {
  const title = action.title.toLowerCase();
  if (title.startsWith(word)) return 0;
  return title.includes(` ${word}`) ? 1 : 2;
}
