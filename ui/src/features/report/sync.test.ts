import { beforeEach, expect, test } from "vitest";
import { IpcError, type EditCommand, type ReportView } from "../../ipc";
import { applied, reportOf, section, sentence, viewOf } from "./fixtures";
import { mergeSection } from "./merge";
import { sectionsOf, type Section } from "./sentences";
import { AT_LATEST, onlyBy, QUIET, ReportSync, RETRY, type SaveState } from "./sync";

/** A shell with one report that answers when told to. */
class Shell {
  report: ReportView = reportOf([section("findings", [sentence("a", "Clear.")])]);
  sent: EditCommand[][] = [];
  failNext: IpcError | null = null;
  /** Id of a sentence that is refused whenever a command names it. */
  poison: string | null = null;
  private gate: Promise<void> = Promise.resolve();
  private open: () => void = () => undefined;

  hold() {
    this.gate = new Promise((resolve) => (this.open = resolve));
  }
  release() {
    this.open();
    this.gate = Promise.resolve();
  }
  async edit(_: string, revision: number, commands: EditCommand[]): Promise<ReportView> {
    this.sent.push(commands);
    const failure = this.failNext;
    this.failNext = null;
    await this.gate;
    if (failure) throw failure;
    if (revision !== this.report.revision) throw new IpcError("store.stale_revision", "");
    if (commands.some((c) => "id" in c && c.id === this.poison)) throw new IpcError("report.empty_sentence", "");
    this.report = applied(this.report, commands);
    return structuredClone(this.report);
  }
  read(): Promise<ReportView> {
    return Promise.resolve(structuredClone(this.report));
  }
}

class Paper {
  constructor(public sections: Section[]) {}
  read() {
    return structuredClone(this.sections);
  }
  merge(ancestor: Section[], server: Section[]) {
    this.sections = server.map((s, i) => ({
      ...s,
      sentences: mergeSection(ancestor[i]?.sentences ?? [], this.sections[i]?.sentences ?? [], s.sentences),
    }));
  }
  type(id: string, text: string) {
    const list = this.sections[0]!.sentences;
    const found = list.find((s) => s.id === id);
    if (found) found.text = text;
    else list.push(sentence(id, text));
  }
  get text() {
    return this.sections[0]!.sentences.map((s) => s.text).join(" ");
  }
}

