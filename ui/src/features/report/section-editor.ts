import { Editor, Extension } from "@tiptap/core";
import { closeHistory, history, isHistoryTransaction, redo, undo, undoDepth } from "@tiptap/pm/history";
import type { Node as ProseNode } from "@tiptap/pm/model";
import { NodeSelection, Plugin, Selection, TextSelection, type Transaction } from "@tiptap/pm/state";
import type { EditorView } from "@tiptap/pm/view";
import type { SectionName, SentenceEvidence } from "../../ipc";
import { actionFor, nameOf, strokeOf } from "../../keys/dispatch";
import { decorate, misspelt, type Misspelt } from "./decorations";
import { atEdge, joinSentences, pasteText, readSelection, splitSentence } from "./editing";
import { DECIDED, editingKey, guard } from "./guard";
import { mergeSection } from "./merge";
import { begun, type Macro } from "./macros";
import { Fields } from "./section-fields";
import { SectionDocument, SentenceNode, Words, type SentenceActions } from "./nodes";
import type { Sentence } from "./sentences";
import { bringTo, documentOf, emptySentence, nodeOf, sentencesOf } from "./transform";

/** What a section's editor tells the report around it. */
export interface SectionEvents {
  /** A person changed something. */
  changed(section: SectionName): void;
  /** A step that can be undone was added: typing in a row, or a decision. */
  undoable(section: SectionName): void;
  /** A proposed sentence was shown and focused. */
  seen(id: string): void;
  /** The last proposed sentence of this section was decided, or one asked for the next. */
  nextProposal(section: SectionName, forward: boolean): void;
  /** The cursor leaves the section at its end or start. */
  leave(section: SectionName, forward: boolean): void;
  /** The cursor left the section for somewhere else. */
  blurred(): void;
  /** Deleting was stopped because it would have taken a proposed sentence away. */
  kept(): void;
  /** Undoing was stopped because a preliminary report holds no unreviewed sentence. */
  notBack(): void;
  /** The cursor stands in this sentence. */
  at(section: SectionName, id: string): void;
  /** A person asks what stands behind this sentence. */
  explain(id: string): void;
  /** A person asks what was meant by this word. */
  misspelt(word: PlacedWord): void;
  /** The number of proposed sentences or their standing changed. */
  updated(section: SectionName): void;
}

export interface SectionOptions {
  name: SectionName;
  heading: string;
  place: HTMLElement;
  sentences: Sentence[];
  open: boolean;
  /** What the section invites to while it has no words. */
  hint: () => string;
  newId: () => string;
  /** Whether the shell holds the sentence as a proposal that nobody has decided. */
  undecided: (id: string) => boolean;
  /** False while no sentence may be unreviewed, as in a preliminary report. */
  mayPropose: () => boolean;
  /** The reader's own macros, then the built-in ones. */
  macros: () => readonly Macro[];
  /** What the models say of a sentence, as far as it is known. */
  evidence: (id: string) => SentenceEvidence | undefined;
  /** False for a word that is known to be wrong. */
  right: (word: string) => boolean;
  on: SectionEvents;
}

/** A word called wrong, and where it stands on the screen. */
export interface PlacedWord extends Misspelt {
  section: SectionName;
  left: number;
  bottom: number;
}

/** Where a macro would be written out. */
export interface MacroPlace {
  section: SectionName;
  /** What of a name stands before the cursor: ".ef". */
  typed: string;
  /** The words that are selected. */
  selected: string;
  left: number;
  bottom: number;
}

/** What became of asking for one step back or forth. */
export type Stepped = "done" | "nothing" | "refused";

/** The editor of one section: sentences as blocks, proposals decided by key or click. */
export class SectionEditor {
  readonly name: SectionName;
  private readonly editor: Editor;
  /** Steps in the history, to tell a new one from more typing in the last. */
  private depth = 0;
  /** Open for writing; the editor's own word for it is not there yet when it is first drawn. */
  private open: boolean;
  private readonly fields = new Fields();

