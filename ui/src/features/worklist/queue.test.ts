import { expect, test } from "vitest";
import type { DraftQueue, QueuedDraft } from "../../ipc";
import { queued, queuedText, queuedWord } from "./queue";

const one = (studyUid: string, failed = "") => ({ studyUid, failed }) as QueuedDraft;
const queue = (more: Partial<DraftQueue> = {}): DraftQueue => ({ paused: false, running: null, studies: [one("1"), one("2"), one("3"), one("4", "worker.died")], ...more });

test.each<[string, DraftQueue, string, string | null, string]>([
  ["not in the queue", queue(), "9", null, ""],
  ["an empty queue", queue({ studies: [] }), "1", null, ""],
  ["next", queue(), "1", "Queued for a background draft: it is next.", "next"],
  ["waiting for one", queue(), "2", "Queued for a background draft: one before it.", "waiting"],
  ["waiting for two", queue(), "3", "Queued for a background draft: 2 before it.", "waiting"],
  ["being drafted", queue({ running: "1" }), "1", "It is being drafted in the background.", "drafting…"],
  ["behind the one that is drafted", queue({ running: "1" }), "2", "Queued for a background draft: one before it.", "waiting"],
  ["paused", queue({ paused: true }), "2", "Queued for a background draft; the queue is paused.", "paused"],
  ["failed", queue(), "4", "The background draft failed. A model engine stopped unexpectedly.", "A model engine stopped unexpectedly."],
  ["failed, in a paused queue", queue({ paused: true }), "4", "The background draft failed. A model engine stopped unexpectedly.", "A model engine stopped unexpectedly."],
  ["failed by a code without words", queue({ studies: [one("4", "odd.thing")] }), "4", "The background draft failed. odd.thing", "odd.thing"],
  ["nothing waits for what failed", queue({ studies: [one("4", "worker.died"), one("1")] }), "1", "Queued for a background draft: it is next.", "next"],
])("%s", (_, all, studyUid, text, word) => {
  const found = queued(all, studyUid);
  expect(found && queuedText(found)).toBe(text);
  expect(found ? queuedWord(found) : "").toBe(word);
});
