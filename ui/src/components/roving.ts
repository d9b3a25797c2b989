/** The first button at `at` or after it that can be pressed, else the last one before it; -1 where none can. */
export function nearest(enabled: readonly boolean[], at: number): number {
  const after = enabled.indexOf(true, Math.max(0, at));
  return after >= 0 ? after : enabled.lastIndexOf(true);
}

/**
 * Where a key leads from the button at `at`; null for a key that the toolbar has no use for, and `at` itself where nothing lies that
 * way. `columns` says how many buttons stand beside each other in a toolbar that is read downwards; null for one that lies, in which
 * Up and Down mean nothing.
 */
export function moved(key: string, at: number, enabled: readonly boolean[], columns: number | null): number | null {
  if (key === "Home") return nearest(enabled, 0);
  if (key === "End") return enabled.lastIndexOf(true);
  const down = columns ?? 0;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -down, ArrowDown: down }[key] ?? 0;
  if (by === 0) return null;
  for (let to = at + by; to >= 0 && to < enabled.length; to += by) if (enabled[to]) return to;
  return at;
}

/**
 * Makes the buttons of a toolbar one stop of Tab, as an attachment: the one that had the focus last is the stop, and the arrow keys,
 * Home and End go from one to the next. The toolbar keeps these keys to itself; with a modifier, and after a click, they mean what they
 * mean elsewhere.
 */
export const roving = (columns: number | null = null) => (bar: HTMLElement): (() => void) => {
  let stop: HTMLButtonElement | undefined;
  /** The focus came by a click: the hand is at the image, and the arrow keys are meant for it. */
  let pointed = false;
  const all = (): HTMLButtonElement[] => [...bar.querySelectorAll("button")];

  /** Buttons come and go, and cannot always be pressed; one of those that can is the stop. */
  function settle(): void {
    const buttons = all();
    const at = stop ? buttons.indexOf(stop) : -1;
    // The focus is not moved on to another one: a key that is pressed once more would do what nobody chose. Whoever has a button that
    // ceases to do anything while it has the focus says so by aria-disabled, and it stays where it is.
    if (at < 0 || stop!.disabled) stop = buttons[nearest(buttons.map((button) => !button.disabled), at)];
    for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
  }

  function onfocusin({ target }: FocusEvent): void {
    if (!(target instanceof HTMLButtonElement)) return;
    stop = target;
    settle();
  }

  const onpointerdown = (): void => void (pointed = true);

  function onfocusout({ relatedTarget }: FocusEvent): void {
    if (!(relatedTarget instanceof Node && bar.contains(relatedTarget))) pointed = false;
  }

  function onkeydown(event: KeyboardEvent): void {
    if (pointed || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
    const buttons = all();
    const at = buttons.indexOf(event.target as HTMLButtonElement);
    const to = at < 0 ? null : moved(event.key, at, buttons.map((button) => !button.disabled), columns);
    if (to === null) return;
    // Also at the end of the toolbar, where the key leads nowhere: it must not begin to move the image there.
    event.preventDefault();
    buttons[to]?.focus();
  }

  const changes = new MutationObserver(settle);
  changes.observe(bar, { attributes: true, attributeFilter: ["disabled"], childList: true, subtree: true });
  bar.addEventListener("focusin", onfocusin);
  bar.addEventListener("focusout", onfocusout);
  bar.addEventListener("pointerdown", onpointerdown);
  bar.addEventListener("keydown", onkeydown);
  settle();
  return () => {
    changes.disconnect();
    bar.removeEventListener("focusin", onfocusin);
    bar.removeEventListener("focusout", onfocusout);
    bar.removeEventListener("pointerdown", onpointerdown);
    bar.removeEventListener("keydown", onkeydown);
  };
};
