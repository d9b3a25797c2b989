import { getSchema } from "@tiptap/core";
import { joinBackward, selectAll, splitBlock } from "@tiptap/pm/commands";
import { closeHistory, history, redo, undo } from "@tiptap/pm/history";
import { EditorState, NodeSelection, TextSelection, type Command, type Transaction } from "@tiptap/pm/state";
import { beforeEach, describe, expect, test } from "vitest";
import { sentence } from "./fixtures";
import { DECIDED, editingKey, guard } from "./guard";
import { SectionDocument, SentenceNode, Words } from "./nodes";
import type { Sentence } from "./sentences";
import { bringTo, documentOf, sentencesOf } from "./transform";

const schema = getSchema([SectionDocument, Words, SentenceNode]);
const p = (id: string, text = id) => sentence(id, text);
const q = (id: string, text = id) => sentence(id, text, "proposed");
const accepted = (id: string, text = id) => sentence(id, text, "accepted");

let made = 0;
let refusals = 0;
let undecided: string[] = [];
const newId = () => `new-${++made}`;
beforeEach(() => {
  made = refusals = 0;
  undecided = [];
});

function stateOf(...sentences: Sentence[]): EditorState {
  return EditorState.create({
    doc: documentOf(schema, sentences, newId),
    plugins: [guard(newId, () => (refusals += 1), (id) => undecided.includes(id)), history()],
  });
}

/** The state after a transaction, as the editor would have it. */
function after(state: EditorState, change: (tr: Transaction) => Transaction): EditorState {
  return state.applyTransaction(change(state.tr)).state;
}

function run(state: EditorState, command: Command): EditorState {
  let next = state;
  command(state, (tr) => (next = next.applyTransaction(tr).state));
  return next;
}

/** "id state: words" of every sentence. */
const shown = (state: EditorState) => sentencesOf(state.doc).map((s) => `${s.id} ${s.state}: ${s.text}`);

/** Position of the cursor `offset` characters into sentence `index`. */
function cursor(state: EditorState, index: number, offset: number): TextSelection {
  let at = 1;
  for (let i = 0; i < index; i++) at += state.doc.child(i).nodeSize;
  return TextSelection.create(state.doc, at + offset);
}

describe("a proposed sentence does not vanish by deleting text", () => {
  test.each<[string, (state: EditorState) => EditorState]>([
    ["select all and delete", (s) => run(run(s, selectAll), (t, d) => (d?.(t.tr.deleteSelection()), true))],
    ["select all and type", (s) => after(run(s, selectAll), (tr) => tr.insertText("x"))],
    ["deleting from one sentence into it", (s) => after(s, (tr) => tr.delete(2, 8))],
    ["deleting all its words", (s) => after(s, (tr) => tr.delete(7, 15))],
    ["joining it to the one before", (s) => run(after(s, (tr) => tr.setSelection(cursor(s, 1, 0)).setMeta(editingKey, "b")), joinBackward)],
    ["deleting it as a node", (s) => after(s, (tr) => tr.delete(6, 16))],
  ])("%s", (_, act) => {
    const state = stateOf(p("a", "Mine"), q("b", "Proposed"), p("c", "More"));
    expect(shown(act(state))).toEqual(shown(state));
    expect(refusals).toBe(1);
  });

  test("an explicit drop takes it away", () => {
    const state = stateOf(p("a", "Mine"), q("b", "Proposed"));
    expect(shown(after(state, (tr) => tr.delete(6, 16).setMeta(DECIDED, true)))).toEqual(["a person: Mine"]);
    expect(refusals).toBe(0);
  });

  test("without proposals everything may be deleted", () => {
    const state = run(stateOf(p("a"), accepted("b")), selectAll);
    expect(sentencesOf(after(state, (tr) => tr.deleteSelection()).doc).map((s) => s.text)).toEqual([""]);
  });
});

describe("words changed by a person are the person's", () => {
  test.each([
    ["proposed", "edited", "Words"],
    ["accepted", "edited", "Words"],
    ["accepted_in_bulk", "edited", "Words"],
    ["template", "person", null],
    ["person", "person", null],
  ] as const)("%s becomes %s", (from, to, modelText) => {
    const state = stateOf(sentence("a", "Words", from));
    const [changed] = sentencesOf(after(state, (tr) => tr.insertText("!", 6)).doc);
    expect(changed).toMatchObject({ id: "a", text: "Words!", state: to, modelText });
  });

  test("the first words of the model are kept through a second change", () => {
    const once = after(stateOf(q("a", "Model")), (tr) => tr.insertText("1", 6));
    const [changed] = sentencesOf(after(once, (tr) => tr.insertText("2", 7)).doc);
    expect(changed).toMatchObject({ text: "Model12", modelText: "Model" });
  });

  test.each([
    ["is a proposal again while the shell has it as one", ["a"], "a proposed: Model"],
    ["stays edited once the shell knows another wording", [], "a edited: Model"],
  ])("a proposal with its own words back %s", (_, held, wanted) => {
    undecided = held;
    const typed = after(stateOf(q("a", "Model")), (tr) => tr.insertText("1", 6).setMeta(editingKey, "a"));
    expect(shown(typed)).toEqual(["a edited: Model1"]);
    expect(shown(after(typed, (tr) => tr.delete(6, 7)))).toEqual([wanted]);
  });

  test("the shell's own changes leave the state alone", () => {
    const state = after(stateOf(accepted("a", "Old")), (tr) => tr.insertText("New", 1, 4).setMeta(DECIDED, true));
    expect(shown(state)).toEqual(["a accepted: New"]);
  });
});

