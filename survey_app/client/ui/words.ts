/** Answers, issues and amounts in the words people read. */

import { isNumeric, isWhole, type Issue, type Question, type Value } from "../form/definition";
import type { Interview } from "../form/interview";
import { echo, formatNumber, plainNumber, type MoneyWords } from "../form/numbers";
import { t } from "../texts";

export function moneyWords(): MoneyWords {
  return [
    { word: t("VND"), scale: 1 }, { word: t("thousand VND"), scale: 1e3 },
    { word: t("million VND"), scale: 1e6 }, { word: t("billion VND"), scale: 1e9 },
  ];
}

/** A number that names a year is never grouped and needs no unit behind it. */
const isYear = (question: Question | undefined): boolean => (question?.appearance ?? "").split(" ").includes("year");

/** "= 1.234 kWh": how a number was understood. */
export function echoOf(interview: Interview, address: string): string {
  const value = interview.value(address);
  return typeof value === "number" && !isYear(interview.question(address)) ? echo(value, interview.unit(address), interview.language, moneyWords()) : "";
}

const day = (text: string): string => text.replace(/^(\d{4})-(\d{2})-(\d{2})/, "$3/$2/$1");

/** An answer in words: labels of choices, numbers with their unit, days as dd/mm/yyyy; "" for none. */
export function answerWords(interview: Interview, address: string): string {
  const [question, value] = [interview.question(address), interview.value(address)];
  if (!question || value === null) return "";
  if (question.choices) {
    const names = question.type === "select_one" ? [String(value)] : String(value).split(/\s+/);
    return names.map((name) => interview.choiceName(name, interview.slot(address)?.node.path ?? "") || name).join("; ");
  }
  if (typeof value === "number" && isYear(question)) return String(value);
  if (typeof value === "number") return `${formatNumber(value, interview.language)} ${interview.unit(address)}`.trim();
  const asked = (question.appearance ?? "").split(" ");
  switch (question.type) {
    case "date":
      return asked.includes("year") ? value.slice(0, 4) : asked.includes("month-year") ? day(value).slice(3) : day(value);
    case "dateTime":
      return `${day(value.slice(0, 10))} ${value.slice(11, 16)}`;
    case "time":
      return value.slice(0, 5);
    case "geopoint":
      return placeWords(value);
    case "geotrace":
    case "geoshape":
      return value.split(";").map((point) => point.trim().split(/\s+/).slice(0, 2).join(" ")).join("; ");
    default:
      return asked.includes("masked") ? "•••" : value;
  }
}

/** "20.25, 105.97 (± 12 m)": latitude, longitude and how exact they are. */
function placeWords(point: string): string {
  const [latitude = "", longitude = "", , accuracy] = point.split(/\s+/);
  return `${latitude}, ${longitude}${Number(accuracy) > 0 ? ` (± ${Math.round(Number(accuracy))} m)` : ""}`;
}

/** An issue's words: the author's own, else the catalogue's. */
export function issueWords(interview: Interview, issue: Issue): string {
  if (issue.ownMessage) return plain(issue.ownMessage);
  const question = interview.question(issue.where);
  switch (issue.code) {
    case "required":
      return t("This question needs an answer.");
    case "constraint":
      return t("This answer is not allowed here.");
    case "unknown_choice":
      return t("“{value}” is not one of the choices.", issue.parameters);
    case "check":
      return t("Please look at this answer again.");
    case "wrong_type":
      if (String(interview.value(issue.where)).endsWith(UNSURE)) return t("This can be read in two ways. Please choose one:");
      if (!question || !isNumeric(question)) return t("“{value}” does not fit a question of type {type}.", issue.parameters);
      if (isWhole(question) && typeof interview.value(issue.where) === "number") return t("Please type a whole number.");
      return t("Please type a number, for example {example}.", { example: formatNumber(isWhole(question) ? 1234 : 1234.5, interview.language) });
  }
}

/** A text of the form without its simple marks (emphasis, links). */
export function plain(text: string): string {
  return text.replace(/<\/?(?:span|font|b|i|u|strong|em|small|sub|sup|p|div|center|h[1-6]|br)\b[^<>]*>/gi, "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/(\*\*|__)(.*?)\1/g, "$2").replace(/(^|[\s(])[*_]([^*_]+)[*_](?=$|[\s).,;:!?])/g, "$1$2");
}

/** Behind a number that can be read in two ways, so that it stays as typed and is flagged until somebody chooses. */
export const UNSURE = " ?";

/** A value as it stands in a field. */
export function fieldText(value: Value, language: string): string {
  if (value === null) return "";
  return typeof value === "number" ? plainNumber(value, language) : typedText(value);
}

/** What was typed, without the mark of an open question. */
export function typedText(value: string): string {
  return value.endsWith(UNSURE) ? value.slice(0, -UNSURE.length) : value;
}
