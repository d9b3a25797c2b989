import type { StudyRow } from "../../ipc";

/** How a status reads, and how urgent it is: what still needs somebody comes first. */
export interface StatusWords {
  word: string;
  tone: "todo" | "model" | "underway" | "done" | "off";
}

export const STATUS: Record<string, StatusWords> = {
  new: { word: "New", tone: "todo" },
  drafting: { word: "Drafting…", tone: "model" },
  drafted: { word: "Draft ready", tone: "model" },
  in_progress: { word: "In progress", tone: "underway" },
  preliminary: { word: "Preliminary", tone: "underway" },
  reopened: { word: "Reopened", tone: "underway" },
  final: { word: "Final", tone: "done" },
  cancelled: { word: "Cancelled", tone: "off" },
};

export function statusWords(status: string): StatusWords {
  return STATUS[status] ?? { word: status, tone: "underway" };
}

export const FILTERS = {
  all: { title: "All studies", admits: () => true },
  unread: { title: "To read", admits: (row: StudyRow) => !["final", "cancelled"].includes(row.status) },
  drafted: { title: "Draft ready", admits: (row: StudyRow) => row.status === "drafted" },
  open: { title: "In progress", admits: (row: StudyRow) => ["in_progress", "preliminary", "reopened"].includes(row.status) },
  flagged: { title: "Flagged by models", admits: (row: StudyRow) => flagged(row) !== null },
  signed: { title: "Signed", admits: (row: StudyRow) => row.status === "final" },
} as const satisfies Record<string, { title: string; admits: (row: StudyRow) => boolean }>;

export type FilterId = keyof typeof FILTERS;

/** Findings for which a second look first is worth while, by the encoder's keys. */
const URGENT = ["pneumothorax", "pleural_effusion", "consolidation", "edema", "pneumonia"];

/** The finding that lifts a study up in the reader's eye: strong support and a kind that matters soon. */
export function flagged(row: Pick<StudyRow, "topFindings">): string | null {
  return row.topFindings.find((f) => f.difference > 0 && URGENT.includes(f.finding))?.label ?? null;
}
