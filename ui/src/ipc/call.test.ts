import { expect, test, vi } from "vitest";

let answers: { give: (value: unknown) => void; refuse: (reason: unknown) => void }[] = [];
vi.mock("@tauri-apps/api/core", () => ({ invoke: () => new Promise((give, refuse) => answers.push({ give, refuse })) }));
const { answered, call } = await import("./call");
const later = () => new Promise((resolve) => setTimeout(resolve, 0));

test("the shell has answered when nothing is asked any more, refusals and what was asked meanwhile among it", async () => {
  await answered();
  const first = call("first").catch((reason: Error) => reason.message);
  let all = false;
  const end = answered().then(() => (all = true));
  const second = call("second");
  answers[0]!.refuse("no room");
  await first;
  await later();
  expect(all).toBe(false);
  answers[1]!.give(7);
  expect(await second).toBe(7);
  await end;
  expect(all).toBe(true);
});
