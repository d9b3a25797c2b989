import { expect, test } from "vitest";
import type { ReportStatus, VersionName } from "../../ipc";
import { standing } from "./standing";

const first = { by: "Dr T.", at: "", meaning: "" };
test.each([
  ["draft", "original", null, "Draft"],
  ["preliminary", "original", null, "Preliminary"],
  ["preliminary", "original", first, "Preliminary, signed"],
  ["final", "original", null, "Final"],
  ["final", "addendum", null, "Final, with addendum"],
  ["final", "amendment", null, "Amended"],
  ["reopened", "addendum", null, "Addendum open"],
  ["reopened", "amendment", null, "Amendment open"],
  ["cancelled", "original", null, "Cancelled"],
] as [ReportStatus, VersionName, typeof first | null, string][])("%s, %s, %j: %s", (status, becoming, preliminary, words) => {
  expect(standing({ status, becoming, preliminary })).toBe(words);
});
