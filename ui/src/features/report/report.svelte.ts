import { tick } from "svelte";
import { shell, type EditCommand, type ReportView, type SectionName } from "../../ipc";
import { withCaps } from "../../keys/caps";
import { session } from "../../state/session.svelte";
import { subscribe } from "../../state/bus";
import { saving } from "./saving.svelte";
import { spelling } from "./spelling.svelte";
import { writing } from "./writing.svelte";
import { SectionEditor, type MacroPlace, type PlacedWord, type SectionEvents, type Stepped } from "./section-editor";
import { ReportEvidence } from "./evidence.svelte";
import { inConflict } from "./evidence";
import { hintOf } from "./hints";
import { mergeSection } from "./merge";
import { sectionsOf, type Section, type Sentence } from "./sentences";
import { newId } from "./ids";
import { onlyBy, ReportSync } from "./sync";
import { unsentWords, waiting } from "./waiting-text.svelte";

/** The open report: its editors, what is saved of it, what of the proposals was looked at. */
export class OpenReport {
  view = $state.raw<ReportView>() as ReportView;
  /** Proposed sentences left, by section, as the editors show them now. */
  proposed = $state.raw<Partial<Record<SectionName, string[]>>>({});
  /** Ids of proposed sentences that were shown and focused. */
  seen = $state.raw<ReadonlySet<string>>(new Set());

  /** The sentence that the cursor stands in, or stood in last. */
  current = $state<string | null>(null);
  /** The section that it stands in. */
  section = $state<SectionName | null>(null);
  /** Grows when a person asks what stands behind the current sentence. */
  explained = $state(0);
  readonly evidence: ReportEvidence;
  /** The word called wrong whose suggestions are shown. */
  asked = $state.raw<PlacedWord | null>(null);
  /** Where a macro is being chosen. */
  choosing = $state.raw<MacroPlace | null>(null);

  readonly left = $derived(Object.values(this.proposed).reduce((n, ids) => n + ids.length, 0));

  /** Whether the model can be asked for a draft now, to which empty findings invite. */
  private canDraft = false;
  private readonly editors = new Map<SectionName, SectionEditor>();
  /** What stood in editors that are gone: the window takes them away before the report is closed. */
  private readonly last = new Map<SectionName, Sentence[]>();
  private readonly sync: ReportSync;
  private undoOrder: SectionName[] = [];
  private redoOrder: SectionName[] = [];
  /** Sections of which the shell is being told what a person decided or changed: its answer can be undone. */
  private deciding: ReadonlySet<SectionName> = new Set();
  private readonly endEvents: () => void;
  /** Who has it open: nobody may be logged in any more when it closes. */
  private readonly reader = session.status?.user ?? null;

  constructor(view: ReportView) {
    this.view = view;
    saving.begin(this, view.savedAt);
    this.evidence = new ReportEvidence(view.id, view.studyUid, () => this.redraw());
    this.sync = new ReportSync(
      view,
      {
        edit: onlyBy(
          this.reader?.id,
          () => session.status?.user?.id,
          (id, revision, commands) => shell.reportEdit(id, revision, commands),
        ),
        read: (studyUid) => shell.reportView(studyUid),
      },
      { read: () => this.read(), merge: (ancestor, server) => this.merge(ancestor, server) },
      {
        now: () => performance.now(),
        after: (ms, run) => {
          const timer = setTimeout(run, ms);
          return () => clearTimeout(timer);
        },
      },
      {
        state: (state) => saving.set(this, state),
        view: (next) => {
          // Uncovering a draft changes no word of it, but what may be said of it.
          if (next.revision !== this.view.revision || next.covered !== this.view.covered) this.evidence.stale();
          this.view = next;
          saving.savedAt(this, next.savedAt);
          for (const { name, open } of next.sections) this.editors.get(name)?.setOpen(open);
        },
        failed: (error) => session.say(error),
      },
    );
    const ends = [
      subscribe((event) => {
        if (event.event === "draft_done") this.sync.incoming(event.report);
      }),
      spelling.follow(() => this.redraw()),
    ];
    this.endEvents = () => ends.forEach((end) => end());
  }

