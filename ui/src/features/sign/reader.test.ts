import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PATIENCE, Readers, type Reader } from "./reader";

interface Fake extends Reader {
  number: number;
  ended: boolean;
  fall: () => void;
}

let made: Fake[] = [];
let readers: Readers<Fake>;

beforeEach(() => {
  vi.useFakeTimers();
  made = [];
  readers = new Readers(() => {
    let fall = (): void => undefined;
    const failed = new Promise<never>((_, reject) => (fall = () => reject(new Error("fell"))));
    failed.catch(() => undefined);
    const fake: Fake = { number: made.length, ended: false, failed, fall: () => fall(), end: () => (fake.ended = true) };
    made.push(fake);
    return fake;
  });
});
afterEach(() => void vi.useRealTimers());

const never = new Promise<void>(() => undefined);

test("a reader that lets go has the next document too", async () => {
  await readers.giveBack(readers.take(), Promise.resolve());
  expect(readers.take().number).toBe(0);
  expect(made.map((one) => one.ended)).toEqual([false]);
});

test("documents that are open at once have a reader each, and one is kept", async () => {
  const [one, other] = [readers.take(), readers.take()];
  await readers.giveBack(one, Promise.resolve());
  await readers.giveBack(other, Promise.resolve());
  expect(made.map((reader) => reader.ended)).toEqual([false, true]);
  expect(readers.take()).toBe(one);
});

test("a reader that does not let go is ended when it is late, and holds up no document meanwhile", async () => {
  const given = readers.giveBack(readers.take(), never);
  const next = readers.take();
  expect(next.number).toBe(1);
  await vi.advanceTimersByTimeAsync(PATIENCE - 1);
  expect(made.map((one) => one.ended)).toEqual([false, false]);
  await vi.advanceTimersByTimeAsync(1);
  await given;
  expect(made.map((one) => one.ended)).toEqual([true, false]);
});

test.each(["refuses", "falls"])("a reader that %s as it lets go is ended", async (how) => {
  const reader = readers.take();
  const given = readers.giveBack(reader, how === "refuses" ? Promise.reject(new Error("no")) : never);
  if (how === "falls") reader.fall();
  await given;
  expect(reader.ended).toBe(true);
  expect(readers.take().number).toBe(1);
});
