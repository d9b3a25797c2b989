import { getSchema } from "@tiptap/core";
import { EditorState, TextSelection } from "@tiptap/pm/state";
import { expect, test } from "vitest";
import { decorate } from "./decorations";
import { sentence } from "./fixtures";
import { SectionDocument, SentenceNode, Words } from "./nodes";
import type { Sentence } from "./sentences";
import { documentOf } from "./transform";

const schema = getSchema([SectionDocument, Words, SentenceNode]);
const asked: string[] = [];
const right = (word: string): boolean => {
  asked.push(word);
  return !["smal", "efusion"].includes(word);
};

/** The words underlined in a section, and its hint; the cursor stands at `at`. */
function shown(open: boolean, sentences: Sentence[], at = 1): { wrong: string[]; hint: string | null } {
  asked.length = 0;
  const doc = documentOf(schema, sentences, () => "new");
  const state = EditorState.create({ doc, selection: TextSelection.create(doc, at) });
  const all = decorate(state, open, "Why?", () => undefined, right).find();
  const attributes = all.map((one) => ({ one, attrs: (one as unknown as { type: { attrs: Record<string, string> } }).type.attrs }));
  return {
    wrong: attributes.filter(({ attrs }) => attrs.class === "misspelt").map(({ one }) => doc.textBetween(one.from, one.to)),
    hint: attributes.find(({ attrs }) => attrs["data-hint"])?.attrs["data-hint"] ?? null,
  };
}

const written = [sentence("a", "A smal efusion."), sentence("b", "A smal one.", "proposed")];

test("words called wrong are underlined in what a person wrote, but for the one at the cursor", () => {
  expect(shown(true, written).wrong).toEqual(["smal", "efusion"]);
  expect(shown(true, written, 5).wrong).toEqual(["efusion"]);
});

test("nothing is underlined where nothing can be written, nor asked about", () => {
  expect(shown(false, written).wrong).toEqual([]);
  expect(asked).toEqual([]);
});

test("a section without words invites to write while it is open", () => {
  expect([shown(true, []).hint, shown(false, []).hint, shown(true, written).hint]).toEqual(["Why?", null, null]);
});
