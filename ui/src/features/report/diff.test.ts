import { expect, test } from "vitest";
import type { EditCommand } from "../../ipc";
import { diff } from "./diff";
import { applied, reportOf, section, sentence } from "./fixtures";
import { sectionsOf, trimmed, type Section, type Sentence } from "./sentences";

const p = (id: string, text = id) => sentence(id, text);
const q = (id: string, text = id) => sentence(id, text, "proposed");
const accepted = (id: string, text = id) => sentence(id, text, "accepted");
const edited = (id: string, text: string) => sentence(id, text, "edited");

/** The commands for one section, and that carrying them out gives what stands in the editor. */
function check(base: Sentence[], current: Sentence[], commands: EditCommand[]): void {
  const before = [section("findings", base)];
  const after = [section("findings", current)];
  expect(diff(before, after)).toEqual(commands);
  expectAgreement(before, after);
}

test.each<[string, Sentence[], EditCommand[]]>([
  ["at its place", [p("a"), q("b"), p("c")], [{ do: "take_back", id: "b", section: "findings", after: "a" }]],
  ["where the order changed meanwhile", [q("b"), p("a"), p("c")], [{ do: "take_back", id: "b", section: "findings", after: null }]],
])("a drop undone: %s", (_, current, commands) => {
  const dropped = applied(reportOf([section("findings", [p("a"), q("b"), p("c")])]), [{ do: "drop", id: "b" }]);
  const wanted = [section("findings", current)];
  expect(diff(sectionsOf(dropped), wanted)).toEqual(commands);
  expect(sectionsOf(applied(dropped, commands))).toEqual(wanted);
});

function expectAgreement(before: Section[], after: Section[]): void {
  const server = sectionsOf(applied(reportOf(before), diff(before, after)));
  const words = (sections: Section[]) =>
    sections.map((s) => s.sentences.filter((x) => trimmed(x.text) !== "").map((x) => [x.id, trimmed(x.text)]));
  expect(words(server)).toEqual(words(after));
  expect(diff(server, after)).toEqual([]);
}

const insert = (id: string, after: string | null, text = id, from: string | null = null) => ({
  do: "insert" as const,
  section: "findings" as const,
  after,
  id,
  text,
  region: null,
  from,
});

