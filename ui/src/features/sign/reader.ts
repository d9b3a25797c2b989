/** What reads documents, in a thread of its own. */
export interface Reader {
  /**
   * Told when the thread falls or cannot start. One slot, of whoever has the reader: a promise that lives as long as the
   * reader would keep whatever was awaited beside it, which is every document of a day.
   */
  onfall: ((reason: unknown) => void) | null;
  end(): void;
}

/** How long a reader may take to let a document go, milliseconds. One that is late is ended. */
export const PATIENCE = 5000;

/**
 * Readers, each of which has one document at a time. The one that is free waits for the next document: WebKit keeps some
 * memory of every thread that has ended, and a day has hundreds of documents.
 */
export class Readers<R extends Reader> {
  private free: R | null = null;

  constructor(private readonly start: () => R) {}

  take(onfall: (reason: unknown) => void): R {
    const taken = this.free ?? this.start();
    this.free = null;
    taken.onfall = onfall;
    return taken;
  }

  /** Has the reader back once its document is `gone`; ends one that does not let go of it, or is not wanted. */
  async giveBack(reader: R, gone: Promise<unknown>): Promise<void> {
    if (this.free === reader) return;
    let late: ReturnType<typeof setTimeout> | undefined;
    const waited = new Promise((_, reject) => {
      late = setTimeout(reject, PATIENCE);
      reader.onfall = reject;
    });
    try {
      await Promise.race([gone, waited]);
    } catch {
      return this.end(reader);
    } finally {
      clearTimeout(late);
    }
    if (this.free) return this.end(reader);
    this.free = reader;
    reader.onfall = () => this.end(reader);
  }

  end(reader: R): void {
    if (this.free === reader) this.free = null;
    reader.onfall = null;
    reader.end();
  }
}
