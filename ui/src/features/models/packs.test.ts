import { beforeEach, expect, test, vi } from "vitest";
import type { ModelPack, PackCandidate } from "../../ipc";

let choose: (found: PackCandidate | null) => void = () => undefined;
let refuse: (reason: Error) => void = () => undefined;
let add: (job: string) => void = () => undefined;
let lists: ((packs: ModelPack[]) => void)[] = [];
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    packChoose: () => new Promise<PackCandidate | null>((give, fail) => ([choose, refuse] = [give, fail])),
    packAdd: () => new Promise<string>((give) => (add = give)),
    models: () => new Promise<ModelPack[]>((give) => lists.push(give)),
  },
}));

const { packs } = await import("./packs.svelte");
const folder = (problem: PackCandidate["problem"] = null) => ({ token: "t", name: "MedGemma", problem }) as PackCandidate;
let end: () => void = () => undefined;
/** The window is locked, and opened again. */
const locked = () => {
  end();
  end = packs.follow();
};

beforeEach(locked);

test("the folder that was chosen is shown before anything is done", async () => {
  const choosing = packs.choose();
  choose(folder());
  await choosing;
  expect([packs.candidate?.name, packs.choosing]).toEqual(["MedGemma", false]);
});

test("nothing opens when the folder was chosen after the window had been locked", async () => {
  const choosing = packs.choose();
  locked();
  // The desktop's dialog stands still, so that another one is not asked for.
  expect(packs.choosing).toBe(true);
  choose(folder());
  await choosing;
  expect([packs.candidate, packs.refusal, packs.choosing]).toEqual([null, null, false]);
});

test("nor is a folder refused then, or the failure to choose one said", async () => {
  let choosing = packs.choose();
  locked();
  choose(folder({ code: "pack.unknown", detail: "x" } as PackCandidate["problem"]));
  await choosing;
  choosing = packs.choose();
  locked();
  refuse(new Error("the folder is locked"));
  await choosing;
  expect([packs.candidate, packs.refusal, packs.choosing]).toEqual([null, null, false]);
});

test("a pack that was added as the window was locked is no job of the next login", async () => {
  const adding = packs.add(folder(), "none", true);
  locked();
  add("job");
  await adding;
  expect(packs.job).toBeNull();
});

test("the packs are those of the last question", async () => {
  lists = [];
  const reading = [packs.read(), packs.read()];
  lists[1]!([{ id: "new" } as ModelPack]);
  lists[0]!([]);
  await Promise.all(reading);
  expect(packs.list?.map((pack) => pack.id)).toEqual(["new"]);
});
