import { describe, describeCode, type Described } from "../../errors/describe";
import { shell, type PackCandidate, type PackPhase, type PendingPack } from "../../ipc";
import { subscribe } from "../../state/bus";
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

/** The installed packs, and the one on its way; adding goes on behind other screens. */
class Packs {
  list = $state.raw<PendingPack[] | null>(null);
  failed = $state<Described | null>(null);
  choosing = $state(false);
  candidate = $state.raw<PackCandidate | null>(null);
  job = $state<PackJob | null>(null);
  refusal = $state.raw<PackRefusal | null>(null);

  follow(): () => void {
    const end = subscribe((event) => {
      switch (event.event) {
        case "pack_progress":
          if (this.job?.id === event.job) {
            const { phase, fraction, detail } = event;
            Object.assign(this.job, { phase, fraction, detail });
          }
          break;
        case "pack_added":
          if (this.job?.id !== event.job) break;
          session.say(`${this.job.name} was added.`);
          this.job = null;
          void this.changed();
          break;
        case "pack_failed":
          if (this.job?.id !== event.job) break;
          if (event.code === "pack.cancelled") session.say("Adding the pack was cancelled.", "Nothing was left behind.");
          else this.refuse(this.job.name, event.code, event.detail);
          this.job = null;
          break;
      }
    });
    return () => {
      end();
      this.list = this.candidate = this.job = this.refusal = null;
    };
  }

  async read(): Promise<void> {
    try {
      this.list = await shell.models();
      this.failed = null;
    } catch (reason) {
      this.failed = describe(reason);
    }
  }

  /** Has a folder chosen and looked at; what was found is shown before anything is done. */
  async choose(): Promise<void> {
    if (this.choosing || this.job) return;
    this.choosing = true;
    this.refusal = null;
    try {
      const found = await shell.packChoose();
      if (found?.problem) this.refuse(found.name, found.problem.code, found.problem.detail);
      else this.candidate = found;
    } catch (reason) {
      const error = describe(reason);
      this.refusal = { name: "", error, detail: "" };
    }
    this.choosing = false;
  }

  async add(candidate: PackCandidate, quantize: string): Promise<void> {
    const id = await shell.packAdd(candidate.token, quantize, true);
    this.job = { id, name: candidate.name, phase: "checking", fraction: null, detail: "", startedAt: performance.now(), cancelling: false };
    this.candidate = null;
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
