import type { Section, Sentence } from "./sentences";

const sentence = (id: string, text: string, state: Sentence["state"] = "person"): Sentence =>
  ({ id, text, state, region: null, demo: false, modelText: null, from: null }) as unknown as Sentence;

export const sections = [
  { name: "findings", sentences: [sentence("a", "Small LEFT effusion, left."), sentence("b", "Left."), sentence("c", "Left nodule.", "proposed")] },
  { name: "indication", sentences: [sentence("d", "Left chest pain.")] },
] as unknown as Section[];