  /** Puts the editor of a section into `place`; the result takes it away. */
  mount(name: SectionName, heading: string, place: HTMLElement): () => void {
    const section = sectionsOf(this.view).find((s) => s.name === name)!;
    const editor = new SectionEditor({
      name,
      heading,
      place,
      sentences: section.sentences,
      open: section.open,
      hint: () => hintOf(name, this.canDraft),
      newId,
      undecided: (id) => this.undecided(id),
      evidence: (id) => this.evidence.known.get(id),
      mayPropose: () => this.view.status !== "preliminary",
      macros: () => writing.macros,
      right: (word) => spelling.right(word),
      on: this.events(),
    });
    this.last.delete(name);
    this.editors.set(name, editor);
    this.count(name);
    return () => {
      this.last.set(name, editor.read());
      this.editors.delete(name);
      editor.destroy();
    };
  }

  /** An engine comes and goes, and drafts begin and end, while the editors stay. */
  offerDraft(can: boolean): void {
    if (can === this.canDraft) return;
    this.canDraft = can;
    this.redraw();
  }

  /** Shows anew what is said of the text from elsewhere. */
  private redraw(): void {
    for (const editor of this.editors.values()) editor.evidenceChanged();
  }

  flush(): Promise<void> {
    return this.sync.flush();
  }

  /** Before the window locks or closes: rejects where words of the reader stay behind. */
  flushAll(): Promise<void> {
    return this.sync.flushAll();
  }

  command(commands: EditCommand[]): Promise<ReportView> {
    return this.sync.command(commands);
  }

  /** Puts a sentence of the reader's at the end of the findings, or of the addendum while only that is open. */
  async dictate(text: string): Promise<void> {
    await this.flush();
    const section = this.view.sections.find((s) => s.open && s.name === "findings") ?? this.view.sections.find((s) => s.open);
    if (!section) return;
    const after = section.sentences.at(-1)?.id ?? null;
    await this.change([section.name], [{ do: "insert", section: section.name, after, id: newId(), text, region: null }]);
  }

  /** Commands of the person that change the text of these sections: a step of each that can be undone. */
  async change(sections: Iterable<SectionName>, commands: EditCommand[]): Promise<void> {
    await this.flush();
    this.deciding = new Set(sections);
    try {
      await this.command(commands);
    } finally {
      this.deciding = new Set();
    }
  }

  /** A report that came with another answer, such as that of signing. */
  take(view: ReportView): void {
    this.sync.incoming(view);
  }

  /** Saves the rest and lets go of the report; words that are not taken wait from then on. */
  close(): Promise<void> {
    const closing = this.end();
    waiting.follow(closing);
    return closing;
  }

  private async end(): Promise<void> {
    this.endEvents();
    this.evidence.close();
    try {
      await this.sync.close();
    } finally {
      if (this.reader) {
        const { id, name } = this.reader;
        waiting.keep({ user: id, name, studyUid: this.view.studyUid, parts: unsentWords(this.sync.view, this.read()) });
      }
      saving.end(this);
    }
    await this.release();
  }

  /** Saves what was typed and makes way for others, while the report stays on the screen or behind the worklist. */
  async leave(): Promise<void> {
    await this.flush();
    await this.release();
  }

  /** Whoever opens it next need not wait until the lock lapses. The next edit takes hold of it again. */
  private async release(): Promise<void> {
    if (session.unlocked) await shell.reportRelease(this.view.id).catch((reason: unknown) => session.say(reason));
  }

  canAcceptSection(name: SectionName): boolean {
    const ids = this.proposed[name] ?? [];
    return ids.length > 0 && ids.every((id) => this.seen.has(id));
  }

