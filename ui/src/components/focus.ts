import { untrack } from "svelte";

/**
 * Gives an element the focus when it comes, as an attachment. What hears of the focus (an editor that loses it, say) may read
 * state, and what an attachment reads makes it run again: the focus would be taken once more in the middle of a word.
 */
export const takesFocus = (element: HTMLElement): void => untrack(() => element.focus());
