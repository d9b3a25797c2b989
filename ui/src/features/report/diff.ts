import type { EditCommand, SectionName } from "../../ipc";
import { sameText, trimmed, type Section, type Sentence } from "./sentences";

interface Place {
  section: SectionName;
  sentence: Sentence;
}

/** What `insert` also says: the sentence that the words were split from. */
type Inserted = Extract<EditCommand, { do: "insert" }> & { from: string | null };

/**
 * The commands that turn what the shell has (`base`) into what stands in the editor
 * (`current`), by sentence id. Empty sentences do not exist for the shell. Sections that
 * are not open are left out: nothing in them can have changed.
 *
 * A proposed sentence that is gone was dropped; one whose words differ was edited; one
 * that the editor calls accepted was accepted. Nothing else accepts one. A sentence that
 * is proposed here and not with the shell had its decision undone.
 */
export function diff(base: Section[], current: Section[]): EditCommand[] {
  const commands: EditCommand[] = [];
  const open = new Set(base.filter((s) => s.open).map((s) => s.name));
  const before = new Map<string, Place>();
  /** What the shell will have after the commands so far: ids in order, by section. */
  const order = new Map<SectionName, string[]>();
  for (const section of base) {
    if (!open.has(section.name)) continue;
    order.set(section.name, section.sentences.map((s) => s.id));
    for (const sentence of section.sentences) before.set(sentence.id, { section: section.name, sentence });
  }
  const wanted = current
    .filter((s) => open.has(s.name))
    .map((s) => ({ name: s.name, sentences: s.sentences.filter((x) => trimmed(x.text) !== "") }));

  const kept = new Set(wanted.flatMap((s) => s.sentences.map((x) => x.id)));
  for (const [id, { section, sentence }] of before) {
    if (kept.has(id)) continue;
    commands.push(sentence.state === "proposed" ? { do: "drop", id } : { do: "remove", id });
    withdraw(order, section, id);
  }

  for (const { name, sentences } of wanted) {
    const here = order.get(name)!;
    const staying = longestInOrder(
      sentences.map((s) => s.id),
      here,
    );
    let after: string | null = null;
    for (const sentence of sentences) {
      const { id } = sentence;
      const text = trimmed(sentence.text);
      const known = before.get(id);
      if (!known && sentence.state === "proposed") {
        commands.push({ do: "take_back", id, section: name, after });
        here.splice(after === null ? 0 : here.indexOf(after) + 1, 0, id);
      } else if (!known) {
        const insert: Inserted = { do: "insert", section: name, after, id, text, region: sentence.region, from: sentence.from };
        commands.push(insert);
        here.splice(after === null ? 0 : here.indexOf(after) + 1, 0, id);
      } else {
        if (!staying.has(id)) {
          commands.push({ do: "move", id, section: name, after });
          withdraw(order, known.section, id);
          here.splice(after === null ? 0 : here.indexOf(after) + 1, 0, id);
        }
        if (sentence.state === "proposed" && known.sentence.state !== "proposed") {
          commands.push({ do: "take_back", id, section: name, after });
        } else if (!sameText(text, known.sentence.text)) commands.push({ do: "edit", id, text });
        else if (known.sentence.state === "proposed" && sentence.state === "accepted") commands.push({ do: "accept", id });
      }
      after = id;
    }
  }
  return commands;
}

function withdraw(order: Map<SectionName, string[]>, section: SectionName, id: string): void {
  const ids = order.get(section)!;
  const at = ids.indexOf(id);
  if (at >= 0) ids.splice(at, 1);
}

/** The largest set of ids that need not move: a longest common subsequence by increasing position. */
function longestInOrder(wanted: string[], have: string[]): Set<string> {
  const position = new Map(have.map((id, i) => [id, i]));
  const common = wanted.filter((id) => position.has(id));
  const best: { length: number; previous: number }[] = [];
  let end = -1;
  common.forEach((id, i) => {
    best[i] = { length: 1, previous: -1 };
    for (let j = 0; j < i; j++) {
      if (position.get(common[j]!)! < position.get(id)! && best[j]!.length + 1 > best[i]!.length) {
        best[i] = { length: best[j]!.length + 1, previous: j };
      }
    }
    if (end < 0 || best[i]!.length > best[end]!.length) end = i;
  });
  const out = new Set<string>();
  for (let i = end; i >= 0; i = best[i]!.previous) out.add(common[i]!);
  return out;
}
