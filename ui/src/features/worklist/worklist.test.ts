import { beforeEach, expect, test, vi } from "vitest";
import type { AppEvent, ImportFile, ImportUndone, StudyRow } from "../../ipc";

let tell: (event: AppEvent) => void = () => undefined;
let rows: (all: StudyRow[]) => void = () => undefined;
let refuse: (reason: Error) => void = () => undefined;
let undone: (what: ImportUndone) => void = () => undefined;
vi.mock("../../state/bus", () => ({
  subscribe: (hear: (event: AppEvent) => void) => {
    tell = hear;
    return () => undefined;
  },
}));
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    worklist: () => new Promise<StudyRow[]>((give, fail) => ([rows, refuse] = [give, fail])),
    undoImport: () => new Promise<ImportUndone>((give) => (undone = give)),
    preference: async () => null,
    draftQueue: async () => ({ paused: false, running: null, studies: [] }),
  },
}));

const { worklist } = await import("./worklist.svelte");
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const refused = (job: string) => tell({ event: "import_progress", job, done: 1, total: 1, file: { name: "x", verdict: "refused" } as ImportFile });
let end: () => void = () => undefined;

beforeEach(() => {
  end();
  end = worklist.follow();
});

test("a list that was asked for before the lock brings no patient behind it", async () => {
  end();
  rows([{ studyUid: "1" } as StudyRow]);
  await settled();
  expect([worklist.rows, worklist.loaded]).toEqual([[], false]);
});

test("a list that could not be read before the lock says so to nobody after it", async () => {
  end();
  refuse(new Error("the folder is locked"));
  await settled();
  expect([worklist.failed, worklist.loaded]).toEqual([null, false]);
});

test("a late failure of an earlier search leaves the result of a newer one alone", async () => {
  const failing = refuse;
  const reading = worklist.read();
  rows([{ studyUid: "2" } as StudyRow]);
  await reading;
  failing(new Error("no room"));
  await settled();
  expect([worklist.rows.map((row) => row.studyUid), worklist.failed]).toEqual([["2"], null]);
});

test("verdicts that were open at the lock do not open by themselves with an import after it", () => {
  refused("first");
  worklist.showVerdicts = true;
  end();
  end = worklist.follow();
  refused("second");
  expect([worklist.job?.job, worklist.showVerdicts]).toEqual(["second", false]);
});

test("an import is taken back and its verdicts with it", async () => {
  refused("first");
  const undoing = worklist.undoImport();
  undone({ removed: 1, kept: 0 });
  await settled();
  rows([]);
  await undoing;
  expect(worklist.job).toBeNull();
});

test("what became of the files of an import that began meanwhile is not lost", async () => {
  refused("first");
  const undoing = worklist.undoImport();
  refused("second");
  worklist.showVerdicts = true;
  undone({ removed: 1, kept: 0 });
  await settled();
  rows([]);
  await undoing;
  expect([worklist.job?.job, worklist.job?.files.length, worklist.showVerdicts]).toEqual(["second", 1, true]);
});
