/** Days and moments as the form language has them: ISO texts, days since 1970, a fixed zone offset in minutes. */

export const DAY = 86_400_000;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** Days since 1970-01-01 of an ISO date or date-time (`offset` where it names no zone), else null. */
export function dayNumber(text: string, offset = 0): number | null {
  const match = DATE.exec(text.slice(0, 10));
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  if (year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const days = date.getTime() / DAY;
  if (text.length === 10) return days;
  const time = /^[T ]/.test(text.slice(10)) ? readTime(text.slice(11)) : null;
  return time && days + (time.seconds - (time.zone ?? offset) * 60) / 86_400;
}

/** Seconds since midnight and minutes ahead of UTC of an ISO time, or null. */
export function readTime(text: string): { seconds: number; zone: number | null } | null {
  const match = TIME.exec(text);
  if (!match) return null;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  const zone = readZone(match[5]);
  if (hours > 23 || minutes > 59 || seconds > 59 || Math.abs(zone ?? 0) >= 24 * 60) return null;
  return { seconds: hours * 3600 + minutes * 60 + seconds + Number(match[4] ?? 0), zone };
}

function readZone(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (text === "Z") return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(-2));
  return text.startsWith("-") ? -minutes : minutes;
}

/** A time of day as a part of the day, by the clock it was read from. */
export function timeFraction(text: string): number {
  const time = readTime(text);
  return time ? time.seconds / 86_400 : NaN;
}

export const isIsoDate = (text: string): boolean => text.length === 10 && dayNumber(text) !== null;
export const isIsoDateTime = (text: string): boolean => text.length > 15 && text[10] === "T" && dayNumber(text) !== null;

/** The ISO date of days since 1970; empty outside the years 1 to 9999. */
export function isoDate(days: number): string {
  return isInRange(days) ? new Date(Math.floor(days) * DAY).toISOString().slice(0, 10) : "";
}

const isInRange = (days: number): boolean => days >= -719_162 && days < 2_932_897;
export const two = (value: number): string => String(value).padStart(2, "0");

/** A moment written on the clock of `offset`: 2026-11-23T22:50:00.000+07:00. */
export function isoDateTime(instant: number, offset: number): string {
  if (!isInRange(instant / DAY)) return "";
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return new Date(instant + offset * 60_000).toISOString().slice(0, -1) + zone;
}
