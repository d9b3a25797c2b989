import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { AppStatus, Settings, ShellEvent } from "../ipc";

let answers: { give: (kept: Settings) => void; refuse: (reason: Error) => void; sent: Settings }[] = [];
/** Whether the shell has locked, and its answer to who may log in: at once, or when the test lets it. */
let vault = { locked: false, slow: false };
let answer: () => void = () => undefined;
let shut = 0;
let touched = 0;
let renewed = 0;
let tell: (event: ShellEvent) => void = () => undefined;
const status = () => ({ locked: vault.locked, firstRun: false, user: vault.locked ? null : { name: "Dr Reader" }, users: [] }) as unknown as AppStatus;
vi.mock("../ipc", async (original) => ({
  ...(await original<typeof import("../ipc")>()),
  onAppEvent: (listener: (event: ShellEvent) => void) => Promise.resolve(((tell = listener), () => undefined)),
  shell: {
    setSettings: (sent: Settings) => new Promise<Settings>((give, refuse) => answers.push({ give, refuse, sent })),
    appStatus: () => (vault.slow ? new Promise<AppStatus>((give) => (answer = () => give(status()))) : Promise.resolve(status())),
    settings: () => Promise.resolve({ theme: "dark" }),
    engines: () => Promise.resolve([]),
    started: () => Promise.resolve(),
    lock: () => Promise.resolve(void (vault.locked = true)),
    touch: () => Promise.resolve(void (touched += 1)),
    renewPage: () => Promise.resolve(void (renewed += 1)),
    closeWindow: () => Promise.resolve(void (shut += 1)),
  },
}));
vi.stubGlobal("document", { documentElement: { dataset: {} } });

const { connect } = await import("./bus");
const { session } = await import("./session.svelte");
await connect();
await session.boot();
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const shown = () => [session.settings?.reportWidth, session.settings?.idleLockMinutes];

