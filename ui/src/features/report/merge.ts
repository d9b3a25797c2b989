import { sameText, trimmed, type Sentence } from "./sentences";

/**
 * What a section of the editor becomes when the shell's report arrives, three ways:
 * `ancestor` is what both sides last agreed on, `local` what stands in the editor now,
 * `server` what the shell has. What a person changed since `ancestor` always stays; the
 * next diff sends it again. Everything else follows the shell.
 */
export function mergeSection(ancestor: Sentence[], local: Sentence[], server: Sentence[]): Sentence[] {
  const agreed = new Map(ancestor.map((s) => [s.id, s]));
  const theirs = new Map(server.map((s) => [s.id, s]));
  const out: Sentence[] = [];
  for (const mine of local) {
    const base = agreed.get(mine.id);
    const now = theirs.get(mine.id);
    if (now) {
      out.push(base && !isChanged(mine, base) ? follow(mine, now) : keep(mine, now));
    } else if (trimmed(mine.text) === "" || !base || isChanged(mine, base)) {
      // Not sent yet, or changed after the shell took it away: what was typed is never lost.
      out.push(mine);
    }
  }
  const here = new Set(out.map((s) => s.id));
  server.forEach((arriving, i) => {
    // Known before and no longer in the editor: the person took it out, and the next diff says so.
    if (here.has(arriving.id) || agreed.has(arriving.id)) return;
    out.splice(placeFor(server, i, out, theirs), 0, arriving);
    here.add(arriving.id);
  });
  return out;
}

/** After the nearest earlier sentence that stands here, and after what was typed behind it. */
function placeFor(server: Sentence[], i: number, out: Sentence[], theirs: Map<string, Sentence>): number {
  let at = 0;
  for (let j = i - 1; j >= 0; j--) {
    const index = out.findIndex((s) => s.id === server[j]!.id);
    if (index >= 0) {
      at = index + 1;
      break;
    }
  }
  while (at < out.length && !theirs.has(out[at]!.id)) at += 1;
  return at;
}

function isChanged(mine: Sentence, base: Sentence): boolean {
  return !sameText(mine.text, base.text) || mine.state !== base.state;
}

/** The shell's sentence; the editor's own blanks stay, so that the cursor does not jump. */
function follow(mine: Sentence, now: Sentence): Sentence {
  return sameText(mine.text, now.text) ? { ...now, text: mine.text } : now;
}

/** The person's words and decision, with what only the shell knows. */
function keep(mine: Sentence, now: Sentence): Sentence {
  return { ...now, text: mine.text, state: mine.state, modelText: now.modelText ?? mine.modelText };
}
