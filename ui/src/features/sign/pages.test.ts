import { expect, test } from "vitest";
import { showPages } from "./pages";

/** Shows a document of two pages; its report is closed where `until` says. */
async function shown(until: "read" | "opened" | "drawing" | "drawn"): Promise<{ opened: number; freed: number; pages: number; pixels: number }> {
  const count = { opened: 0, freed: 0, pages: 0, pixels: 0 };
  const canvases: { width: number; height: number }[] = [];
  const place = { clientWidth: 900, append: () => undefined } as unknown as HTMLElement;
  let close = (): void => undefined;
  const at = (where: string) => {
    if (where === until) close();
  };
  const drawer = {
    openPdf: async () => {
      count.opened += 1;
      at("opened");
      const draw = async () => {
        canvases.push({ width: 10, height: 20 });
        at("drawing");
        return canvases.at(-1) as HTMLCanvasElement;
      };
      return { numPages: 2, draw, destroy: async () => (count.freed += 1) };
    },
  };
  const load = async () => {
    await Promise.resolve();
    at("read");
    return new ArrayBuffer(1);
  };
  close = showPages(place, load, async () => drawer, { drawn: (pages) => (count.pages = pages), failed: (reason) => expect(reason).toBeNull() });
  await new Promise((resolve) => setTimeout(resolve, 0));
  at("drawn");
  count.pixels = canvases.reduce((sum, { width, height }) => sum + width * height, 0);
  return count;
}

test("a document that was drawn is freed when it is closed", async () => {
  expect(await shown("drawn")).toEqual({ opened: 1, freed: 1, pages: 2, pixels: 0 });
});

test("a document closed while it is read is not opened", async () => {
  expect(await shown("read")).toEqual({ opened: 0, freed: 0, pages: 0, pixels: 0 });
});

test("a document closed while it is opened is freed", async () => {
  expect(await shown("opened")).toEqual({ opened: 1, freed: 1, pages: 0, pixels: 0 });
});

test("a page that was being drawn when its document was closed keeps no pixels", async () => {
  expect(await shown("drawing")).toEqual({ opened: 1, freed: 1, pages: 0, pixels: 0 });
});
