import { expect, test } from "vitest";
import type { PixelImage } from "../../ipc";
import { PixelRequests } from "./pixel-requests";

/** A decoder that counts what it is asked for, and images whose buffers can be seen to be freed. */
function decoder() {
  const asked: string[] = [];
  const made = new Map<string, PixelImage>();
  const ask = async (uid: string): Promise<PixelImage> => {
    asked.push(uid);
    if (uid === "broken") throw new Error("broken");
    const image = { texels: new Uint16Array(8), planes: [] } as unknown as PixelImage;
    made.set(uid, image);
    return image;
  };
  return { asked, ask, isFree: (uid: string) => made.get(uid)!.texels.length === 0 };
}

test("all pixels are asked for only of what is on the screen", async () => {
  const { asked: firsts, ask: first } = decoder();
  const { asked: wholes, ask: whole } = decoder();
  const requests = new PixelRequests(first, whole);
  requests.ahead("clicked");
  await requests.take("clicked");
  await requests.rest("clicked");
  await requests.take("not clicked");
  await requests.expect(["after"]);
  requests.ahead("after");
  await requests.take("after");
  expect([firsts, wholes]).toEqual([["clicked", "not clicked", "after"], ["clicked"]]);
});

test("a neighbour that is opened is not decoded again", async () => {
  const { asked, ask, isFree } = decoder();
  const requests = new PixelRequests(ask, ask);
  await requests.expect(["after", "before"]);
  requests.ahead("after");
  await requests.take("after");
  expect(asked).toEqual(["after", "before"]);
  expect(isFree("after")).toBe(false);
  // To the next: what was before is now too far away.
  await requests.expect(["third", "first"]);
  expect([isFree("before"), isFree("third")]).toEqual([true, false]);
  expect(asked).toEqual(["after", "before", "third", "first"]);
});

test("images that nobody took are freed", async () => {
  const { ask, isFree } = decoder();
  const requests = new PixelRequests(ask, ask);
  requests.ahead("one");
  requests.ahead("two");
  await requests.expect(["three"]);
  requests.clear();
  await Promise.resolve();
  await Promise.resolve();
  expect(["one", "two", "three"].map(isFree)).toEqual([true, true, true]);
});

test("one that cannot be decoded keeps nothing else from being expected", async () => {
  const { asked, ask } = decoder();
  const requests = new PixelRequests(ask, ask);
  await requests.expect(["broken", "whole"]);
  expect(asked).toEqual(["broken", "whole"]);
  requests.ahead("broken");
  await expect(requests.take("broken")).rejects.toThrow("broken");
});
