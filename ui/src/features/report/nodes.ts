import { Node } from "@tiptap/core";
import type { Node as ProseNode } from "@tiptap/pm/model";
import type { Decoration, NodeView } from "@tiptap/pm/view";
import type { FindingSupport, SentenceEvidence } from "../../ipc";
import { capOf } from "../../keys/caps";
import { signed } from "../../components/format";
import { claimText, leading, numbersText, SENTENCE_WORDS, stateOf } from "./evidence";
import { STATE_WORDS, type Sentence } from "./sentences";

/** What a sentence's own buttons ask for; positions are those of the sentence node. */
export interface SentenceActions {
  focus(position: number): void;
  accept(position: number): void;
  edit(position: number): void;
  drop(position: number): void;
  /** What stands behind the sentence. */
  explain(position: number): void;
}

export const SectionDocument = Node.create({ name: "doc", topNode: true, content: "sentence+" });
export const Words = Node.create({ name: "text" });

/** One sentence: a block of plain text. What else is known of it are attributes, never marks. */
export const SentenceNode = Node.create<{ actions: SentenceActions }>({
  name: "sentence",
  content: "text*",
  marks: "",
  selectable: true,
  defining: true,

  addOptions() {
    return { actions: { focus() {}, accept() {}, edit() {}, drop() {}, explain() {} } };
  },

  addAttributes() {
    const attribute = (value: unknown) => ({ default: value, rendered: false });
    return {
      id: attribute(""),
      state: attribute("person"),
      region: attribute(null),
      demo: attribute(false),
      modelText: attribute(null),
      support: attribute([]),
      from: attribute(null),
    };
  },

  parseHTML() {
    return [{ tag: "p" }, { tag: "div[data-sentence]" }];
  },
  renderHTML() {
    return ["div", { "data-sentence": "" }, 0];
  },
  addNodeView() {
    const { actions } = this.options;
    return ({ node, getPos, decorations }) => new SentenceView(node, () => getPos() ?? 0, actions, decorations as readonly Decoration[]);
  },
});

export function sentenceAt(node: ProseNode): Sentence {
  const { id, state, region, demo, modelText, support, from } = node.attrs as Omit<Sentence, "text">;
  return { id, text: node.textContent, region, state, demo, modelText, support, from };
}

/** The sentence on the screen: its words, and under a proposed one where it stands and what to do. */
class SentenceView implements NodeView {
  readonly dom = document.createElement("div");
  readonly contentDOM = document.createElement("p");
  private readonly about = document.createElement("div");
  private shown: Sentence | null = null;
  private evidence: SentenceEvidence | undefined;

  constructor(
    node: ProseNode,
    private readonly position: () => number,
    private readonly actions: SentenceActions,
    decorations: readonly Decoration[],
  ) {
    this.about.className = "about";
    this.about.contentEditable = "false";
    this.dom.append(this.contentDOM, this.about);
    this.show(sentenceAt(node), evidenceOf(decorations));
    this.dom.addEventListener("mousedown", (event) => {
      if (this.shown?.state !== "proposed" || event.detail > 1 || event.button !== 0) return;
      if (event.target instanceof Element && event.target.closest("button")) return;
      // A click focuses the proposal as a whole; words are reached with E or a double click.
      event.preventDefault();
      this.actions.focus(this.position());
    });
    this.dom.addEventListener("dblclick", () => {
      if (this.shown?.state === "proposed") this.actions.edit(this.position());
    });
  }

  update(node: ProseNode, decorations: readonly Decoration[]): boolean {
    if (node.type.name !== "sentence") return false;
    this.show(sentenceAt(node), evidenceOf(decorations));
    return true;
  }
  selectNode(): void {
    this.dom.classList.add("focused");
  }
  deselectNode(): void {
    this.dom.classList.remove("focused");
  }
  ignoreMutation(record: { target: globalThis.Node; type: string }): boolean {
    return record.type !== "selection" && !this.contentDOM.contains(record.target);
  }
  stopEvent(event: Event): boolean {
    // A press on a proposal is answered here, as a whole; the editor would put a cursor into it.
    if (event.type === "mousedown" && this.shown?.state === "proposed") return event.defaultPrevented;
    return this.about.contains(event.target as globalThis.Node);
  }

