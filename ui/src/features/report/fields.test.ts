import { describe, expect, test } from "vitest";
import { daysUntil, fieldFrom, fieldsOf, turned } from "./fields";

describe("fields", () => {
  test.each([
    ["No pneumothorax.", []],
    ["The tube ends [number] cm above the carina.", [["[number]", []]]],
    ["Effusion: [none|small | large], [side].", [["[none|small | large]", ["none", "small", "large"]], ["[side]", []]]],
    ["An open [ bracket", []],
    ["[]", []],
  ])("%j", (text, expected) => {
    expect(fieldsOf(text).map((f) => [text.slice(f.from, f.to), f.choices])).toEqual(expected);
  });

  test("are found from where the cursor is", () => {
    const text = "[a] and [b]";
    expect(fieldFrom(text, 0, true)?.from).toBe(0);
    expect(fieldFrom(text, 3, true)?.from).toBe(8);
    expect(fieldFrom(text, 8, false)?.from).toBe(0);
    expect(fieldFrom(text, 9, true)).toBeUndefined();
  });

  test("a date is turned through from this day back", () => {
    const days = daysUntil(new Date(2026, 2, 2, 23, 59), 4);
    expect(days).toEqual(["2026-03-02", "2026-03-01", "2026-02-28", "2026-02-27"]);
    expect(fieldsOf("Seen on [date], [side].", days).map((f) => f.choices)).toEqual([days, []]);
  });

  test("choices turn around", () => {
    expect(turned(["none", "small", "large"], "none", true)).toBe("small");
    expect(turned(["none", "small", "large"], "large", true)).toBe("none");
    expect(turned(["none", "small", "large"], "none", false)).toBe("large");
    expect(turned(["none", "small"], "something", true)).toBe("none");
    expect(turned([], "x", true)).toBeUndefined();
  });
});
