import { shell, type MacroView } from "../../ipc";
import { session } from "../../state/session.svelte";
import { MACROS } from "./macros";

/** The macros of the person who is logged in, read when the vault opens and after every change. */
class Writing {
  own = $state.raw<readonly MacroView[]>([]);
  /** The reader's own, then the built-in ones. */
  readonly macros = $derived([...this.own, ...MACROS]);

  async read(): Promise<void> {
    try {
      this.own = await shell.macros();
    } catch (reason) {
      session.say(reason);
    }
  }

  async put(one: MacroView, instead: MacroView | null): Promise<void> {
    this.own = await shell.macroPut(one, instead);
  }

  async remove(one: MacroView): Promise<void> {
    this.own = await shell.macroRemove(one);
  }

  /** False when the dialog was closed. */
  async import(): Promise<boolean> {
    const all = await shell.macrosImport();
    if (all) this.own = all;
    return all !== null;
  }
}

export const writing = new Writing();
