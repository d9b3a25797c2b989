import type { SigningNeed } from "../../ipc";
import { count } from "../../components/format";

/** The shell's needs with the number of proposals as the editor shows them this moment, and those that are covered. */
export function needsNow(needs: readonly SigningNeed[], shown: number, covered = 0): SigningNeed[] {
  const left = shown + covered;
  const others = needs.filter((need) => need.code !== "sign.unreviewed");
  return left > 0 ? [{ code: "sign.unreviewed", count: left, section: null }, ...others] : others;
}

/** "2 reviews, impression": what signing still needs, in words. */
export function needsText(needs: readonly SigningNeed[]): string {
  const words = needs.map((need) => {
    switch (need.code) {
      case "sign.unreviewed":
        return count(need.count ?? 1, "review");
      case "sign.empty_section":
        return need.section ? need.section : "an empty section";
      case "sign.untold":
        return "who was told";
      case "sign.not_open":
        return "an open report";
      default:
        return need.code;
    }
  });
  return words.length === 0 ? "nothing" : words.join(", ");
}

/** The same, each as a sentence for the list of checks. */
export function needSentence(need: SigningNeed): string {
  switch (need.code) {
    case "sign.unreviewed":
      return `${count(need.count ?? 1, "sentence")} unreviewed`;
    case "sign.empty_section":
      return need.section ? `${capital(need.section)} empty` : "A required section is empty";
    case "sign.untold":
      return "Critical result: nobody recorded as told";
    case "sign.not_open":
      return "Report not open";
    default:
      return need.code;
  }
}


function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
