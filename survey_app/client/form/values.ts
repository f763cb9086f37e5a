/** How a value of each question type is stored, and when it does not fit. The twin of forms/types.py. */

import { isNumeric, isWhole, type Question, type Value } from "./definition";
import { numberText, type Scalar } from "./expressions";
import { isIsoDate, isIsoDateTime } from "./dates";

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?$/;

/** What an expression's result or an author's default becomes as an answer of this question. */
export function stored(question: Question, result: Scalar | Value): Value {
  if (typeof result === "boolean") return String(result);
  if (typeof result === "number") {
    if (!Number.isFinite(result)) return null;
    if (question.type === "integer") return Math.trunc(result) || 0;
    return isNumeric(question) || question.type === "calculate" || question.type === "hidden" ? result || 0 : numberText(result);
  }
  if (result === null || result === "") return null;
  if (!isNumeric(question) || !NUMBER.test(result.trim())) return result;
  return question.type === "integer" ? Math.trunc(Number(result)) || 0 : Number(result);
}

/** A value as its type keeps it, or as it came when it does not fit. */
export function read(question: Question, value: Value): Value {
  if (value === null || value === "") return null;
  if (isNumeric(question)) return typeof value === "string" && NUMBER.test(value) ? Number(value) : value;
  if (question.type === "calculate" || question.type === "hidden") return value;
  const text = typeof value === "number" ? numberText(value) : value;
  // Of a dateTime that names no offset its day, for that is the day on the device.
  const isDay = question.type === "date" || question.type === "today";
  if (isDay && text[10] === "T" && !/[Z+-]/.test(text.slice(10)) && isIsoDateTime(text)) return text.slice(0, 10);
  const isList = question.type === "select_multiple" || question.type === "rank";
  return isList ? [...new Set(text.split(/\s+/).filter(Boolean))].join(" ") || null : text;
}

/** What a number with decimals counts as where a whole one is asked; a blank for what is no number. */
export function truncated(value: Value): Value {
  const number = typeof value === "string" && NUMBER.test(value.trim()) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && Math.abs(number) < 1e18 ? Math.trunc(number) || 0 : null;
}

/** True when a value fits its question's type. */
export function fits(question: Question, value: string | number): boolean {
  if (isNumeric(question)) {
    const number = typeof value === "number" ? value : NUMBER.test(value) ? Number(value) : NaN;
    return Number.isFinite(number) && (!isWhole(question) || (Number.isInteger(number) && Math.abs(number) < 1e18)) && isWithin(question, number);
  }
  const text = typeof value === "number" ? numberText(value) : value;
  switch (question.type) {
    case "date":
    case "today":
      return isIsoDate(text);
    case "time":
      return TIME.test(text);
    case "dateTime":
    case "start":
    case "end":
      return isIsoDateTime(text);
    case "geopoint":
    case "start-geopoint":
      return arePoints(text, 1, 1);
    case "geotrace":
      return arePoints(text, 2, 10_000);
    case "geoshape":
      return arePoints(text, 4, 10_000) && isClosed(text);
    case "acknowledge":
      return text === "OK";
    case "image":
    case "audio":
    case "video":
    case "file":
      return !/[/\\\u0000-\u001f]/.test(text) && text.length < 250 && text !== "." && text !== "..";
    case "select_one":
      return isName(text);
    case "select_multiple":
    case "rank":
      return text.split(/\s+/).every(isName);
  }
  return text.length <= 20_000;
}

/** A range has ends. */
function isWithin({ type, parameters }: Question, number: number): boolean {
  if (type !== "range") return true;
  const [start, end] = [Number(parameters?.start ?? NaN), Number(parameters?.end ?? NaN)];
  return !(number < Math.min(start, end)) && !(number > Math.max(start, end));
}

const isName = (text: string): boolean => !/\s/.test(text) && Array.from(text).length <= 250;
const pointsOf = (text: string): string[][] =>
  text.split(";").filter((part) => part.trim()).map((part) => part.trim().split(/\s+/));

function arePoints(text: string, least: number, most: number): boolean {
  const points = pointsOf(text);
  return points.length >= least && points.length <= most && points.every(isPoint);
}

function isPoint(numbers: string[]): boolean {
  if (numbers.length < 2 || numbers.length > 4 || !numbers.every((number) => NUMBER.test(number))) return false;
  return Math.abs(Number(numbers[0])) <= 90 && Math.abs(Number(numbers[1])) <= 180;
}

function isClosed(text: string): boolean {
  const points = pointsOf(text);
  const [first = [], last = []] = [points[0], points[points.length - 1]];
  return first[0] === last[0] && first[1] === last[1];
}
