import { expect, test } from "vitest";
import { toggleFullScreen } from "./full-screen";

test("one press goes in and one comes out, also after Esc came between", async () => {
  const done: string[] = [];
  const page = {
    fullscreenElement: null as Element | null,
    exitFullscreen: async () => {
      done.push("out");
      page.fullscreenElement = null;
    },
    documentElement: {
      requestFullscreen: async () => {
        done.push("in");
        page.fullscreenElement = {} as Element;
      },
    },
  };
  await toggleFullScreen(page);
  await toggleFullScreen(page);
  await toggleFullScreen(page);
  // Esc.
  page.fullscreenElement = null;
  await toggleFullScreen(page);
  expect(done).toEqual(["in", "out", "in", "in"]);
});
