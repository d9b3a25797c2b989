import { lexicon } from "./lexicon";
import type { MacroView, ReportText, ReportView, TemplateChoice } from "../src/ipc";

/** What a reader writes with, and the texts of a report, for the preview. */
export class PreviewWriting {
  macros: MacroView[] = [
    { name: "icu", sections: ["technique"], text: "Single AP portable view of the chest, patient ${1:supine|semi-erect}." },
    { name: "normal", sections: ["findings"], text: "The lungs are well expanded and clear.\nNo effusion, no pneumothorax.\nThe heart and the mediastinum are unremarkable." },
    { name: "nodule", sections: [], text: "A ${2:number} mm nodule in the ${1:left|right} ${3:upper|middle|lower} lobe.\nCT of the chest is advised." },
  ];
  words: string[] = ["Bochdalek", "Hampton"];
  choices: TemplateChoice[] = [
    { situation: "frontal", template: null },
    { situation: "two_views", template: "cxr-2view" },
    { situation: "portable", template: null },
    { situation: "child", template: null },
  ];

  readonly answers: Record<string, (args: any) => unknown> = {
    macros: () => this.macros,
    macro_put: ({ one, instead }) => {
      const same = (a: MacroView, b: MacroView | null) => b !== null && a.name === b.name && a.sections.join() === b.sections.join();
      this.macros = [...this.macros.filter((m) => !same(m, one) && !same(m, instead)), one].sort((a, b) => a.name.localeCompare(b.name));
      return this.macros;
    },
    macro_remove: ({ one }) => (this.macros = this.macros.filter((m) => m.name !== one.name)),
    macros_import: () => this.macros,
    macros_export: () => "/home/reader/hilum-macros.json",
    spelling: () => ({ lexicon: lexicon(), own: this.words }),
    word_add: ({ word }) => {
      this.words = [...this.words, word];
      return null;
    },
    word_remove: ({ word }) => {
      this.words = this.words.filter((w) => w !== word);
      return null;
    },
    template_choices: () => this.choices,
    template_choose: () => null,
    report_release: () => null,
  };
}

/** The texts of a report as the preview has it: a draft of the model's words, and what stands. */
export function textsOf(report: ReportView): ReportText[] {
  const shown = (drafted: boolean) =>
    report.sections
      .map(({ name, heading, sentences }) => ({
        name,
        heading,
        sentences: sentences
          .filter((s) => !drafted || s.proposalId !== null)
          .map((s) => ({ id: s.id, text: drafted ? (s.modelText ?? s.text) : s.text, state: drafted ? ("proposed" as const) : s.state, modelText: s.modelText })),
      }))
      .filter((s) => s.sentences.length > 0);
  const draft = shown(true);
  draft.at(-1)?.sentences.push({ id: "dropped", text: "Degenerative changes of the thoracic spine.", state: "proposed", modelText: null });
  return [
    ...(draft.length > 0 ? [{ kind: "draft" as const, by: "Dr A. Reader", at: "2026-11-23 14:03:10 +01:00", sections: draft }] : []),
    { kind: report.status === "final" ? "signed" : "now", by: report.status === "final" ? "Dr A. Reader" : "", at: "2026-11-23 14:12:00 +01:00", sections: shown(false) },
  ];
}
