import { WORDING } from "../../errors/table";
import type { DraftQueue } from "../../ipc";

/** How a study stands in the queue of background drafts. */
export interface Queued {
  state: "drafting" | "failed" | "paused" | "next" | "waiting";
  /** How many are drafted before it. */
  ahead: number;
  /** What went wrong, where its draft failed. */
  why: string;
}

/** Null for a study that is not in the queue. */
export function queued({ paused, running, studies }: DraftQueue, studyUid: string): Queued | null {
  const at = studies.findIndex((one) => one.studyUid === studyUid);
  if (at < 0) return null;
  const { failed } = studies[at]!;
  // One that failed is not tried again by itself, so that nothing waits for it.
  const ahead = studies.slice(0, at).filter((one) => one.failed === "").length;
  const why = failed === "" ? "" : (WORDING[failed]?.what ?? failed);
  if (studyUid === running) return { state: "drafting", ahead: 0, why: "" };
  if (why !== "") return { state: "failed", ahead, why };
  return { state: paused ? "paused" : ahead === 0 ? "next" : "waiting", ahead, why };
}

/** Beside a name in the queue: "drafting…", "next", or what went wrong. */
export function queuedWord({ state, why }: Queued): string {
  return { drafting: "drafting…", failed: why, paused: "paused", next: "next", waiting: "waiting" }[state];
}

/** By itself: "Queued for a background draft: 2 before it." */
export function queuedText({ state, ahead, why }: Queued): string {
  switch (state) {
    case "drafting":
      return "It is being drafted in the background.";
    case "failed":
      return `The background draft failed. ${why}`;
    case "paused":
      return "Queued for a background draft; the queue is paused.";
    case "next":
      return "Queued for a background draft: it is next.";
    case "waiting":
      return `Queued for a background draft: ${ahead === 1 ? "one" : ahead} before it.`;
  }
}
