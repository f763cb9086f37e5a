/** Days and moments as the form language has them: ISO texts, days since 1970, a fixed zone offset. */

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?$/;

export interface Moment {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
  /** 0 is Sunday. */
  weekday: number;
}

function isRealDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

export function isIsoDate(text: string): boolean {
  const match = DATE.exec(text);
  return match !== null && isRealDay(Number(match[1]), Number(match[2]), Number(match[3]));
}

export function isIsoDateTime(text: string): boolean {
  const match = DATE_TIME.exec(text);
  if (!match || !isRealDay(Number(match[1]), Number(match[2]), Number(match[3]))) return false;
  return Number(match[4]) < 24 && Number(match[5]) < 60 && Number(match[6] ?? 0) < 60;
}

/** Days since 1970-01-01 of an ISO date. */
export function dayOf(text: string): number {
  const match = DATE.exec(text);
  return match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) / 86_400_000 : NaN;
}

/** Milliseconds since 1970 of an ISO date-time; without a zone it is on the clock of `offset`. */
export function instantOf(text: string, offset = 0): number {
  const match = DATE_TIME.exec(text);
  if (!match) return NaN;
  const [, year, month, day, hour, minute, second = "0", fraction = "0", zone] = match;
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return local + Number(fraction.padEnd(3, "0").slice(0, 3)) - zoneMinutes(zone, offset) * 60_000;
}

function zoneMinutes(zone: string | undefined, offset: number): number {
  if (!zone) return offset;
  if (zone === "Z") return 0;
  const digits = zone.replace(":", "");
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return zone.startsWith("-") ? -minutes : minutes;
}

const two = (value: number): string => String(value).padStart(2, "0");

export function isoDate(day: number): string {
  const date = new Date(Math.floor(day) * 86_400_000);
  if (Number.isNaN(date.getTime())) return "";
  return `${String(date.getUTCFullYear()).padStart(4, "0")}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

/** A moment written on the clock of `offset`: 2026-11-23T22:50:00.000+07:00. */
export function isoDateTime(instant: number, offset: number): string {
  const date = new Date(instant + offset * 60_000);
  if (Number.isNaN(date.getTime())) return "";
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return date.toISOString().slice(0, -1) + zone;
}

/** The parts of an ISO date or date-time, a date-time on the clock it was written on. */
export function momentOf(text: string): Moment | null {
  const full = isIsoDate(text) ? `${text}T00:00:00` : text;
  if (!isIsoDateTime(full)) return null;
  const date = new Date(instantOf(full.replace(/(Z|[+-]\d{2}:?\d{2})$/, "")));
  return {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: date.getUTCHours(),
    minute: date.getUTCMinutes(), second: date.getUTCSeconds(), millisecond: date.getUTCMilliseconds(), weekday: date.getUTCDay(),
  };
}

/** format-date's codes: %Y %y %m %n %b %d %e %a %H %h %M %S %3. */
export function formatMoment(moment: Moment, format: string, language: string): string {
  const at = new Date(Date.UTC(moment.year, moment.month - 1, moment.day));
  const named = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { ...options, timeZone: "UTC" }).format(at);
  const codes: Record<string, () => string> = {
    Y: () => String(moment.year).padStart(4, "0"), y: () => two(moment.year % 100), m: () => two(moment.month),
    n: () => String(moment.month), b: () => named({ month: "short" }), d: () => two(moment.day), e: () => String(moment.day),
    a: () => named({ weekday: "short" }), H: () => two(moment.hour), h: () => String(moment.hour), M: () => two(moment.minute),
    S: () => two(moment.second), "3": () => String(moment.millisecond).padStart(3, "0"), "%": () => "%",
  };
  return format.replace(/%(.)/g, (whole, code: string) => codes[code]?.() ?? whole);
}
