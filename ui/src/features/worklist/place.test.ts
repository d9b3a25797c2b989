import { expect, onTestFinished, test, vi } from "vitest";
import { keepPlace, takePlace } from "./place";

test("a place is taken once, without the search and whatever else is there, and where nothing can be kept there is none", () => {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    setItem: (key: string, value: string) => kept.set(key, value),
    getItem: (key: string) => kept.get(key) ?? null,
    removeItem: (key: string) => kept.delete(key),
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const place = { filter: "unread", from: "2024-01-01", to: "", selectedUid: "1.2.3" } as const;
  expect(takePlace()).toBe(null);
  const worklist = { ...place, search: "Doe", rows: ["Doe^Jane"] };
  keepPlace(worklist);
  expect([...kept.values()].join("")).not.toContain("Doe");
  expect([takePlace(), takePlace(), kept.size]).toEqual([place, null, 0]);
  keepPlace({ ...place, filter: "none such" as "all" });
  expect(takePlace()).toBe(null);
  kept.set("worklist.place", "{");
  expect([takePlace(), kept.size]).toEqual([null, 0]);
  vi.stubGlobal("sessionStorage", {
    setItem: () => {
      throw new Error("no room");
    },
    getItem: () => {
      throw new Error("no room");
    },
  });
  keepPlace(place);
  expect(takePlace()).toBe(null);
  vi.stubGlobal("sessionStorage", undefined);
  keepPlace(place);
  expect(takePlace()).toBe(null);
});
