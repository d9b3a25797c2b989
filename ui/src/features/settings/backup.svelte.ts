import { describeCode, type Described } from "../../errors/describe";
import { IpcError, shell, type BackupStage, type BackupView, type ShellEvent } from "../../ipc";
import { subscribe } from "../../state/bus";
import { keep, kept } from "../../state/kept";
import { Latest } from "../../state/latest";
import { session } from "../../state/session.svelte";

export const STAGE_WORDS: Record<BackupStage, string> = {
  database: "Copying the database",
  files: "Copying sealed files",
  checking: "Checking the copy",
};

/** Under this is kept why the last backup failed. */
const FAILURE = "backup.failed";

interface Failure {
  code: string;
  detail: string;
}

/** The backup or restoring under way, whoever began it. */
class Backups {
  running = $state.raw<{ stage: BackupStage; fraction: number } | null>(null);
  /** Until one is made, over the lock too. */
  failed = $state.raw<Described | null>(null);
  /** Where lies what a restoring has replaced; empty when there was nothing. */
  restored = $state.raw<string | null>(null);
  /** Grows with each backup that was made, so that lists read again. */
  made = $state(0);
  /** The backups in the folder that is chosen, the newest first. */
  list = $state.raw<BackupView[]>([]);
  private readonly latest = new Latest();

  constructor() {
    subscribe((event) => this.take(event));
    const failure = kept<Failure>(FAILURE);
    if (failure) this.failed = describeCode(failure.code, failure.detail);
  }

  /** What failed before is not to be seen any more. */
  forget(): void {
    this.failed = null;
    keep(FAILURE, null);
  }

  begin(): void {
    this.forget();
    this.restored = null;
    this.running = { stage: "database", fraction: 0 };
  }

  /** Reads what lies in the folder; a slow folder's answer does not stand for the one that was chosen after it. */
  async look(): Promise<void> {
    const current = this.latest.ask();
    try {
      const found = await shell.backups();
      if (current()) this.list = found;
    } catch (reason) {
      if (current()) session.say(reason);
    }
  }

  /** The failure stands where something can be done about it: the message that led there is not needed beside it. */
  failureShown(): void {
    const said = session.notices.find((notice) => notice.text === this.failed?.what);
    if (said) session.dismiss(said.id);
  }

  take(event: ShellEvent): void {
    switch (event.event) {
      case "backup_progress":
        this.running = { stage: event.stage, fraction: event.fraction };
        break;
      case "backup_done":
        this.running = null;
        this.forget();
        this.made++;
        break;
      case "backup_failed":
        this.running = null;
        this.forget();
        if (event.code !== "backup.cancelled") this.failed = describeCode(event.code, event.detail);
        // A restoring that fails is said where it was asked for, and that is over with its form.
        if (this.failed && session.unlocked) keep(FAILURE, { code: event.code, detail: event.detail });
        // Who restores is looking at the form, which says it, and who is in the settings at their section about backups.
        if (this.failed && session.unlocked && session.screen !== "settings") session.say(new IpcError(event.code, event.detail));
        break;
      case "restore_done":
        this.running = null;
        this.forget();
        this.restored = event.replaced ?? "";
        break;
    }
  }
}

export const backupJob = new Backups();
