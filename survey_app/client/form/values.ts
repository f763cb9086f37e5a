/** How a value of each question type is stored, and when it does not fit. The twin of forms/types.py. */

import { isNumeric, isWhole, type Question, type Value } from "./definition";
import { numberText, type Scalar } from "./expressions";
import { isIsoDate, isIsoDateTime } from "./dates";

export const isBlank = (value: Value | undefined): boolean => value === null || value === undefined || value === "";

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** What an expression's result or an author's default becomes as an answer of this question. */
export function stored(question: Question, result: Scalar | Value): Value {
  if (typeof result === "boolean") return String(result);
  if (typeof result === "number") {
    if (!Number.isFinite(result)) return null;
    return isNumeric(question) || question.type === "calculate" || question.type === "hidden" ? result || 0 : numberText(result);
  }
  if (result === null || result === "") return null;
  return isNumeric(question) && NUMBER.test(result) ? Number(result) : result;
}

/** A value as its type keeps it, or as it came when it does not fit. */
export function read(question: Question, value: Value): Value {
  if (value === null || value === "") return null;
  if (isNumeric(question)) return typeof value === "string" && NUMBER.test(value) ? Number(value) : value;
  if (question.type === "calculate" || question.type === "hidden") return value;
  const text = typeof value === "number" ? numberText(value) : value;
  const isList = question.type === "select_multiple" || question.type === "rank";
  return isList ? [...new Set(text.split(/\s+/).filter(Boolean))].join(" ") || null : text;
}

/** Parameters of the message when a value does not fit its question's type, else null. */
export function typeIssue(question: Question, value: Value): { value: string; type: string } | null {
  if (value === null || fits(question, value)) return null;
  return { value: String(value).slice(0, 80), type: question.type };
}

function fits(question: Question, value: string | number): boolean {
  if (isNumeric(question)) {
    const number = typeof value === "number" ? value : NUMBER.test(value) ? Number(value) : NaN;
    return Number.isFinite(number) && (!isWhole(question) || (Number.isInteger(number) && Math.abs(number) < 1e18));
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
      return !/\s/.test(text);
  }
  return text.length <= 20_000;
}

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