  async acceptSection(name: SectionName): Promise<void> {
    if (!this.canAcceptSection(name)) return;
    await this.flush();
    await this.change([name], [{ do: "accept_section", section: name, seen: [...(this.proposed[name] ?? [])] }]);
  }

  addSentence(name: SectionName): void {
    this.editors.get(name)?.addSentence();
  }

  /** The next (previous) proposed sentence, from where the cursor is and around the end. */
  focusProposal(forward: boolean): void {
    const names = this.names();
    const at = names.findIndex((name) => this.editors.get(name)?.focused);
    const turn = forward ? 1 : -1;
    for (let step = 0; step <= names.length; step++) {
      const start = at < 0 ? (forward ? 0 : names.length - 1) : at;
      const index = (((start + step * turn) % names.length) + names.length) % names.length;
      if (this.editors.get(names[index]!)?.focusProposal(forward, at >= 0 && step === 0)) return;
    }
  }

  /** Puts the focus on a sentence, wherever it stands. */
  focusSentence(id: string): boolean {
    return this.names().some((name) => this.editors.get(name)!.focusSentence(id));
  }

  /** Puts the cursor at the end of a section, and brings it into sight with its head once what stands under the text has taken its room. */
  async focusSection(name: SectionName): Promise<void> {
    this.editors.get(name)?.focusText("end");
    await tick();
    this.editors.get(name)?.element.closest("section")?.scrollIntoView({ block: "nearest" });
  }

  /** Puts the focus back into the section that it was in last. */
  focusText(): void {
    if (this.section) this.editors.get(this.section)?.focusAgain();
  }

  /** The next sentence in conflict after the current one, around the end; false when there is none. */
  focusConflict(): boolean {
    const ids = this.read().flatMap((s) => s.sentences.map((x) => x.id));
    const from = this.current === null ? 0 : ids.indexOf(this.current) + 1;
    const [next] = inConflict([...ids.slice(from), ...ids.slice(0, from)], this.evidence.known);
    return next !== undefined && this.focusSentence(next);
  }

  /** The next word called wrong, from where the cursor is and around the end; false when there is none. */
  focusMisspelt(): boolean {
    const names = this.names();
    const at = Math.max(0, names.findIndex((name) => this.editors.get(name)?.focused));
    for (let step = 0; step <= names.length; step++) {
      const name = names[(at + step) % names.length]!;
      const started = step > 0 || !this.editors.get(name)!.focused;
      const found = this.editors.get(name)!.misspelt(started);
      if (found) {
        this.asked = found;
        return true;
      }
    }
    return false;
  }

  /** Puts the word that was meant in the place of the one asked about; null leaves it. */
  answerMisspelt(meant: string | null): void {
    const asked = this.asked;
    this.asked = null;
    const editor = asked && this.editors.get(asked.section);
    if (!editor) return;
    if (meant !== null) editor.replaceWord(asked, meant);
    else editor.passSelection();
  }

  /** Offers the macros of the section that the cursor stands in, or of the findings; false when neither is open. */
  chooseMacro(): boolean {
    const name = this.names().find((one) => this.editors.get(one)!.focused) ?? this.section ?? "findings";
    this.choosing = this.editors.get(name)?.macroPlace() ?? null;
    return this.choosing !== null;
  }

  /** Writes out the macro that was chosen; null leaves the text as it is. */
  answerMacro(text: string | null): void {
    const place = this.choosing;
    this.choosing = null;
    const editor = place && this.editors.get(place.section);
    if (text !== null) editor?.writeMacro(text, place!.typed);
    else editor?.focusAgain();
  }

  /** All sections as the editors show them now. */
  text(): Section[] {
    return this.read();
  }

  /** The words of a sentence as they stand now. */
  sentence(id: string): Sentence | undefined {
    return this.read().flatMap((s) => s.sentences).find((x) => x.id === id);
  }

