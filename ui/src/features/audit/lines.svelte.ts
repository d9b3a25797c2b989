import { describe, type Described } from "../../errors/describe";
import { shell, type AuditFilter, type AuditLine } from "../../ipc";
import { Latest } from "../../state/latest";

export const PAGE = 200;

/** The lines of the audit chain that fit what was asked last; neither an answer nor a failure of an earlier question is shown. */
export class AuditLines {
  all = $state.raw<AuditLine[]>([]);
  /** Whether there may be older ones. */
  more = $state(true);
  failed = $state.raw<Described | null>(null);
  /** A question is not answered yet: until it is, the lines may be those of another filter. */
  busy = $state(false);
  private readonly latest = new Latest();

  /** Asks for the newest lines after a pause, in which another question may take its place; the result ends that. */
  ask(filter: AuditFilter, pause: number): () => void {
    const current = this.latest.ask();
    this.busy = true;
    const timer = setTimeout(() => void this.read(null, filter, current), pause);
    return () => clearTimeout(timer);
  }

  /** Adds older lines to those that are there, by the filter by which they were asked for. */
  async older(filter: AuditFilter): Promise<void> {
    const last = this.all.at(-1);
    if (this.busy || !last) return;
    this.busy = true;
    await this.read(last.seq, filter, this.latest.ask());
  }

  private async read(before: number | null, filter: AuditFilter, current: () => boolean): Promise<void> {
    try {
      const next = await shell.audit(PAGE, before, filter);
      if (!current()) return;
      this.all = before === null ? next : [...this.all, ...next];
      this.more = next.length === PAGE;
      this.failed = null;
    } catch (reason) {
      if (!current()) return;
      this.failed = describe(reason);
    }
    this.busy = false;
  }
}
