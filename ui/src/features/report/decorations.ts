import type { Node as ProseNode } from "@tiptap/pm/model";
import type { EditorState } from "@tiptap/pm/state";
import { Decoration, DecorationSet } from "@tiptap/pm/view";
import type { RegionName, SentenceEvidence } from "../../ipc";
import { stateOf } from "./evidence";
import { REGION_HEADINGS } from "./sentences";
import { wordsOf } from "./words";

/** A word that is called wrong: its place in the document. */
export interface Misspelt {
  word: string;
  from: number;
  to: number;
}

/** Words called wrong in written sentences; a proposal's words are changed only when it is edited. */
export function misspelt(doc: ProseNode, right: (word: string) => boolean): Misspelt[] {
  const found: Misspelt[] = [];
  doc.forEach((node, position) => {
    if (node.attrs.state === "proposed") return;
    for (const { word, from, to } of wordsOf(node.textContent)) {
      if (!right(word)) found.push({ word, from: position + 1 + from, to: position + 1 + to });
    }
  });
  return found;
}

/**
 * Small heads where the region changes and what the models say of a sentence; while the section is `open` for writing also a hint
 * where it has no words, and words called wrong. In what is signed nothing can be put right.
 */
export function decorate(
  state: EditorState,
  open: boolean,
  hint: string,
  evidence: (id: string) => SentenceEvidence | undefined,
  right: (word: string) => boolean,
): DecorationSet {
  const found: Decoration[] = [];
  let region: RegionName | null = null;
  state.doc.forEach((node: ProseNode, position: number) => {
    const own = node.attrs.region as RegionName | null;
    if (own !== null && own !== region) {
      found.push(Decoration.widget(position, () => regionHead(own), { side: -1, key: `region-${own}-${node.attrs.id}` }));
    }
    region = own ?? region;
    const known = evidence(node.attrs.id);
    if (known) {
      const attributes = { "data-evidence": stateOf(known) };
      found.push(Decoration.node(position, position + node.nodeSize, attributes, { evidence: known }));
    }
  });
  if (!open) return DecorationSet.create(state.doc, found);
  if (state.doc.childCount === 1 && state.doc.firstChild!.content.size === 0) {
    found.push(Decoration.node(0, state.doc.firstChild!.nodeSize, { "data-hint": hint }));
  }
  const { head, empty } = state.selection;
  for (const { from, to } of misspelt(state.doc, right)) {
    // The word that is being typed is not finished.
    if (empty && head >= from && head <= to) continue;
    found.push(Decoration.inline(from, to, { class: "misspelt" }));
  }
  return DecorationSet.create(state.doc, found);
}

function regionHead(region: RegionName): HTMLElement {
  const head = document.createElement("div");
  head.className = "region-head";
  head.contentEditable = "false";
  head.textContent = REGION_HEADINGS[region];
  return head;
}