  private show(sentence: Sentence, evidence: SentenceEvidence | undefined): void {
    const before = this.shown;
    const sameEvidence = JSON.stringify(this.evidence) === JSON.stringify(evidence);
    this.shown = sentence;
    this.evidence = evidence;
    const empty = sentence.text === "";
    this.dom.dataset.sentence = sentence.id;
    this.dom.dataset.state = sentence.state;
    this.dom.dataset.empty = String(empty);
    if (sentence.state === "proposed") this.dom.dataset.testid = "proposed-sentence";
    else delete this.dom.dataset.testid;
    const same =
      sameEvidence && before?.state === sentence.state && before.demo === sentence.demo && before.modelText === sentence.modelText &&
      JSON.stringify(before.support) === JSON.stringify(sentence.support);
    if (!same) this.about.replaceChildren(...this.parts(sentence));
  }

  private parts(sentence: Sentence): HTMLElement[] {
    const word = STATE_WORDS[sentence.state];
    const standing = this.standing();
    const inConflict = this.evidence && stateOf(this.evidence) === "conflict";
    if (word === "") return inConflict ? standing : [];
    const state = element("span", `state ${sentence.state}`, sentence.demo ? `${word} · demo` : word);
    if (sentence.state !== "proposed") {
      if (sentence.modelText !== null) state.title = `The model wrote: ${sentence.modelText}`;
      return inConflict ? [...standing, state] : [state];
    }
    const buttons = element("span", "actions");
    buttons.append(
      this.button("Accept", capOf("proposal.accept"), this.actions.accept),
      this.button("Edit", capOf("proposal.edit"), this.actions.edit),
      this.button("Drop", capOf("proposal.drop"), this.actions.drop),
    );
    return [state, ...(standing.length > 0 ? standing : sentence.support.map(supportPart)), buttons];
  }

  /** The word for how the sentence stands to the models; under a proposal with the numbers of the claim that matters most. */
  private standing(): HTMLElement[] {
    const claim = this.evidence && leading(this.evidence.claims);
    const state = this.evidence ? stateOf(this.evidence) : "none";
    if (!claim || state === "none") return [];
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    button.className = `standing ${state}`;
    button.dataset.testid = "claim-state";
    button.title = `${claimText(claim)}: ${claim.reason} Support, not a probability. All of it: ${capOf("evidence.show")}`;
    button.append(element("b", "", SENTENCE_WORDS[state]));
    if (this.shown?.state === "proposed") {
      const more = this.evidence!.claims.length - 1;
      const words = [numbersText(claim), more > 0 ? `${more} more` : ""].filter((x) => x !== "").join(" · ");
      if (words !== "") button.append(element("span", "", words));
    }
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => this.actions.explain(this.position()));
    return [button];
  }

  private button(label: string, cap: string, act: (position: number) => void): HTMLElement {
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    button.dataset.testid = `proposal-${label.toLowerCase()}`;
    button.append(element("kbd", "", cap), element("span", "", label));
    // The press must not take the focus out of the report.
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => act(this.position()));
    return button;
  }
}

function evidenceOf(decorations: readonly Decoration[]): SentenceEvidence | undefined {
  for (const { spec } of decorations) if (spec?.evidence) return spec.evidence as SentenceEvidence;
  return undefined;
}

function supportPart(support: FindingSupport): HTMLElement {
  const part = element("span", "support", `${support.label} ${signed(support.difference)}`);
  part.title = "Support by the image encoder, not a probability";
  return part;
}

function element(tag: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}
