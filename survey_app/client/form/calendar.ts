/** Dates and times as people write them: loaded only for forms that call these functions. */

import { DAY, isIsoDate, readTime, two } from "./dates";
import { scalar, toText, type Context, type Result } from "./expressions";
import { EAGER, daysOf } from "./functions";

const MONTHS: Record<string, (month: number) => string> = {
  vi: (month) => `thg ${month + 1}`,
  en: (month) => "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")[month] ?? "",
};
const WEEKDAYS: Record<string, string[]> = {
  vi: ["CN", "Th 2", "Th 3", "Th 4", "Th 5", "Th 6", "Th 7"],
  en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
};
const inLanguage = <T>(table: Record<string, T>, language: string): T => table[language] ?? (table.en as T);

const CODES: Record<string, (at: Date, language: string) => string> = {
  Y: (at) => String(at.getUTCFullYear()).padStart(4, "0"),
  y: (at) => two(at.getUTCFullYear() % 100),
  m: (at) => two(at.getUTCMonth() + 1),
  n: (at) => String(at.getUTCMonth() + 1),
  b: (at, language) => inLanguage(MONTHS, language)(at.getUTCMonth()),
  d: (at) => two(at.getUTCDate()),
  e: (at) => String(at.getUTCDate()),
  a: (at, language) => inLanguage(WEEKDAYS, language)[at.getUTCDay()] ?? "",
  H: (at) => two(at.getUTCHours()),
  h: (at) => String(at.getUTCHours()),
  M: (at) => two(at.getUTCMinutes()),
  S: (at) => two(at.getUTCSeconds()),
  "3": (at) => String(at.getUTCMilliseconds()).padStart(3, "0"),
};

/** format-date's codes over days since 1970 on the local clock. */
export function formatDays(days: number, format: string, language: string): string {
  const at = new Date(Math.floor(days * DAY + 0.5));
  return format.replace(/%([^])?/g, (whole, code: string | undefined) => CODES[code ?? ""]?.(at, language) ?? whole);
}

function formatted([value = "", format = ""]: Result[], context: Context): string {
  const bare = scalar(value);
  let days = typeof bare === "boolean" ? NaN : daysOf(value, context);
  if (!(days > -719_000 && days < 2_932_000)) return "";
  const text = typeof bare === "string" ? bare.trim() : "";
  if ((!isIsoDate(text) && days !== Math.floor(days)) || text.length > 10) days += context.host.clock().offset / 1440;
  return formatDays(days, toText(format), context.host.language);
}

function decimalTime(result: Result, context: Context): number {
  const text = toText(result);
  const time = readTime(text[10] === "T" ? text.slice(11) : text);
  if (!time) return NaN;
  const { offset } = context.host.clock();
  const seconds = time.seconds + (offset - (time.zone ?? offset)) * 60;
  return (((seconds % 86_400) + 86_400) % 86_400) / 86_400;
}

Object.assign(EAGER, {
  "format-date": formatted,
  "format-date-time": formatted,
  "decimal-time": ([value = ""]: Result[], context: Context) => decimalTime(value, context),
});
