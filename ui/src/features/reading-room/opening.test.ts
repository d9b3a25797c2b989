import { beforeEach, expect, test, vi } from "vitest";
import type { AppEvent, PixelImage, StudyDetail, StudyRow } from "../../ipc";

let tell: (event: AppEvent) => void = () => undefined;
/** What the shell was asked, in order. */
const asked: string[] = [];
let answers: { studyUid: string; give: (detail: StudyDetail) => void; refuse: (reason: Error) => void }[] = [];
const decoded = new Map<string, PixelImage>();

vi.mock("../../state/bus", () => ({
  subscribe: (hear: (event: AppEvent) => void) => {
    tell = hear;
    return () => undefined;
  },
}));
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    openStudy: (studyUid: string) => {
      asked.push(`open ${studyUid}`);
      return new Promise<StudyDetail>((give, refuse) => answers.push({ studyUid, give, refuse }));
    },
    imageOverview: async (instanceUid: string) => {
      asked.push(`decode ${instanceUid}`);
      const image = { texels: new Uint16Array(8), planes: [] } as unknown as PixelImage;
      decoded.set(instanceUid, image);
      return image;
    },
    secondShow: async (studyUid: string | null) => void asked.push(`second ${studyUid}`),
  },
}));

const { session } = await import("../../state/session.svelte");
const { worklist } = await import("../worklist/worklist.svelte");
const { room } = await import("./room.svelte");

const row = (studyUid: string) => ({ studyUid, instanceUid: `${studyUid}.1`, status: "new", topFindings: [] }) as unknown as StudyRow;
const detail = (studyUid: string, scores = 0) => ({ studyUid, support: Array(scores).fill({}), supportDemo: false }) as unknown as StudyDetail;
const settled = () => vi.advanceTimersByTimeAsync(0);
const freed = (instanceUid: string) => decoded.get(instanceUid)!.texels.length === 0;

/** Lets what is saved before a study is left come to its end. */
let saved: () => void;
let unsaved: (reason: Error) => void;
let end: () => void;

beforeEach(async () => {
  vi.useFakeTimers();
  end?.();
  end = room.follow();
  worklist.rows = ["A", "B", "C"].map(row);
  session.screen = "worklist";
  void room.open("A");
  await settled();
  answers.at(-1)!.give(detail("A"));
  await settled();
  const takeBack = room.onLeave(() => new Promise<void>((resolve, reject) => ([saved, unsaved] = [resolve, reject])));
  const whole = end;
  end = () => {
    takeBack();
    whole();
  };
  asked.length = 0;
  answers = [];
  session.notices = [];
});

const elsewhere: [string, () => void][] = [
  ...(["settings", "models", "calibration", "audit", "help"] as const).map((screen): [string, () => void] => [screen, () => (session.screen = screen)]),
  ["worklist", () => void room.toWorklist()],
];

test.each(elsewhere)("whoever goes to the %s while a study waits to be opened stays there", async (screen, go) => {
  void room.open("B");
  const [before] = [saved];
  await settled();
  go();
  before();
  saved();
  await settled();
  answers.forEach((one) => one.give(detail(one.studyUid)));
  await settled();
  expect(session.screen).toBe(screen);
  expect(room.studyUid).toBe("A");
});

test("whoever goes back to the open study while another one waits stays with it", async () => {
  session.screen = "settings";
  void room.open("B");
  session.screen = "room";
  saved();
  await settled();
  expect([session.screen, room.studyUid]).toEqual(["room", "A"]);
});

test.each<[string, () => void]>([
  ["the person went elsewhere", () => ((session.screen = "settings"), saved())],
  ["the vault was locked", () => (tell({ event: "locked" }), end(), saved())],
  ["the text could not be saved", () => unsaved(new Error("no room"))],
])("a study that is not opened after all leaves nothing behind: %s", async (_, instead) => {
  void room.open("B");
  await settled();
  instead();
  await settled();
  // The shell records who read a report and may have a model draft it; it is not told of what was not opened.
  expect(asked).toEqual(["decode B.1"]);
  expect(freed("B.1")).toBe(true);
  tell({ event: "support_ready", studyUid: "B", instanceUid: "B.1", support: [{}], demo: true } as unknown as AppEvent);
  expect(room.support).toEqual([]);
});

test("of two studies asked for, the last one comes, with its image, and nothing of the first", async () => {
  void room.open("B");
  const first = saved;
  await settled();
  void room.open("C");
  saved();
  await settled();
  first();
  await settled();
  expect(asked).toEqual(["decode B.1", "decode C.1", "open C"]);
  answers[0]!.give(detail("C", 2));
  await settled();
  expect([room.studyUid, room.detail?.studyUid, room.support.length]).toEqual(["C", "C", 2]);
  expect([freed("B.1"), freed("C.1")]).toEqual([true, false]);
  expect(await room.pixels.take("C.1")).toBe(decoded.get("C.1"));
});

test("a study asked for twice keeps what was decoded for it", async () => {
  void room.open("B");
  const first = saved;
  await settled();
  void room.open("B");
  saved();
  first();
  await settled();
  expect(asked).toEqual(["decode B.1", "open B"]);
  expect(freed("B.1")).toBe(false);
});

test("of a study opened twice, the answer to the first opening is not shown", async () => {
  for (const studyUid of ["B", "C", "B"]) {
    void room.open(studyUid);
    saved();
    await settled();
  }
  const [first, , last] = answers;
  last!.give(detail("B", 13));
  await settled();
  first!.give(detail("B", 0));
  await settled();
  expect(room.support.length).toBe(13);
});

test("the failure of an opening before is not said of a study that is open", async () => {
  for (const studyUid of ["B", "C", "B"]) {
    void room.open(studyUid);
    saved();
    await settled();
  }
  const [first, , last] = answers;
  last!.give(detail("B"));
  await settled();
  first!.refuse(new Error("locked"));
  await settled();
  expect(room.failed).toBeNull();
});

test("a report that is given up is left, and whoever goes to the settings meanwhile stays there", async () => {
  const shut = room.shut();
  await settled();
  session.screen = "settings";
  saved();
  await shut;
  expect([session.screen, room.studyUid]).toEqual(["settings", null]);
  // The second window would go on showing it.
  expect(asked).toEqual(["second null"]);
});

test("the study given at start opens where nobody has gone anywhere", async () => {
  end();
  end = room.follow();
  tell({ event: "open_study", studyUid: "C" });
  await settled();
  expect([session.screen, room.studyUid]).toEqual(["room", "C"]);
});

test("the study given at start does not come over what somebody went to while it was imported", async () => {
  tell({ event: "open_study", studyUid: "C" });
  await settled();
  expect(room.studyUid).toBe("A");
  expect(session.notices[0]?.text).toBe("The study given at start is imported.");
});
