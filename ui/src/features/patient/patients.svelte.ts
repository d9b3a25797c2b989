import { shell, type StudyRow, type TimelineStudy } from "../../ipc";
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

/** The studies of the patient that a study is filed under. */
export class PatientStudies {
  /** Null until they are read. */
  all = $state.raw<TimelineStudy[] | null>(null);
  private of: string | null = null;
  private readonly latest = new Latest();

  async read(studyUid: string): Promise<void> {
    const current = this.latest.ask();
    // Another patient's studies do not stand here until this one's are read.
    if (studyUid !== this.of) this.all = null;
    this.of = studyUid;
    try {
      const found = await shell.timeline(studyUid);
      // What was linked, filed or signed meanwhile is in the answer to a later question alone.
      if (current()) this.all = found;
    } catch (reason) {
      if (current()) session.say(reason);
    }
  }

  /** Nobody looks at them any more: neither what is on its way nor that it failed is of use. */
  end(): void {
    this.latest.ask();
  }
}
