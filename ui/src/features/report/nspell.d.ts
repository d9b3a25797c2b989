declare module "nspell" {
  interface Speller {
    correct(word: string): boolean;
    suggest(word: string): string[];
  }
  /** A speller over one list of words in Hunspell's form. */
  export default function nspell(dictionary: { aff: string; dic: string }): Speller;
}
