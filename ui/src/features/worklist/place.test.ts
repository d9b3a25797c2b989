import { expect, onTestFinished, test, vi } from "vitest";
import { keepPlace, keptPlace } from "./place";

test("a place is kept without the search and whatever else is there, and one that is none is not taken", () => {
  const stored = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    setItem: (key: string, value: string) => stored.set(key, value),
    getItem: (key: string) => stored.get(key) ?? null,
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const place = { filter: "unread", from: "2024-01-01", to: "", selectedUid: "1.2.3" } as const;
  expect(keptPlace()).toBe(null);
  const worklist = { ...place, search: "Doe", rows: ["Doe^Jane"] };
  keepPlace(worklist);
  expect([...stored.values()].join("")).not.toContain("Doe");
  expect(keptPlace()).toEqual(place);
  keepPlace({ ...place, filter: "none such" as "all" });
  expect(keptPlace()).toBe(null);
});
