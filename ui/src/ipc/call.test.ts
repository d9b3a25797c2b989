import { expect, test } from "vitest";
import { holdsSecret } from "./call";

test.each([
  [undefined, false],
  [{}, false],
  [{ studyUid: "1.2.3", filter: null }, false],
  [{ user: "Dr A", passphrase: "a long passphrase" }, true],
  [{ request: { reportId: "r", passphrase: "x" } }, true],
  [{ newPassphrase: "x" }, true],
  [{ recoveryKey: "x" }, true],
  [{ old: "x", new: "y" }, true],
  [{ password: "x" }, true],
  [{ passphrase: null }, false],
  [{ list: [{ passphrase: "x" }] }, true],
])("%o", (args, expected) => expect(holdsSecret(args)).toBe(expected));
