import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openPdf } from "./pdf";

/** A thread that takes every message and answers none, as one that hangs. */
class Deaf extends EventTarget {
  static all: Deaf[] = [];
  ended = false;
  heard = 0;
  constructor() {
    super();
    Deaf.all.push(this);
  }
  postMessage(): void {
    this.heard += 1;
  }
  terminate(): void {
    this.ended = true;
  }
}

beforeEach(() => vi.stubGlobal("Worker", Deaf));
afterEach(() => {
  vi.unstubAllGlobals();
  Deaf.all = [];
});

test("a reader that hangs is ended when its document is closed, and the next document has another", async () => {
  for (const documents of [1, 2]) {
    const closing = new AbortController();
    const opening = openPdf(new ArrayBuffer(8), closing.signal);
    const told = opening.then(() => "opened", () => "closed");
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(Deaf.all.map((thread) => thread.ended)).toEqual([...Array<boolean>(documents - 1).fill(true), false]);
    expect(Deaf.all.at(-1)?.heard).toBeGreaterThan(0);
    closing.abort();
    expect(await told).toBe("closed");
    expect(Deaf.all.every((thread) => thread.ended)).toBe(true);
  }
});

test("a reader that cannot start is said, and not waited for", async () => {
  const opening = openPdf(new ArrayBuffer(8), new AbortController().signal);
  const thread = Deaf.all.at(-1)!;
  thread.dispatchEvent(Object.assign(new Event("error"), { message: "no such file" }));
  await expect(opening).rejects.toMatchObject({ code: "pdf.unreadable", detail: "no such file" });
  expect(thread.ended).toBe(true);
});
