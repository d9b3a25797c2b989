import { shell, type Annotation, type AnnotationKind } from "../../ipc";
import { session } from "../../state/session.svelte";
import { History, type Change } from "./history";
import type { Point } from "./view";

export const pointsOf = (mark: Pick<Annotation, "points">): Point[] => mark.points.map(([x, y]) => ({ x, y }));

/** Measurements and marks on the images in sight: kept by the shell, changed here first. */
class Marks {
  all = $state.raw<Annotation[]>([]);
  selectedId = $state<string | null>(null);
  /** Whether the list of measurements is open. */
  listed = $state(false);
  readonly selected = $derived(this.all.find((mark) => mark.id === this.selectedId) ?? null);
  canUndo = $state(false);
  canRedo = $state(false);
  private readonly history = new History();
  /** Changes reach the shell in the order in which they were made. */
  private sending: Promise<void> = Promise.resolve();
  private studies = new Set<string>();

  of(instanceUid: string): Annotation[] {
    return this.all.filter((mark) => mark.instanceUid === instanceUid);
  }

  /** Another study is shown. */
  clear(): void {
    this.all = [];
    this.selectedId = null;
    this.listed = false;
    this.history.clear();
    this.look();
    this.studies.clear();
  }

  /** Reads the marks of a study whose images are shown, once. */
  async read(studyUid: string): Promise<void> {
    if (this.studies.has(studyUid)) return;
    this.studies.add(studyUid);
    try {
      const marks = await shell.annotations(studyUid);
      if (!this.studies.has(studyUid)) return;
      const known = new Set(this.all.map((mark) => mark.id));
      this.all = [...this.all, ...marks.filter((mark) => !known.has(mark.id))];
    } catch (reason) {
      this.studies.delete(studyUid);
      session.say(reason);
    }
  }

  add(instanceUid: string, kind: AnnotationKind, points: readonly Point[], rest: Pick<Annotation, "label" | "measured" | "spacing">): void {
    const after: Annotation = { id: crypto.randomUUID(), instanceUid, kind, points: points.map(({ x, y }) => [x, y]), ...rest };
    this.carryOut({ before: null, after });
    this.selectedId = after.id;
  }

  /** Shows a mark as it is being dragged; nothing is kept yet. */
  preview(mark: Annotation): void {
    this.all = this.all.map((known) => (known.id === mark.id ? mark : known));
  }

  /** Keeps what a mark was dragged or written to. */
  change(before: Annotation, after: Annotation): void {
    this.carryOut({ before, after });
  }

  removeSelected(): void {
    const before = this.selected;
    if (before) this.carryOut({ before, after: null });
  }

  remove(mark: Annotation): void {
    this.carryOut({ before: mark, after: null });
  }

  undo(): void {
    const change = this.history.undo();
    if (change) this.set(change);
  }

  redo(): void {
    const change = this.history.redo();
    if (change) this.set(change);
  }

  private look(): void {
    this.canUndo = this.history.canUndo;
    this.canRedo = this.history.canRedo;
  }

  private carryOut(change: Change): void {
    this.history.add(change);
    this.set(change);
  }

  private set({ before, after }: Change): void {
    this.look();
    const others = this.all.filter((mark) => mark.id !== (after ?? before)!.id);
    if (after) {
      const known = this.all.some((mark) => mark.id === after.id);
      this.all = known ? this.all.map((mark) => (mark.id === after.id ? after : mark)) : [...others, after];
    } else {
      this.all = others;
      if (this.selectedId === before!.id) this.selectedId = null;
    }
    this.sending = this.sending
      .then(async () => {
        await (after ? shell.annotationPut(after) : shell.annotationRemove(before!.id));
      })
      .catch((reason: unknown) => session.say(reason));
  }
}

export const marks = new Marks();
