import { expect, test, vi } from "vitest";
import type { StudyRow, TimelineStudy } from "../../ipc";

const answers = new Map<string, (rows: StudyRow[]) => void>();
const timelines: { give: (studies: TimelineStudy[]) => void; refuse: (reason: Error) => void }[] = [];
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    worklist: (words: string) => new Promise<StudyRow[]>((give) => answers.set(words, give)),
    timeline: () => new Promise<TimelineStudy[]>((give, refuse) => timelines.push({ give, refuse })),
  },
}));

const { PatientSearch, PatientStudies } = await import("./patients.svelte");
const { session } = await import("../../state/session.svelte");

const row = (studyUid: string, id: string) => ({ studyUid, patient: { id, name: id } }) as unknown as StudyRow;

/** Types the words one after another, has them answered in that order, and gives the patients found. */
async function found(typed: string[], answered: Record<string, StudyRow[]>): Promise<string[]> {
  const search = new PatientSearch();
  const looking = typed.map((words) => {
    search.words = words;
    return search.look("own");
  });
  for (const [words, rows] of Object.entries(answered)) answers.get(words)!(rows);
  await Promise.all(looking);
  return search.found.map((one) => one.studyUid);
}

test("a patient is found once, and not by the study that is moved", async () => {
  expect(await found(["s"], { s: [row("own", "P"), row("1", "P"), row("2", "P"), row("3", "Q")] })).toEqual(["1", "3"]);
});

test("the patients of a search before are not offered under the words of a later one", async () => {
  expect(await found(["sm", "smith"], { smith: [row("2", "SMITH")], sm: [row("1", "SMALL"), row("2", "SMITH")] })).toEqual(["2"]);
});

test("a search that was emptied offers nobody", async () => {
  expect(await found(["sm", ""], { sm: [row("1", "SMALL")] })).toEqual([]);
});

test("whoever was chosen among the patients of one search is not chosen under the words of another", async () => {
  const search = new PatientSearch();
  search.words = "smith";
  const looking = search.look("own");
  answers.get("smith")!([row("2", "SMITH")]);
  await looking;
  search.chosen = search.found[0]!;
  search.words = "small";
  void search.look("own");
  expect(search.chosen).toBeNull();
});

const study = (linked: boolean) => [{ linked }] as TimelineStudy[];

test("the studies are those of the last question, and an earlier one fails in silence", async () => {
  const studies = new PatientStudies();
  timelines.length = 0;
  const reading = [studies.read("1"), studies.read("1"), studies.read("1")];
  timelines[2]!.give(study(true));
  timelines[1]!.give(study(false));
  timelines[0]!.refuse(new Error("no room"));
  await Promise.all(reading);
  expect([studies.all, session.notices]).toEqual([study(true), []]);
});

test("another patient's studies go at once, and what nobody waits for any more is not said", async () => {
  const studies = new PatientStudies();
  timelines.length = 0;
  const first = studies.read("1");
  timelines[0]!.give(study(true));
  await first;
  const second = studies.read("2");
  expect(studies.all).toBeNull();
  studies.end();
  timelines[1]!.refuse(new Error("the folder is locked"));
  await second;
  expect([studies.all, session.notices]).toEqual([null, []]);
});
