import type { ResolvedPos } from "@tiptap/pm/model";
import { NodeSelection, TextSelection } from "@tiptap/pm/state";
import type { EditorView } from "@tiptap/pm/view";
import { sentenceAt } from "./nodes";
import { halfOf, trimmed, type Sentence } from "./sentences";
import { emptySentence } from "./transform";

/** Enter: the words behind the cursor become a sentence of their own. */
export function splitSentence(view: EditorView, newId: () => string): boolean {
  const tr = view.state.tr;
  if (!tr.selection.empty) tr.deleteSelection();
  const { $from } = tr.selection;
  const rest = $from.parentOffset === 0 ? emptySentence(newId()) : restAfter($from, newId());
  const attrs = { ...rest, text: undefined };
  if ($from.parentOffset === 0 && $from.parent.content.size > 0) {
    const at = $from.before(1);
    tr.insert(at, view.state.schema.nodes.sentence!.create(attrs));
  } else {
    tr.split($from.pos, 1, [{ type: view.state.schema.nodes.sentence!, attrs }]);
  }
  view.dispatch(tr.scrollIntoView());
  return true;
}

/** What the words behind `at` begin as when they become a sentence of their own; no words come from nobody. */
function restAfter(at: ResolvedPos, id: string): Omit<Sentence, "text"> {
  const rest = trimmed(at.parent.textContent.slice(at.parentOffset));
  const whole = rest === "" ? emptySentence("") : sentenceAt(at.parent);
  return halfOf(whole, whole.text, id);
}

/** Joins the sentence that begins at `position` to the one before it, with a blank between their words. */
export function joinSentences(view: EditorView, position: number): boolean {
  const tr = view.state.tr;
  const before = tr.doc.resolve(position).nodeBefore!;
  const words = [before.textContent, tr.doc.nodeAt(position)!.textContent];
  // An empty sentence gives way to the other, whose standing stays.
  if (words[0] === "") tr.delete(position - before.nodeSize, position);
  else {
    tr.join(position);
    const joint = position - 1;
    const blank = words[1] !== "" && !/\s$/.test(words[0]!) && !/^\s/.test(words[1]!);
    if (blank) tr.insertText(" ", joint);
    tr.setSelection(TextSelection.create(tr.doc, joint + (blank ? 1 : 0)));
  }
  view.dispatch(tr.scrollIntoView());
  return true;
}

/** Text only, a line a sentence; what markup the clipboard holds is ignored. */
export function pasteText(view: EditorView, text: string, newId: () => string): boolean {
  const lines = text.split(/\r\n?|\n/).map((line) => trimmed(line.replace(/[\s\u0085]+/g, " ")));
  const words = lines.filter((line) => line !== "");
  if (words.length === 0 || view.state.selection instanceof NodeSelection) return true;
  // The words behind the cursor go along with the last line, and with them where they come from.
  const rest = restAfter(view.state.selection.$to, newId());
  const tr = view.state.tr.insertText(words[0]!);
  const { sentence } = view.state.schema.nodes;
  for (const [i, line] of words.slice(1).entries()) {
    const attrs = i === words.length - 2 ? rest : { ...emptySentence(newId()), text: undefined };
    tr.split(tr.selection.from, 1, [{ type: sentence!, attrs }]).insertText(line);
  }
  view.dispatch(tr.scrollIntoView());
  return true;
}

/**
 * The browser tells of a new selection with the next frame only. A key pressed before that
 * would act on the selection before the click, and could be swallowed as one on a proposal.
 */
export function readSelection(view: EditorView): false {
  const { domObserver } = view as unknown as { domObserver: { flush(): void } };
  if (!view.composing) domObserver.flush();
  return false;
}

/** Whether the next step of the cursor leaves the section. */
export function atEdge(view: EditorView, forward: boolean): boolean {
  const { selection, doc } = view.state;
  if (!selection.empty && !(selection instanceof NodeSelection)) return false;
  const index = selection.$from.index(0);
  if (index !== (forward ? doc.childCount - 1 : 0)) return false;
  return selection instanceof NodeSelection || view.endOfTextblock(forward ? "down" : "up");
}
