interface Box {
  top: number;
  bottom: number;
}

/** Whether something was wholly in sight above the lower edge where that was `before`, is cut by the one that `area` has now, and fits into it. */
export function pushedOut(it: Box, area: Box, before: number): boolean {
  return it.bottom <= before && it.bottom > area.bottom && it.bottom - it.top <= area.bottom - area.top;
}

/**
 * Keeps the section that is being written, or its chosen sentence, in sight, as an attachment of the text that scrolls: what stands under the text, such as
 * evidence that comes in, takes its room from below, where an addendum stands.
 */
export function keepsInSight(body: HTMLElement): () => void {
  let before = body.getBoundingClientRect().bottom;
  const sizes = new ResizeObserver(() => {
    const area = body.getBoundingClientRect();
    const section = document.activeElement?.closest("section");
    if (section && body.contains(section)) {
      // Where the section is longer than the room, as one with a draft is, the sentence that is being judged stays at least.
      const written = [section, section.querySelector(".section-text > .focused")];
      written.find((it) => it && pushedOut(it.getBoundingClientRect(), area, before))?.scrollIntoView({ block: "nearest" });
    }
    before = area.bottom;
  });
  sizes.observe(body);
  return () => sizes.disconnect();
}
