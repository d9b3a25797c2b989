/** A word of a text and where it stands. */
export interface WordAt {
  word: string;
  from: number;
  to: number;
}

/**
 * The words of a text that spelling looks at: letters with apostrophes inside. Left out are what stands in
 * brackets (fields), macros (".ett"), words with digits ("T12", "L1-L2"), abbreviations in capitals ("PICC"),
 * and single letters.
 */
export function wordsOf(text: string): WordAt[] {
  const found: WordAt[] = [];
  const hidden = text.replace(/\[[^\]]*\]|(?<=^|\s)\.[a-z]\w*/gi, (match) => " ".repeat(match.length));
  for (const match of hidden.matchAll(/[\p{L}\p{M}\p{N}]+(?:['\u2019][\p{L}\p{M}]+)*/gu)) {
    const word = match[0];
    if (word.length < 2 || /\p{N}/u.test(word)) continue;
    if (word === word.toUpperCase() && word.length <= 6) continue;
    found.push({ word, from: match.index, to: match.index + word.length });
  }
  return found;
}
