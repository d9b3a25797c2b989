import nspell from "nspell";

/** Most suggestions for a word. */
const MOST = 6;

/** Lists of words in Hunspell's form, any of which may know a word, and a lexicon besides. */
export class Dictionary {
  private readonly lists: ReturnType<typeof nspell>[];
  private readonly lexicon = new Set<string>();

  constructor(lists: readonly (readonly [aff: string, dic: string])[]) {
    this.lists = lists.map(([aff, dic]) => nspell({ aff, dic }));
  }

  /** Words that are right from now on, in lower case. */
  learn(words: readonly string[]): void {
    for (const word of words) this.lexicon.add(word);
  }

  knows(word: string): boolean {
    const plain = word.replaceAll("\u2019", "'");
    const bare = plain.replace(/'s?$/i, "");
    const lower = bare.toLowerCase();
    if (this.lexicon.has(lower)) return true;
    // The plural of a term that is in the lexicon, which has most of them anyway.
    if (lower.endsWith("s") && this.lexicon.has(lower.slice(0, -1))) return true;
    return this.lists.some((list) => list.correct(plain) || list.correct(bare));
  }

  /** Words that may have been meant, those of the lexicon that differ by one letter first. */
  suggest(word: string): string[] {
    const plain = word.replaceAll("\u2019", "'");
    const lower = plain.toLowerCase();
    const terms = [...this.lexicon].filter((term) => oneApart(term, lower));
    const capital = plain.charAt(0) !== lower.charAt(0);
    const cased = terms.map((term) => (capital ? term.charAt(0).toUpperCase() + term.slice(1) : term));
    return [...new Set([...cased, ...this.lists.flatMap((list) => list.suggest(plain))])].slice(0, MOST);
  }
}

/** True when one letter added, left out, changed, or two neighbours exchanged make the one word the other. */
export function oneApart(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const left = [a.length - start - end, b.length - start - end];
  if (Math.max(...left) <= 1) return true;
  return left[0] === 2 && left[1] === 2 && a[start] === b[start + 1] && a[start + 1] === b[start];
}
