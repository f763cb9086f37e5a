/** Controls of questions with choices: buttons and boxes, lists, and orders moved by buttons. */

import type { Choice, Question, Value } from "../form/definition";
import type { Interview } from "../form/interview";
import { t } from "../texts";
import type { Control, Surroundings } from "./controls";
import { all, clone, find, setText } from "./dom";
import { search } from "./search";
import { plain } from "./words";

const MOST_OPTIONS = 60;
/** How long a choice stays in sight before "quick" moves on, in milliseconds. */
const PAUSE = 250;

interface Entry {
  name: string;
  label: string;
  exclusive: string;
}

function entriesOf(choices: Choice[], interview: Interview): Entry[] {
  return choices.map((choice) => ({ name: choice.name, label: plain(interview.text(choice.label)), exclusive: choice.extra?.exclusive ?? "" }));
}

/** A button that takes an answer back, made when there is one to take back; radio buttons have no way of their own. */
export function clearButton(frame: HTMLElement | null, address: string, { interview, capture }: Surroundings): (value: Value) => void {
  let button: HTMLButtonElement | null = null;
  return (value) => {
    const isOffered = value !== null && !interview.isRequired(address) && !interview.isReadOnly(address);
    if (isOffered && !button && frame) {
      button = Object.assign(document.createElement("button"), { type: "button", className: "link clear", textContent: t("Clear the answer") });
      button.addEventListener("click", () => {
        capture.answer(address, null);
        frame.focus();
      });
      find(frame, ":scope > .error")?.before(button);
    }
    if (button) button.hidden = !isOffered;
  };
}

/** Radio buttons and checkboxes, drawn; or a long list of checkboxes filled as people search. */
export function choices(element: HTMLElement, address: string, question: Question, around: Surroundings): Control | null {
  const isMany = question.type !== "select_one";
  const list = find(element, ".options[data-list]");
  const drawn = find(element, ".options");
  const filter = find<HTMLInputElement>(element, "[data-filter]");
  const summary = find(element, "[data-chosen]");
  const clear = isMany ? null : clearButton(find(element, "fieldset"), address, around);
  if (!drawn || find(element, ".table-head")) return null;
  let offered: Choice[] = [];
  let chosen: string[] = [];
  const boxes = (): HTMLInputElement[] => all<HTMLInputElement>(element, `input[type=${isMany ? "checkbox" : "radio"}]`);
  const mark = (): void => {
    for (const box of boxes()) box.checked = chosen.includes(box.value);
    clear?.(chosen.length ? chosen.join(" ") : null);
    setText(summary, labelsOf(boxes()) || t("Please choose"));
  };
  const fill = (): void => {
    if (list) fillOptions(list, address, offered, chosen, filter?.value ?? "", around.interview);
    else hideOthers(boxes(), offered, filter?.value ?? "", around.interview);
    mark();
  };
  filter?.addEventListener("input", (event) => { event.stopPropagation(); fill(); });
  if (/\bquick/.test(question.appearance ?? "")) bindQuick(element, address, around);
  return {
    show: (value) => {
      chosen = value === null ? [] : isMany ? String(value).split(/\s+/) : [String(value)];
      if (list) fill();
      else mark();
    },
    read: (target) => {
      if (target === filter || !(target instanceof HTMLInputElement)) return undefined;
      chosen = isMany ? afterTick(chosen, target, boxes()) : target.checked ? [target.value] : [];
      mark();
      return chosen.join(" ") || null;
    },
    offer: (now) => {
      offered = now;
      fill();
      if (!list && question.parameters?.randomize === "true") arrange(drawn, boxes(), now.map((choice) => choice.name));
    },
  };
}

const labelsOf = (boxes: HTMLInputElement[]): string =>
  boxes.filter((box) => box.checked).map((box) => box.closest("label")?.textContent?.trim()).join("; ");

function hideOthers(boxes: HTMLInputElement[], offered: Choice[], typed: string, interview: Interview): void {
  const names = new Set((typed ? search(entriesOf(offered, interview), typed) : offered).map((choice) => choice.name));
  for (const box of boxes) (box.closest("label") ?? box).toggleAttribute("hidden", !names.has(box.value) && !box.checked);
}

/** Puts the drawn choices into the order in which they are offered. */
function arrange(drawn: HTMLElement, boxes: HTMLInputElement[], names: string[]): void {
  const labels = new Map(boxes.map((box) => [box.value, box.closest("label") ?? box]));
  for (const name of names) {
    const label = labels.get(name);
    if (label) drawn.append(label);
  }
}

/** A tap or click moves on; arrow keys and a screen reader's walk through the choices do not. */
function bindQuick(element: HTMLElement, address: string, { capture }: Surroundings): void {
  element.addEventListener("click", (event) => {
    const isTapped = (event as MouseEvent).detail > 0 && (event.target as Element).closest("label.choice");
    if (isTapped) setTimeout(() => { capture.moveOn(address); }, PAUSE);
  });
}

