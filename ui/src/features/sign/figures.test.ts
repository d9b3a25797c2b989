import { expect, test } from "vitest";
import type { Annotation, ImageView } from "../../ipc";
import { rowsOf, toggled } from "./figures";

const image = (instanceUid: string, view: string) => ({ instanceUid, view, modality: "DX" }) as ImageView;
const mark = (id: string, instanceUid: string, measured: string[]) => ({ id, instanceUid, measured }) as Annotation;

test("images are named by their view, and by a number where two are alike", () => {
  const rows = rowsOf([image("1", "PA"), image("2", "LL"), image("3", "PA"), image("4", "")], []);
  expect(rows.map((row) => row.name)).toEqual(["PA (1)", "LL", "PA (2)", "DX"]);
});

test("what was measured stands with its image, arrows and texts do not", () => {
  const rows = rowsOf([image("1", "PA"), image("2", "LL")], [mark("a", "2", ["12 mm"]), mark("b", "1", []), mark("c", "9", ["1 mm"])]);
  expect(rows.map((row) => row.measured.map((one) => one.id))).toEqual([[], ["a"]]);
});

test("an entry is put at the end or taken away", () => {
  expect(toggled(["a", "b"], "c")).toEqual(["a", "b", "c"]);
  expect(toggled(["a", "b"], "a")).toEqual(["b"]);
});
