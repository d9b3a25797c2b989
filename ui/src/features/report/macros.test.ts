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
    expect(expanded(MACROS, "ett", "findings", [""])).toContain("[number]");
    expect(fieldsOf(expanded(MACROS, "eff", "findings", ["left"])!).map((f) => f.choices)).toEqual([["Small", "Moderate", "Large"]]);
  });

  test("of a reader's own stand before the built-in ones, where they fit", () => {
    const own = [
      { name: "normal", sections: ["findings" as const], text: "My normal." },
      { name: "my_eff", sections: [], text: "${2:Small|Large} ${1:side} effusion, ${1:side}; $5 ${3}." },
    ];
    const all = [...own, ...MACROS];
    expect(expanded(all, "normal", "findings", [])).toBe("My normal.");
    expect(expanded(all, "normal", "impression", [])).toBe("No acute cardiopulmonary abnormality.");
    expect(expanded(all, "my_eff", "findings", ["left", "Large"])).toBe("Large left effusion, left; $5 [text].");
    expect(expanded(all, "my_eff", "findings", [])).toBe("[Small|Large] [side] effusion, [side]; $5 [text].");
    expect(called(".my_eff(left, Large)")).toEqual({ length: 20, name: "my_eff", given: ["left", "Large"] });
    // What is put in is text, whatever it looks like.
    expect(expanded(all, "my_eff", "findings", ["$&", "${1:x}"])).toBe("${1:x} $& effusion, $&; $5 [text].");
  });

  test("leave nothing of their own marks behind", () => {
    for (const macro of MACROS) {
      const section = macro.sections[0] ?? "findings";
      const text = expanded(MACROS, macro.name, section, [])!;
      expect(text, macro.name).not.toMatch(/[${}]/);
    }
  });
});
