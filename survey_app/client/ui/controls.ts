/** One control per kind of question: shows an answer in the drawn HTML and reads it back. */

import { isNumeric, type Choice, type Question, type Value } from "../form/definition";
import { isoDateTime } from "../form/dates";
import { readNumber, plainNumber } from "../form/numbers";
import type { Interview } from "../form/interview";
import { deviceClock } from "../form/slots";
import { t } from "../texts";
import { all, clone, find, setText } from "./dom";
import { bindCapture, type Capture } from "./capture";
import { search } from "./search";
import { UNSURE, fieldText } from "./words";

export interface Control {
  show(value: Value): void;
  /** The answer as it stands; undefined when the event said nothing about it. */
  read(target: HTMLElement): Value | undefined;
  /** Offers the choices that fit the other answers. */
  offer?(choices: Choice[]): void;
}

export interface Surroundings {
  interview: Interview;
  language: string;
  capture: Capture;
}

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** The control of a drawn question, or null for one that only shows something. */
export function bindControl(element: HTMLElement, address: string, question: Question, around: Surroundings): Control | null {
  const fields = all<Field>(element, `[name="${CSS.escape(address)}"]`);
  const inputs = fields.filter((field) => field.closest(".question") === element);
  const field = inputs.find((input) => input.type !== "hidden");
  const captured = bindCapture(element, address, question, around.capture);
  if (captured) return captured;
  if (question.type === "rank") return rank(element);
  if (field instanceof HTMLSelectElement) return dropdown(element, field, around);
  if (question.choices) return choices(element, address, question, around);
  if (!field) return null;
  if (question.type === "acknowledge") return acknowledge(field as HTMLInputElement);
  if (isNumeric(question)) return number(element, field as HTMLInputElement, around.language);
  return field.type === "datetime-local" ? moment(field as HTMLInputElement) : text(field, question);
}

/** A question for a telephone number, by its name or appearance; the twin of is_phone in collect/posted.py. */
function isPhone({ type, name, appearance = "" }: Question): boolean {
  const asked = appearance.split(" ");
  return type === "text" && (/(^|_)(phone|tel|telephone|mobile)$/i.test(name) || asked.includes("tel") || asked.includes("phone"));
}

/** A telephone number without spaces, dots and dashes; the country's own prefix becomes 0 again. */
export function tidyPhone(typed: string): string {
  return typed.replace(/[\s.\-()]/g, "").replace(/^(\+84|0084|84(?=\d{9,10}$))/, "0");
}

function text(field: Field, question: Question): Control {
  const tidy = isPhone(question) ? tidyPhone : (typed: string): string => typed;
  field.addEventListener("change", () => { field.value = tidy(field.value); });
  const isTrace = question.type === "geotrace" || question.type === "geoshape";
  const fill = question.type !== "date" ? "" : field.type === "month" ? "-01" : (field as HTMLInputElement).maxLength === 4 ? "-01-01" : "";
  return {
    show: (value) => {
      const shown = fieldText(value, "en");
      field.value = isTrace ? shown.replace(/;\s*/g, "\n") : fill && shown.endsWith(fill) ? shown.slice(0, -fill.length) : shown;
    },
    read: () => {
      const typed = tidy(field.value.normalize("NFC"));
      if (!typed.trim()) return null;
      if (isTrace) return typed.split("\n").map((line) => line.trim()).filter(Boolean).join(";");
      return fill && /^\d{4}(-\d{2})?$/.test(typed) ? typed + fill : typed;
    },
  };
}

/** A date and time: the field has no zone, the answer bears the device's. */
function moment(field: HTMLInputElement): Control {
  return {
    show: (value) => { field.value = typeof value === "string" ? value.slice(0, 16) : ""; },
    read: () => {
      const at = new Date(field.value);
      return Number.isNaN(at.getTime()) ? null : isoDateTime(at.getTime(), -at.getTimezoneOffset());
    },
  };
}

