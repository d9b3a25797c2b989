/** A field that a template left open in a sentence: "[number]", "[none|small|large]". */
export interface Field {
  /** Offsets in the text, brackets included. */
  from: number;
  to: number;
  /** What may stand there, where the field says so. */
  choices: string[];
}

/** The fields of a text in reading order; `days` is what may stand in one for a date. */
export function fieldsOf(text: string, days: readonly string[] = []): Field[] {
  const fields: Field[] = [];
  for (const match of text.matchAll(/\[([^[\]]+)\]/g)) {
    const choices = match[1] === "date" ? [...days] : match[1]!.includes("|") ? match[1]!.split("|").map((c) => c.trim()).filter((c) => c !== "") : [];
    fields.push({ from: match.index, to: match.index + match[0].length, choices });
  }
  return fields;
}

/** This day and the ones before it, "2026-11-23", in the reader's own time. */
export function daysUntil(now: Date, count = 31): string[] {
  return Array.from({ length: count }, (_, back) => {
    const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - back);
    const two = (number: number) => String(number).padStart(2, "0");
    return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
  });
}

/** The field after (before) an offset; undefined when there is none on that side. */
export function fieldFrom(text: string, offset: number, forward: boolean): Field | undefined {
  const fields = fieldsOf(text);
  return forward ? fields.find((f) => f.from >= offset) : fields.filter((f) => f.to <= offset).at(-1);
}

/** The next choice of the field that begins at `from`, after the one that stands there now. */
export function turned(choices: readonly string[], now: string, forward: boolean): string | undefined {
  if (choices.length === 0) return undefined;
  const at = choices.indexOf(now);
  return choices[(at + (forward ? 1 : -1) + choices.length * 2) % choices.length] ?? choices[0];
}
