import { expect, test } from "vitest";
import { reportOf, section, sentence } from "./fixtures";
import { asLines, unsentWords, waiting, type WaitingText } from "./waiting-text.svelte";

const text = (user: string, study: string, words: string): WaitingText => ({
  user, name: `Dr ${user}`, studyUid: study, parts: words === "" ? [] : [{ heading: "findings", sentences: [{ text: words, was: "" }] }],
});

test("text waits for who typed it until they discard it, however often a report is opened and left", () => {
  const [first, second, other] = [text("Ada", "1", "First."), text("Ada", "1", "Second."), text("Bob", "1", "His.")];
  for (const one of [first, second, other, text("Eve", "1", "")]) waiting.keep(one);
  expect(waiting.names).toEqual(["Dr Ada", "Dr Bob"]);
  const check = (user: string | undefined, expected: WaitingText[]) => expect(waiting.of(user), user ?? "nobody").toEqual(expected);
  check("Ada", [first, second]);
  check("Eve", []);
  check(undefined, []);
  waiting.discard(first);
  check("Ada", [second]);
  check("Bob", [other]);
  [second, other].forEach((one) => waiting.discard(one));
  expect(waiting.names).toEqual([]);
});

test("it is known what waits once every report that left the screen is closed, one that failed to be as well", async () => {
  let failed: (reason: Error) => void = () => undefined;
  let closed: () => void = () => undefined;
  waiting.follow(new Promise((_, fail) => (failed = fail)));
  let settled = false;
  const known = waiting.settled().then(() => (settled = true));
  // One that closes after that was asked counts as well.
  waiting.follow(new Promise((done) => (closed = done)));
  failed(new Error("no room"));
  await new Promise((later) => setTimeout(later, 0));
  expect(settled).toBe(false);
  closed();
  await known;
  expect(settled).toBe(true);
});

test("what waits is what a person wrote and the shell does not have", () => {
  const had = [sentence("a", "Clear."), sentence("b", "A nodule.", "proposed"), sentence("c", "Old.", "template")];
  const check = (now: ReturnType<typeof sentence>[], expected: [text: string, was: string][]) => {
    const parts = unsentWords(reportOf([section("findings", had)]), [section("findings", now)]);
    expect(parts.flatMap((part) => part.sentences).map(({ text, was }) => [text, was])).toEqual(expected);
  };
  check(had, []);
  check([sentence("a", " Clear. ")], []);
  check([...had, sentence("d", "")], []);
  check([sentence("a", "Clear, mostly."), had[1]!, sentence("d", "New.")], [["Clear, mostly.", "Clear."], ["New.", ""]]);
  check([sentence("b", "A nodule of 4 mm.", "edited")], [["A nodule of 4 mm.", "A nodule."]]);
  check([sentence("b", "A nodule.", "accepted")], []);
  // No word of a model's is handed over as a person's.
  check([sentence("e", "An effusion.", "proposed")], []);
});

test("a section is copied a line a sentence, as its editor takes it", () => {
  expect(asLines({ heading: "Findings", sentences: [{ text: "Clear.", was: "" }, { text: "Normal heart.", was: "Large heart." }] })).toBe("Clear.\nNormal heart.");
});
