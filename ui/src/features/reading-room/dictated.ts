import type { Annotation, ImageView } from "../../ipc";
import { measure, spacingOf } from "../viewer/measure";

/**
 * What a mark says in the report; empty where it has nothing that could stand there. `prior` is the date of the prior that
 * the mark is on, null for one of the study itself: a number of another day is never said as one of today.
 */
export function dictated(mark: Pick<Annotation, "kind" | "points" | "label">, image: Pick<ImageView, "spacing" | "spacingSource">, prior: string | null): string {
  const points = mark.points.map(([x, y]) => ({ x, y }));
  const text = mark.kind === "text" ? mark.label : measure(mark.kind, points, spacingOf(image)).sentence;
  if (text === "") return "";
  const said = mark.label !== "" && mark.kind !== "text" ? `${mark.label}: ${text}` : text;
  return prior === null ? said : `${said.replace(/[\s.]+$/, "")} on ${prior === "" ? "a prior without a date" : `the prior of ${prior}`}.`;
}
