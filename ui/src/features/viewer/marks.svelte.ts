import { shell, type Annotation, type AnnotationKind } from "../../ipc";
import { session } from "../../state/session.svelte";
import { History, type Change } from "./history";
import type { Point } from "./view";

export const pointsOf = (mark: Pick<Annotation, "points">): Point[] => mark.points.map(([x, y]) => ({ x, y }));

const near = (a: number, b: number) => Math.abs(a - b) < 1e-6;

/** The last bit of a place may get lost on the way through the shell. */
function same(a: Annotation, b: Annotation): boolean {
  const places = a.points.length === b.points.length && a.points.every(([x, y], i) => near(x, b.points[i]![0]) && near(y, b.points[i]![1]));
  return places && a.kind === b.kind && a.label === b.label && a.spacing === b.spacing && a.measured.join("\n") === b.measured.join("\n");
}

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
  /** Another one for every study that is shown, so that an answer that comes late is known by it. */
  private studies = new Set<string>();
  /** The mark that is being dragged: it stays where the pointer has it. */
  private dragged: string | null = null;
  /** Marks that the shell could not keep: what the reader made of them stays in sight, to be sent with its next change. */
  private readonly unkept = new Set<string>();
  /** How many changes were made here, and of how many the shell told. */
  private made = 0;
  private told = 0;
  /** The marks are to be read again, and the shell is not asked yet. */
  private due = false;

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
    this.dragged = null;
    this.unkept.clear();
    this.studies = new Set();
  }

  /** Reads the marks of a study whose images are shown, once. */
  async read(studyUid: string): Promise<void> {
    const { studies, told } = this;
    if (studies.has(studyUid)) return;
    studies.add(studyUid);
    try {
      const marks = await shell.annotations(studyUid);
      if (this.studies !== studies) return;
      const known = new Set(this.all.map((mark) => mark.id));
      this.all = [...this.all, ...marks.filter((mark) => !known.has(mark.id))];
      // What the shell told of meanwhile may be newer than its answer.
      if (this.told !== told) this.readAgain();
    } catch (reason) {
      studies.delete(studyUid);
      // Locked or shut meanwhile, nothing of it is shown any more.
      if (this.studies === studies) session.say(reason);
    }
  }

  /** The shell told of a change of a study's marks, made in this window or in the other one. */
  changed(studyUid: string): void {
    if (!this.studies.has(studyUid)) return;
    this.told += 1;
    this.readAgain();
  }

  /** Reads what is kept once the changes made here have reached the shell. */
  private readAgain(): void {
    if (this.due) return;
    this.due = true;
    const { made } = this;
    this.sending = this.sending.then(async () => {
      this.due = false;
      // A change made here since then is still on its way.
      if (this.made !== made) return this.readAgain();
      const { studies } = this;
      try {
        const kept = await Promise.all([...studies].map((uid) => shell.annotations(uid)));
        if (this.studies !== studies) return;
        if (this.made !== made) this.readAgain();
        else this.take(kept.flat());
      } catch (reason) {
        // Locked or shut meanwhile, nothing of it is shown any more.
        if (this.studies === studies) session.say(reason);
      }
    });
  }

  /** Shows what is kept. What was changed elsewhere cannot be taken back here. */
  private take(kept: Annotation[]): void {
    const left = new Map(kept.map((mark) => [mark.id, mark]));
    const elsewhere = new Set<string>();
    const all: Annotation[] = [];
    for (const mark of this.all) {
      const now = left.get(mark.id);
      left.delete(mark.id);
      if (mark.id === this.dragged || this.unkept.has(mark.id) || (now && same(mark, now))) {
        // The object itself stays: to the viewer, another one is a mark that was moved.
        all.push(mark);
        continue;
      }
      elsewhere.add(mark.id);
      if (now) all.push(now);
    }
    for (const mark of left.values()) {
      elsewhere.add(mark.id);
      all.push(mark);
    }
    if (elsewhere.size === 0) return;
    this.history.forget(elsewhere);
    this.look();
    if (!all.some((mark) => mark.id === this.selectedId)) this.selectedId = null;
    this.all = all;
  }

  add(instanceUid: string, kind: AnnotationKind, points: readonly Point[], rest: Pick<Annotation, "label" | "measured" | "spacing">): void {
    const after: Annotation = { id: crypto.randomUUID(), instanceUid, kind, points: points.map(({ x, y }) => [x, y]), ...rest };
    this.carryOut({ before: null, after });
    this.selectedId = after.id;
  }

  /** Shows a mark as it is being dragged; nothing is kept yet. */
  preview(mark: Annotation): void {
    this.dragged = mark.id;
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
    this.made += 1;
    this.dragged = null;
    const others = this.all.filter((mark) => mark.id !== (after ?? before)!.id);
    if (after) {
      const known = this.all.some((mark) => mark.id === after.id);
      this.all = known ? this.all.map((mark) => (mark.id === after.id ? after : mark)) : [...others, after];
    } else {
      this.all = others;
      if (this.selectedId === before!.id) this.selectedId = null;
    }
    const { id } = (after ?? before)!;
    this.sending = this.sending
      .then(async () => {
        await (after ? shell.annotationPut(after) : shell.annotationRemove(id));
        this.unkept.delete(id);
      })
      .catch((reason: unknown) => {
        if (after) this.unkept.add(id);
        session.say(reason);
      });
  }
}

export const marks = new Marks();
