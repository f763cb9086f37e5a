/** Six small ways to reach into drawn HTML. */

export function find<T extends Element = HTMLElement>(root: ParentNode, selector: string): T | null {
  return root.querySelector<T>(selector);
}

export function all<T extends Element = HTMLElement>(root: ParentNode, selector: string): T[] {
  return [...root.querySelectorAll<T>(selector)];
}

/** The first element of a drawn template's copy. */
export function clone(template: HTMLTemplateElement): HTMLElement {
  return (document.importNode(template.content, true).firstElementChild as HTMLElement | null) ?? document.createElement("div");
}

export function setText(element: Element | null, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Moves focus and brings what has it out from under the bars. */
export function focusOn(element: HTMLElement | null): void {
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: element.offsetHeight > 200 ? "start" : "nearest" });
}

/** Does something when what just changed has been painted: focus and scrolling make a browser lay out at once. */
export function whenPainted(act: () => void): void {
  requestAnimationFrame(() => { requestAnimationFrame(act); });
}