  /** The proposal that a sentence began in; null when no model wrote it. */
  proposalOf(id: string): string | null {
    const found = this.view.sections.flatMap((s) => s.sentences).find((x) => x.id === id);
    return found?.proposalId ?? null;
  }

  undo(): void {
    const name = this.undoOrder.pop();
    if (name === undefined) return;
    this.stepped(name, this.editors.get(name)?.undo(), this.undoOrder, this.redoOrder, () => this.undo());
  }

  redo(): void {
    const name = this.redoOrder.pop();
    if (name === undefined) return;
    this.stepped(name, this.editors.get(name)?.redo(), this.redoOrder, this.undoOrder, () => this.redo());
  }

  private stepped(name: SectionName, how: Stepped | undefined, from: SectionName[], to: SectionName[], next: () => void): void {
    if (how === "done") to.push(name);
    else if (how === "refused") from.push(name);
    // The history of a section is bounded, and a closed one gives no step.
    else next();
  }

  private names(): SectionName[] {
    return this.view.sections.map((s) => s.name).filter((name) => this.editors.has(name));
  }

  private read(): Section[] {
    return sectionsOf(this.sync?.view ?? this.view).map((section) => {
      const sentences = this.editors.get(section.name)?.read() ?? this.last.get(section.name);
      return sentences ? { ...section, sentences } : section;
    });
  }

  /** True while the shell holds the sentence as a proposal that nobody has decided. */
  private undecided(id: string): boolean {
    return this.sync.view.sections.some((s) => s.sentences.some((x) => x.id === id && x.state === "proposed"));
  }

  private merge(ancestor: Section[], server: Section[]): void {
    for (const section of server) {
      const before = ancestor.find((s) => s.name === section.name)?.sentences ?? [];
      this.editors.get(section.name)?.merge(before, section.sentences, this.deciding.has(section.name));
      const last = this.last.get(section.name);
      if (last) this.last.set(section.name, mergeSection(before, last, section.sentences));
    }
    // What was typed into an addendum that was given up does not come back with the next one.
    for (const name of this.last.keys()) if (!server.some((s) => s.name === name)) this.last.delete(name);
  }

  private events(): SectionEvents {
    return {
      changed: () => this.sync.changed(),
      undoable: (name) => {
        this.undoOrder.push(name);
        this.redoOrder = [];
      },
      seen: (id) => {
        if (!this.seen.has(id)) this.seen = new Set([...this.seen, id]);
      },
      nextProposal: (name, forward) => {
        if (!this.editors.get(name)?.focusProposal(forward, false)) this.focusProposal(forward);
      },
      leave: (name, forward) => {
        const names = this.names().filter((n) => this.view.sections.find((s) => s.name === n)?.open);
        const next = names[names.indexOf(name) + (forward ? 1 : -1)];
        if (next) this.editors.get(next)?.focusText(forward ? "start" : "end");
      },
      // A failure has been said already, and the text is tried again.
      blurred: () => void this.sync.flush().catch(() => undefined),
      kept: () =>
        session.say("Proposed sentences are not deleted with text.", withCaps("Focus one with {proposal.next} and drop it with {proposal.drop}.")),
      at: (name, id) => {
        this.section = name;
        this.current = id;
      },
      explain: (id) => {
        this.current = id;
        this.explained += 1;
      },
      notBack: () =>
        session.say("A preliminary report holds no unreviewed sentence, so this is not taken back.", "Change the words instead."),
      misspelt: (word) => (this.asked = word),
      updated: (name) => this.count(name),
    };
  }

  private count(name: SectionName): void {
    const ids = (this.editors.get(name)?.read() ?? []).filter((s) => s.state === "proposed").map((s) => s.id);
    const before = this.proposed[name] ?? [];
    if (ids.join() !== before.join()) this.proposed = { ...this.proposed, [name]: ids };
  }
}
