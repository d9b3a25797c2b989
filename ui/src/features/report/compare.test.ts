import { describe, expect, test } from "vitest";
import type { ReportText, SentenceState, TextKind, TextSentence } from "../../ipc";
import { compared, firstChoice, originOf, wordDiff } from "./compare";

/** "id:text" or "id:text:state". */
function sentence(line: string): TextSentence {
  const [id, text, state = "person"] = line.split(":");
  return { id: id!, text: text!, state: state as SentenceState, modelText: null };
}

function text(findings: string[], kind: TextKind = "signed"): ReportText {
  return { kind, by: "", at: "", sections: [{ name: "findings", heading: "Findings", sentences: findings.map(sentence) }] };
}

const marks = { same: ["", ""], gone: ["[-", "-]"], new: ["{+", "+}"] } as const;
const shown = (runs: ReturnType<typeof wordDiff>) => runs.map((run) => marks[run.kind][0] + run.text + marks[run.kind][1]).join("");

describe("words", () => {
  test.each([
    ["The heart is large.", "The heart is large.", "The heart is large."],
    ["Small left effusion.", "Small right effusion.", "Small [-left -]{+right +}effusion."],
    ["", "New.", "{+New.+}"],
    ["Old.", "", "[-Old.-]"],
    ["No effusion.", "No pleural effusion.", "No {+pleural +}effusion."],
    ["4 cm", "5 cm", "[-4 -]{+5 +}cm"],
    ["left, small", "small, left", "[-left, -]small{+, left+}"],
  ])("%j to %j", (left, right, expected) => {
    const runs = wordDiff(left, right);
    expect(shown(runs)).toBe(expected);
    expect(runs.filter((r) => r.kind !== "new").map((r) => r.text).join("")).toBe(left);
    expect(runs.filter((r) => r.kind !== "gone").map((r) => r.text).join("")).toBe(right);
  });
});

describe("sentences", () => {
  test("of a draft stand beside the sections that it wrote", () => {
    const exam = { name: "exam" as const, heading: "Exam", sentences: [sentence("e:Chest radiograph.:template")] };
    const whole = (kind: TextKind) => ({ ...text(["a:One."], kind), sections: [exam, ...text(["a:One."]).sections] });
    const names = (left: ReportText, right: ReportText) => compared(left, right).map((section) => section.name);
    expect(names(text(["a:One."], "draft"), whole("now"))).toEqual(["findings"]);
    expect(names(whole("signed"), text(["a:One."], "draft"))).toEqual(["findings"]);
    expect(names(text(["a:One."]), whole("now"))).toEqual(["exam", "findings"]);
  });

  test.each([
    [["a:One."], ["a:One."], ["same One."]],
    [["a:One."], ["a:Two."], ["changed [-One-]{+Two+}."]],
    [["a:One.", "b:Two."], ["b:Two."], ["gone [-One.-]", "same Two."]],
    [["a:One."], ["a:One.", "b:Two."], ["same One.", "new {+Two.+}"]],
    // The same words under another id are the same sentence.
    [["a:One."], ["z:One."], ["same One."]],
    [["a:One.", "b:Two.", "c:Three."], ["c:Three.", "a:One."], ["gone [-Two.-]", "same Three.", "same One."].sort()],
    [[], [], []],
  ])("%j to %j", (left, right, expected) => {
    const [section] = compared(text(left), text(right));
    const rows = section!.rows.map((row) => `${row.kind} ${shown(row.runs)}`);
    // Where sentences changed places the order of what is gone is not fixed.
    expect(right.length > 1 && left.length > 2 ? [...rows].sort() : rows).toEqual(expected);
  });

  test("say where they come from", () => {
    const draft = text(["a:One.:proposed", "b:Two.:proposed", "c:Three.:proposed"], "draft");
    const signed = text(["a:One.:accepted", "b:Two or three.:edited", "d:Mine.:person", "t:Normal.:template"]);
    const [section] = compared(draft, signed);
    expect(section!.rows.map((row) => [row.kind, originOf(row)])).toEqual([
      ["same", "accepted"],
      ["changed", "edited"],
      ["new", "written"],
      ["new", "template"],
      ["gone", "dropped"],
    ]);
  });

  test("a section of one text alone is gone or new", () => {
    const addendum: ReportText = { ...text([]), sections: [{ name: "addendum", heading: "Addendum", sentences: [sentence("x:More.")] }] };
    expect(compared(text(["a:One."]), addendum).map((s) => [s.name, s.rows[0]!.kind])).toEqual([
      ["findings", "gone"],
      ["addendum", "new"],
    ]);
  });
});

test("the texts that are shown first", () => {
  const texts = [text([], "draft"), text([], "preliminary"), text([], "signed"), text([], "amendment")];
  expect(firstChoice(texts, false)).toEqual([2, 3]);
  expect(firstChoice(texts, true)).toEqual([0, 3]);
  expect(firstChoice(texts.slice(1), true)).toEqual([1, 2]);
  expect(firstChoice(texts.slice(0, 1), false)).toEqual([0, 0]);
});
