import type { ReportText, SectionName, SentenceState, TextKind, TextSentence } from "../../ipc";

/** A run of words that both texts have, that went, or that came. */
export interface Run {
  kind: "same" | "gone" | "new";
  text: string;
}

/** One sentence of one or of both texts. */
export interface Row {
  id: string;
  /** "same", "changed", "gone" (in the first text alone) or "new" (in the second alone). */
  kind: "same" | "changed" | "gone" | "new";
  runs: Run[];
  left: TextSentence | null;
  right: TextSentence | null;
}

export interface ComparedSection {
  name: SectionName;
  heading: string;
  rows: Row[];
}

/**
 * Two texts sentence by sentence: those of one id belong together wherever they stand, then those of the same
 * words; a changed one word by word. Rows follow the second text, with what is gone where it stood. A model's draft
 * is set beside the sections that it wrote, and no others.
 */
export function compared(left: ReportText, right: ReportText): ComparedSection[] {
  const drafts = [left, right].filter((text) => text.kind === "draft");
  const names = (drafts.length > 0 ? drafts : [left, right]).flatMap((text) => text.sections).map((s) => s.name);
  return SECTIONS.filter((name) => names.includes(name)).map((name) => {
    const before = left.sections.find((s) => s.name === name);
    const after = right.sections.find((s) => s.name === name);
    return { name, heading: (after ?? before)!.heading, rows: rowsOf(before?.sentences ?? [], after?.sentences ?? []) };
  });
}

const SECTIONS: SectionName[] = ["exam", "indication", "comparison", "technique", "findings", "impression", "addendum"];

function rowsOf(left: TextSentence[], right: TextSentence[]): Row[] {
  const partner = new Map<TextSentence, TextSentence>();
  const free = new Set(left);
  const pair = (same: (a: TextSentence, b: TextSentence) => boolean) => {
    for (const b of right) {
      if (partner.has(b)) continue;
      const a = [...free].find((one) => same(one, b));
      if (!a) continue;
      partner.set(b, a);
      free.delete(a);
    }
  };
  pair((a, b) => a.id === b.id);
  pair((a, b) => a.text === b.text);

  const rows: Row[] = [];
  let at = 0;
  const gone = (until: TextSentence | undefined) => {
    const end = until === undefined ? left.length : left.indexOf(until);
    for (; at < end; at++) if (free.has(left[at]!)) rows.push(only(left[at]!, "gone"));
  };
  for (const b of right) {
    const a = partner.get(b);
    if (a && left.indexOf(a) >= at) {
      gone(a);
      at += 1;
    }
    if (!a) rows.push(only(b, "new"));
    else if (a.text === b.text) rows.push({ id: b.id, kind: "same", runs: [{ kind: "same", text: b.text }], left: a, right: b });
    else rows.push({ id: b.id, kind: "changed", runs: wordDiff(a.text, b.text), left: a, right: b });
  }
  gone(undefined);
  return rows;
}

function only(sentence: TextSentence, kind: "gone" | "new"): Row {
  const side = kind === "gone" ? { left: sentence, right: null } : { left: null, right: sentence };
  return { id: sentence.id, kind, runs: [{ kind, text: sentence.text }], ...side };
}

/** The two texts as runs of words; put together, "same" and "gone" give the first, "same" and "new" the second. */
export function wordDiff(left: string, right: string): Run[] {
  const a = pieces(left);
  const b = pieces(right);
  // A table of longest common subsequences; sentences are short.
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i]![j] = a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
    }
  }
  const runs: Run[] = [];
  const add = (kind: Run["kind"], text: string) => {
    const last = runs.at(-1);
    if (last?.kind === kind) last.text += text;
    else runs.push({ kind, text });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      add("same", a[i]!);
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || table[i + 1]![j]! >= table[i]![j + 1]!)) add("gone", a[i++]!);
    else add("new", b[j++]!);
  }
  return runs;
}

/** Words with the blanks behind them, and marks. */
function pieces(text: string): string[] {
  return text.match(/[\p{L}\p{M}\p{N}'’-]+\s*|[^\p{L}\p{M}\p{N}\s]\s*|\s+/gu) ?? [];
}

const KINDS: Record<TextKind, string> = {
  draft: "Draft of the model",
  preliminary: "Preliminary",
  signed_preliminary: "Signed as preliminary",
  signed: "Signed report",
  addendum: "Signed with an addendum",
  amendment: "Signed amendment",
  now: "As it stands",
};

/** "Signed report, Dr A. Reader, 2026-11-23 14:09:31 +01:00"; `at` is another form of its time. */
export function nameOf(text: ReportText, at = text.at): string {
  return [KINDS[text.kind], text.by, at].filter((part) => part !== "").join(", ");
}

/** Where the words of the second text come from, for the column beside them; "left out" for a sentence that is gone. */
export function originOf(row: Row): string {
  if (row.right === null) return row.left!.state === "proposed" ? "dropped" : "left out";
  return ORIGINS[row.right.state];
}

const ORIGINS: Record<SentenceState, string> = {
  template: "template",
  person: "written",
  proposed: "proposed",
  accepted: "accepted",
  edited: "edited",
  accepted_in_bulk: "accepted in bulk",
};

/** The two texts that are shown first: the last two; for the model's view the last draft and the newest text. */
export function firstChoice(texts: readonly ReportText[], drafted: boolean): [number, number] {
  const last = texts.length - 1;
  if (!drafted) return [Math.max(0, last - 1), last];
  const draft = texts.findLastIndex((text) => text.kind === "draft");
  return [draft < 0 ? Math.max(0, last - 1) : draft, last];
}
