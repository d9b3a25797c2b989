import { shell, type StudyRow } from "../../ipc";
import { Latest } from "../../state/latest";
import { session } from "../../state/session.svelte";

/** Most patients that are offered at once. */
const MOST = 12;

/** The search for the patient that a study belongs to. */
export class PatientSearch {
  words = $state("");
  /** One line a patient: a study of theirs stands for them. */
  found = $state.raw<StudyRow[]>([]);
  /** Who the study is moved to: somebody among those found, whom the person sees. */
  chosen = $state.raw<StudyRow | null>(null);
  private readonly latest = new Latest();

  /** `studyUid` stands for nobody: it is the one to be moved. */
  async look(studyUid: string): Promise<void> {
    const current = this.latest.ask();
    // Another search shows others; nobody is moved to a patient who is not in sight.
    this.chosen = null;
    try {
      const rows = this.words.trim() === "" ? [] : await shell.worklist(this.words);
      // A patient of another search than the one that stands there could be taken for the right one.
      if (!current()) return;
      const seen = new Set<string>();
      this.found = rows
        .filter((row) => row.studyUid !== studyUid && !seen.has(`${row.patient.id} ${row.patient.name}`) && seen.add(`${row.patient.id} ${row.patient.name}`))
        .slice(0, MOST);
    } catch (reason) {
      if (current()) session.say(reason);
    }
  }
}
