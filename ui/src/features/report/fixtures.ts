import type { EditCommand, ReportView, SectionName, SentenceState, SentenceView } from "../../ipc";
import { trimmed, type Section, type Sentence } from "./sentences";

/** A sentence for tests: "id:text" with its state. */
export function sentence(id: string, text: string, state: SentenceState = "person"): Sentence {
  return { id, text, state, region: null, demo: false, modelText: null, support: [], from: null };
}

/** The same as the shell shows it. */
export function viewOf({ from: _, ...shown }: Sentence): SentenceView {
  return { ...shown, proposalId: null };
}

export function section(name: SectionName, sentences: Sentence[], open = true): Section {
  return { name, open, sentences };
}

export function reportOf(sections: Section[], revision = 1): ReportView {
  return {
    id: "report-1",
    studyUid: "1.2.3",
    status: "draft",
    revision,
    template: "cxr-frontal",
    becoming: "original",
    sections: sections.map((s) => ({ name: s.name, heading: s.name, required: false, open: s.open, sentences: s.sentences.map(viewOf) })),
    versions: [],
    needs: [],
    flags: [],
    communications: [],
    held: null,
    covered: 0,
    preliminary: null,
    savedAt: null,
  };
}

/** A report that also remembers what was taken out of it, as the domain's does. */
interface Remembering extends ReportView {
  withdrawn?: SentenceView[];
}

/** The domain's rules for edit commands, as `Report::apply` has them. Throws the refusal's code. */
export function applied(view: ReportView, commands: EditCommand[]): ReportView {
  const next = structuredClone(view);
  for (const command of commands) carryOut(next, command);
  next.revision += commands.length;
  return next;
}

function carryOut(report: Remembering, command: EditCommand): void {
  const withdraw = (sentence: SentenceView) => (report.withdrawn = [...(report.withdrawn ?? []).filter((x) => x.id !== sentence.id), sentence]);
  const find = (id: string): [SentenceView[], number] => {
    for (const s of report.sections) {
      const at = s.sentences.findIndex((x) => x.id === id);
      if (at >= 0) return [s.sentences, at];
    }
    throw new Error("report.no_sentence");
  };
  const put = (name: SectionName, after: string | null, what: SentenceView) => {
    const list = report.sections.find((s) => s.name === name)?.sentences;
    if (!list) throw new Error("report.no_section");
    const at = after === null ? 0 : list.findIndex((x) => x.id === after) + 1;
    if (after !== null && at === 0) throw new Error("report.no_sentence");
    list.splice(at, 0, what);
  };
  switch (command.do) {
    case "insert": {
      if (trimmed(command.text) === "") throw new Error("report.empty_sentence");
      if (report.sections.some((s) => s.sentences.some((x) => x.id === command.id))) throw new Error("report.duplicate_sentence");
      const { from = null } = command as { from?: string | null };
      const whole = from === null ? null : report.sections.flatMap((s) => s.sentences).find((x) => x.id === from);
      const origin: Partial<SentenceView> =
        whole && whole.state !== "template" && whole.state !== "person"
          ? { state: "edited", modelText: whole.modelText ?? whole.text, demo: whole.demo }
          : {};
      put(command.section, command.after, { ...viewOf(sentence(command.id, command.text)), region: command.region, ...origin });
      break;
    }
    case "edit": {
      if (trimmed(command.text) === "") throw new Error("report.empty_sentence");
      const [list, at] = find(command.id);
      const old = list[at]!;
      const written = old.state === "template" || old.state === "person";
      const words = old.modelText ?? old.text;
      const same = words === command.text;
      list[at] = written
        ? { ...old, text: command.text, state: "person" }
        : { ...old, text: command.text, state: same ? "accepted" : "edited", modelText: same ? null : words };
      break;
    }
    case "remove": {
      const [list, at] = find(command.id);
      if (list[at]!.state === "proposed") throw new Error("report.still_proposed");
      withdraw(list.splice(at, 1)[0]!);
      break;
    }
    case "move": {
      const [list, at] = find(command.id);
      const [taken] = list.splice(at, 1);
      put(command.section, command.after, taken!);
      break;
    }
    case "accept": {
      const [list, at] = find(command.id);
      if (list[at]!.state !== "proposed") throw new Error("report.not_proposed");
      list[at] = { ...list[at]!, state: "accepted" };
      break;
    }
    case "drop": {
      const [list, at] = find(command.id);
      if (list[at]!.state !== "proposed") throw new Error("report.not_proposed");
      withdraw(list.splice(at, 1)[0]!);
      break;
    }
    case "take_back": {
      if (report.status === "preliminary") throw new Error("report.wrong_status");
      const again = (old: SentenceView): SentenceView => {
        if (old.state === "template" || old.state === "person") throw new Error("report.not_drafted");
        return { ...old, text: old.modelText ?? old.text, state: "proposed", modelText: null };
      };
      const here = report.sections.flatMap((s) => s.sentences).find((x) => x.id === command.id);
      if (here?.state === "proposed") throw new Error("report.still_proposed");
      if (here) Object.assign(here, again(here));
      else {
        const out = report.withdrawn?.find((x) => x.id === command.id);
        if (!out) throw new Error("report.no_sentence");
        put(command.section, command.after, again(out));
      }
      break;
    }
    case "accept_section": {
      const list = report.sections.find((s) => s.name === command.section)!.sentences;
      if (list.some((x) => x.state === "proposed" && !command.seen.includes(x.id))) throw new Error("report.not_seen");
      for (const x of list) if (x.state === "proposed") x.state = "accepted";
      break;
    }
    case "mark_preliminary":
      report.status = "preliminary";
      break;
    case "use_template":
      report.template = command.template;
      break;
    case "reopen":
      report.status = "reopened";
      report.becoming = command.kind;
      for (const s of report.sections) s.open = command.kind === "amendment";
      if (command.kind === "addendum") {
        report.sections.push({ name: "addendum", heading: "Addendum", required: true, open: true, sentences: [] });
      }
      break;
    case "cancel":
      report.status = "cancelled";
      break;
  }
}
