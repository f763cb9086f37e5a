/** Rows of repeats: cloned from the drawn template, named by their content, added and removed. */

import type { Page } from "./page";
import { t } from "../texts";
import { clone, find, focusOn, setText, whenPainted } from "./dom";
import { fillAddresses } from "./mount";
import { answerWords } from "./words";

const MARK = "__row__";
const MARKED = ["id", "name", "for", "data-address", "data-of", "value", "aria-describedby", "aria-controls", "aria-labelledby"];

export class Repeats {
  private readonly status = document.createElement("p");

  constructor(private readonly page: Page) {
    this.status.className = "visually-hidden";
    this.status.setAttribute("role", "status");
    page.form.append(this.status);
  }

  /** Makes the drawn rows those of the interview, keeping the ones that stand already. */
  draw(address: string): void {
    const element = this.page.element(address);
    const list = element && find(element, ":scope > .rows");
    if (!element || !list) return;
    const ids = this.page.interview.rows(address);
    const drawn = new Map(([...list.children] as HTMLElement[]).map((row) => [row.dataset.row ?? "", row]));
    if (ids.length === drawn.size && ids.every((id) => drawn.has(id))) return;
    for (const [id, row] of drawn) if (!ids.includes(id)) this.takeOut(address, id, row);
    const made = ids.filter((id) => !drawn.has(id)).map((id) => this.make(element, id));
    list.append(...made);
    for (const row of made) this.bind(row);
    this.number(list, drawn.size === ids.length - made.length ? drawn.size : 0);
  }

  private make(element: HTMLElement, id: string): HTMLElement {
    const template = find<HTMLTemplateElement>(element, ":scope > template[data-row-template]");
    if (!template) return document.createElement("li");
    const row = clone(template);
    const base = element.dataset.address ?? "";
    fillMarks(row, base, id);
    fillAddresses(row);
    return row;
  }

  private bind(row: HTMLElement): void {
    this.page.register(row);
    this.page.refresh(row);
    this.title(row);
  }

  private takeOut(address: string, id: string, row: HTMLElement): void {
    this.page.forget(`${address}/${id}/`);
    row.remove();
  }

  private number(list: HTMLElement, from = 0): void {
    for (let index = from; index < list.children.length; index += 1) {
      setText(find(list.children[index] as HTMLElement, ":scope > .row-title [data-row-number]"), String(index + 1));
    }
  }

  /** A row is called by its first answer. */
  private title(row: HTMLElement): void {
    const { interview } = this.page;
    const slot = find(row, "[data-question]");
    const words = slot ? answerWords(interview, slot.dataset.address ?? "") : "";
    setText(find(row, ":scope > .row-title [data-row-title]"), words.slice(0, 80));
  }

  retitle(changed: Set<string>): void {
    const rows = new Set<HTMLElement>();
    for (const address of changed) {
      const row = this.page.element(address)?.closest<HTMLElement>("li.row");
      if (row) rows.add(row);
    }
    for (const row of rows) this.title(row);
  }

  clicked(target: HTMLElement): void {
    const add = target.closest<HTMLElement>("[data-add-row]");
    const remove = target.closest<HTMLElement>("[data-remove-row]");
    if (add) this.add(add.closest<HTMLElement>("[data-repeat]"));
    else if (remove) this.remove(remove.closest<HTMLElement>("li.row"));
  }

  private add(element: HTMLElement | null): void {
    const address = element?.dataset.address ?? "";
    if (!element) return;
    const { interview, store } = this.page;
    const id = interview.addRow(address);
    const changed = interview.changed();
    store.change(`${address}/+${id}`, null);
    this.draw(address);
    const own = `${address}/${id}/`; // the new row was drawn as it stands
    this.page.apply(new Set([...changed].filter((one) => !one.startsWith(own))));
    const row = find(element, `:scope > .rows > [data-row="${CSS.escape(id)}"]`);
    whenPainted(() => { focusOn(row && (find(row, "input:not([type=hidden],[disabled]),select,textarea") ?? row)); });
    this.status.textContent = t("Entry {number} added.", { number: interview.rows(address).length });
  }

  private remove(row: HTMLElement | null): void {
    const element = row?.closest<HTMLElement>("[data-repeat]");
    if (!row || !element) return;
    const { interview, store } = this.page;
    const [address, id] = [element.dataset.address ?? "", row.dataset.row ?? ""];
    const prefix = `${address}/${id}/`;
    const isFilled = Object.keys(interview.allValues).some((key) => key.startsWith(prefix));
    if (isFilled && !confirm(t("Remove this entry? Its answers are lost."))) return;
    const next = (row.nextElementSibling ?? row.previousElementSibling) as HTMLElement | null;
    interview.removeRow(address, id);
    const changed = interview.changed();
    store.change(`${address}/-${id}`, null);
    this.draw(address);
    const list = find(element, ":scope > .rows");
    if (list) this.number(list);
    this.page.apply(changed);
    focusOn(next ?? find(element, ":scope > [data-add-row]"));
    this.status.textContent = t("Entry removed.");
  }
}

/** Puts a row's id where the template says so: this repeat's mark only, inner repeats keep theirs. */
export function fillMarks(root: HTMLElement, base: string, id: string): void {
  const fill = (element: Element): void => {
    for (const name of MARKED) {
      const value = element.getAttribute(name);
      if (value?.includes(MARK)) element.setAttribute(name, filled(value, base, id));
    }
    if (element instanceof HTMLTemplateElement) for (const child of element.content.querySelectorAll("*")) fill(child);
  };
  root.dataset.row = id;
  fill(root);
  for (const element of root.querySelectorAll("*")) fill(element);
}

/** The first mark of an address is this repeat's: "a/__row__/b/__row__/c" becomes "a/ID/b/__row__/c". */
export function filled(text: string, base: string, id: string): string {
  return text.split(`${base}/${MARK}`).join(`${base}/${id}`);
}
