import { shell } from "../../ipc";
import { session } from "../../state/session.svelte";
import { parseRules, STANDARD, type HangingRule } from "./hanging";

/** The hanging rules of this data folder. */
class HangingRules {
  rules = $state.raw<HangingRule[]>(STANDARD);

  async read(): Promise<void> {
    try {
      this.rules = parseRules(await shell.preference("hanging"));
    } catch (reason) {
      session.say(reason);
    }
  }

  async keep(rules: HangingRule[]): Promise<void> {
    this.rules = rules;
    try {
      await shell.setPreference("hanging", JSON.stringify(rules));
    } catch (reason) {
      session.say(reason);
    }
  }
}

export const hanging = new HangingRules();