describe("a model's words that are joined to a person's stay the model's", () => {
  const model = (state: Sentence["state"], modelText: string | null = null): Sentence => ({ ...sentence("m", "Two", state), modelText, demo: true });
  const joint = (state: EditorState, tr: Transaction) => tr.join(1 + state.doc.child(0).nodeSize - 1);
  const before = (s: Sentence) => stateOf(p("a", "One"), s, p("c", "End"));
  const wanted = (text: string, modelText = "Two"): Partial<Sentence> => ({ id: "m", text, state: "edited", modelText, demo: true });

  test.each<[string, EditorState, (state: EditorState, tr: Transaction) => Transaction, Partial<Sentence>]>([
    ["an accepted one", before(model("accepted")), joint, wanted("OneTwo")],
    ["one accepted in bulk", before(model("accepted_in_bulk")), joint, wanted("OneTwo")],
    ["an edited one", before(model("edited", "Model")), joint, wanted("OneTwo", "Model")],
    ["onto a template's", stateOf(sentence("t", "One", "template"), model("accepted")), joint, wanted("OneTwo")],
    ["deleting across both", before(model("accepted")), (_, tr) => tr.delete(3, 7), wanted("Onwo")],
    ["typing over both", before(model("accepted")), (_, tr) => tr.insertText("x", 3, 7), wanted("Onxwo")],
  ])("%s", (_, state, act, expected) => {
    expect(sentencesOf(after(state, (tr) => act(state, tr)).doc)[0]).toMatchObject(expected);
  });

  test("a demonstration's words do not pass as another model's", () => {
    const state = stateOf({ ...sentence("r", "Real", "accepted") }, model("accepted"));
    expect(sentencesOf(after(state, (tr) => joint(state, tr)).doc)).toEqual([expect.objectContaining(wanted("RealTwo"))]);
  });

  test.each<[string, Sentence, (state: EditorState, tr: Transaction) => Transaction, string]>([
    ["of two models' the first goes on", { ...sentence("m", "Two", "accepted") }, joint, "a edited: OneTwo"],
    ["words that were all deleted leave nothing", model("accepted"), (_, tr) => tr.delete(3, 9), "a person: On"],
  ])("%s", (_, second, act, wantedHere) => {
    const first = second.demo ? p("a", "One") : accepted("a", "One");
    const state = stateOf(first, second);
    expect(shown(after(state, (tr) => act(state, tr)))).toEqual([wantedHere]);
  });

  test("undoing the join gives both back as they were", () => {
    const state = before(model("accepted"));
    expect(shown(run(after(state, (tr) => joint(state, tr)), undo))).toEqual(shown(state));
  });
});

describe("decisions are undone and done again", () => {
  const decide = (state: EditorState, change: (tr: Transaction) => Transaction) =>
    after(after(state, (tr) => closeHistory(change(tr)).setMeta(DECIDED, true)), closeHistory);
  const start = () => stateOf(p("a", "Mine"), q("b", "Proposed"), p("c", "More"));
  const accept = (tr: Transaction) => tr.setNodeMarkup(6, undefined, { ...tr.doc.nodeAt(6)!.attrs, state: "accepted" });
  const drop = (tr: Transaction) => tr.delete(6, 16);

  test.each([
    ["accept", accept, "b accepted: Proposed"],
    ["drop", drop, "c person: More"],
  ])("%s", (_, change, there) => {
    const decided = decide(start(), change);
    expect(shown(decided)[1]).toBe(there);
    const undone = run(decided, undo);
    expect(shown(undone)).toEqual(shown(start()));
    expect(shown(run(undone, redo))).toEqual(shown(decided));
    expect(refusals).toBe(0);
  });

  test("typing and a decision are two steps", () => {
    const typed = after(decide(start(), accept), (tr) => tr.insertText("!", 15));
    expect(shown(typed)[1]).toBe("b edited: Proposed!");
    const once = run(typed, undo);
    expect(shown(once)[1]).toBe("b accepted: Proposed");
    expect(shown(run(once, undo))[1]).toBe("b proposed: Proposed");
  });

  test("words typed into a proposal are undone to the proposal, also when the shell has them", () => {
    const typed = after(start(), (tr) => tr.insertText("!", 15).setMeta(editingKey, "b"));
    const answered = after(typed, (tr) => {
      bringTo(tr, schema, sentencesOf(tr.doc).map((s) => ({ ...s, demo: s.id === "b" })), newId);
      return tr.setMeta(DECIDED, true).setMeta("addToHistory", false);
    });
    expect(shown(answered)[1]).toBe("b edited: Proposed!");
    expect(shown(run(answered, undo))[1]).toBe("b proposed: Proposed");
  });
});

