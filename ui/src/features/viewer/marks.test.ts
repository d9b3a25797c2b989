import { beforeEach, expect, test, vi } from "vitest";
import type { Annotation } from "../../ipc";

/** What the shell keeps, by study. */
let kept: Record<string, Annotation[]> = {};
const asked: string[] = [];
/** The shell can keep nothing. */
let full = false;
/** Holds answers back until they are let go. */
let gate: Promise<void> = Promise.resolve();

vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    annotations: async (studyUid: string) => {
      asked.push(studyUid);
      const answer = structuredClone(kept[studyUid] ?? []);
      await gate;
      return answer;
    },
    annotationPut: async (mark: Annotation) => {
      if (full) throw new Error("no room");
      kept["1"] = [...(kept["1"] ?? []).filter((one) => one.id !== mark.id), structuredClone(mark)];
    },
    annotationRemove: async (id: string) => {
      kept["1"] = (kept["1"] ?? []).filter((one) => one.id !== id);
    },
  },
}));

const { session } = await import("../../state/session.svelte");
const { marks } = await import("./marks.svelte");
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

const mark = (id: string, x = 10): Annotation => ({ id, instanceUid: "1.1", kind: "length", points: [[x, 5], [30, 5]], label: "", measured: ["3.0 mm"], spacing: "imager" });
const shown = () => marks.all.map((one) => `${one.id}@${one.points[0]![0]}`);

beforeEach(async () => {
  kept = { "1": [mark("a")], "2": [mark("p")] };
  asked.length = 0;
  full = false;
  gate = Promise.resolve();
  marks.clear();
  await marks.read("1");
});

test("what the other window draws, moves and deletes is shown here", async () => {
  kept["1"] = [mark("a", 12), mark("b")];
  marks.changed("1");
  await settled();
  expect(shown()).toEqual(["a@12", "b@10"]);
  marks.selectedId = "a";
  kept["1"] = [mark("b")];
  marks.changed("1");
  await settled();
  expect(shown()).toEqual(["b@10"]);
  expect(marks.selectedId).toBeNull();
});

test("what could not be kept stays in sight, and is sent with its next change", async () => {
  full = true;
  marks.change(mark("a"), mark("a", 20));
  await settled();
  full = false;
  kept["1"] = [...kept["1"]!, mark("b")];
  marks.changed("1");
  await settled();
  expect(shown()).toEqual(["a@20", "b@10"]);
  marks.change(mark("a", 20), mark("a", 21));
  await settled();
  expect(kept["1"]!.map((one) => one.points[0]![0])).toContain(21);
});

test("a study that is not shown here is not asked for", async () => {
  asked.length = 0;
  marks.changed("2");
  await settled();
  expect(asked).toEqual([]);
});

test("of one's own change the shell tells too, and it can still be taken back", async () => {
  marks.add("1.1", "length", [{ x: 1, y: 1 }, { x: 2, y: 2 }], { label: "", measured: [], spacing: null });
  const own = marks.all[1]!;
  // The last bit is not always kept.
  await settled();
  kept["1"]![1]!.points[0]![0] += Number.EPSILON;
  marks.changed("1");
  await settled();
  expect(marks.all[1]).toBe(own);
  marks.undo();
  await settled();
  expect([shown(), kept["1"]!.length]).toEqual([["a@10"], 1]);
});

test("what another window changed last cannot be taken back here", async () => {
  marks.change(mark("a"), mark("a", 20));
  await settled();
  kept["1"] = [mark("a", 40)];
  marks.changed("1");
  await settled();
  expect([shown(), marks.canUndo]).toEqual([["a@40"], false]);
});

test("an answer that is older than a change made here is not shown", async () => {
  let letGo = (): void => undefined;
  gate = new Promise((resolve) => (letGo = resolve));
  kept["1"] = [mark("a"), mark("b")];
  marks.changed("1");
  await settled();
  marks.remove(marks.all[0]!);
  letGo();
  await settled();
  expect(shown()).toEqual(["b@10"]);
  expect(kept["1"]!.map((one) => one.id)).toEqual(["b"]);
});

test("a mark that is being dragged stays under the pointer", async () => {
  marks.preview(mark("a", 25));
  kept["1"] = [mark("a"), mark("b")];
  marks.changed("1");
  await settled();
  expect(shown()).toEqual(["a@25", "b@10"]);
});

test("an answer that comes when another study is shown is left out", async () => {
  let letGo = (): void => undefined;
  gate = new Promise((resolve) => (letGo = resolve));
  marks.changed("1");
  await settled();
  marks.clear();
  letGo();
  await settled();
  expect(shown()).toEqual([]);
});

test("what is told while a study is read is not lost", async () => {
  marks.clear();
  let letGo = (): void => undefined;
  gate = new Promise((resolve) => (letGo = resolve));
  const reading = marks.read("1");
  kept["1"] = [mark("b")];
  marks.changed("1");
  letGo();
  await reading;
  await settled();
  expect(shown()).toEqual(["b@10"]);
});

test("that the marks of a study could not be read is not said once another one is shown", async () => {
  marks.clear();
  session.notices = [];
  let fail = (): void => undefined;
  gate = new Promise((_, reject) => (fail = () => reject(new Error("locked"))));
  const reading = marks.read("1");
  marks.clear();
  fail();
  await reading;
  expect(session.notices).toEqual([]);
});
