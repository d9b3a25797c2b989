import { shell } from "../../ipc";
import { keymap, parseChanges, type Changes } from "../../keys/keymap.svelte";
import { session } from "../../state/session.svelte";

/** Each reader's keys are kept in the data folder under the reader's own name. */
const place = (userId: string) => `keys.${userId}`;

/** Reads the keys of whoever is there. */
export async function readKeys(userId: string | undefined): Promise<void> {
  if (!userId) return;
  try {
    keymap.changes = parseChanges(await shell.preference(place(userId)));
  } catch (reason) {
    session.say(reason);
  }
}

/** Uses and keeps changed keys. */
export async function keepKeys(changes: Changes): Promise<void> {
  keymap.changes = changes;
  const userId = session.status?.user?.id;
  if (!userId) return;
  try {
    await shell.setPreference(place(userId), JSON.stringify(changes));
  } catch (reason) {
    session.say(reason);
  }
}
