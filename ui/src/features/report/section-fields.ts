import type { Node as ProseNode } from "@tiptap/pm/model";
import { closeHistory } from "@tiptap/pm/history";
import { TextSelection } from "@tiptap/pm/state";
import type { EditorView } from "@tiptap/pm/view";
import type { SectionName } from "../../ipc";
import { pasteText } from "./editing";
import { daysUntil, fieldsOf, turned } from "./fields";
import { called, expanded, type Macro } from "./macros";

interface Place {
  from: number;
  to: number;
  choices: string[];
}

/** Open fields of the section's written sentences; a proposal's words are not to be filled in. */
function places(doc: ProseNode): Place[] {
  const found: Place[] = [];
  const days = daysUntil(new Date());
  doc.forEach((node, position) => {
    if (node.attrs.state === "proposed") return;
    for (const field of fieldsOf(node.textContent, days)) {
      found.push({ from: position + 1 + field.from, to: position + 1 + field.to, choices: field.choices });
    }
  });
  return found;
}

/** Tab and its choices: which field was filled last, so that arrow keys turn through what may stand there. */
export class Fields {
  private turning: { from: number; choices: string[] } | null = null;

  /** Selects the next (previous) field; false when there is none on that side. */
  step(view: EditorView, forward: boolean): boolean {
    const { doc, selection } = view.state;
    const all = places(doc);
    const next = forward
      ? (all.find((p) => p.from >= selection.to && !(p.from === selection.from && p.to === selection.to)) ?? undefined)
      : all.filter((p) => p.to <= selection.from).at(-1);
    if (!next) return false;
    this.turning = next.choices.length > 0 ? { from: next.from, choices: next.choices } : null;
    view.dispatch(view.state.tr.setSelection(TextSelection.create(doc, next.from, next.to)).scrollIntoView());
    return true;
  }

  /** Puts the next (previous) choice in the field that is selected; false when none is. */
  turn(view: EditorView, forward: boolean): boolean {
    const { selection, doc } = view.state;
    if (!this.turning || selection.empty || selection.from !== this.turning.from) return false;
    const now = doc.textBetween(selection.from, selection.to);
    const next = turned(this.turning.choices, now, forward);
    if (next === undefined) return false;
    const tr = view.state.tr.insertText(next, selection.from, selection.to);
    view.dispatch(tr.setSelection(TextSelection.create(tr.doc, selection.from, selection.from + next.length)));
    return true;
  }

  /** Writes out the macro before the cursor as one step of the history, and goes to its first field; false when there is none. */
  expand(view: EditorView, section: SectionName, macros: readonly Macro[], newId: () => string): boolean {
    const { selection } = view.state;
    if (!selection.empty || selection.$from.parent.isTextblock === false) return false;
    const macro = called(selection.$from.parent.textBetween(0, selection.$from.parentOffset));
    const text = macro && expanded(macros, macro.name, section, macro.given);
    if (!macro || text === null) return false;
    this.write(view, text, selection.from - macro.length, newId);
    return true;
  }

  /** Writes a macro's sentences over what stands from `start` to the end of the selection, and goes to the first field. */
  write(view: EditorView, text: string, start: number, newId: () => string): void {
    // Selected first: the words take the place of the name in one step, which one undo takes back.
    view.dispatch(closeHistory(view.state.tr.setSelection(TextSelection.create(view.state.doc, start, view.state.selection.to))));
    pasteText(view, text, newId);
    const first = places(view.state.doc).find((p) => p.from >= start);
    if (first) {
      view.dispatch(view.state.tr.setSelection(TextSelection.create(view.state.doc, first.from, first.to)));
      this.turning = first.choices.length > 0 ? { from: first.from, choices: first.choices } : null;
    }
  }
}
