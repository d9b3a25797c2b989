import type { Annotation } from "../../ipc";

/** One change: what was there before and is there after; null is not there. */
export interface Change {
  before: Annotation | null;
  after: Annotation | null;
}

/** Changes of marks that can be taken back and done again, the latest first. */
export class History {
  private done: Change[] = [];
  private undone: Change[] = [];

  constructor(private readonly most = 200) {}

  add(change: Change): void {
    this.done.push(change);
    if (this.done.length > this.most) this.done.shift();
    this.undone = [];
  }

  /** What to set to take the latest change back; null when there is none. */
  undo(): Change | null {
    const change = this.done.pop();
    if (!change) return null;
    this.undone.push(change);
    return { before: change.after, after: change.before };
  }

  redo(): Change | null {
    const change = this.undone.pop();
    if (!change) return null;
    this.done.push(change);
    return change;
  }

  /** Leaves out every change of these marks: what it would bring back is not what was there last. */
  forget(ids: ReadonlySet<string>): void {
    const others = ({ before, after }: Change) => !ids.has((after ?? before)!.id);
    this.done = this.done.filter(others);
    this.undone = this.undone.filter(others);
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  clear(): void {
    this.done = [];
    this.undone = [];
  }
}
