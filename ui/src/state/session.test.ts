import { beforeEach, expect, test, vi } from "vitest";
import type { Settings } from "../ipc";

let answers: { give: (kept: Settings) => void; refuse: (reason: Error) => void; sent: Settings }[] = [];
vi.mock("../ipc", async (original) => ({
  ...(await original<typeof import("../ipc")>()),
  shell: { setSettings: (sent: Settings) => new Promise<Settings>((give, refuse) => answers.push({ give, refuse, sent })) },
}));
vi.stubGlobal("document", { documentElement: { dataset: {} } });

const { session } = await import("./session.svelte");
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const shown = () => [session.settings?.reportWidth, session.settings?.idleLockMinutes];

beforeEach(() => {
  answers = [];
  session.settings = { theme: "dark", reportWidth: 600, idleLockMinutes: 10 } as Settings;
});

test("the answer to one change of the settings does not take back the next", async () => {
  void session.saveSettings({ reportWidth: 620 });
  void session.saveSettings({ idleLockMinutes: 5 });
  answers[0]!.give(answers[0]!.sent);
  await settled();
  expect(shown()).toEqual([620, 5]);
  void session.saveSettings({ reportWidth: 640 });
  expect([answers[2]!.sent.reportWidth, answers[2]!.sent.idleLockMinutes]).toEqual([640, 5]);
  answers.slice(1).forEach(({ give, sent }) => give(sent));
  await settled();
  expect(shown()).toEqual([640, 5]);
});

test("settings that could not be kept are shown as they were", async () => {
  void session.saveSettings({ reportWidth: 620 });
  void session.saveSettings({ idleLockMinutes: 5 });
  answers.forEach(({ refuse }) => refuse(new Error("no room")));
  await settled();
  expect(shown()).toEqual([600, 10]);
});

test("what is asked for in the report does not come over the screen that somebody went to meanwhile", async () => {
  session.screen = "room";
  expect(await session.stays(async () => undefined)).toBe(true);
  expect(await session.stays(async () => (session.screen = "settings"))).toBe(false);
  // Back in the report, the question would come late and unasked.
  session.screen = "room";
  expect(await session.stays(async () => [(session.screen = "settings"), (session.screen = "room")])).toBe(false);
  expect(await session.stays(() => Promise.reject(new Error("no room")))).toBe(false);
  expect(session.notices.length).toBe(1);
});
