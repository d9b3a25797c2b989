import type { MacroView, SectionName } from "../../ipc";

/**
 * A short name that becomes sentences. In its text `${1:side}` stands for the first parameter; one that is
 * not given stays a field, "[side]", with choices where it has bars.
 */
export type Macro = MacroView;

export const MACROS: readonly Macro[] = [
  {
    name: "normal",
    sections: ["findings"],
    text: "The lungs are clear.\nNo pleural effusion or pneumothorax.\nThe heart is normal in size.\nThe mediastinal contours are normal.\nNo acute abnormality of the bones.",
  },
  { name: "normal", sections: ["impression", "addendum"], text: "No acute cardiopulmonary abnormality." },
  { name: "noptx", sections: [], text: "No pneumothorax." },
  { name: "noeff", sections: [], text: "No pleural effusion." },
  { name: "ett", sections: [], text: "The endotracheal tube ends ${1:number} cm above the carina." },
  { name: "ngt", sections: [], text: "The gastric tube ends in the ${1:stomach|distal oesophagus|duodenum}." },
  { name: "cvc", sections: [], text: "The ${1:left|right} central venous catheter ends in the ${2:superior vena cava|right atrium}." },
  { name: "ctube", sections: [], text: "A chest tube lies in the ${1:left|right} pleural space." },
  { name: "eff", sections: [], text: "${2:Small|Moderate|Large} ${1:left|right} pleural effusion." },
  { name: "ptx", sections: [], text: "${2:Small|Moderate|Large} ${1:left|right} pneumothorax." },
  { name: "cons", sections: [], text: "Consolidation in the ${1:left|right} ${2:upper|middle|lower} lobe." },
  { name: "nocompare", sections: ["comparison"], text: "None." },
  { name: "fu", sections: [], text: "A follow-up radiograph in ${1:number} weeks is advised." },
];

/** What stands before the cursor as a macro: ".ett(4)", ".normal"; null when nothing does. */
export function called(before: string): { length: number; name: string; given: string[] } | null {
  const found = /(?:^|\s)(\.([a-z][a-z0-9_]*)(?:\(([^()]*)\))?)$/i.exec(before);
  if (!found) return null;
  const given = found[3] === undefined ? [] : found[3].split(",").map((word) => word.trim());
  return { length: found[1]!.length, name: found[2]!.toLowerCase(), given };
}

/**
 * The sentences of a macro in a section, one a line; null when there is none of that name. Of several of one
 * name the one made for the section counts before one for all, and the earlier in the list before the later:
 * a reader's own stand before the built-in ones.
 */
export function expanded(macros: readonly Macro[], name: string, section: SectionName, given: readonly string[]): string | null {
  const named = macros.filter((m) => m.name === name && (m.sections.length === 0 || m.sections.includes(section)));
  const own = named.filter((m) => !MACROS.includes(m));
  const among = own.length > 0 ? own : named;
  const macro = among.find((m) => m.sections.length > 0) ?? among[0];
  return macro ? writtenOut(macro.text, given) : null;
}

/** A macro's text with what is given in the place of its parameters. */
export function writtenOut(text: string, given: readonly string[]): string {
  return text.replace(/\$\{([1-9])(?::([^}]*))?\}/g, (_, digit: string, called?: string) => given[Number(digit) - 1] || `[${called?.trim() || "text"}]`);
}

/** A macro as it is offered in a section: its name, and the sentences that it becomes. */
export interface Offered {
  name: string;
  text: string;
}

/** The macros that a section has, the reader's own first, one of each name; of them those whose name begins with `words`, then, where `words` are no name with its point, those that hold them. */
export function offered(macros: readonly Macro[], section: SectionName, words: string): Offered[] {
  const all: Offered[] = [];
  for (const name of new Set(macros.map((m) => m.name))) {
    const text = expanded(macros, name, section, []);
    if (text !== null) all.push({ name, text });
  }
  const wanted = words.trim().replace(/^\./, "").toLowerCase();
  if (wanted === "") return all;
  const named = all.filter((one) => one.name.startsWith(wanted));
  if (words.trim().startsWith(".")) return named;
  return [...named, ...all.filter((one) => !named.includes(one) && `${one.name} ${one.text}`.toLowerCase().includes(wanted))];
}

/** What of a macro's name stands before the cursor: ".ef"; empty when nothing does. */
export function begun(before: string): string {
  return /(?:^|\s)(\.[a-z0-9_]*)$/i.exec(before)?.[1] ?? "";
}
