import type { CalibrationRow } from "../../ipc";

/** "62 of 40, 18 of 40 needed": what there is of what is needed, with and without the finding. */
export function countsText({ positives, negatives, needed }: Pick<CalibrationRow, "positives" | "negatives" | "needed">): string {
  const part = (n: number) => (n >= needed ? `${n}` : `${n} of ${needed}`);
  const missing = positives < needed || negatives < needed;
  return `${part(positives)}, ${part(negatives)}${missing ? " needed" : ""}`;
}

/** "0.87 (0.81–0.92)"; a dash in words where it was not measured. */
export function aucText({ auc }: Pick<CalibrationRow, "auc">): string {
  return auc ? `${auc.value.toFixed(2)} (${auc.low.toFixed(2)}–${auc.high.toFixed(2)})` : "not measured";
}

/** What a fit came to, in a sentence. */
export function fitText(rows: readonly Pick<CalibrationRow, "status">[]): string {
  const done = rows.filter((r) => r.status === "calibrated").length;
  if (done === 0) return "Fitted. No finding has enough signed cases yet, so none is calibrated.";
  return `Fitted. ${done} of ${rows.length} findings ${done === 1 ? "is" : "are"} calibrated; the others stay support.`;
}
