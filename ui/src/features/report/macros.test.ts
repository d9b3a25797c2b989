import { describe, expect, test } from "vitest";
import { fieldsOf } from "./fields";
import { begun, called, expanded, MACROS, offered } from "./macros";

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

  test.each([
    ["", "findings", ["normal", "noptx"]],
    ["", "comparison", ["noptx", "noeff"]],
    [".no", "findings", ["normal", "noptx", "noeff"]],
    [".carina", "findings", []],
    ["no", "technique", ["noptx", "noeff"]],
    ["carina", "findings", ["ett"]],
    ["Effusion", "findings", ["normal", "noeff", "eff"]],
    ["nothing of the kind", "findings", []],
  ] as const)("that hold %j are offered in %s", (words, section, first) => {
    const names = offered(MACROS, section, words).map((one) => one.name);
    expect(names.slice(0, Math.max(first.length, 1))).toEqual(first);
  });

  test("are offered once a name, the reader's own in the place of the built-in one", () => {
    const all = [{ name: "noptx", sections: [], text: "Mine." }, ...MACROS];
    const found = offered(all, "findings", "noptx");
    expect(found).toEqual([{ name: "noptx", text: "Mine." }]);
  });

  test.each([
    [".no", ".no"],
    ["Clear. .", "."],
    ["Clear.", ""],
    ["", ""],
    [".eff(left", ""],
  ])("of %j there stands %j", (before, expected) => expect(begun(before)).toBe(expected));

  test("leave nothing of their own marks behind", () => {
    for (const macro of MACROS) {
      const section = macro.sections[0] ?? "findings";
      const text = expanded(MACROS, macro.name, section, [])!;
      expect(text, macro.name).not.toMatch(/[${}]/);
    }
  });
});