  constructor(private readonly options: SectionOptions) {
    this.name = options.name;
    this.open = options.open;
    const actions: SentenceActions = {
      focus: (position) => this.focusAt(position),
      accept: (position) => this.accept(position),
      edit: (position) => this.edit(position),
      drop: (position) => this.drop(position),
      explain: (position) => options.on.explain(this.editor.state.doc.nodeAt(position)!.attrs.id),
    };
    this.editor = new Editor({
      element: options.place,
      injectCSS: false,
      enableInputRules: false,
      enablePasteRules: false,
      editable: options.open,
      extensions: [SectionDocument, Words, SentenceNode.configure({ actions }), this.behaviour()],
      editorProps: {
        attributes: { "aria-label": options.heading, "aria-multiline": "true", role: "textbox", spellcheck: "false", class: "section-text" },
      },
      onTransaction: ({ transaction }) => this.report(transaction),
      onFocus: () => this.tellSeen(),
      onBlur: () => options.on.blurred(),
    });
    const { view } = this.editor;
    const doc = documentOf(view.state.schema, options.sentences, options.newId);
    const tr = view.state.tr.replaceWith(0, view.state.doc.content.size, doc.content);
    view.dispatch(tr.setMeta(DECIDED, true).setMeta("addToHistory", false));
  }

  read(): Sentence[] {
    return sentencesOf(this.editor.state.doc);
  }

  /**
   * Takes over the shell's sentences; cursor and unsaved words stay. `undoable` when they
   * answer a decision of the person that can be taken back.
   */
  merge(ancestor: Sentence[], server: Sentence[], undoable = false): void {
    const { state } = this.editor;
    let wanted = mergeSection(ancestor, this.read(), server);
    // The empty line that invites typing goes when there is text, unless the cursor stands in it.
    if (wanted.length > 1 && !this.focused) {
      const written = wanted.filter((s) => s.text !== "");
      if (written.length > 0) wanted = written;
    }
    const tr = state.tr;
    bringTo(tr, state.schema, wanted, this.options.newId);
    if (!tr.docChanged) return;
    tr.setMeta(DECIDED, true);
    if (undoable) this.dispatchStep(tr);
    else this.dispatch(tr.setMeta("addToHistory", false));
  }

  setOpen(open: boolean): void {
    this.open = open;
    if (this.editor.isEditable !== open) this.editor.setEditable(open, false);
  }

  get focused(): boolean {
    return this.editor.isFocused;
  }

  get element(): HTMLElement {
    return this.editor.view.dom;
  }

  focusText(at: "start" | "end" = "end"): void {
    const { doc } = this.editor.state;
    const selection = at === "end" ? Selection.atEnd(doc) : Selection.atStart(doc);
    this.dispatchSeen(this.editor.state.tr.setSelection(selection));
  }

  /** The word called wrong at the selection or after it (with `first`, the first one); it is selected. */
  misspelt(first: boolean): PlacedWord | null {
    const { state, view } = this.editor;
    const all = misspelt(state.doc, this.options.right);
    const found = first ? all[0] : all.find((one) => one.from >= state.selection.from);
    if (!found || !this.editor.isEditable) return null;
    this.dispatchSeen(state.tr.setSelection(TextSelection.create(state.doc, found.from, found.to)));
    const { left, bottom } = view.coordsAtPos(found.from);
    return { ...found, section: this.name, left, bottom };
  }

  /** Puts the cursor behind the selection, so that the next word is looked for from there. */
  passSelection(): void {
    const { state } = this.editor;
    this.dispatch(state.tr.setSelection(TextSelection.create(state.doc, state.selection.to)));
    this.editor.view.focus();
  }

  /**
   * Puts another word in the place of one, if it still stands in the text. What the shell has brought meanwhile may
   * have moved it, and the selection with it: the nearest to that is meant.
   */
  replaceWord(old: Misspelt, word: string): void {
    const { state, view } = this.editor;
    const far = (one: Misspelt): number => Math.abs(one.from - state.selection.from);
    const [at] = misspelt(state.doc, this.options.right)
      .filter((one) => one.word === old.word)
      .sort((a, b) => far(a) - far(b));
    if (at) this.dispatchStep(state.tr.insertText(word, at.from, at.to).setMeta("hilum/person", true));
    view.focus();
  }

