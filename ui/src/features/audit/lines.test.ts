import { beforeEach, expect, test, vi } from "vitest";
import { IpcError, type AuditFilter, type AuditLine } from "../../ipc";

let asked: { words: string; before: number | null; give: (lines: AuditLine[]) => void; refuse: (reason: Error) => void }[] = [];
vi.mock("../../ipc", async (original) => ({
  ...(await original<typeof import("../../ipc")>()),
  shell: {
    audit: (_: number, before: number | null, { words }: AuditFilter) =>
      new Promise<AuditLine[]>((give, refuse) => asked.push({ words, before, give, refuse })),
  },
}));

const { AuditLines, PAGE } = await import("./lines.svelte");
const filter = (words: string): AuditFilter => ({ who: null, words, from: "", to: "" });
const line = (seq: number) => ({ seq }) as AuditLine;
const page = (from: number) => Array.from({ length: PAGE }, (_, i) => line(from - i));
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  asked = [];
});

/** Asks for these words one after another, as the fields have them. */
async function asking(lines: InstanceType<typeof AuditLines>, ...all: string[]): Promise<void> {
  for (const words of all) {
    lines.ask(filter(words), 0);
    await settled();
  }
}

test("a late failure of an earlier filter leaves the lines of a newer one alone", async () => {
  const lines = new AuditLines();
  await asking(lines, "sign", "read");
  asked[1]!.give([line(2)]);
  await settled();
  asked[0]!.refuse(new IpcError("store.disk", ""));
  await settled();
  expect([lines.all.map(({ seq }) => seq), lines.failed, lines.busy]).toEqual([[2], null, false]);
});

test("a late answer to an earlier filter hides neither the lines of a newer one nor its failure", async () => {
  const lines = new AuditLines();
  await asking(lines, "sign", "read");
  asked[1]!.refuse(new IpcError("store.disk", ""));
  await settled();
  asked[0]!.give([line(1)]);
  await settled();
  expect([lines.all, lines.failed === null, lines.busy]).toEqual([[], false, false]);
});

test("an answer that comes while another filter waits for the typing to pause is not shown under it", async () => {
  const lines = new AuditLines();
  await asking(lines, "sig");
  const end = lines.ask(filter("sign"), 60_000);
  asked[0]!.give([line(1)]);
  await settled();
  expect([lines.all, lines.busy, asked.length]).toEqual([[], true, 1]);
  end();
});

test("older lines follow those that are there, and none are asked for by a filter whose lines are still to come", async () => {
  const lines = new AuditLines();
  await asking(lines, "");
  asked[0]!.give(page(900));
  await settled();
  const older = lines.older(filter(""));
  expect(asked[1]).toMatchObject({ before: 900 - PAGE + 1 });
  asked[1]!.give([line(3)]);
  await older;
  expect([lines.all.length, lines.all.at(-1)?.seq, lines.more]).toEqual([PAGE + 1, 3, false]);
  await asking(lines, "sign");
  await lines.older(filter("sign"));
  expect(asked.length).toBe(3);
  asked[2]!.give([line(2)]);
  await settled();
  expect(lines.all.map(({ seq }) => seq)).toEqual([2]);
});
