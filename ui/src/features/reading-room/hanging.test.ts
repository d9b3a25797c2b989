import { expect, test } from "vitest";
import type { ImageView } from "../../ipc";
import { aspectOf, hang, parseRules, relaid, STANDARD, type HangingRule, type Hung } from "./hanging";

const image = (view: string, orientation: string[] = []) => ({ view, orientation }) as ImageView;
const hung = (view: string, prior = false): Hung => ({ studyUid: prior ? "2" : "1", image: image(view), caption: "", prior });

test.each([
  ["PA", [], "frontal"],
  ["ap", [], "frontal"],
  ["LL", [], "lateral"],
  ["", ["L", "F"], "frontal"],
  ["", ["A", "F"], "lateral"],
  ["", [], "other"],
] as const)("%s %o is %s", (view, orientation, aspect) => expect(aspectOf(image(view, [...orientation]))).toBe(aspect));

test.each<[string, Hung[], string, number[]]>([
  ["one frontal", [hung("PA")], "1x1", [0]],
  ["lateral first", [hung("LL"), hung("PA")], "1x2", [1, 0]],
  ["with a prior", [hung("AP"), hung("PA", true)], "1x2", [0, 1]],
  ["two views with a prior of one", [hung("PA"), hung("LL"), hung("PA", true)], "2x2", [0, 2, 1, -1]],
  ["no view said", [hung("")], "1x1", [0]],
  ["no view said, prior known", [hung(""), hung("PA", true)], "1x2", [0, 1]],
  ["nothing", [], "1x1", [-1]],
])("%s", (_, stack, layout, panes) => expect(hang(stack, STANDARD)).toEqual({ layout, panes }));

test("the first rule that fits is used, and rules that fit nothing leave one pane", () => {
  const rule: HangingRule = { name: "own", prior: "any", lateral: "any", layout: "2x1", slots: ["lateral", "frontal"] };
  expect(hang([hung("PA"), hung("LL")], [rule, ...STANDARD])).toEqual({ layout: "2x1", panes: [1, 0] });
  expect(hang([hung("PA")], [{ ...rule, lateral: "yes" }])).toEqual({ layout: "1x1", panes: [0] });
});

test("another layout keeps what is shown", () => {
  expect(relaid([2], "1x2", 3)).toEqual([2, 0]);
  expect(relaid([2, 0], "2x2", 3)).toEqual([2, 0, 1, -1]);
  expect(relaid([2, 0, 1, -1], "1x1", 3)).toEqual([2]);
});

test("kept rules that are damaged give way to the standard ones", () => {
  expect(parseRules(JSON.stringify(STANDARD.slice(1)))).toEqual(STANDARD.slice(1));
  for (const text of [null, "", "{", "[]", "7", '[{"layout":"9x9","slots":[]}]', '[{"layout":"1x1","slots":["x"]}]']) expect(parseRules(text)).toEqual(STANDARD);
});
