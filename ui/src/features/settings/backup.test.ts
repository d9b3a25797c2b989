import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { AppStatus, BackupView } from "../../ipc";

const answers: ((found: BackupView[]) => void)[] = [];
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: { backups: () => new Promise<BackupView[]>((give) => answers.push(give)) },
}));

const { backupJob } = await import("./backup.svelte");
const { session } = await import("../../state/session.svelte");
const backup = (madeAt: string) => [{ madeAt }] as BackupView[];

test("the backups of a folder chosen before are not listed as those of the one chosen now", async () => {
  const looking = [backupJob.look(), backupJob.look()];
  answers[1]!(backup("now"));
  answers[0]!(backup("before"));
  await Promise.all(looking);
  expect(backupJob.list.map((one) => one.madeAt)).toEqual(["now"]);
});

const fails = () => backupJob.take({ event: "backup_failed", code: "backup.disk_full", detail: "" });
beforeEach(() => {
  session.status = { locked: false, firstRun: false } as AppStatus;
  session.notices = [];
  session.screen = "worklist";
});

test("a failed backup is said by a message on other screens, and by its section alone in the settings", () => {
  fails();
  expect(session.notices.map((notice) => notice.text)).toEqual([backupJob.failed?.what]);
  session.notices = [];
  session.screen = "settings";
  fails();
  expect(backupJob.failed).not.toBeNull();
  expect(session.notices).toEqual([]);
});

test("the message goes once the section says the same, and others stay", () => {
  fails();
  session.say("Something else.");
  backupJob.failureShown();
  expect(session.notices.map((notice) => notice.text)).toEqual(["Something else."]);
});

test("nothing is said behind the lock", () => {
  session.status = { locked: true, firstRun: false } as AppStatus;
  fails();
  expect(session.notices).toEqual([]);
});

test("why a backup failed is to be seen in the page that comes after the lock, until one is made, and not why a restoring did", async () => {
  const stored = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    setItem: (key: string, value: string) => stored.set(key, value),
    getItem: (key: string) => stored.get(key) ?? null,
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const check = async (failed: boolean) => {
    vi.resetModules();
    const next = (await import("./backup.svelte")).backupJob;
    expect(next.failed?.what ?? null).toBe(failed ? backupJob.failed?.what : null);
  };
  fails();
  await check(true);
  backupJob.take({ event: "backup_done", bytes: 1, files: 1, signedVersions: 0 });
  await check(false);
  session.status = { locked: true, firstRun: false } as AppStatus;
  fails();
  await check(false);
});
