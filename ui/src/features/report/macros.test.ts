import { describe, expect, test } from "vitest";
import { fieldsOf } from "./fields";
import { called, expanded, MACROS } from "./macros";

describe("macros", () => {
  test.each([
    [".normal", ["normal", []]],
    ["Text before .ett(4)", ["ett", ["4"]]],
    [".cvc(right, right atrium)", ["cvc", ["right", "right atrium"]]],
    ["ends 3.normal", null],
    ["The end.", null],
    ["", null],
  ])("%j", (before, expected) => {
    const found = called(before);
    expect(found && [found.name, found.given]).toEqual(expected);
    if (found) expect(before.slice(-found.length).startsWith(".")).toBe(true);
  });

  test("mean what the section asks for", () => {
    expect(expanded(MACROS, "normal", "findings", [])).toContain("lungs are clear");
    expect(expanded(MACROS, "normal", "impression", [])).toBe("No acute cardiopulmonary abnormality.");
    expect(expanded(MACROS, "normal", "technique", [])).toBeNull();
    expect(expanded(MACROS, "nothing", "findings", [])).toBeNull();
  });

  test("leave a field for what is not given", () => {
    expect(expanded(MACROS, "ett", "findings", ["4"])).toBe("The endotracheal tube ends 4 cm above the carina.");
    expect(expanded(MACROS, "ett", "findings", [])).toBe("The endotracheal tube ends [number] cm above the carina.");
    expect(fieldsOf(expanded(MACROS, "eff", "findings", ["left"])!).map((f) => f.choices)).toEqual([["Small", "Moderate", "Large"]]);
  });
});
