import { expect, test } from "vitest";
import type { Annotation } from "../../ipc";
import { dictated } from "./dictated";

const image = { spacing: [0.15, 0.15] as [number, number], spacingSource: "imager" };
const line: Pick<Annotation, "kind" | "points" | "label"> = { kind: "length", points: [[0, 0], [200, 0]], label: "" };
const ctr: typeof line = { kind: "ctr", points: [[0, 0], [56, 0], [0, 9], [100, 9]], label: "" };

test.each<[string, typeof line, string | null, string]>([
  ["the study's own", line, null, "Measured length 30 mm (at the detector)."],
  ["with a label", { ...line, label: "Nodule" }, null, "Nodule: Measured length 30 mm (at the detector)."],
  ["of a prior", line, "2024-01-05", "Measured length 30 mm (at the detector) on the prior of 2024-01-05."],
  ["of a prior, with a label", { ...line, label: "Nodule" }, "2024-01-05", "Nodule: Measured length 30 mm (at the detector) on the prior of 2024-01-05."],
  // The checks hold the first number after the word against what was measured: it is the ratio, and no date.
  ["a ratio of a prior", ctr, "2024-01-05", "Cardiothoracic ratio 0.56 on the prior of 2024-01-05."],
  ["of a prior without a date", line, "", "Measured length 30 mm (at the detector) on a prior without a date."],
  ["a text", { kind: "text", points: [[1, 1]], label: "Old fracture." }, null, "Old fracture."],
  ["a text on a prior", { kind: "text", points: [[1, 1]], label: "Old fracture." }, "2024-01-05", "Old fracture on the prior of 2024-01-05."],
  ["an arrow", { kind: "arrow", points: [[0, 0], [9, 9]], label: "" }, "2024-01-05", ""],
])("%s", (_, mark, prior, sentence) => expect(dictated(mark, image, prior)).toBe(sentence));

test("a length without the size of a pixel says nothing", () => expect(dictated(line, { spacing: null, spacingSource: null }, "2024-01-05")).toBe(""));

test.each<[string, Pick<Annotation, "kind" | "points" | "label">, string]>([
  ["a length", line, "Measured length 30 mm (calibrated)."],
  ["a region", { ...line, kind: "rectangle", points: [[0, 0], [200, 100]] }, "Measured 30 mm by 15 mm (calibrated)."],
  // A ratio is without millimetres, so that no spacing is said with it.
  ["a ratio", ctr, "Cardiothoracic ratio 0.56."],
])("%s by Pixel Spacing says so", (_, mark, sentence) => expect(dictated(mark, { ...image, spacingSource: "calibrated" }, null)).toBe(sentence));