function number(element: HTMLElement, field: HTMLInputElement, language: string): Control {
  const scale = find<HTMLInputElement>(element, "[data-scale]");
  return {
    show: (value) => {
      field.value = fieldText(value, language);
      if (scale && typeof value === "number") scale.value = String(value);
    },
    read: (target) => {
      if (target === scale) field.value = plainNumber(Number(scale.value), language);
      const typed = field.value.trim();
      if (!typed) return null;
      const { value, candidates } = readNumber(typed, language);
      if (scale && value !== null) scale.value = String(value);
      return value ?? (candidates.length ? typed + UNSURE : typed);
    },
  };
}

function acknowledge(field: HTMLInputElement): Control {
  return { show: (value) => { field.checked = value === "OK"; }, read: () => (field.checked ? "OK" : null) };
}

/** Radio buttons and checkboxes, drawn; or a long list of checkboxes filled as people search. */
function choices(element: HTMLElement, address: string, question: Question, around: Surroundings): Control {
  const isMany = question.type !== "select_one";
  const list = find(element, ".options[data-list]");
  const filter = find<HTMLInputElement>(element, "[data-filter]");
  let offered: Choice[] = [];
  let chosen: string[] = [];
  const boxes = (): HTMLInputElement[] => all<HTMLInputElement>(element, `input[type=${isMany ? "checkbox" : "radio"}]`);
  const mark = (): void => { for (const box of boxes()) box.checked = chosen.includes(box.value); };
  const fill = (): void => {
    if (list) fillOptions(list, address, offered, chosen, filter?.value ?? "", around.interview);
    mark();
  };
  filter?.addEventListener("input", (event) => { event.stopPropagation(); fill(); });
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
      if (list) return fill();
      const names = new Set(now.map((choice) => choice.name));
      for (const box of boxes()) (box.closest("label") ?? box).toggleAttribute("hidden", !names.has(box.value) && !box.checked);
    },
  };
}

/** The names chosen after a tick, in the order chosen; an exclusive choice stands alone. */
function afterTick(chosen: string[], box: HTMLInputElement, boxes: HTMLInputElement[]): string[] {
  const rest = chosen.filter((name) => name !== box.value);
  if (!box.checked) return rest;
  if ("exclusive" in box.dataset) return [box.value];
  const exclusive = new Set(boxes.filter((one) => "exclusive" in one.dataset).map((one) => one.value));
  return [...rest.filter((name) => !exclusive.has(name)), box.value];
}

const MOST_OPTIONS = 60;

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

interface Entry {
  name: string;
  label: string;
  exclusive: string;
}

function entriesOf(choices: Choice[], interview: Interview): Entry[] {
  return choices.map((choice) => ({ name: choice.name, label: interview.text(choice.label), exclusive: choice.extra?.exclusive ?? "" }));
}

/** A select: drawn options are filtered, long lists are filled; typing above it narrows and opens it. */
function dropdown(element: HTMLElement, field: HTMLSelectElement, around: Surroundings): Control {
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

/** An ordered list moved by buttons; the order counts once somebody touched it. */
function rank(element: HTMLElement): Control {
  const list = find(element, "[data-rank]");
  const items = (): HTMLElement[] => (list ? all(list, "li[data-choice]") : []);
  return {
    show: (value) => {
      const order = String(value ?? "").split(/\s+/).filter(Boolean);
      for (const name of order) {
        const item = items().find((one) => one.dataset.choice === name);
        if (item) list?.append(item);
      }
    },
    read: (target) => {
      const button = target.closest<HTMLElement>("[data-move]");
      const item = button?.closest("li");
      if (!button || !item) return undefined;
      if (button.dataset.move === "up") item.previousElementSibling?.before(item);
      else item.nextElementSibling?.after(item);
      button.focus();
      return items().map((one) => one.dataset.choice).join(" ");
    },
  };
}

/** The moment now as a date-time question keeps it. */
export function nowText(): string {
  const { now, offset } = deviceClock();
  return isoDateTime(now, offset);
}
