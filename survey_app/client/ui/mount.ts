/** Screens wait in templates until they are first shown: then each address is written where a mark holds its place. */

import { all, find } from "./dom";

/** The twin of MARK in collect/blank.py. */
const MARK = "~";
const NAMING = ["id", "name", "for", "data-of", "aria-describedby", "aria-controls", "aria-labelledby"];
const NAMED = NAMING.map((name) => `[${name}]`).join();

/** Puts a waiting screen into the page; false when it stands there already. */
export function unfold(section: HTMLElement): boolean {
  const waiting = waitingIn(section);
  if (!waiting) return false;
  fillAddresses(waiting.content);
  waiting.replaceWith(waiting.content);
  return true;
}

/** The drawn questions of a screen, wherever they are. */
export const contentOf = (section: HTMLElement): ParentNode => waitingIn(section)?.content ?? section;

const waitingIn = (section: HTMLElement): HTMLTemplateElement | null => find<HTMLTemplateElement>(section, ":scope > template");

/** Writes each question's address into the ids, names and references around its control. */
export function fillAddresses(root: ParentNode): void {
  for (const question of all(root, "[data-question]")) question.dataset.address ??= question.dataset.question ?? "";
  for (const element of root.querySelectorAll(NAMED)) {
    for (const name of NAMING) {
      const value = element.getAttribute(name);
      if (value?.includes(MARK)) element.setAttribute(name, value.split(MARK).join(element.closest<HTMLElement>("[data-question]")?.dataset.address ?? MARK));
    }
  }
}
