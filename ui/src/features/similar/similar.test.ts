import { expect, test, vi } from "vitest";
import type { SimilarCases } from "../../ipc";
import { ANY } from "./filter";

let answers: ((cases: SimilarCases) => void)[] = [];
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: { similarCases: () => new Promise<SimilarCases>((give) => answers.push(give)) },
}));

const { SimilarSearch } = await import("./similar.svelte");
const cases = (searched: number) => ({ searched, waiting: 0, demo: false, cases: [] }) as SimilarCases;

test("the cases of another image are not shown under this one's name", async () => {
  const search = new SimilarSearch();
  const first = search.ask("1", ANY);
  answers[0]!(cases(1));
  await first;
  expect(search.found?.searched).toBe(1);
  void search.ask("2", ANY);
  expect([search.found, search.busy]).toEqual([null, true]);
});

test("the cases of one image stay while a filter narrows them, and the last question is the one that counts", async () => {
  answers = [];
  const search = new SimilarSearch();
  const first = search.ask("1", ANY);
  answers[0]!(cases(1));
  await first;
  const asked = [search.ask("1", { ...ANY, sex: "F" }), search.ask("1", { ...ANY, sex: "M" })];
  expect(search.found?.searched).toBe(1);
  answers[2]!(cases(3));
  answers[1]!(cases(2));
  await Promise.all(asked);
  expect([search.found?.searched, search.busy]).toEqual([3, false]);
});