  /** Where a macro would be written out; null in a section that is closed. */
  macroPlace(): MacroPlace | null {
    const { state, view, isEditable } = this.editor;
    if (!isEditable) return null;
    const { selection } = state;
    const { left, bottom } = view.coordsAtPos(selection.from);
    const words = selection instanceof TextSelection;
    return {
      section: this.name,
      typed: words && selection.empty ? begun(selection.$from.parent.textBetween(0, selection.$from.parentOffset)) : "",
      selected: words ? state.doc.textBetween(selection.from, selection.to, "\n").trim() : "",
      left,
      bottom,
    };
  }

  /** Writes a macro's sentences at the cursor, in the place of what of its name was typed; after a proposal that has the focus. */
  writeMacro(text: string, typed: string): void {
    const { selection } = this.editor.state;
    if (selection instanceof NodeSelection) this.addSentence(selection.from);
    const { view } = this.editor;
    this.fields.write(view, text, view.state.selection.from - typed.length, this.options.newId);
    view.focus();
  }

  /** The focus comes back to where the cursor is. */
  focusAgain(): void {
    this.editor.view.focus();
  }

  /** Shows anew what the models say and what is invited to: `evidence` and `hint` have other answers now. */
  evidenceChanged(): void {
    this.dispatch(this.editor.state.tr.setMeta("addToHistory", false));
  }

  /** Puts the focus on a sentence; false when it is not here. */
  focusSentence(id: string): boolean {
    let place: number | null = null;
    this.editor.state.doc.forEach((node, position) => {
      if (node.attrs.id === id) place = position;
    });
    if (place === null) return false;
    const { doc } = this.editor.state;
    if (doc.nodeAt(place)!.attrs.state === "proposed") this.focusAt(place);
    else this.dispatchSeen(this.editor.state.tr.setSelection(TextSelection.create(doc, place + 1)));
    return true;
  }

  /** Focuses the next proposed sentence after the selection, or the first (last); false when there is none. */
  focusProposal(forward: boolean, fromSelection: boolean): boolean {
    const { selection, doc } = this.editor.state;
    const found: number[] = [];
    doc.forEach((node, position) => {
      if (node.attrs.state === "proposed") found.push(position);
    });
    const from = selection instanceof NodeSelection ? selection.from : selection.$from.before(1);
    const ahead = fromSelection ? found.filter((p) => (forward ? p > from : p < from)) : found;
    const position = forward ? ahead[0] : ahead.at(-1);
    if (position === undefined) return false;
    this.focusAt(position);
    return true;
  }

  undo(): Stepped {
    return this.step(undo);
  }
  redo(): Stepped {
    return this.step(redo);
  }

  /** Puts a new empty sentence at the end, or after the one at `position`, and the cursor in it. */
  addSentence(position: number | null = null): void {
    const { state } = this.editor;
    const node = position === null ? null : state.doc.nodeAt(position);
    const at = node ? position! + node.nodeSize : state.doc.content.size;
    const made = nodeOf(state.schema, emptySentence(this.options.newId()));
    const tr = state.tr.insert(at, made);
    this.dispatchSeen(tr.setSelection(TextSelection.create(tr.doc, at + 1)));
  }

  destroy(): void {
    this.editor.destroy();
  }

  private step(command: typeof undo): Stepped {
    const { state, view, isEditable } = this.editor;
    let step: Transaction | null = null;
    if (isEditable) command(state, (tr) => (step = tr));
    if (!step) return "nothing";
    if (!this.options.mayPropose() && proposals(step as Transaction) > proposals(state)) {
      this.options.on.notBack();
      return "refused";
    }
    this.dispatch(step);
    view.focus();
    return "done";
  }

  private dispatch(tr: Transaction): void {
    this.editor.view.dispatch(tr);
  }

