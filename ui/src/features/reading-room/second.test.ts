import { expect, onTestFinished, test, vi } from "vitest";
import type { AppEvent, StudyDetail } from "../../ipc";

let tell: (event: AppEvent) => void = () => undefined;
let secondStudy: (studyUid: string | null) => void = () => undefined;
vi.mock("../../state/bus", () => ({
  subscribe: (hear: (event: AppEvent) => void) => {
    tell = hear;
    return () => undefined;
  },
}));
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    secondStudy: () => new Promise<string | null>((give) => (secondStudy = give)),
    openStudy: async (studyUid: string) => ({ studyUid }) as unknown as StudyDetail,
  },
}));

const { SecondStudy } = await import("./second.svelte");
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

/** What is shown after the window asked, with what is told before its answer. */
async function shown(answer: string | null, ...told: AppEvent[]): Promise<string | undefined> {
  const second = new SecondStudy(() => Promise.resolve());
  const end = second.follow();
  const beginning = second.begin();
  told.forEach((event) => tell(event));
  await settled();
  secondStudy(answer);
  await beginning;
  end();
  return second.detail?.studyUid;
}

test("the window on the second screen begins with the study that is open in the first", async () => {
  expect(await shown("A")).toBe("A");
  expect(await shown(null)).toBeUndefined();
});

test("the patient opened in the first window while the second one asked is not followed by the one before", async () => {
  expect(await shown("A", { event: "second_shows", studyUid: "B" })).toBe("B");
});

test("locked while it asked, the second window shows nobody", async () => {
  expect(await shown("A", { event: "locked" })).toBeUndefined();
});

test("what a reader has chosen is read for each who comes, and the page goes with each lock", async () => {
  let [read, gone] = [0, 0];
  const second = new SecondStudy(async () => void (read += 1), () => void (gone += 1));
  onTestFinished(second.follow());
  const check = async (event: AppEvent, times: [read: number, gone: number]) => {
    tell(event);
    await settled();
    expect([read, gone], JSON.stringify(event)).toEqual(times);
  };
  await check({ event: "locked" }, [0, 1]);
  await check({ event: "second_shows", studyUid: "A" }, [1, 1]);
  await check({ event: "second_shows", studyUid: "B" }, [1, 1]);
  await check({ event: "locked" }, [1, 2]);
  await check({ event: "second_shows", studyUid: "B" }, [2, 2]);
});
