import type { ReportView } from "../../ipc";
import { sameText, trimmed, type Section } from "./sentences";

/** Words that a person typed into a report and Hilum could not take before the report went from the screen. */
export interface WaitingText {
  /** Id of who typed them: nobody else is shown them. */
  user: string;
  name: string;
  studyUid: string;
  parts: Part[];
}

/** What waits of a section. */
export interface Part {
  heading: string;
  sentences: Waiting[];
}

export interface Waiting {
  text: string;
  /** What Hilum has in the sentence's place; empty for one that it does not have. */
  was: string;
}

/**
 * Kept in the page, and nowhere else: what refuses the text, such as a full disk, refuses a copy of it as well. It is shown
 * beside the report and put back by a person, never by itself: others may have gone on in the report, or signed it, since.
 */
class WaitingTexts {
  private all = $state.raw<WaitingText[]>([]);
  private readonly closing = new Set<Promise<void>>();
  /** The dialog with the texts of who is logged in is open. */
  shown = $state(false);

  /** Whose text waits, each once. */
  readonly names = $derived([...new Set(this.all.map((text) => text.name))]);

  /** Nobody knows whether words of a report wait before it is closed; what that gives does not matter here. */
  follow(closing: Promise<void>): void {
    const closed = closing.then(
      () => undefined,
      () => undefined,
    );
    this.closing.add(closed);
    void closed.then(() => this.closing.delete(closed));
  }

  /** Resolves once every report that left the screen is closed, and with it its words either taken or among those that wait. */
  async settled(): Promise<void> {
    while (this.closing.size > 0) await Promise.all(this.closing);
  }

  of(user: string | undefined): WaitingText[] {
    return this.all.filter((text) => text.user === user);
  }

  keep(text: WaitingText): void {
    if (text.parts.length > 0) this.all = [...this.all, text];
  }

  discard(text: WaitingText): void {
    this.all = this.all.filter((other) => other !== text);
  }
}

export const waiting = new WaitingTexts();

/** The sentences that stand in the editor with words of a person that the shell does not have. */
export function unsentWords(shell: ReportView, editor: Section[]): Part[] {
  const had = new Map(shell.sections.flatMap((section) => section.sentences).map((sentence) => [sentence.id, sentence.text]));
  const parts = editor.map(({ name, sentences }) => ({
    heading: shell.sections.find((section) => section.name === name)?.heading ?? name,
    sentences: sentences
      .map(({ id, text, state }) => ({ state, text: trimmed(text), was: trimmed(had.get(id) ?? "") }))
      .filter(({ state, text, was }) => state !== "proposed" && text !== "" && !sameText(text, was))
      .map(({ text, was }) => ({ text, was })),
  }));
  return parts.filter((part) => part.sentences.length > 0);
}

/** A section's words as they are pasted into its editor: a line a sentence. */
export function asLines({ sentences }: Part): string {
  return sentences.map((sentence) => sentence.text).join("\n");
}
