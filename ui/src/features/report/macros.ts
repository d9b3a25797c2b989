import type { SectionName } from "../../ipc";

/** A short name that becomes sentences. `{1}` stands for the first parameter; one that is not given stays a field. */
export interface Macro {
  name: string;
  /** Where it can be used; everywhere when empty. */
  sections: SectionName[];
  /** A line a sentence. */
  text: string;
  /** What each parameter is called, shown as a field where it is missing. */
  parameters?: string[];
}

export const MACROS: readonly Macro[] = [
  {
    name: "normal",
    sections: ["findings"],
    text: "The lungs are clear.\nNo pleural effusion or pneumothorax.\nThe heart is normal in size.\nThe mediastinal contours are normal.\nNo acute abnormality of the bones.",
  },
  { name: "normal", sections: ["impression", "addendum"], text: "No acute cardiopulmonary abnormality." },
  { name: "noptx", sections: [], text: "No pneumothorax." },
  { name: "noeff", sections: [], text: "No pleural effusion." },
  { name: "ett", sections: [], text: "The endotracheal tube ends {1} cm above the carina.", parameters: ["number"] },
  { name: "ngt", sections: [], text: "The gastric tube ends in the {1}.", parameters: ["stomach|distal oesophagus|duodenum"] },
  { name: "cvc", sections: [], text: "The {1} central venous catheter ends in the {2}.", parameters: ["left|right", "superior vena cava|right atrium"] },
  { name: "ctube", sections: [], text: "A chest tube lies in the {1} pleural space.", parameters: ["left|right"] },
  { name: "eff", sections: [], text: "{2} {1} pleural effusion.", parameters: ["left|right", "Small|Moderate|Large"] },
  { name: "ptx", sections: [], text: "{2} {1} pneumothorax.", parameters: ["left|right", "Small|Moderate|Large"] },
  { name: "cons", sections: [], text: "Consolidation in the {1} {2} lobe.", parameters: ["left|right", "upper|middle|lower"] },
  { name: "nocompare", sections: ["comparison"], text: "None." },
  { name: "fu", sections: [], text: "A follow-up radiograph in {1} weeks is advised.", parameters: ["number"] },
];

/** What stands before the cursor as a macro: ".ett(4)", ".normal"; null when nothing does. */
export function called(before: string): { length: number; name: string; given: string[] } | null {
  const found = /(?:^|\s)(\.([a-z][a-z0-9]*)(?:\(([^()]*)\))?)$/i.exec(before);
  if (!found) return null;
  const given = found[3] === undefined ? [] : found[3].split(",").map((word) => word.trim());
  return { length: found[1]!.length, name: found[2]!.toLowerCase(), given };
}

/** The sentences of a macro in a section, one a line; null when there is none of that name. */
export function expanded(macros: readonly Macro[], name: string, section: SectionName, given: readonly string[]): string | null {
  const named = macros.filter((m) => m.name === name);
  const macro = named.find((m) => m.sections.includes(section)) ?? named.find((m) => m.sections.length === 0);
  if (!macro) return null;
  return macro.text.replace(/\{(\d)\}/g, (_, digit: string) => {
    const at = Number(digit) - 1;
    return given[at] || `[${macro.parameters?.[at] ?? "text"}]`;
  });
}
