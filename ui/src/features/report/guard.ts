import { isHistoryTransaction } from "@tiptap/pm/history";
import type { Node as ProseNode } from "@tiptap/pm/model";
import { NodeSelection, Plugin, PluginKey, TextSelection, type EditorState, type Transaction } from "@tiptap/pm/state";
import { Mapping } from "@tiptap/pm/transform";
import { sentenceAt } from "./nodes";
import { emptySentence } from "./transform";
import { fromModel, halfOf, sameText, trimmed } from "./sentences";

/** Marks a transaction that may take proposals away: an explicit drop, or the shell's report. */
export const DECIDED = "hilum/decided";

/** Id of the proposed sentence whose words are being edited (E or double click), if any. */
export const editingKey = new PluginKey<string | null>("hilum/editing");

/** Something that a person tried and the guard did not let happen. */
export type Refused = () => void;

/** Whether the shell holds the sentence as a proposal that nobody has decided. */
export type Undecided = (id: string) => boolean;

function sentences(doc: ProseNode): Map<string, ProseNode> {
  const out = new Map<string, ProseNode>();
  doc.forEach((node) => {
    if (!out.has(node.attrs.id)) out.set(node.attrs.id, node);
  });
  return out;
}

/**
 * Keeps the invariants of a section under any edit: every sentence has an id of its own,
 * a proposed sentence cannot vanish by ordinary deletion, words changed by a person make
 * the sentence theirs, a model's words that are joined to another sentence stay known as
 * such, and a cursor enters a proposed sentence only to edit it.
 *
 * What is appended to a person's change is undone with it. A step of the history brings
 * the standing of its sentences along and is left as it is.
 */
export function guard(newId: () => string, refused: Refused, undecided: Undecided): Plugin<string | null> {
  return new Plugin<string | null>({
    key: editingKey,
    state: {
      init: () => null,
      apply(tr, editing, _old, state) {
        const asked = tr.getMeta(editingKey) as string | null | undefined;
        if (asked !== undefined) return asked;
        if (editing !== null && tr.selectionSet && state.selection.$from.parent.attrs.id !== editing) return null;
        return editing;
      },
    },
    filterTransaction(tr, state) {
      if (!tr.docChanged || tr.getMeta(DECIDED) || isHistoryTransaction(tr)) return true;
      const after = sentences(tr.doc);
      for (const [id, node] of sentences(state.doc)) {
        if (node.attrs.state !== "proposed") continue;
        const now = after.get(id);
        if (!now || trimmed(now.textContent) === "") {
          refused();
          return false;
        }
      }
      return true;
    },
    appendTransaction(transactions, before, state) {
      const tr = state.tr;
      if (transactions.some((t) => t.docChanged)) {
        giveIds(tr, newId);
        if (!transactions.some((t) => t.getMeta(DECIDED) || isHistoryTransaction(t))) {
          absorb(tr, transactions, before);
          takeOver(tr, before, undecided);
        }
      }
      focusProposal(tr, state);
      return tr.docChanged || tr.selectionSet ? tr : null;
    },
  });
}

/** A split leaves two sentences with one id; the one with words keeps it, else the first. */
function giveIds(tr: Transaction, newId: () => string): void {
  const seen = new Map<string, { position: number; empty: boolean }>();
  const fresh: { position: number; node: ProseNode }[] = [];
  tr.doc.forEach((node, position) => {
    const id = node.attrs.id as string;
    const twin = seen.get(id);
    if (id !== "" && !twin) {
      seen.set(id, { position, empty: node.content.size === 0 });
    } else if (id !== "" && twin!.empty && node.content.size > 0) {
      fresh.push({ position: twin!.position, node: tr.doc.nodeAt(twin!.position)! });
      seen.set(id, { position, empty: false });
    } else {
      fresh.push({ position, node });
    }
  });
  for (const { position, node } of fresh) {
    const words = trimmed(node.textContent);
    const whole = words === "" ? emptySentence("") : sentenceAt(node);
    tr.setNodeMarkup(position, undefined, halfOf(whole, words, newId()));
  }
}

/**
 * A drafted sentence whose words went into another one, by joining or by deleting across
 * the two. Where that other is a person's, or hides that a demonstration model spoke, the
 * joined sentence goes on as the drafted one, edited: its model stays on record.
 */
function absorb(tr: Transaction, transactions: readonly Transaction[], before: EditorState): void {
  const mapping = new Mapping();
  for (const transaction of transactions) mapping.appendMapping(transaction.mapping);
  const left = sentences(tr.doc);
  before.doc.forEach((node, position) => {
    const gone = sentenceAt(node);
    if (!fromModel(gone.state) || left.has(gone.id)) return;
    const start = mapping.map(position + 1, 1);
    if (mapping.map(position + 1 + node.content.size, -1) <= start) return;
    const place = tr.doc.resolve(start);
    const joined = sentenceAt(place.parent);
    if (fromModel(joined.state) && (joined.demo || !gone.demo)) return;
    const { text, ...standing } = gone;
    tr.setNodeMarkup(place.before(), undefined, {
      ...standing,
      state: "edited",
      modelText: gone.modelText ?? text,
      region: joined.region ?? gone.region,
    });
  });
}

/**
 * Changed words are a person's. A proposal that has its own words back before the shell
 * heard of another wording is a proposal again: typing and erasing decides nothing.
 */
function takeOver(tr: Transaction, before: EditorState, undecided: Undecided): void {
  const old = sentences(before.doc);
  tr.doc.forEach((node, position) => {
    const was = old.get(node.attrs.id);
    if (!was || was.textContent === node.textContent) return;
    const { id, state, modelText } = node.attrs;
    if ((state === "proposed" || state === "edited") && undecided(id) && sameText(node.textContent, modelText ?? was.textContent)) {
      if (state === "edited") tr.setNodeMarkup(position, undefined, { ...node.attrs, state: "proposed", modelText: null });
      return;
    }
    if (state === "template") tr.setNodeMarkup(position, undefined, { ...node.attrs, state: "person" });
    if (state === "proposed" || state === "accepted" || state === "accepted_in_bulk") {
      const words = modelText ?? was.textContent;
      tr.setNodeMarkup(position, undefined, { ...node.attrs, state: "edited", modelText: words });
    }
  });
}

/** A cursor that lands in a proposed sentence focuses it as a whole, unless its words are edited. */
function focusProposal(tr: Transaction, state: EditorState): void {
  const { selection } = tr;
  if (!(selection instanceof TextSelection) || !selection.empty) return;
  const node = selection.$from.parent;
  if (node.attrs.state !== "proposed" || editingKey.getState(state) === node.attrs.id) return;
  tr.setSelection(NodeSelection.create(tr.doc, selection.$from.before()));
}