describe("every sentence has an id of its own", () => {
  test("a split keeps the first half's id", () => {
    const state = stateOf(p("a", "One two"));
    const split = run(after(state, (tr) => tr.setSelection(cursor(state, 0, 3))), splitBlock);
    expect(shown(split)).toEqual(["a person: One", "new-1 person:  two"]);
  });

  test("the half of the model's words that a split leaves is known as such", () => {
    const split = run(after(stateOf(accepted("a", "One two")), (tr) => tr.setSelection(TextSelection.create(tr.doc, 4))), splitBlock);
    expect(sentencesOf(split.doc)[1]).toMatchObject({ id: "new-1", state: "edited", from: "a" });
  });

  test("a split in front of the words leaves them their id", () => {
    const state = stateOf(accepted("a", "One"));
    const split = run(after(state, (tr) => tr.setSelection(cursor(state, 0, 0))), splitBlock);
    expect(shown(split)).toEqual(["new-1 person: ", "a accepted: One"]);
  });

  test("undoing a split gives back one sentence with its id", () => {
    const state = stateOf(p("a", "One two"));
    const split = run(after(state, (tr) => tr.setSelection(cursor(state, 0, 3))), splitBlock);
    expect(shown(run(split, undo))).toEqual(["a person: One two"]);
  });
});

describe("a cursor in a proposed sentence", () => {
  test("focuses it as a whole", () => {
    const state = stateOf(q("a"));
    expect(after(state, (tr) => tr.setSelection(cursor(state, 0, 1))).selection).toBeInstanceOf(NodeSelection);
  });
  test("edits it when that was asked for, until it leaves", () => {
    const state = stateOf(q("a"), p("b"));
    const editing = after(state, (tr) => tr.setSelection(cursor(state, 0, 1)).setMeta(editingKey, "a"));
    expect(editing.selection).toBeInstanceOf(TextSelection);
    const left = after(editing, (tr) => tr.setSelection(cursor(editing, 1, 0)));
    expect(after(left, (tr) => tr.setSelection(cursor(left, 0, 1))).selection).toBeInstanceOf(NodeSelection);
  });
});

describe("bringing the document to the shell's sentences", () => {
  test.each<[string, Sentence[], Sentence[]]>([
    ["nothing", [p("a")], [p("a")]],
    ["arrivals at the end", [p("a")], [p("a"), q("b"), q("c")]],
    ["arrivals in front and between", [p("b"), p("d")], [q("a"), p("b"), q("c"), p("d")]],
    ["removals", [p("a"), q("b"), p("c")], [p("c")]],
    ["removal of everything but new ones", [p("a"), q("b")], [q("x"), q("y")]],
    ["other words and states", [q("a", "one"), p("b")], [accepted("a", "two"), p("b")]],
    ["another order", [p("a"), p("b"), p("c")], [p("c"), p("a"), p("b")]],
    ["words gone", [p("a", "one"), p("b")], [p("a", ""), p("b")]],
  ])("%s", (_, from, to) => {
    const state = stateOf(...from);
    const tr = state.tr;
    bringTo(tr, schema, to, newId);
    expect(sentencesOf(tr.doc)).toEqual(to);
  });

  test("an emptied section keeps one empty sentence to type in", () => {
    const tr = stateOf(p("a")).tr;
    bringTo(tr, schema, [], newId);
    expect(sentencesOf(tr.doc)).toEqual([expect.objectContaining({ id: "new-1", text: "", state: "person" })]);
  });

  test("the cursor stays where one types", () => {
    const state = stateOf(p("a", "Before"), p("b", "Typing"));
    const there = after(state, (tr) => tr.setSelection(cursor(state, 1, 4)));
    const tr = there.tr;
    bringTo(tr, schema, [q("x", "Arriving"), accepted("a", "Before!"), p("b", "Typing"), q("y")], newId);
    expect(tr.selection.$from.parent.attrs.id).toBe("b");
    expect(tr.selection.$from.parentOffset).toBe(4);
  });
});
