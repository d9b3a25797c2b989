import { describe, describeCode, type Described } from "../../errors/describe";
import { shell, type ModelPack, type PackCandidate, type PackPhase, type ShellEvent } from "../../ipc";
import { subscribe } from "../../state/bus";
import { Latest } from "../../state/latest";
import { session } from "../../state/session.svelte";

/** A pack being added. */
export interface PackJob {
  id: string;
  name: string;
  phase: PackPhase;
  fraction: number | null;
  detail: string;
  startedAt: number;
  cancelling: boolean;
}

/** A refusal: what it means, and what exactly was wrong with which file. */
export interface PackRefusal {
  name: string;
  error: Described;
  detail: string;
}

export const PHASE_WORDS: Record<PackPhase, string> = {
  checking: "Checking the files",
  hashing: "Computing hashes",
  converting: "Converting the weights",
  copying: "Copying",
};

type JobEvent = Extract<ShellEvent, { event: "pack_progress" | "pack_added" | "pack_failed" }>;

function isJobEvent(event: ShellEvent): event is JobEvent {
  return event.event === "pack_progress" || event.event === "pack_added" || event.event === "pack_failed";
}

/** The installed packs, and the one on its way; adding goes on behind other screens. */
class Packs {
  list = $state.raw<ModelPack[] | null>(null);
  failed = $state<Described | null>(null);
  choosing = $state(false);
  candidate = $state.raw<PackCandidate | null>(null);
  job = $state<PackJob | null>(null);
  refusal = $state.raw<PackRefusal | null>(null);

  private adding = false;
  private readonly reading = new Latest();
  /** A folder or a pack that was asked for: the lock puts an end to it. */
  private readonly asking = new Latest();
  /** What was said of a job before its id came back. */
  private early: JobEvent[] = [];

  follow(): () => void {
    const end = subscribe((event) => {
      if (!isJobEvent(event)) return;
      if (this.adding) this.early.push(event);
      else this.take(event);
    });
    return () => {
      end();
      this.reading.ask();
      this.asking.ask();
      this.early = [];
      this.list = this.candidate = this.job = this.refusal = null;
    };
  }

  private take(event: JobEvent): void {
    const { job } = this;
    if (job === null || job.id !== event.job) return;
    switch (event.event) {
      case "pack_progress":
        Object.assign(job, { phase: event.phase, fraction: event.fraction, detail: event.detail });
        break;
      case "pack_added":
        session.say(`${job.name} was added.`);
        this.job = null;
        void this.changed();
        break;
      case "pack_failed":
        if (event.code === "pack.cancelled") session.say("Adding the pack was cancelled.", "Nothing was left behind.");
        else this.refuse(job.name, event.code, event.detail);
        this.job = null;
        break;
    }
  }

  async read(): Promise<void> {
    const current = this.reading.ask();
    try {
      const list = await shell.models();
      // What was added or removed meanwhile is in the answer to a later question alone.
      if (!current()) return;
      this.list = list;
      this.failed = null;
    } catch (reason) {
      if (current()) this.failed = describe(reason);
    }
  }

  /**
   * Has a folder chosen and looked at; what was found is shown before anything is done. The desktop's dialog may outlast the lock:
   * what is chosen in it then is of no use to whoever logs in next, and nothing opens over their work.
   */
  async choose(): Promise<void> {
    if (this.choosing || this.job) return;
    const current = this.asking.ask();
    this.choosing = true;
    this.refusal = null;
    try {
      const found = await shell.packChoose();
      if (!current()) return;
      if (found?.problem) this.refuse(found.name, found.problem.code, found.problem.detail);
      else this.candidate = found;
    } catch (reason) {
      if (current()) this.refusal = { name: "", error: describe(reason), detail: "" };
    } finally {
      this.choosing = false;
    }
  }

  async add(candidate: PackCandidate, quantize: string, termsAccepted: boolean): Promise<void> {
    const current = this.asking.ask();
    this.adding = true;
    let id: string;
    try {
      id = await shell.packAdd(candidate.token, quantize, termsAccepted);
    } finally {
      this.adding = false;
    }
    if (!current()) return;
    this.job = { id, name: candidate.name, phase: "checking", fraction: null, detail: "", startedAt: performance.now(), cancelling: false };
    this.candidate = null;
    for (const event of this.early.splice(0)) this.take(event);
  }

  async cancel(): Promise<void> {
    if (!this.job) return;
    this.job.cancelling = true;
    try {
      await shell.packAddCancel(this.job.id);
    } catch (reason) {
      session.say(reason);
    }
  }

  async remove(id: string): Promise<void> {
    await shell.packRemove(id);
    await this.changed();
  }

  private async changed(): Promise<void> {
    await this.read();
    await session.refreshEngines().catch((reason: unknown) => session.say(reason));
  }

  private refuse(name: string, code: string, detail: string): void {
    this.refusal = { name, error: describeCode(code, detail), detail };
  }
}

export const packs = new Packs();
