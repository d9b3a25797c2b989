import { describe, type Described } from "../../errors/describe";
import { shell, type EvidenceMap } from "../../ipc";

/** A finding whose map may be shown. */
export interface MapFinding {
  finding: string;
  label: string;
}

type Entry = { map: EvidenceMap } | { failed: Described } | { loading: true };

/** Maps kept, so that going back and forth between findings asks for none twice. */
const KEPT = 24;

/** Whether the evidence map is shown, of which finding, and the maps that were asked for. */
class Maps {
  on = $state(false);
  /** 0 to 1. */
  opacity = $state(0.6);
  finding = $state.raw<MapFinding | null>(null);
  private entries = $state.raw<ReadonlyMap<string, Entry>>(new Map());

  /** The map of an image for the finding in focus, as far as it is here. */
  of(instanceUid: string): Entry | undefined {
    return this.finding ? this.entries.get(key(instanceUid, this.finding.finding)) : undefined;
  }

  /** Asks for a map once. */
  want(instanceUid: string, finding: string): void {
    const name = key(instanceUid, finding);
    if (this.entries.has(name)) return;
    this.keep(name, { loading: true });
    shell.evidenceMap(instanceUid, finding).then(
      (map) => this.keep(name, { map }),
      (reason: unknown) => this.keep(name, { failed: describe(reason) }),
    );
  }

  show(finding: MapFinding): void {
    this.finding = finding;
    this.on = true;
  }

  /** Another study is shown: its maps start afresh, and off. */
  clear(): void {
    this.on = false;
    this.finding = null;
    this.entries = new Map();
  }

  private keep(name: string, entry: Entry): void {
    const next = new Map(this.entries);
    next.set(name, entry);
    for (const old of [...next.keys()].slice(0, Math.max(0, next.size - KEPT))) next.delete(old);
    this.entries = next;
  }
}

function key(instanceUid: string, finding: string): string {
  return `${instanceUid} ${finding}`;
}

export const maps = new Maps();
