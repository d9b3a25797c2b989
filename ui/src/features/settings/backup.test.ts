import { expect, test, vi } from "vitest";
import type { BackupView } from "../../ipc";

const answers: ((found: BackupView[]) => void)[] = [];
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: { backups: () => new Promise<BackupView[]>((give) => answers.push(give)) },
}));

const { backupJob } = await import("./backup.svelte");
const backup = (madeAt: string) => [{ madeAt }] as BackupView[];

test("the backups of a folder chosen before are not listed as those of the one chosen now", async () => {
  const looking = [backupJob.look(), backupJob.look()];
  answers[1]!(backup("now"));
  answers[0]!(backup("before"));
  await Promise.all(looking);
  expect(backupJob.list.map((one) => one.madeAt)).toEqual(["now"]);
});
