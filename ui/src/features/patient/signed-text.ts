/** A section of a signed report: its heading, and its sentences on a line each. */
export interface SignedSection {
  heading: string;
  text: string;
}

/** The headings that the shell writes, as they are printed. */
const HEADINGS = ["Exam", "Indication", "Comparison", "Technique", "Findings", "Impression", "Addendum"];

/**
 * The sections of a signed text as the shell gives it: a heading, its sentences, an empty line. A heading begins the text or follows
 * an empty line, so that a sentence of one of these words stays a sentence; words under no heading stand under an empty one.
 */
export function signedSections(text: string): SignedSection[] {
  const found: { heading: string; lines: string[] }[] = [];
  let before = "";
  for (const line of text.split("\n")) {
    const heading = before === "" && HEADINGS.includes(line);
    if (heading || found.length === 0) found.push({ heading: heading ? line : "", lines: [] });
    if (!heading) found.at(-1)!.lines.push(line);
    before = line;
  }
  return found.map(({ heading, lines }) => ({ heading, text: lines.join("\n").trim() })).filter(({ heading, text }) => heading !== "" || text !== "");
}
