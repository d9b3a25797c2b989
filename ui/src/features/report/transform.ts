import type { Node as ProseNode, Schema } from "@tiptap/pm/model";
import type { Transaction } from "@tiptap/pm/state";
import { sentenceAt } from "./nodes";
import type { Sentence } from "./sentences";

export function sentencesOf(doc: ProseNode): Sentence[] {
  const out: Sentence[] = [];
  doc.forEach((node) => out.push(sentenceAt(node)));
  return out;
}

export function nodeOf(schema: Schema, sentence: Sentence): ProseNode {
  const { text, ...attrs } = sentence;
  return schema.nodes.sentence!.create(attrs, text === "" ? null : schema.text(text));
}

/** A document of a section; an empty one holds one empty sentence to type in. */
export function documentOf(schema: Schema, sentences: Sentence[], newId: () => string): ProseNode {
  const list = sentences.length > 0 ? sentences : [emptySentence(newId())];
  return schema.topNodeType.create(null, list.map((s) => nodeOf(schema, s)));
}

export function emptySentence(id: string): Sentence {
  return { id, text: "", region: null, state: "person", demo: false, modelText: null, support: [], from: null };
}

/**
 * Makes the document of `tr` hold `wanted` with as few steps as possible, so that cursor
 * and selection stay where they are in every sentence that does not change.
 */
export function bringTo(tr: Transaction, schema: Schema, wanted: Sentence[], newId: () => string): void {
  const target = wanted.length > 0 ? wanted : [emptySentence(newId())];
  const keep = new Set(target.map((s) => s.id));
  const present = sentencesOf(tr.doc).filter((s) => keep.has(s.id));
  const inOrder = new Set(target.map((s) => s.id).filter((id) => present.some((s) => s.id === id)));
  const ordered = present.every((s, i) => s.id === [...inOrder][i]);

  // Sentences that change places are put in anew; the shell hardly ever reorders.
  const stay = ordered ? keep : new Set<string>();
  // Inserting before removing, because a document is never empty.
  let position = 0;
  for (const sentence of target) {
    let node = tr.doc.nodeAt(position);
    while (node && !keep.has(node.attrs.id)) {
      position += node.nodeSize;
      node = tr.doc.nodeAt(position);
    }
    if (node && stay.has(sentence.id) && node.attrs.id === sentence.id) {
      position = change(tr, schema, position, node, sentence);
    } else {
      const made = nodeOf(schema, sentence);
      tr.insert(position, made);
      position += made.nodeSize;
    }
  }
  remove(tr, target);
}

/** Sets words and attributes of the sentence at `position`; returns the position behind it. */
function change(tr: Transaction, schema: Schema, position: number, node: ProseNode, wanted: Sentence): number {
  const { text } = wanted;
  const attrs = pick(wanted);
  if (JSON.stringify(attrs) !== JSON.stringify(pick(sentenceAt(node)))) tr.setNodeMarkup(position, undefined, attrs);
  if (node.textContent !== text) {
    const from = position + 1;
    const to = from + node.content.size;
    if (text === "") tr.delete(from, to);
    else tr.replaceWith(from, to, schema.text(text));
  }
  return position + tr.doc.nodeAt(position)!.nodeSize;
}

function pick({ id, region, state, demo, modelText, support, from }: Sentence): Omit<Sentence, "text"> {
  return { id, region, state, demo, modelText, support, from };
}

/** Removes every node that `target` does not have at its place, from the end. */
function remove(tr: Transaction, target: Sentence[]): void {
  const nodes: { position: number; node: ProseNode }[] = [];
  tr.doc.forEach((node, position) => nodes.push({ position, node }));
  let next = 0;
  const surplus: typeof nodes = [];
  for (const entry of nodes) {
    const wanted = target[next];
    const fits = wanted && entry.node.attrs.id === wanted.id && entry.node.textContent === wanted.text;
    if (fits) next += 1;
    else surplus.push(entry);
  }
  for (const { position, node } of surplus.reverse()) tr.delete(position, position + node.nodeSize);
}
