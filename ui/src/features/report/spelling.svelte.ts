import { shell } from "../../ipc";
import { session } from "../../state/session.svelte";
import type { SpellingAnswer, SpellingQuestion } from "./spelling-worker";

/** Which words are right. Questions go to a thread of its own; a word without an answer yet counts as right. */
class SpellingClient {
  /** What the reader added, sorted. */
  own = $state.raw<readonly string[]>([]);
  private worker: Worker | null = null;
  private known = new Map<string, boolean>();
  private asking = new Set<string>();
  private scheduled = false;
  private listeners = new Set<() => void>();
  private waiting = new Map<string, ((words: string[]) => void)[]>();
  private enabled = $state(true);

  /** Reads the lexicon and the reader's own words; forgets what another reader's were. */
  async read(): Promise<void> {
    this.end();
    try {
      const [{ lexicon, own }, chosen] = await Promise.all([shell.spelling(), shell.preference("spelling")]);
      this.end();
      this.enabled = chosen !== "off";
      this.own = own;
      this.worker = new Worker(new URL("./spelling-worker.ts", import.meta.url), { type: "module" });
      this.worker.onmessage = ({ data }: MessageEvent<SpellingAnswer>) => this.answered(data);
      this.worker.onerror = () => this.end();
      this.ask({ lexicon });
      this.tell();
    } catch (reason) {
      session.say(reason);
    }
  }

  end(): void {
    this.worker?.terminate();
    this.worker = null;
    this.own = [];
    this.known.clear();
    this.asking.clear();
    // Nobody answers these any more, and a word that waits is not asked about again.
    for (const resolve of [...this.waiting.values()].flat()) resolve([]);
    this.waiting.clear();
    this.tell();
  }

  get on(): boolean {
    return this.enabled;
  }

  /** Turns spelling on or off, for this data folder. */
  async choose(on: boolean): Promise<void> {
    this.enabled = on;
    this.tell();
    await shell.setPreference("spelling", on ? "on" : "off");
  }

  /** False only for a word that is known to be wrong. */
  right(word: string): boolean {
    if (!this.enabled || this.worker === null) return true;
    const known = this.known.get(word);
    if (known !== undefined) return known || this.isOwn(word);
    this.asking.add(word);
    if (!this.scheduled) {
      this.scheduled = true;
      setTimeout(() => this.send(), 150);
    }
    return true;
  }

  /** Words that may have been meant; none while the list is being read. */
  suggest(word: string): Promise<string[]> {
    if (this.worker === null) return Promise.resolve([]);
    return new Promise((resolve) => {
      const all = this.waiting.get(word);
      if (all) all.push(resolve);
      else {
        this.waiting.set(word, [resolve]);
        this.ask({ suggest: word });
      }
    });
  }

  async add(word: string): Promise<void> {
    await shell.wordAdd(word);
    this.own = [...new Set([...this.own, word])].sort();
    this.tell();
  }

  async remove(word: string): Promise<void> {
    await shell.wordRemove(word);
    this.own = this.own.filter((one) => one !== word);
    this.tell();
  }

  /** Calls back when a word's standing has changed; the result ends that. */
  follow(changed: () => void): () => void {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  }

  private isOwn(word: string): boolean {
    return this.own.includes(word) || this.own.includes(word.toLowerCase());
  }

  private send(): void {
    this.scheduled = false;
    if (this.asking.size > 0) this.ask({ words: [...this.asking] });
    this.asking.clear();
  }

  private ask(question: SpellingQuestion): void {
    this.worker?.postMessage(question);
  }

  private answered(answer: SpellingAnswer): void {
    if ("suggest" in answer) {
      for (const resolve of this.waiting.get(answer.suggest) ?? []) resolve(answer.words);
      this.waiting.delete(answer.suggest);
      return;
    }
    for (const word of answer.asked) this.known.set(word, true);
    for (const word of answer.wrong) this.known.set(word, false);
    if (answer.wrong.length > 0) this.tell();
  }

  private tell(): void {
    for (const changed of this.listeners) changed();
  }
}

export const spelling = new SpellingClient();
