import { afterEach, expect, test, vi } from "vitest";
import { keep, kept } from "./kept";

afterEach(() => void vi.unstubAllGlobals());

test("what was kept last is there, and where nothing can be kept there is nothing", () => {
  const stored = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    setItem: (key: string, value: string) => stored.set(key, value),
    getItem: (key: string) => stored.get(key) ?? null,
  });
  const check = (value: unknown) => {
    keep("one", value);
    expect([kept("one"), kept("other")]).toEqual([value, null]);
  };
  [{ filter: "unread", from: "2024-01-01" }, "light", null].forEach(check);
  stored.set("one", "{");
  expect(kept("one")).toBe(null);
  const refuse = () => {
    throw new Error("no room");
  };
  for (const storage of [{ setItem: refuse, getItem: refuse }, undefined]) {
    vi.stubGlobal("sessionStorage", storage);
    keep("one", 7);
    expect(kept("one")).toBe(null);
  }
});
