/**
 * What a `<form>` does with the Enter key, for fields that are no form: it presses the button marked `data-default`, as an
 * attachment of the element around them. WebKitGTK 2.50 never lets go of a form that was once on the screen, nor of its
 * fields: a dialog for every study would stay until the evening (docs/reliability.md, section 8). Forms are left to where few
 * of them are made.
 */
export function entry(around: HTMLElement): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (!enters(event) || !(event.target instanceof HTMLInputElement)) return;
    const button = around.querySelector<HTMLButtonElement>("button[data-default]");
    if (!button) return;
    event.preventDefault();
    // One that is disabled takes no click.
    button.click();
  };
  around.addEventListener("keydown", pressed);
  return () => around.removeEventListener("keydown", pressed);
}

/**
 * Enter alone, once, and not the one that ends the composition of a character: WebKit sends that after the composition is
 * over, known by its code alone. It comes here before it comes to what listens by `onkeydown` further in.
 */
export function enters(event: Pick<KeyboardEvent, "key" | "keyCode" | "isComposing" | "ctrlKey" | "altKey" | "metaKey" | "shiftKey" | "defaultPrevented" | "repeat">): boolean {
  const alone = !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey;
  return event.key === "Enter" && alone && !event.isComposing && event.keyCode !== 229 && !event.defaultPrevented && !event.repeat;
}