test.each<[string, Sentence[], Sentence[], EditCommand[]]>([
  ["nothing", [p("a")], [p("a")], []],
  ["blanks at the ends are typing", [p("a", "Clear.")], [p("a", "Clear. ")], []],
  ["first words", [], [p("a")], [insert("a", null)]],
  ["an empty sentence is none", [], [p("a", "  ")], []],
  ["typing on", [p("a", "The heart")], [p("a", "The heart is large.")], [{ do: "edit", id: "a", text: "The heart is large." }]],
  ["a new one at the end", [p("a")], [p("a"), p("b")], [insert("b", "a")]],
  ["a new one in front", [p("a")], [p("b"), p("a")], [insert("b", null)]],
  ["a new one between", [p("a"), p("b")], [p("a"), p("n"), p("b")], [insert("n", "a")]],
  ["several new ones in a row", [p("a")], [p("a"), p("b"), p("c")], [insert("b", "a"), insert("c", "b")]],
  [
    "a split keeps the first half's id",
    [p("a", "Clear lungs. Large heart.")],
    [p("a", "Clear lungs."), p("b", "Large heart.")],
    [{ do: "edit", id: "a", text: "Clear lungs." }, insert("b", "a", "Large heart.")],
  ],
  [
    "a split of the model's words says what they stem from",
    [accepted("a", "Clear lungs. Large heart.")],
    [edited("a", "Clear lungs."), { ...edited("b", "Large heart."), from: "a" }],
    [{ do: "edit", id: "a", text: "Clear lungs." }, insert("b", "a", "Large heart.", "a")],
  ],
  ["blank for the shell is empty here", [], [p("a", "\u0085 ")], []],
  ["a mark that the shell keeps is text", [], [p("a", "\ufeff")], [insert("a", null, "\ufeff")]],
  [
    "a merge",
    [p("a", "Clear"), p("b", "lungs.")],
    [p("a", "Clear lungs.")],
    [{ do: "remove", id: "b" }, { do: "edit", id: "a", text: "Clear lungs." }],
  ],
  ["a deletion", [p("a"), p("b")], [p("a")], [{ do: "remove", id: "b" }]],
  ["clearing the words is a deletion", [p("a"), p("b")], [p("a"), p("b", "")], [{ do: "remove", id: "b" }]],
  ["deleting everything", [p("a"), p("b")], [p("x", "")], [{ do: "remove", id: "a" }, { do: "remove", id: "b" }]],
  ["select all and type", [p("a"), p("b")], [p("a", "N")], [{ do: "remove", id: "b" }, { do: "edit", id: "a", text: "N" }]],
  ["accepting", [q("a")], [accepted("a")], [{ do: "accept", id: "a" }]],
  ["typing and erasing accepts nothing", [q("a", "Words.")], [edited("a", "Words. ")], []],
  ["dropping", [q("a"), p("b")], [p("b")], [{ do: "drop", id: "a" }]],
  ["an acceptance undone", [accepted("a")], [q("a")], [{ do: "take_back", id: "a", section: "findings", after: null }]],
  ["an edit undone", [{ ...edited("a", "Mine."), modelText: "Model." }], [q("a", "Model.")], [{ do: "take_back", id: "a", section: "findings", after: null }]],
  [
    "a person's sentence joined with a drafted one",
    [p("a", "One."), accepted("b", "Two.")],
    [edited("b", "One. Two.")],
    [{ do: "remove", id: "a" }, { do: "edit", id: "b", text: "One. Two." }],
  ],
  ["editing a proposal", [q("a", "Small effusion.")], [edited("a", "Effusion.")], [{ do: "edit", id: "a", text: "Effusion." }]],
  ["an untouched proposal stays one", [q("a")], [q("a")], []],
  ["editing what was accepted", [accepted("a", "One.")], [edited("a", "Two.")], [{ do: "edit", id: "a", text: "Two." }]],
  [
    "the last to the front is one move",
    [p("a"), p("b"), p("c")],
    [p("c"), p("a"), p("b")],
    [{ do: "move", id: "c", section: "findings", after: null }],
  ],
  [
    "the first to the end is one move",
    [p("a"), p("b"), p("c")],
    [p("b"), p("c"), p("a")],
    [{ do: "move", id: "a", section: "findings", after: "c" }],
  ],
  [
    "a moved and edited one",
    [p("a"), p("b")],
    [p("b"), p("a", "A2")],
    [
      { do: "move", id: "a", section: "findings", after: "b" },
      { do: "edit", id: "a", text: "A2" },
    ],
  ],
  [
    "everything at once",
    [p("a"), q("b"), q("c"), p("d")],
    [p("n"), accepted("b"), p("d", "D2")],
    [
      { do: "remove", id: "a" },
      { do: "drop", id: "c" },
      insert("n", null),
      { do: "accept", id: "b" },
      { do: "edit", id: "d", text: "D2" },
    ],
  ],
])("%s", (_, base, current, commands) => check(base, current, commands));

test("a sentence goes to another section", () => {
  const before = [section("findings", [p("a"), p("b")]), section("impression", [p("c")])];
  const after = [section("findings", [p("b")]), section("impression", [p("c"), p("a")])];
  expect(diff(before, after)).toEqual([{ do: "move", id: "a", section: "impression", after: "c" }]);
  expectAgreement(before, after);
});

test("sections that are closed are never touched", () => {
  const before = [section("findings", [p("a")], false), section("addendum", [])];
  const after = [section("findings", [p("a", "changed")], false), section("addendum", [p("n")])];
  expect(diff(before, after)).toEqual([{ ...insert("n", null), section: "addendum" }]);
});

/** A small generator with a seed, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("any two states agree after the commands (3,000 random pairs)", () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const pick = random(seed);
    const make = (n: number, first: number) =>
      Array.from({ length: n }, (_, i) => (pick(3) === 0 ? q(`s${first + i}`) : p(`s${first + i}`)));
    const before = [section("findings", make(pick(6), 0)), section("impression", make(pick(4), 10))];
    const after = structuredClone(before);
    for (let step = pick(7); step > 0; step--) {
      const list = after[pick(2)]!.sentences;
      const other = after[pick(2)]!.sentences;
      const at = pick(list.length + 1);
      const kind = pick(5);
      if (kind === 0) list.splice(at, 0, p(`n${seed}-${step}`));
      else if (at === list.length) continue;
      else if (kind === 1) list.splice(at, 1);
      else if (kind === 2) list[at] = { ...list[at]!, text: `t${step}`, state: list[at]!.state === "proposed" ? "edited" : list[at]!.state };
      else if (kind === 3 && list[at]!.state === "proposed") list[at] = { ...list[at]!, state: "accepted" };
      else {
        const [taken] = list.splice(at, 1);
        other.splice(pick(other.length + 1), 0, taken!);
      }
    }
    expectAgreement(before, after);
  }
}, 60_000);