  /** Takes the focus and scrolls to the selection: an editor follows its selection only while it has the focus. */
  private dispatchSeen(tr: Transaction): void {
    this.dispatch(tr);
    this.editor.view.focus();
    this.dispatch(this.editor.state.tr.scrollIntoView());
  }

  /** A step of the history by itself: neither the typing before it nor the typing after it joins it. */
  private dispatchStep(tr: Transaction): void {
    this.dispatch(closeHistory(tr));
    this.dispatch(closeHistory(this.editor.state.tr));
  }

  private focusAt(position: number): void {
    const { state, view } = this.editor;
    const tr = state.tr.setSelection(NodeSelection.create(state.doc, position)).setMeta(editingKey, null);
    this.dispatch(tr);
    view.focus();
    const dom = view.nodeDOM(position);
    if (dom instanceof HTMLElement) dom.scrollIntoView({ block: "nearest" });
    this.tellSeen();
  }

  private accept(position: number): void {
    const { state } = this.editor;
    const node = state.doc.nodeAt(position);
    if (node?.attrs.state !== "proposed" || !this.editor.isEditable) return;
    const tr = state.tr.setNodeMarkup(position, undefined, { ...node.attrs, state: "accepted" });
    this.decide(tr);
  }

  private edit(position: number): void {
    const { state, view } = this.editor;
    const node = state.doc.nodeAt(position);
    if (!node || !this.editor.isEditable) return;
    const end = position + 1 + node.content.size;
    // The mark comes with the selection: the cursor may enter only what is known to be edited.
    this.dispatch(state.tr.setSelection(TextSelection.create(state.doc, end)).setMeta(editingKey, node.attrs.id));
    view.focus();
  }

  private drop(position: number): void {
    const { state } = this.editor;
    const node = state.doc.nodeAt(position);
    if (node?.attrs.state !== "proposed" || !this.editor.isEditable) return;
    const tr = state.tr;
    if (state.doc.childCount === 1) {
      tr.insert(state.doc.content.size, nodeOf(state.schema, emptySentence(this.options.newId())));
    }
    tr.delete(position, position + node.nodeSize);
    this.decide(tr);
  }

  /** A decision is a step of its own: undone, it is taken back with the shell too. */
  private decide(tr: Transaction): void {
    this.dispatchStep(tr.setMeta(DECIDED, true).setMeta("hilum/person", true));
    this.options.on.nextProposal(this.name, true);
  }

  private report(tr: Transaction): void {
    const byPerson = tr.getMeta("hilum/person") || !tr.getMeta(DECIDED);
    if (tr.docChanged) {
      if (byPerson) this.options.on.changed(this.name);
      const depth = undoDepth(this.editor.state);
      if (depth !== this.depth && !isHistoryTransaction(tr)) this.options.on.undoable(this.name);
      this.depth = depth;
      this.options.on.updated(this.name);
    }
    if (tr.selectionSet || tr.docChanged) this.tellSeen();
  }

  private tellSeen(): void {
    const { selection } = this.editor.state;
    if (!this.focused) return;
    const { $from } = selection;
    this.options.on.at(this.name, (selection instanceof NodeSelection ? selection.node : $from.node(1)).attrs.id);
    if (selection instanceof NodeSelection && selection.node.attrs.state === "proposed") {
      this.options.on.seen(selection.node.attrs.id);
    }
  }

  private behaviour(): Extension {
    const { newId, undecided, on, hint, evidence, right } = this.options;
    const plugins = [
      guard(newId, () => on.kept(), undecided),
      history(),
      new Plugin({
        props: {
          handleDOMEvents: { keydown: (view) => readSelection(view), contextmenu: (view, event) => this.menu(view, event) },
          handleKeyDown: (view, event) => this.key(view, event),
          handlePaste: (view, event) => pasteText(view, event.clipboardData?.getData("text/plain") ?? "", newId),
          handleDrop: () => true,
          decorations: (state) => decorate(state, this.open, hint(), evidence, right),
        },
      }),
    ];
    return Extension.create({ name: "section", priority: 1000, addProseMirrorPlugins: () => plugins });
  }

