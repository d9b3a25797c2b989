import type { Node as ProseNode } from "@tiptap/pm/model";
import type { EditorState } from "@tiptap/pm/state";
import { Decoration, DecorationSet } from "@tiptap/pm/view";
import type { RegionName, SentenceEvidence } from "../../ipc";
import { stateOf } from "./evidence";
import { REGION_HEADINGS } from "./sentences";

/** Small heads where the region changes, a hint in a section without words, and what the models say of a sentence. */
export function decorate(state: EditorState, hint: string, evidence: (id: string) => SentenceEvidence | undefined): DecorationSet {
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
  if (state.doc.childCount === 1 && state.doc.firstChild!.content.size === 0) {
    found.push(Decoration.node(0, state.doc.firstChild!.nodeSize, { "data-hint": hint }));
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
