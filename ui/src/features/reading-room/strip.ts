/** Where something begins and ends across the screen, in CSS pixels. */
export interface Span {
  left: number;
  right: number;
}

export type Side = keyof Span;

/** Edges lie at fractions of a pixel: what is cut by no more than this is whole to the eye. */
const CUT = 2;

/**
 * The images that are not wholly in sight at each side of a strip, the nearest first. One that is wider than the strip lies at neither
 * where it fills it: no scrolling shows it whole.
 */
export function beyond(images: readonly Span[], strip: Span): Record<Side, number[]> {
  const at = images.map((_, i) => i);
  return {
    left: at.filter((i) => images[i]!.left < strip.left - CUT && images[i]!.right < strip.right - CUT).reverse(),
    right: at.filter((i) => images[i]!.right > strip.right + CUT && images[i]!.left > strip.left + CUT),
  };
}
