import type { CalibrationRow } from "../../ipc";

/** "62, 18 of 40 needed": what there is of what is needed, with and without the finding. */
export function countsText({ positives, negatives, needed }: Pick<CalibrationRow, "positives" | "negatives" | "needed">): string {
  const part = (n: number) => (n >= needed ? `${n}` : `${n} of ${needed}`);
  const asked = (n: number) => (n >= needed ? "" : " needed");
  // Said once where both are short of it.
  const first = negatives < needed ? "" : asked(positives);
  return `${part(positives)}${first}, ${part(negatives)}${asked(negatives)}`;
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

/** What of the findings does not hold any more, why that can be, and what becomes of it. */
export function staleText(findings: number): string {
  const [which, whose] = findings === 1 ? ["One finding was", "Its probability is"] : [`${findings} findings were`, "Their probabilities are"];
  return `${which} fitted for another model, for scores computed with another numerical precision, or by another way of reading the reports. ${whose} not used until you fit again.`;
}
