import type { EditCommand, SectionName } from "../../ipc";
import type { Section } from "./sentences";

export interface Found {
  section: SectionName;
  sentenceId: string;
  /** The sentence as it would be. */
  after: string;
}

/** Sentences of open sections that hold the words, with each place replaced. Proposed ones are not changed unread. */
export function found(sections: readonly Section[], open: ReadonlySet<string>, words: string, replacement: string): Found[] {
  if (words === "") return [];
  const pattern = new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
  return sections
    .filter((section) => open.has(section.name))
    .flatMap(({ name, sentences }) =>
      sentences
        .filter((sentence) => sentence.state !== "proposed" && sentence.text.search(pattern) >= 0)
        .map((sentence) => ({ section: name, sentenceId: sentence.id, after: sentence.text.replace(pattern, () => replacement) })),
    );
}

/** The edits that replace; a sentence that would be left without words is taken out. */
export function replacing(places: readonly Found[]): EditCommand[] {
  return places.map(({ sentenceId, after }) => (after.trim() === "" ? { do: "remove", id: sentenceId } : { do: "edit", id: sentenceId, text: after.trim() }));
}
