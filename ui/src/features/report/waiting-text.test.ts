import { expect, test } from "vitest";
import { reportOf, section, sentence } from "./fixtures";
import { waiting, type WaitingText } from "./waiting-text.svelte";

function text(user: string, report: string, words: string): WaitingText {
  const agreed = { ...reportOf([section("findings", [])]), id: report, studyUid: `study of ${report}` };
  return { user, name: `Dr ${user}`, agreed, sections: [section("findings", [sentence("a", words)])] };
}

const words = (found: WaitingText | null) => found?.sections[0]!.sentences[0]!.text ?? null;

test("text waits for who typed it, in the report in which it was typed, and is handed over once", () => {
  for (const [user, report, typed] of [["Ada", "1", "Old."], ["Ada", "2", "Two."], ["Bob", "1", "His."], ["Ada", "1", "New."]] as const) waiting.keep(text(user, report, typed));
  expect(waiting.names).toEqual(["Dr Ada", "Dr Bob"]);
  expect([waiting.studyOf("Ada"), waiting.studyOf("Bob"), waiting.studyOf("Eve")]).toEqual(["study of 1", "study of 1", null]);
  const check = (user: string, report: string, expected: string | null) => expect(words(waiting.take(user, report)), `${user}, ${report}`).toBe(expected);
  check("Eve", "1", null);
  check("Ada", "3", null);
  check("Ada", "1", "New.");
  check("Ada", "1", null);
  expect(waiting.studyOf("Ada")).toBe("study of 2");
  check("Bob", "1", "His.");
  check("Ada", "2", "Two.");
  expect(waiting.names).toEqual([]);
});
