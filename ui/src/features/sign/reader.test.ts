import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PATIENCE, Readers, type Reader } from "./reader";

interface Fake extends Reader {
  number: number;
  ended: boolean;
}

let made: Fake[] = [];
let readers: Readers<Fake>;

beforeEach(() => {
  vi.useFakeTimers();
  made = [];
  readers = new Readers(() => {
    const fake: Fake = { number: made.length, ended: false, onfall: null, end: () => (fake.ended = true) };
    made.push(fake);
    return fake;
  });
});
afterEach(() => void vi.useRealTimers());

const ignored = (): void => undefined;
const never = new Promise<void>(() => undefined);

test("a reader that lets go has the next document too", async () => {
  await readers.giveBack(readers.take(ignored), Promise.resolve());
  expect(readers.take(ignored).number).toBe(0);
  expect(made.map((one) => one.ended)).toEqual([false]);
});

test("documents that are open at once have a reader each, and one is kept", async () => {
  const [one, other] = [readers.take(ignored), readers.take(ignored)];
  await readers.giveBack(one, Promise.resolve());
  await readers.giveBack(other, Promise.resolve());
  expect(made.map((reader) => reader.ended)).toEqual([false, true]);
  expect(readers.take(ignored)).toBe(one);
});

test("a reader that does not let go is ended when it is late, and holds up no document meanwhile", async () => {
  const given = readers.giveBack(readers.take(ignored), never);
  const next = readers.take(ignored);
  expect(next.number).toBe(1);
  await vi.advanceTimersByTimeAsync(PATIENCE - 1);
  expect(made.map((one) => one.ended)).toEqual([false, false]);
  await vi.advanceTimersByTimeAsync(1);
  await given;
  expect(made.map((one) => one.ended)).toEqual([true, false]);
});

test.each(["refuses", "falls"])("a reader that %s as it lets go is ended", async (how) => {
  const reader = readers.take(ignored);
  const given = readers.giveBack(reader, how === "refuses" ? Promise.reject(new Error("no")) : never);
  if (how === "falls") reader.onfall?.(new Error("fell"));
  await given;
  expect(reader.ended).toBe(true);
  expect(readers.take(ignored).number).toBe(1);
});

test("a reader that falls while it is free is ended, and nobody is given it", async () => {
  await readers.giveBack(readers.take(ignored), Promise.resolve());
  made[0]!.onfall?.(new Error("fell"));
  expect(readers.take(ignored).number).toBe(1);
  expect(made.map((one) => one.ended)).toEqual([true, false]);
});

test("whoever has a reader is told of its fall, and nobody before them", async () => {
  const told: string[] = [];
  await readers.giveBack(readers.take(() => told.push("first")), Promise.resolve());
  const reader = readers.take(() => told.push("second"));
  reader.onfall?.(new Error("fell"));
  expect(told).toEqual(["second"]);
});
