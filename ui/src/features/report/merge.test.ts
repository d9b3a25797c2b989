import { expect, test } from "vitest";
import { sentence } from "./fixtures";
import { mergeSection } from "./merge";
import type { Sentence } from "./sentences";

const p = (id: string, text = id) => sentence(id, text);
const q = (id: string, text = id) => sentence(id, text, "proposed");
const accepted = (id: string, text = id) => sentence(id, text, "accepted");
const edited = (id: string, text: string) => sentence(id, text, "edited");

test.each<[string, Sentence[], Sentence[], Sentence[], Sentence[]]>([
  ["the shell's answer to what was sent", [p("a")], [p("a")], [p("a")], [p("a")]],
  ["a draft arrives", [p("a")], [p("a")], [p("a"), q("b")], [p("a"), q("b")]],
  ["a draft arrives in an empty section where one types", [], [p("n", "Typ")], [q("b")], [p("n", "Typ"), q("b")]],
  ["typing meanwhile stays", [p("a", "The")], [p("a", "The heart")], [p("a", "The"), q("b")], [p("a", "The heart"), q("b")]],
  ["a new sentence meanwhile stays where it is", [p("a")], [p("a"), p("n")], [p("a"), q("b"), q("c")], [p("a"), p("n"), q("b"), q("c")]],
  ["an older proposal gives way", [q("a")], [q("a")], [q("b")], [q("b")]],
  ["but not when it was edited", [q("a")], [edited("a", "mine")], [q("b")], [edited("a", "mine"), q("b")]],
  ["nor when it was accepted just now", [q("a")], [accepted("a")], [q("b")], [accepted("a"), q("b")]],
  ["a deletion meanwhile is not undone", [p("a"), p("b")], [p("a")], [p("a"), p("b")], [p("a")]],
  ["an acceptance meanwhile is not undone", [q("a")], [accepted("a")], [q("a")], [accepted("a")]],
  ["the shell's words replace untouched ones", [p("a", "one")], [p("a", "one")], [p("a", "two")], [p("a", "two")]],
  ["mine win where both changed", [p("a", "one")], [p("a", "mine")], [p("a", "theirs")], [p("a", "mine")]],
  ["blanks being typed stay", [p("a", "The ")], [p("a", "The ")], [p("a", "The")], [p("a", "The ")]],
  ["empty sentences are the editor's own", [p("a"), p("n", "")], [p("a"), p("n", "")], [p("a")], [p("a"), p("n", "")]],
  ["the shell's removal is followed", [p("a"), p("b")], [p("a"), p("b")], [p("b")], [p("b")]],
  ["arriving in front", [p("b")], [p("b")], [p("a"), p("b")], [p("a"), p("b")]],
])("%s", (_, ancestor, local, server, wanted) => {
  expect(mergeSection(ancestor, local, server)).toEqual(wanted);
});

test("a kept sentence takes the model's words from the shell", () => {
  const server = { ...edited("a", "first"), modelText: "model" };
  expect(mergeSection([q("a", "model")], [edited("a", "second")], [server])).toEqual([
    { ...edited("a", "second"), modelText: "model" },
  ]);
});
