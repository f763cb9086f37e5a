/** One control per kind of question: shows an answer in the drawn HTML and reads it back. */

import { isNumeric, type Choice, type Question, type Value } from "../form/definition";
import { isoDateTime } from "../form/dates";
import { readNumber, plainNumber } from "../form/numbers";
import type { Interview } from "../form/interview";
import { deviceClock } from "../form/slots";
import { all, find } from "./dom";
import { bindCapture, type Capture } from "./capture";
import { choices, clearButton, dropdown, rank } from "./choices";
import type { Widget } from "./widgets";
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
  /** What was loaded because this form needs it: maps, drawing. */
  widgets: readonly Widget[];
}

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** The control of a drawn question, or null for one that only shows something. */
export function bindControl(element: HTMLElement, address: string, question: Question, around: Surroundings): Control | null {
  const control = plainControl(element, address, question, around);
  return around.widgets.reduce<Control | null>((inner, widget) => widget.bind(inner, element, address, question, around), control);
}

function plainControl(element: HTMLElement, address: string, question: Question, around: Surroundings): Control | null {
  const fields = all<Field>(element, `[name="${CSS.escape(address)}"]`);
  const inputs = fields.filter((field) => field.closest(".question") === element);
  const field = inputs.find((input) => input.type !== "hidden");
  const captured = bindCapture(element, address, question, around.capture);
  if (captured) return captured;
  if (question.type === "rank") return rank(element, question);
  if (field && "steps" in field.dataset) return steps(inputs, address, around);
  if (field instanceof HTMLSelectElement) return dropdown(element, field, around);
  if (question.choices) return choices(element, address, question, around);
  if (find(element, "[data-part=year]")) return parts(element);
  if (!field) return null;
  if (question.type === "acknowledge") return acknowledge(field as HTMLInputElement);
  if (isNumeric(question)) return number(element, address, field as HTMLInputElement, around);
  return field.type === "datetime-local" ? moment(field as HTMLInputElement) : text(element, field, question);
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

function text(element: HTMLElement, field: Field, question: Question): Control {
  const tidy = isPhone(question) ? tidyPhone : (typed: string): string => typed;
  field.addEventListener("change", () => { field.value = tidy(field.value); });
  const reveal = find(element, "[data-reveal]");
  reveal?.addEventListener("click", () => {
    const isHidden = field.getAttribute("type") === "password";
    field.setAttribute("type", isHidden ? "text" : "password");
    reveal.setAttribute("aria-pressed", String(isHidden));
  });
  return {
    show: (value) => { field.value = question.type === "time" ? String(value ?? "").slice(0, 5) : fieldText(value, "en"); },
    read: () => {
      const typed = tidy(field.value.normalize("NFC"));
      if (!typed.trim()) return null;
      return question.type === "time" && typed.length === 5 ? `${typed}:00` : typed.trim();
    },
  };
}

/** A date asked for by day, month and year, or by fewer of them: what is not asked for is the first. */
function parts(element: HTMLElement): Control {
  const fields = (["year", "month", "day"] as const).map((part) => find<HTMLInputElement | HTMLSelectElement>(element, `[data-part=${part}]`));
  return {
    show: (value) => {
      const shown = String(value ?? "").split("-");
      fields.forEach((field, index) => { if (field) field.value = (shown[index] ?? "").replace(/^(0+|\?)/, ""); });
    },
    read: () => {
      const typed = fields.map((field) => field?.value.trim());
      if (!typed.some(Boolean)) return null;
      const isDate = typed[0]?.length === 4 && typed.every((part) => part === undefined || /^\d+$/.test(part));
      if (!isDate) return typed.filter((part) => part !== undefined).map((part) => part || "?").join("-");
      return typed.map((part, index) => (index ? (part ?? "1").padStart(2, "0") : part)).join("-");
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

function number(element: HTMLElement, address: string, field: HTMLInputElement, { language, interview, capture }: Surroundings): Control {
  const scale = find<HTMLInputElement>(element, "[data-scale]");
  const slide = (value: Value): void => {
    if (scale && typeof value === "number") scale.value = String(value);
    scale?.classList.toggle("unset", typeof value !== "number");
  };
  for (const button of all(element, "[data-count]")) {
    button.addEventListener("click", () => {
      const now = interview.value(address);
      capture.answer(address, (typeof now === "number" ? now : 0) + Number(button.dataset.count));
    });
  }
  return {
    show: (value) => {
      field.value = fieldText(value, language);
      slide(value);
    },
    read: (target) => {
      if (target === scale) field.value = plainNumber(Number(scale.value), language);
      const typed = field.value.trim();
      if (!typed) return null;
      const { value, candidates } = readNumber(typed, language);
      slide(value);
      return value ?? (candidates.length ? typed + UNSURE : typed);
    },
  };
}

/** The steps of a range: buttons, stars or a list. */
function steps(fields: Field[], address: string, around: Surroundings): Control {
  const [list] = fields;
  const clear = list instanceof HTMLSelectElement ? null : clearButton(list?.closest("fieldset") ?? null, address, around);
  return {
    show: (value) => {
      if (list instanceof HTMLSelectElement) list.value = value === null ? "" : String(value);
      else for (const field of fields) (field as HTMLInputElement).checked = value !== null && field.value === String(value);
      clear?.(value);
    },
    read: (target) => {
      if (target instanceof HTMLSelectElement) return target.value ? Number(target.value) : null;
      if (!(target instanceof HTMLInputElement) || !target.checked) return undefined;
      clear?.(target.value);
      return Number(target.value);
    },
  };
}

function acknowledge(field: HTMLInputElement): Control {
  return { show: (value) => { field.checked = value === "OK"; }, read: () => (field.checked ? "OK" : null) };
}

/** The moment now as a date-time question keeps it. */
export function nowText(): string {
  const { now, offset } = deviceClock();
  return isoDateTime(now, offset);
}