beforeEach(() => {
  answers = [];
  vault = { locked: false, slow: false };
  shut = touched = renewed = 0;
  session.notices = [];
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

/** Something that is to be saved before the window locks or closes, for as long as the test lasts. */
function toBeSaved(save: () => Promise<void>): void {
  const end = session.onLock(save);
  onTestFinished(() => {
    end();
    return session.answerUnsaved(false);
  });
}

async function loggedIn(): Promise<void> {
  vault.locked = false;
  await session.entered(status());
}

/** The first user, who has not come to the end of the first run. */
async function onTheWayIn(): Promise<void> {
  vault.locked = false;
  await session.entered({ ...status(), firstRunOpen: true });
}

/** Nobody was there for as long as the settings say. */
function leftAlone(): void {
  vault.locked = true;
  tell({ event: "locked" });
}

function leftToASlowShell(): void {
  vault.slow = true;
  leftAlone();
}

async function leftToAnother(): Promise<void> {
  leftAlone();
  await settled();
  await loggedIn();
}

type Doing = "lock" | "close";

/** Locks or closes over text that cannot be saved, while `meanwhile` happens to the window, and looks at what is asked. */
async function check(doing: Doing, meanwhile: () => void | Promise<void>, asked: Doing | null, locked: boolean): Promise<void> {
  await loggedIn();
  let refuse: (reason: Error) => void = () => undefined;
  toBeSaved(() => new Promise((_, fail) => (refuse = fail)));
  if (doing === "lock") void session.lock();
  else tell({ event: "closing" });
  await meanwhile();
  refuse(new Error("no room"));
  await settled();
  expect([session.unsaved?.doing ?? null, session.unlocked]).toEqual([asked, !locked]);
  answer();
  await settled();
  // Neither is anything asked once the shell has said who may log in, and nobody has given the text up.
  expect([session.unsaved?.doing ?? null, session.unlocked, shut]).toEqual([asked, !locked, 0]);
}

test.each([
  ["lock", "stays open", () => undefined, "lock", false],
  ["close", "stays open", () => undefined, "close", false],
  ["lock", "is locked", leftAlone, null, true],
  ["close", "is locked", leftAlone, null, true],
  ["close", "is locked by a shell that takes its time to say who may log in", leftToASlowShell, null, true],
  ["lock", "is locked, and somebody else logs in", leftToAnother, null, false],
] as [Doing, string, () => void | Promise<void>, Doing | null, boolean][])("what is asked before a %s over text that cannot be saved, where the window meanwhile %s", (doing, _, meanwhile, asked, locked) => check(doing, meanwhile, asked, locked));

test("what would be lost with the window is asked about before it closes, and not before it locks", async () => {
  await loggedIn();
  const end = session.onClose({ names: ["Dr Other"], settled: () => Promise.resolve() });
  onTestFinished(() => {
    end();
    return session.answerUnsaved(false);
  });
  await session.close();
  // The shell has heard that the page lives before a person has answered.
  expect([session.unsaved?.doing ?? null, session.unsaved?.waits, shut, touched]).toEqual(["close", ["Dr Other"], 0, 1]);
  await session.answerUnsaved(false);
  await session.lock();
  expect([session.unsaved, session.unlocked]).toEqual([null, false]);
  // Over the screen that unlocks it would be lost as well.
  await session.close();
  expect([session.unsaved?.doing ?? null, shut]).toEqual(["close", 0]);
  await session.answerUnsaved(true);
  expect([session.unsaved, shut]).toEqual([null, 1]);
});

test("an answer about the lock that comes late does not put out who has logged in since", async () => {
  await loggedIn();
  vault.slow = true;
  leftAlone();
  await settled();
  vault.slow = false;
  await loggedIn();
  vault.locked = true;
  answer();
  await settled();
  expect(session.unlocked).toBe(true);
});

test("a question goes with the lock, and what is asked after it, before the shell has said who may log in, is not asked either", async () => {
  await loggedIn();
  toBeSaved(() => Promise.reject(new Error("no room")));
  await session.lock();
  expect(session.unsaved?.doing).toBe("lock");
  vault.slow = true;
  leftAlone();
  expect([session.unsaved, session.unlocked]).toEqual([null, false]);
  await session.close();
  answer();
  await settled();
  expect([session.unsaved, session.unlocked, shut]).toEqual([null, false, 0]);
});

/** What waits in the page, and what is on its way there, until the end of the test. */
function textThatWaits(names: readonly string[], settled: () => Promise<void> = () => Promise.resolve()): void {
  onTestFinished(session.onClose({ names, settled }));
}

/** Long enough for a page to be replaced that is. */
const soon = () => vi.advanceTimersByTimeAsync(20);

/** What is settled at once, and what settles it otherwise. */
const none = () => Promise.resolve();
let end: () => void = none;

describe("a page that was locked", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test.each([
    ["by a person", () => session.lock(), [], 1],
    ["where nobody is there", leftAlone, [], 1],
    ["by a shell that takes its time to say who may log in", leftToASlowShell, [], 1],
    ["over text that waits in it", () => session.lock(), ["Dr Other"], 0],
    ["and somebody logs in at once", async () => (leftAlone(), await loggedIn()), [], 0],
    ["and the first user goes on at once with the first run", async () => (leftAlone(), await onTheWayIn()), [], 0],
  ] as [string, () => unknown, string[], number][])("%s is replaced, but for one with text or a person", async (_, lock, names, wanted) => {
    await loggedIn();
    textThatWaits(names);
    await lock();
    await soon();
    expect(renewed).toBe(wanted);
    // Said once more, as the shell does to the window that asked for the lock, it changes nothing; whoever is there is locked out.
    const another = session.open ? 1 : 0;
    leftAlone();
    answer();
    await soon();
    expect(renewed).toBe(wanted + another);
  });

  let keeps = true;
  test.each([
    ["what was on the screen is not settled", () => new Promise<void>((done) => (end = done)), () => undefined, () => end(), 20],
    ["somebody types", none, () => session.stir(), () => undefined, 299_000],
    ["somebody closes it", none, () => session.close(), () => undefined, 299_000],
    ["an error is said", none, () => session.say(new Error("no room")), () => (session.notices = []), 900],
    ["something goes on in it", none, () => onTestFinished(session.onRenewal(() => keeps)), () => (keeps = false), 900],
  ] as [string, () => Promise<void>, () => unknown, () => unknown, number][])("stays while %s", async (_, settled, meanwhile, over, stays) => {
    await loggedIn();
    textThatWaits([], settled);
    leftAlone();
    await meanwhile();
    await vi.advanceTimersByTimeAsync(stays);
    expect(renewed).toBe(0);
    over();
    await vi.advanceTimersByTimeAsync(1500);
    expect(renewed).toBe(1);
  });

  test("is replaced once, however often it is locked while something keeps it", async () => {
    keeps = true;
    onTestFinished(session.onRenewal(() => keeps));
    for (let lock = 0; lock < 3; lock++) {
      await loggedIn();
      leftAlone();
      await soon();
    }
    keeps = false;
    await vi.advanceTimersByTimeAsync(3000);
    expect(renewed).toBe(1);
  });

  test("is replaced where the first user had not come to the end, who goes on once they are back", async () => {
    session.status = { ...status(), firstRunOpen: true };
    leftAlone();
    expect([session.unlocked, session.status.firstRunOpen]).toEqual([false, false]);
    await soon();
    expect(renewed).toBe(1);
    session.settings = null;
    await onTheWayIn();
    expect([session.unlocked, session.settings]).toEqual([false, null]);
    await session.entered(status());
    expect([session.unlocked, session.settings]).toEqual([true, { theme: "dark" }]);
  });

  test("stays where text comes to wait while it settles", async () => {
    await loggedIn();
    const names: string[] = [];
    textThatWaits(names, async () => void names.push("Dr Reader"));
    await session.lock();
    await soon();
    expect(renewed).toBe(0);
  });
});
