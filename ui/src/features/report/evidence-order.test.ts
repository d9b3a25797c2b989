import { beforeEach, expect, test, vi } from "vitest";
import type { AppEvent, SentenceEvidence } from "../../ipc";

let tell: (event: AppEvent) => void = () => undefined;
let answers: { give: (all: SentenceEvidence[]) => void; refuse: (reason: Error) => void }[] = [];
vi.mock("../../state/bus", () => ({
  subscribe: (hear: (event: AppEvent) => void) => {
    tell = hear;
    return () => undefined;
  },
}));
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: { evidence: () => new Promise<SentenceEvidence[]>((give, refuse) => answers.push({ give, refuse })) },
}));

const { ReportEvidence } = await import("./evidence.svelte");
const of = (sentenceId: string): SentenceEvidence[] => [{ sentenceId, claims: [] }];
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => (answers = []));

test("the claims of an earlier text do not come after those of the newer one", async () => {
  const evidence = new ReportEvidence("r", "s", () => undefined);
  tell({ event: "evidence_ready", reportId: "r" });
  answers[1]!.give(of("newer"));
  await settled();
  answers[0]!.give(of("earlier"));
  await settled();
  expect([...evidence.known.keys()]).toEqual(["newer"]);
  evidence.close();
});

test("a question that failed is not said where a later one was answered", async () => {
  const evidence = new ReportEvidence("r", "s", () => undefined);
  tell({ event: "evidence_ready", reportId: "r" });
  answers[1]!.give(of("newer"));
  await settled();
  answers[0]!.refuse(new Error("locked"));
  await settled();
  expect(evidence.failed).toBeNull();
  evidence.close();
});
