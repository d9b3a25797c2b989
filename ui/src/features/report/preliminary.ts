import type { ReportView } from "../../ipc";
import { needsText } from "./needs";

/** The two ways to call a report preliminary: a mark, or a signature that another person's follows. */
export function preliminaryItems(view: ReportView, needs: ReportView["needs"], mark: () => void, sign: () => void) {
  const unreviewed = needs.some((need) => need.code === "sign.unreviewed");
  return [
    {
      label: "Mark as preliminary",
      act: mark,
      disabled: unreviewed || view.status !== "draft",
      title: unreviewed ? "Proposed sentences are reviewed first" : "Complete for a first reading, not signed",
    },
    {
      label: "Sign as preliminary…",
      act: sign,
      disabled: needs.length > 0,
      title: needs.length > 0 ? `Needs: ${needsText(needs)}` : "Your signature first, another person's after it",
      testid: "sign-preliminary-open",
    },
  ];
}
