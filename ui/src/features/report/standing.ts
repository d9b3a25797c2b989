import type { ReportView } from "../../ipc";

/** Where a report stands, in the words of its life: draft, preliminary, final, addendum, amended, cancelled. */
export function standing({ status, becoming, preliminary }: Pick<ReportView, "status" | "becoming" | "preliminary">): string {
  switch (status) {
    case "draft":
      return "Draft";
    case "preliminary":
      return preliminary ? "Preliminary, signed" : "Preliminary";
    case "final":
      return { original: "Final", addendum: "Final, with addendum", amendment: "Amended" }[becoming];
    case "reopened":
      return becoming === "addendum" ? "Addendum open" : "Amendment open";
    case "cancelled":
      return "Cancelled";
  }
}
