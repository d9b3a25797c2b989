import { IpcError } from "../ipc/error";
import { withCaps } from "../keys/caps";
import { FAMILIES } from "./engines";
import { WORDING, type Wording } from "./table";

/** An error ready to be shown. */
export interface Described extends Wording {
  code: string;
}

/**
 * Words for whatever was thrown. A code that the table does not know keeps the shell's
 * own sentence, which never holds patient identifiers, and gets the way out of its family.
 */
export function describe(reason: unknown): Described {
  const error = IpcError.from(reason);
  const known = WORDING[error.code];
  if (known) return { code: error.code, what: known.what, next: withCaps(known.next) };
  const what = error.detail === "" ? WORDING["app.internal"]!.what : sentence(error.detail);
  const family = Object.keys(FAMILIES).find((beginning) => error.code.startsWith(beginning));
  return { code: error.code, what, next: family ? FAMILIES[family]! : WORDING["app.internal"]!.next };
}

/** Words for a code that came in an event. */
export function describeCode(code: string, detail = ""): Described {
  return describe(new IpcError(code, detail));
}

function sentence(detail: string): string {
  const capital = detail.charAt(0).toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
