import { beforeEach, expect, test, vi } from "vitest";
import type { AppEvent, StudyDetail } from "../../ipc";

let tell: (event: AppEvent) => void = () => undefined;
let answer: (detail: StudyDetail) => void = () => undefined;

vi.mock("../../state/bus", () => ({
  subscribe: (hear: (event: AppEvent) => void) => {
    tell = hear;
    return () => undefined;
  },
}));
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    openStudy: () => new Promise<StudyDetail>((resolve) => (answer = resolve)),
    secondShow: async () => null,
    reportRelease: async () => null,
  },
}));

const changed = vi.hoisted(() => vi.fn());
vi.mock("../viewer/marks.svelte", async (original) => {
  const { marks } = await original<typeof import("../viewer/marks.svelte")>();
  marks.changed = changed;
  return { marks };
});

const { session } = await import("../../state/session.svelte");
const { room } = await import("./room.svelte");

const detail = (studyUid: string, scores: number) => ({ studyUid, support: Array(scores).fill({}), supportDemo: false }) as unknown as StudyDetail;
const ready = (studyUid: string): AppEvent => ({ event: "support_ready", studyUid, support: [{}, {}], demo: true }) as unknown as AppEvent;
const refused = (studyUid: string): AppEvent => ({ event: "support_failed", studyUid, code: "encode.no_model", detail: "" }) as unknown as AppEvent;

beforeEach(() => {
  vi.useFakeTimers();
  room.follow();
});

/** Opens a study, with what is said before its answer and the scores in that answer; gives the number of scores shown. */
async function opened(studyUid: string, before: AppEvent[], scores: number): Promise<number> {
  const open = room.open(studyUid);
  await vi.advanceTimersByTimeAsync(0);
  before.forEach((event) => tell(event));
  await vi.advanceTimersByTimeAsync(0);
  answer(detail(studyUid, scores));
  await open;
  return room.support.length;
}

test("scores that came before the study was read are kept", async () => {
  expect(await opened("1", [ready("1")], 0)).toBe(2);
  expect(room.supportDemo).toBe(true);
});

test("the last wish counts where one is still being followed", async () => {
  await opened("6", [], 1);
  const back = room.toWorklist();
  await room.open("6");
  await back;
  expect(session.screen).toBe("room");
  await room.toWorklist();
  expect(session.screen).toBe("worklist");
});

test("scores in the study's own answer, and those of another study", async () => {
  expect(await opened("2", [], 13)).toBe(13);
  expect(await opened("3", [ready("4")], 0)).toBe(0);
  tell(ready("3"));
  expect(room.support.length).toBe(2);
});

test("a refusal before the study was read is shown, and one of an earlier opening is not", async () => {
  await opened("5", [refused("5")], 0);
  expect(room.supportFailed?.code).toBe("encode.no_model");
  await opened("6", [], 0);
  await opened("5", [], 0);
  expect(room.supportFailed).toBeNull();
});

test("a sentence from the second window goes into the report of its study alone", async () => {
  await opened("7", [], 0);
  const taken: string[] = [];
  const end = room.onDictate((text) => taken.push(text));
  tell({ event: "dictated", studyUid: "7", text: "Measured length 30 mm." });
  session.notices = [];
  tell({ event: "dictated", studyUid: "6", text: "Measured length 40 mm." });
  expect(taken).toEqual(["Measured length 30 mm."]);
  expect(session.notices[0]?.text).toContain("not open any more");
  end();
  tell({ event: "dictated", studyUid: "7", text: "Measured length 50 mm." });
  expect(session.notices[1]?.text).toBe("The report is not open for writing.");
});

test("the marks of a study are read again when the shell tells of a change", () => {
  tell({ event: "marks_changed", studyUid: "7" });
  expect(changed).toHaveBeenCalledExactlyOnceWith("7");
});
