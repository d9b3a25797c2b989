import type { StudyRow, WorklistFilter } from "../../ipc";

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
  addendum: { word: "Addendum", tone: "done" },
  amended: { word: "Amended", tone: "done" },
  cancelled: { word: "Cancelled", tone: "off" },
};

export function statusWords(status: string): StatusWords {
  return STATUS[status] ?? { word: status, tone: "underway" };
}

/** Signed, and nothing open: what the newest signed version is says the rest. */
const SIGNED = ["final", "addendum", "amended"];

const ANY: WorklistFilter = { status: "any", inFront: false, mine: false, from: "", to: "" };

/**
 * What each filter asks of the store, which looks among all studies, and what it admits of the answer: a study that is
 * drafted at this moment is shown as such, whatever the store has of it.
 */
export const FILTERS = {
  all: { title: "All studies", asks: ANY, admits: () => true },
  unread: { title: "To read", asks: { ...ANY, status: "to_read" }, admits: (row: StudyRow) => ![...SIGNED, "cancelled"].includes(row.status) },
  mine: { title: "Handed to me", asks: { ...ANY, mine: true }, admits: () => true },
  drafted: { title: "Draft ready", asks: { ...ANY, status: "drafted" }, admits: (row: StudyRow) => row.status === "drafted" },
  open: { title: "In progress", asks: { ...ANY, status: "in_progress" }, admits: (row: StudyRow) => ["in_progress", "preliminary", "reopened"].includes(row.status) },
  flagged: { title: "Put in front by models", asks: { ...ANY, inFront: true }, admits: (row: StudyRow) => row.front !== "" },
  signed: { title: "Signed", asks: { ...ANY, status: "signed" }, admits: (row: StudyRow) => SIGNED.includes(row.status) },
} as const satisfies Record<string, { title: string; asks: WorklistFilter; admits: (row: StudyRow) => boolean }>;

export type FilterId = keyof typeof FILTERS;

/** Findings for which a second look first is worth while, by the encoder's keys. */
const URGENT = ["pneumothorax", "pleural_effusion", "consolidation", "edema", "pneumonia"];

/** The finding that lifts a study up in the reader's eye: strong support and a kind that matters soon. */
export function flagged(row: Pick<StudyRow, "topFindings">): string | null {
  return row.topFindings.find((f) => f.difference > 0 && URGENT.includes(f.finding))?.label ?? null;
}

/** What stands in the priority column, and why; null for routine. */
export function priorityOf(row: Pick<StudyRow, "priority" | "front" | "status" | "topFindings">): { word: string; why: string } | null {
  if (row.priority === "stat") return { word: "STAT", why: "Set by a person" };
  if (row.priority === "urgent") return { word: "Urgent", why: "Set by a person" };
  const finding = row.front || flagged(row);
  return finding ? { word: finding, why: `A model puts this in front, by the encoder's support or a drafted sentence: ${finding}. Not a diagnosis.` } : null;
}

/** A search that a reader named. */
export interface SavedFilter {
  name: string;
  search: string;
  filter: FilterId;
  from: string;
  to: string;
}

/** Searches as they were kept; none for what is no list of them. */
export function parseSaved(text: string | null): SavedFilter[] {
  if (!text) return [];
  try {
    const saved = JSON.parse(text) as SavedFilter[];
    return Array.isArray(saved) ? saved.filter((one) => typeof one.name === "string" && one.filter in FILTERS) : [];
  } catch {
    return [];
  }
}
