import { beforeEach, expect, test, vi } from "vitest";

const answers = new Map<string, { give: (png: ArrayBuffer) => void; refuse: () => void }>();
vi.mock("../ipc", async (original) => ({
  ...(await original<typeof import("../ipc")>()),
  shell: { thumbnail: (uid: string) => new Promise<ArrayBuffer>((give, refuse) => answers.set(uid, { give, refuse: () => refuse(new Error("gone")) })) },
}));

const { picture } = await import("./picture");
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
let shown: (string | null)[] = [];
const show = (url: string | null) => void shown.push(url);

beforeEach(() => (shown = []));

test("a thumbnail is shown, and said to be missing where there is none", async () => {
  for (const [uid, bytes] of [["1", 4], ["2", 0]] as const) {
    const end = picture(uid, show);
    answers.get(uid)!.give(new ArrayBuffer(bytes));
    await settled();
    end();
  }
  expect(shown).toEqual([expect.stringContaining("blob:"), null]);
});

test("what became of the image before says nothing of the one in its place", async () => {
  picture("1", show)();
  const end = picture("2", show);
  answers.get("1")!.refuse();
  await settled();
  expect(shown).toEqual([]);
  answers.get("2")!.refuse();
  await settled();
  expect(shown).toEqual([null]);
  end();
});
