import type { BackupView, RestoreChoice, ShellEvent } from "../src/ipc";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Backups of the preview, none of which is made. */
export class PreviewBackups {
  private made: BackupView[] = [{ madeAt: "2026-11-23 18:00:12 +01:00", bytes: 412_700_000, signedVersions: 138 }];
  private going = false;

  constructor(
    private readonly emit: (event: ShellEvent) => void,
    private readonly fails: boolean,
    private readonly replaces: () => boolean,
  ) {}

  answers: Record<string, (args: any) => unknown> = {
    backups: () => this.made,
    backup_start: () => {
      void this.run(() => {
        if (this.fails) return this.emit({ event: "backup_failed", code: "backup.disk_full", detail: "the disk is full" });
        this.made = [{ madeAt: "2026-11-24 09:12:40 +01:00", bytes: 415_200_000, signedVersions: 140 }, ...this.made];
        this.emit({ event: "backup_done", bytes: 415_200_000, files: 2210, signedVersions: 140 });
      });
      return null;
    },
    backup_cancel: () => {
      this.going = false;
      return null;
    },
    restore_choose: (): RestoreChoice => ({
      token: "t",
      madeAt: "2026-11-23 18:00:12 +01:00",
      bytes: 412_700_000,
      signedVersions: 138,
      users: ["Dr A. Reader"],
      replaces: this.replaces(),
    }),
    restore_start: ({ secret }) => {
      void this.run(() => {
        if (secret === "wrong") return this.emit({ event: "backup_failed", code: "vault.locked", detail: "wrong passphrase" });
        this.emit({ event: "restore_done", signedVersions: 138, replaced: "/home/reader/.local/share/hilum/replaced-20261124T081502Z" });
        this.emit({ event: "locked" });
      });
      return null;
    },
  };

  private async run(end: () => void): Promise<void> {
    this.going = true;
    for (const stage of ["database", "files", "checking"] as const) {
      for (const fraction of [0.1, 0.5, 0.9]) {
        if (!this.going) return this.emit({ event: "backup_failed", code: "backup.cancelled", detail: "cancelled" });
        this.emit({ event: "backup_progress", stage, fraction });
        await wait(120);
      }
    }
    end();
  }
}