  /** The menu of a word called wrong, where the pointer is on one. */
  private menu(view: EditorView, event: MouseEvent): boolean {
    const at = view.posAtCoords({ left: event.clientX, top: event.clientY })?.pos;
    const word = at === undefined ? undefined : misspelt(view.state.doc, this.options.right).find((one) => at >= one.from && at <= one.to);
    if (!word || !this.editor.isEditable) return false;
    event.preventDefault();
    this.dispatch(view.state.tr.setSelection(TextSelection.create(view.state.doc, word.from, word.to)));
    const { left, bottom } = view.coordsAtPos(word.from);
    this.options.on.misspelt({ ...word, section: this.name, left, bottom });
    return true;
  }

  private key(view: EditorView, event: KeyboardEvent): boolean {
    const { selection, doc } = view.state;
    const chord = event.ctrlKey || event.metaKey || event.altKey;
    if (selection instanceof NodeSelection && selection.node.attrs.state === "proposed") {
      if (this.proposalKey(selection.from, event, chord)) return true;
    } else if (event.key === "Enter" && !chord) {
      return splitSentence(view, this.options.newId);
    } else if (event.key === "Backspace" && !chord && selection.empty && selection.$from.parentOffset === 0) {
      const before = doc.childBefore(selection.$from.before(1));
      if (before.node?.attrs.state === "proposed") {
        this.focusAt(before.offset);
        return true;
      }
      if (before.node) return joinSentences(view, selection.$from.before(1));
    } else if (event.key === "Delete" && !chord && selection.empty && selection.$from.parentOffset === selection.$from.parent.content.size) {
      const after = selection.$from.after(1);
      const next = doc.nodeAt(after);
      if (next && next.attrs.state !== "proposed") return joinSentences(view, after);
    }
    if (event.key === "Tab" && !chord && view.editable && selection instanceof TextSelection) {
      // A macro before the field after it; without either, Tab leaves as everywhere.
      if (!event.shiftKey && this.expand(view)) return true;
      return this.fields.step(view, !event.shiftKey);
    }
    if (event.key === " " && !chord && view.editable && selection instanceof TextSelection) {
      return this.expand(view);
    }
    if (event.key === "Escape") {
      if (editingKey.getState(view.state) !== null && selection instanceof TextSelection) {
        this.focusAt(selection.$from.before(1));
        return true;
      }
      return false;
    }
    if (chord || event.shiftKey) return false;
    const turns = event.key === "ArrowDown" || event.key === "ArrowUp";
    if (turns && view.editable && this.fields.turn(view, event.key === "ArrowDown")) return true;
    if (event.key === "ArrowDown" && atEdge(view, true)) return this.leave(true);
    if (event.key === "ArrowUp" && atEdge(view, false)) return this.leave(false);
    return false;
  }

  private expand(view: EditorView): boolean {
    return this.fields.expand(view, this.name, this.options.macros(), this.options.newId);
  }

  private leave(forward: boolean): boolean {
    this.options.on.leave(this.name, forward);
    return true;
  }

  private proposalKey(position: number, event: KeyboardEvent, chord: boolean): boolean {
    switch (actionFor(nameOf(strokeOf(event)), ["proposal"], false)?.id) {
      case "proposal.accept":
        // A key held down must not run through the proposals.
        if (!event.repeat) this.accept(position);
        return true;
      case "proposal.edit":
        this.edit(position);
        return true;
      case "proposal.drop":
        if (!event.repeat) this.drop(position);
        return true;
      case "proposal.below":
        this.addSentence(position);
        return true;
      default:
        // What would write over a proposal or delete it never does.
        return !chord && (event.key.length === 1 || ["Enter", "Backspace", "Delete"].includes(event.key));
    }
  }
}

function proposals({ doc }: { doc: ProseNode }): number {
  let found = 0;
  doc.forEach((node) => (found += node.attrs.state === "proposed" ? 1 : 0));
  return found;
}
