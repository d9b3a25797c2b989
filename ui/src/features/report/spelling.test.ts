import { expect, test, vi } from "vitest";
import type { SpellingAnswer, SpellingQuestion } from "./spelling-worker";

const asked: SpellingQuestion[] = [];
let answer: (answer: SpellingAnswer) => void = () => undefined;
class FakeWorker {
  onmessage: (event: { data: SpellingAnswer }) => void = () => undefined;
  constructor() {
    answer = (data) => this.onmessage({ data });
  }
  postMessage(question: SpellingQuestion): void {
    asked.push(question);
  }
  terminate(): void {}
}
vi.stubGlobal("Worker", FakeWorker);
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: { spelling: async () => ({ lexicon: [], own: [] }), preference: async () => null },
}));

const { spelling } = await import("./spelling.svelte");

test("a word that waited for suggestions at the lock is asked about again after it", async () => {
  await spelling.read();
  const before = spelling.suggest("efusion");
  spelling.end();
  expect(await before).toEqual([]);
  await spelling.read();
  asked.length = 0;
  const after = spelling.suggest("efusion");
  expect(asked).toEqual([{ suggest: "efusion" }]);
  answer({ suggest: "efusion", words: ["effusion"] });
  expect(await after).toEqual(["effusion"]);
});