/** The names chosen after a tick, in the order chosen; an exclusive choice stands alone. */
function afterTick(chosen: string[], box: HTMLInputElement, boxes: HTMLInputElement[]): string[] {
  const rest = chosen.filter((name) => name !== box.value);
  if (!box.checked) return rest;
  if ("exclusive" in box.dataset) return [box.value];
  const exclusive = new Set(boxes.filter((one) => "exclusive" in one.dataset).map((one) => one.value));
  return [...rest.filter((name) => !exclusive.has(name)), box.value];
}

function fillOptions(list: HTMLElement, address: string, offered: Choice[], chosen: string[], typed: string, interview: Interview): void {
  const template = find<HTMLTemplateElement>(list, "template");
  if (!template) return;
  const entries = entriesOf(offered, interview);
  const kept = entries.filter((entry) => chosen.includes(entry.name));
  const shown = [...new Set([...kept, ...search(entries, typed).slice(0, MOST_OPTIONS)])];
  list.replaceChildren(template, ...shown.map((entry) => {
    const label = clone(template);
    const box = find<HTMLInputElement>(label, "input");
    if (box) {
      box.name = address;
      box.value = entry.name;
      if (/^(yes|true|1)$/i.test(entry.exclusive)) box.dataset.exclusive = "";
    }
    setText(find(label, "span"), entry.label);
    return label;
  }));
}

/** A select: drawn options are filtered, long lists are filled; typing above it narrows and opens it. */
export function dropdown(element: HTMLElement, field: HTMLSelectElement, around: Surroundings): Control {
  const filter = find<HTMLInputElement>(element, "[data-filter]");
  const blank = field.options[0]?.value === "" ? field.options[0] : new Option(t("Please choose"), "");
  let entries: Entry[] = [];
  let current: Value = null;
  const fill = (): void => {
    const typed = filter?.value ?? "";
    const shown = search(entries, typed);
    const missing = current !== null && !shown.some((entry) => entry.name === current) ? entries.filter((entry) => entry.name === current) : [];
    const options = [...missing, ...shown].map((entry) => new Option(entry.label, entry.name, false, entry.name === current));
    field.replaceChildren(blank, ...options);
    blank.textContent = typed && !shown.length ? t("Nothing in the list fits.") : t("Please choose");
    field.size = typed ? Math.max(2, Math.min(8, options.length + 1)) : 0;
    field.value = current === null ? "" : String(current);
  };
  filter?.addEventListener("input", (event) => { event.stopPropagation(); fill(); });
  filter?.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    field.focus();
    if (field.options.length > 1 && !field.value) field.selectedIndex = 1;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return {
    show: (value) => {
      current = value;
      field.value = value === null ? "" : String(value);
      if (value !== null && field.value !== String(value)) fill();
    },
    read: (target) => {
      if (target !== field) return undefined;
      current = field.value || null;
      return current;
    },
    offer: (now) => {
      entries = entriesOf(now, around.interview);
      fill();
    },
  };
}

/** An ordered list moved by buttons; the order counts once somebody touched it, or said that it is right. */
export function rank(element: HTMLElement, question: Question): Control {
  const list = find(element, "[data-rank]");
  const items = (): HTMLElement[] => (list ? all(list, "li[data-choice]") : []);
  const shown = (): HTMLElement[] => items().filter((item) => !item.hidden);
  const sort = (order: readonly string[]): void => {
    for (const name of order) {
      const item = items().find((one) => one.dataset.choice === name);
      if (item) list?.append(item);
    }
  };
  let hasOrder = false;
  const keep = find(element, '[data-move="keep"]');
  const settle = (isSet: boolean): void => {
    hasOrder = isSet;
    keep?.toggleAttribute("hidden", isSet);
    list?.classList.toggle("is-set", isSet);
  };
  return {
    show: (value) => {
      const order = String(value ?? "").split(/\s+/).filter(Boolean);
      sort(order);
      settle(order.length > 0);
    },
    read: (target) => {
      const button = target.closest<HTMLElement>("[data-move]");
      if (!button) return undefined;
      const item = button.closest("li");
      if (item) move(item, button.dataset.move === "up" ? -1 : 1, shown());
      const order = shown();
      if (item) setText(find(element, "[data-rank-state]"), t("{choice}: place {number} of {most}", { choice: find(item, "span")?.textContent ?? "", number: order.indexOf(item as HTMLElement) + 1, most: order.length }));
      settle(true);
      if (item) button.focus();
      else list?.closest<HTMLElement>("fieldset")?.focus();
      return order.map((one) => one.dataset.choice).join(" ");
    },
    offer: (now) => {
      const names = now.map((choice) => choice.name);
      for (const item of items()) item.hidden = !names.includes(item.dataset.choice ?? "");
      if (!hasOrder && question.parameters?.randomize === "true") sort(names);
    },
  };
}

function move(item: Element, by: number, shown: HTMLElement[]): void {
  const other = shown[shown.indexOf(item as HTMLElement) + by];
  if (by < 0) other?.before(item);
  else other?.after(item);
}