class Clock {
  time = 0;
  private due: { at: number; run: () => void }[] = [];
  now = () => this.time;
  after = (ms: number, run: () => void) => {
    const entry = { at: this.time + ms, run };
    this.due.push(entry);
    return () => (this.due = this.due.filter((x) => x !== entry));
  };
  async pass(ms: number) {
    this.time += ms;
    const ready = this.due.filter((x) => x.at <= this.time);
    this.due = this.due.filter((x) => x.at > this.time);
    for (const x of ready) x.run();
    await settle();
  }
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

let shell: Shell, paper: Paper, clock: Clock, sync: ReportSync, states: SaveState[], failures: string[];
beforeEach(() => {
  shell = new Shell();
  paper = new Paper(sectionsOf(shell.report));
  clock = new Clock();
  states = [];
  failures = [];
  sync = syncOf(shell.report);
});
const syncOf = (view: ReportView) =>
  new ReportSync(structuredClone(view), shell, paper, clock, {
    state: (s) => states.push(s),
    view: () => undefined,
    failed: (e) => failures.push(e.code),
  });
const typed = (id: string, text: string) => {
  paper.type(id, text);
  sync.changed();
};
const onShell = () => shell.report.sections[0]!.sentences.map((s) => s.text).join(" ");

test("typing is sent after a moment of quiet", async () => {
  typed("a", "Clear lungs.");
  await clock.pass(QUIET - 1);
  expect(shell.sent).toHaveLength(0);
  await clock.pass(1);
  expect(onShell()).toBe("Clear lungs.");
  expect(states.at(-1)).toBe("saved");
});

test("typing without a pause is sent at the latest after 1.5 s", async () => {
  for (let t = 0; t < AT_LATEST; t += 100) {
    typed("a", `Clear ${t}`);
    await clock.pass(100);
  }
  expect(shell.sent.length).toBeGreaterThan(0);
});

test("what is typed while a save is under way is neither lost nor disturbed", async () => {
  shell.hold();
  typed("a", "One");
  await clock.pass(QUIET);
  typed("a", "One two");
  shell.release();
  await settle();
  expect(paper.text).toBe("One two");
  await clock.pass(QUIET);
  expect(onShell()).toBe("One two");
});

test("a stale revision is read again, typed text is kept and sent", async () => {
  shell.report = applied(shell.report, [
    { do: "insert", section: "findings", after: "a", id: "other", text: "Theirs.", region: null },
  ]);
  typed("n", "Mine.");
  await clock.pass(QUIET);
  expect(onShell().split(" ").sort()).toEqual(["Clear.", "Mine.", "Theirs."]);
  expect(paper.text).toContain("Theirs.");
  expect(failures).toEqual([]);
});

test("a draft that arrives during a save is taken over after it", async () => {
  shell.hold();
  typed("n", "Mine.");
  await clock.pass(QUIET);
  const draft = structuredClone(applied(shell.report, [{ do: "insert", section: "findings", after: "a", id: "n", text: "Mine.", region: null }]));
  draft.sections[0]!.sentences.push(viewOf(sentence("p", "Proposed.", "proposed")));
  draft.revision += 5;
  sync.incoming(draft);
  expect(paper.text).toBe("Clear. Mine.");
  shell.release();
  await settle();
  expect(paper.text).toBe("Clear. Mine. Proposed.");
  expect(sync.view.revision).toBe(draft.revision);
});

test("an older report is not taken over", () => {
  sync.incoming({ ...structuredClone(shell.report), revision: 0, sections: [] });
  expect(paper.text).toBe("Clear.");
});

test("a draft that is uncovered comes at the same revision, and typed text stays", async () => {
  const covered = { ...structuredClone(shell.report), covered: 1 };
  sync = syncOf(covered);
  paper.type("a", "Clear lungs.");
  const uncovered = structuredClone(shell.report);
  uncovered.sections[0]!.sentences.push(viewOf(sentence("p", "Proposed.", "proposed")));
  shell.report = structuredClone(uncovered);
  sync.incoming(uncovered);
  expect(paper.text).toBe("Clear lungs. Proposed.");
  await sync.flush();
  expect(shell.sent.flat()).toEqual([{ do: "edit", id: "a", text: "Clear lungs." }]);
});

test("while another person holds the report, typed words wait here and are called not saved", async () => {
  paper.type("a", "Clear lungs.");
  sync.changed();
  const held = structuredClone(shell.report);
  held.held = { name: "Dr B.", since: "14:00:00", until: "14:10:00" };
  held.sections[0]!.open = false;
  const edit = shell.edit.bind(shell);
  shell.edit = () => Promise.reject(new IpcError("report.held", ""));
  shell.read = () => Promise.resolve(structuredClone(held));
  await sync.flush();
  expect(paper.text).toBe("Clear lungs.");
  expect(states.at(-1)).toBe("not_saved");
  await expect(sync.flushAll()).rejects.toMatchObject({ code: "text.held" });
  shell.edit = edit;
  sync.incoming(structuredClone(shell.report));
  await sync.flushAll();
  expect(shell.report.sections[0]!.sentences[0]!.text).toBe("Clear lungs.");
  expect(states.at(-1)).toBe("saved");
});

test.each(["written", "taken out"])("what was %s in a section that was closed meanwhile waits here and is called not saved", async (how) => {
  const had = paper.sections[0]!.sentences;
  if (how === "written") paper.type("a", "Clear lungs.");
  else paper.sections[0]!.sentences = [];
  sync.changed();
  const signed = structuredClone(shell.report);
  signed.status = "final";
  signed.sections.forEach((section) => (section.open = false));
  shell.edit = () => Promise.reject(new IpcError("report.final", ""));
  shell.read = () => Promise.resolve(structuredClone(signed));
  await sync.flush();
  expect(paper.text).toBe(how === "written" ? "Clear lungs." : "");
  expect(states.at(-1)).toBe("not_saved");
  await expect(sync.flushAll()).rejects.toMatchObject({ code: "text.closed" });
  paper.sections[0]!.sentences = had;
  paper.type("a", "Clear.");
  await sync.flushAll();
  expect(states.at(-1)).toBe("saved");
});

test.each([
  ["u1", "u1", true],
  ["u1", undefined, false],
  ["u1", "u2", false],
  [undefined, undefined, false],
  [undefined, "u2", false],
])("an edit of the reader %s while %s is logged in", async (reader, present, sent) => {
  const edit = onlyBy(reader, () => present, (...asked) => shell.edit(...asked));
  const answer = edit("r", shell.report.revision, [{ do: "edit", id: "a", text: "Clear lungs." }]);
  if (sent) await answer;
  else await expect(answer).rejects.toMatchObject({ code: "text.reader_gone" });
  expect(shell.sent.length).toBe(sent ? 1 : 0);
});

test("a save that fails is said, and tried again with the text kept", async () => {
  shell.failNext = new IpcError("store.write_failed", "disk full");
  typed("a", "Kept.");
  await clock.pass(QUIET);
  expect(states.at(-1)).toBe("not_saved");
  expect(failures).toEqual(["store.write_failed"]);
  expect(paper.text).toBe("Kept.");
  await clock.pass(RETRY);
  expect(onShell()).toBe("Kept.");
  expect(states.at(-1)).toBe("saved");
});

test.each(["data.disk_full", "data.read_only"])("%s is said within 2 s of the first key though typing goes on, and nothing is lost", async (code) => {
  let keys = "";
  while (failures.length === 0 && clock.time <= 2000) {
    shell.failNext = new IpcError(code, "");
    keys += "x";
    typed("a", keys);
    await clock.pass(100);
  }
  expect(failures).toEqual([code]);
  expect(clock.time).toBeLessThan(2000);
  expect(states.at(-1)).toBe("not_saved");
  shell.failNext = null;
  await clock.pass(RETRY);
  expect(onShell()).toBe(keys);
  expect(states.at(-1)).toBe("saved");
});

test("a command first saves the text", async () => {
  typed("n", "New.");
  await sync.command([{ do: "mark_preliminary" }]);
  expect(shell.sent.map((c) => c[0]!.do)).toEqual(["insert", "mark_preliminary"]);
  expect(sync.view.status).toBe("preliminary");
});

test("closing sends the rest", async () => {
  typed("a", "Last words.");
  await sync.close();
  expect(onShell()).toBe("Last words.");
});

test("one command that is always refused holds up neither the rest nor itself when changed", async () => {
  shell.poison = "bad";
  typed("bad", "Poison.");
  typed("n", "Mine.");
  typed("a", "Clear lungs.");
  await clock.pass(QUIET);
  expect(onShell()).toBe("Clear lungs. Mine.");
  expect(paper.text.split(" ")).toContain("Poison.");
  expect([failures, states.at(-1)]).toEqual([["report.empty_sentence"], "not_saved"]);
  await expect(sync.flush()).rejects.toMatchObject({ code: "report.empty_sentence" });

  typed("a", "Clear.");
  await clock.pass(QUIET);
  expect(onShell()).toBe("Clear. Mine.");
  expect(paper.text.split(" ")).toContain("Poison.");
  expect(failures).toHaveLength(1);

  shell.poison = null;
  typed("bad", "Cured.");
  await clock.pass(QUIET);
  expect(onShell().split(" ")).toContain("Cured.");
  expect(states.at(-1)).toBe("saved");
});

test("words typed and erased again leave nothing to save", async () => {
  typed("a", "Clear!");
  typed("a", "Clear.");
  await clock.pass(QUIET);
  expect([shell.sent, states.at(-1)]).toEqual([[], "saved"]);
});
