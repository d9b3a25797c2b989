import { expect, test } from "vitest";
import { IpcError } from "../ipc/error";
import { describe } from "./describe";
import { FAMILIES } from "./engines";
import { WORDING } from "./table";

test.each(Object.entries(WORDING))("%s says what happened and what to do, in whole sentences", (code, wording) => {
  expect(code).toMatch(/^[a-z]+\.[a-z_]+$/);
  expect(wording.what).toMatch(/^[A-Z].*\.$/s);
  expect(wording.next).toMatch(/^[A-Z].*[.]$/s);
  expect(wording.what.length).toBeLessThan(110);
});

test.each([
  ["a known code", new IpcError("vault.weak_passphrase", "x"), "vault.weak_passphrase", "The passphrase is too short."],
  ["an unknown code keeps the shell's sentence", { code: "odd.thing", detail: "the pump is dry" }, "odd.thing", "The pump is dry."],
  ["words of an engine", new IpcError("worker.died", "x"), "worker.died", "A model engine stopped unexpectedly."],
  ["a bare string", "boom", "app.internal", "Something went wrong inside Hilum."],
  ["nothing at all", undefined, "app.internal", "Something went wrong inside Hilum."],
])("%s", (_, reason, code, what) => {
  expect(describe(reason)).toMatchObject({ code, what });
});

test("a code without words keeps the shell's sentence and gets the way out of its family", () => {
  const described = describe(new IpcError("dicom.odd_thing", "the header ends too early"));
  expect(described).toMatchObject({ what: "The header ends too early.", next: FAMILIES["dicom."] });
  for (const next of Object.values(FAMILIES)) expect(next).toMatch(/^[A-Z].*\.$/s);
});
