/** What reads documents, in a thread of its own. */
export interface Reader {
  /** Rejects when the thread falls or cannot start; never resolves. */
  failed: Promise<never>;
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

  take(): R {
    const taken = this.free ?? this.start();
    this.free = null;
    return taken;
  }

  /** Has the reader back once its document is `gone`; ends one that does not let go of it, or is not wanted. */
  async giveBack(reader: R, gone: Promise<unknown>): Promise<void> {
    let late: ReturnType<typeof setTimeout> | undefined;
    const waited = new Promise((_, reject) => (late = setTimeout(reject, PATIENCE)));
    try {
      await Promise.race([gone, reader.failed, waited]);
    } catch {
      return reader.end();
    } finally {
      clearTimeout(late);
    }
    if (this.free) reader.end();
    else this.free = reader;
  }
}
