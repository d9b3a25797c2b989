/// <reference lib="webworker" />
import { Dictionary } from "./dictionary";
import affUs from "../../../node_modules/dictionary-en/index.aff?raw";
import dicUs from "../../../node_modules/dictionary-en/index.dic?raw";
import affGb from "../../../node_modules/dictionary-en-gb/index.aff?raw";
import dicGb from "../../../node_modules/dictionary-en-gb/index.dic?raw";

/** What the window asks. Words of the lexicon come once, before all questions. */
export type SpellingQuestion = { lexicon: string[] } | { words: string[] } | { suggest: string };
export type SpellingAnswer = { wrong: string[]; asked: string[] } | { suggest: string; words: string[] };

declare const self: DedicatedWorkerGlobalScope;
let dictionary: Dictionary | null = null;

self.onmessage = ({ data }: MessageEvent<SpellingQuestion>) => {
  // Reading the lists takes a good part of a second, on this thread and not on the one that shows what is typed.
  dictionary ??= new Dictionary([
    [affUs, dicUs],
    [affGb, dicGb],
  ]);
  if ("lexicon" in data) dictionary.learn(data.lexicon);
  else if ("words" in data) {
    const { words } = data;
    const answer: SpellingAnswer = { asked: words, wrong: words.filter((word) => !dictionary!.knows(word)) };
    self.postMessage(answer);
  } else self.postMessage({ suggest: data.suggest, words: dictionary.suggest(data.suggest) } satisfies SpellingAnswer);
};
