import type { SimilarFilter } from "../../ipc";

/** Bands of the patient's age, as the shell keeps them. */
export const AGE_BANDS = ["0-17", "18-39", "40-59", "60-79", "80+"];
export const VIEWS = ["PA", "AP", "lateral"];
export const SEXES: [string, string][] = [
  ["F", "Female"],
  ["M", "Male"],
  ["O", "Other"],
];

/** Cases asked for at once. */
export const CASES = 12;

export const ANY: SimilarFilter = { finding: null, sex: null, ageBand: null, view: null, signedOnly: false, limit: CASES };

/** "Pleural effusion", for a key that the support of this image does not name. */
export function findingLabel(key: string, known: readonly { finding: string; label: string }[]): string {
  const named = known.find((f) => f.finding === key)?.label;
  if (named) return named;
  const words = key.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "F · 60-79 · PA": what is said of a case before anybody asks whose it is. */
export function aboutCase(item: { sex: string; ageBand: string; view: string }): string {
  const parts = [item.sex, item.ageBand, item.view].filter((x) => x !== "");
  return parts.length > 0 ? parts.join(" · ") : "nothing known";
}

/** Words for the result: how many were compared with which image, and how many are still to come. */
export function searchedText(found: { searched: number; waiting: number }, imageName: string): string {
  const images = found.searched === 1 ? "1 image of another patient" : `${found.searched.toLocaleString("en")} images of other patients`;
  const later = found.waiting > 0 ? `; ${found.waiting.toLocaleString("en")} not read by the encoder yet` : "";
  return `${images} compared with ${imageName}${later}.`;
}
