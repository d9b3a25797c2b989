import { keep, kept } from "../../state/kept";
import { FILTERS, type FilterId } from "./rows";

/** Where a person is in the worklist: dates as ISO has them, the study by its UID, and no word of a patient. */
export interface Place {
  filter: FilterId;
  from: string;
  to: string;
  selectedUid: string | null;
}

const KEY = "worklist.place";

/** Keeps it over the lock, without what else there may be. */
export function keepPlace({ filter, from, to, selectedUid }: Place): void {
  keep(KEY, { filter, from, to, selectedUid });
}

/** The place that was kept; null where there is none. */
export function keptPlace(): Place | null {
  const place = kept<Place>(KEY);
  return place && place.filter in FILTERS ? place : null;
}
