/** A form in which the weights of a language model are stored and run. */
export interface Form {
  name: string;
  /** Bits that one weight takes with its scale: 4-bit and 8-bit blocks of GGML, and bfloat16. */
  bits: number;
  /** What it means to choose it, in plain words. */
  meaning: string;
}

/** Smallest first. Bits a weight: Q4_K 144 bytes for 256 weights, Q8_0 34 bytes for 32 (ggml's block layouts). */
export const FORMS: Record<string, Form> = {
  q4k: {
    name: "4-bit (Q4_K)",
    bits: 4.5,
    meaning: "Least memory, and the fastest to write. Its answers drift furthest from the model as published.",
  },
  q8_0: {
    name: "8-bit (Q8_0)",
    bits: 8.5,
    meaning: "About half the memory of the published weights; writes about a quarter more slowly than 4‑bit. Its answers stay close to the model as published.",
  },
  none: {
    name: "As published (16-bit)",
    bits: 16,
    meaning: "The model as its publisher gives it, with the most memory; on a processor it writes about seven times more slowly than 4‑bit.",
  },
};

export function formName(key: string): string {
  return FORMS[key]?.name ?? key;
}

/** The form that is offered first: the smallest of a model that can be quantised. */
export function firstForm(offered: readonly string[]): string {
  return Object.keys(FORMS).find((key) => offered.includes(key)) ?? offered[0] ?? "none";
}

/** "4.5 of 16 bits a weight": how small a form is against the published weights. */
export function bitsText(key: string): string {
  const form = FORMS[key];
  return form ? `${form.bits} of ${FORMS.none!.bits} bits a weight` : "";
}

const ARITHMETIC: Record<string, string> = { f32: "32-bit floating point", bf16: "16-bit floating point (bfloat16)", int8: "8-bit integers" };

/** What an encoder computes in where somebody chose another arithmetic than it takes by itself; empty where nobody did. */
export function arithmeticText(key: string): string {
  return key === "" ? "" : `computes in ${ARITHMETIC[key] ?? key}, chosen for this computer; its scores are kept apart from the usual ones`;
}
