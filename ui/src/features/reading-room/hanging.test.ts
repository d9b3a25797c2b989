import { expect, test } from "vitest";
import type { ImageView } from "../../ipc";
import { aspectOf, dockOf, hang, nameOf, parseRules, relaid, STANDARD, stepped, unshown, type HangingRule, type Hung, type Layout } from "./hanging";

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

test("what no pane shows yet, and how an empty pane begins", () => {
  expect(unshown([0, 2, 1, -1], 3)).toEqual([]);
  expect(unshown([0, -1], 3)).toEqual([1, 2]);
  expect([stepped([2], 0, 1, 3), stepped([0], 0, -1, 3)]).toEqual([0, 2]);
  // An image that is left comes first; where all are shown, the first or the last of the stack.
  expect([stepped([0, -1], 1, 1, 3), stepped([0, -1], 1, -1, 3)]).toEqual([1, 1]);
  expect([stepped([0, 2, 1, -1], 3, 1, 3), stepped([0, 2, 1, -1], 3, -1, 3)]).toEqual([0, 2]);
});

test("an image is called by its view, a prior by its date as well", () => {
  expect(nameOf({ ...hung("PA"), caption: "2026-11-23 08:00" })).toBe("PA");
  expect(nameOf({ ...hung("LATERAL", true), caption: "Prior 2024-03-02" })).toBe("LATERAL prior 2024-03-02");
  expect(nameOf({ ...hung(""), image: { view: "", modality: "DX" } as ImageView })).toBe("DX");
});

test.each<[string, number, number, Layout, string]>([
  ["one image in a narrow window", 657, 734, "1x1", "below"],
  ["one image in a wide window", 1234, 970, "1x1", "beside"],
  ["two beside each other, which leave room below", 1234, 970, "1x2", "below"],
  ["two above each other", 1234, 970, "2x1", "beside"],
  ["four in a narrow window", 657, 690, "2x2", "below"],
  ["nothing measured yet", 0, 0, "1x1", "below"],
])("the list of measurements takes least of %s", (_, width, height, layout, dock) => {
  expect(dockOf({ width, height }, layout)).toBe(dock);
});

test("kept rules that are damaged give way to the standard ones", () => {
  expect(parseRules(JSON.stringify(STANDARD.slice(1)))).toEqual(STANDARD.slice(1));
  for (const text of [null, "", "{", "[]", "7", '[{"layout":"9x9","slots":[]}]', '[{"layout":"1x1","slots":["x"]}]']) expect(parseRules(text)).toEqual(STANDARD);
});
