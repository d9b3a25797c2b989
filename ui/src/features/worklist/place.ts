import { FILTERS, type FilterId } from "./rows";

/** Where a person is in the worklist: dates as ISO has them, the study by its UID, and no word of a patient. */
export interface Place {
  filter: FilterId;
  from: string;
  to: string;
  selectedUid: string | null;
}

const KEY = "worklist.place";

/** Keeps it over the lock, with which the page goes, until Hilum ends; in the memory of the page's engine, and on no disk. */
export function keepPlace({ filter, from, to, selectedUid }: Place): void {
  try {
    globalThis.sessionStorage?.setItem(KEY, JSON.stringify({ filter, from, to, selectedUid }));
  } catch {
    // Whoever comes back begins at the top of the list.
  }
}

/** The place that was kept, once; null where there is none. */
export function takePlace(): Place | null {
  try {
    const kept = globalThis.sessionStorage?.getItem(KEY);
    globalThis.sessionStorage?.removeItem(KEY);
    const place = kept ? (JSON.parse(kept) as Place) : null;
    return place && place.filter in FILTERS ? place : null;
  } catch {
    return null;
  }
}
