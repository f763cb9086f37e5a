/** Numbers as people type them: decimal comma and thousands dot in Vietnamese, the other way round in English. */

/** `value` when there is one reading; two `candidates` when people must be asked; neither when it is not a number. */
export interface NumberReading {
  value: number | null;
  candidates: number[];
}

const unreadable: NumberReading = { value: null, candidates: [] };
const only = (value: number): NumberReading => ({ value, candidates: [] });

/** The sign that separates decimals in a language. */
export function decimalSign(language: string): "," | "." {
  return language === "vi" ? "," : ".";
}

/** Reads `text` by the habits of `language`; never guesses between two readings. */
export function readNumber(text: string, language: string): NumberReading {
  const bare = text.trim().replace(/[\s\u00a0\u2009\u202f]/g, "").replace(/^[\u2212\u2013]/, "-");
  const match = /^([+-]?)([\d.,]+)$/.exec(bare);
  if (!match || !/\d/.test(bare)) return unreadable;
  const sign = match[1] === "-" ? -1 : 1;
  // From here on "," is the decimal sign and "." groups thousands.
  const digits = language === "vi" ? (match[2] ?? "") : (match[2] ?? "").replace(/[.,]/g, (mark) => (mark === "." ? "," : "."));
  const reading = readUnsigned(digits);
  return {
    value: reading.value === null ? null : sign * reading.value || 0,
    candidates: reading.candidates.map((candidate) => sign * candidate),
  };
}

const grouped = (mark: string): RegExp => new RegExp(`^[1-9]\\d{0,2}(\\${mark}\\d{3})+$`);
const whole = (text: string): number => Number(text.replace(/[.,]/g, ""));
const decimal = (text: string, mark: string): number => Number(text.replace(mark, "."));

function readUnsigned(text: string): NumberReading {
  const dots = text.split(".").length - 1;
  const commas = text.split(",").length - 1;
  if (!dots && !commas) return only(Number(text));
  if (dots && commas) return readBoth(text, dots, commas);
  if (commas) return commas > 1 ? several(text, ",") : readComma(text);
  if (grouped(".").test(text)) return only(whole(text));
  return dots > 1 ? unreadable : readDot(text);
}

/** Both signs: the last one is the decimal sign. */
function readBoth(text: string, dots: number, commas: number): NumberReading {
  const mark = text.lastIndexOf(",") > text.lastIndexOf(".") ? "," : ".";
  if ((mark === "," ? commas : dots) > 1) return unreadable;
  const [before = "", after = ""] = text.split(mark);
  const isGrouped = grouped(mark === "," ? "." : ",").test(before);
  return isGrouped && after ? only(Number(`${whole(before)}.${after}`)) : unreadable;
}

function several(text: string, mark: string): NumberReading {
  return grouped(mark).test(text) ? only(whole(text)) : unreadable;
}

function readComma(text: string): NumberReading {
  if (!/^\d+,\d+$/.test(text)) return unreadable;
  const value = decimal(text, ",");
  return /^[1-9]\d{0,2},\d{3}$/.test(text) ? { value: null, candidates: [value, whole(text)] } : only(value);
}

function readDot(text: string): NumberReading {
  if (!/^\d+\.\d+$/.test(text)) return unreadable;
  if (/^(\d+\.\d{1,2}|0\.\d+)$/.test(text)) return only(decimal(text, "."));
  return { value: null, candidates: [decimal(text, "."), whole(text)] };
}

/** A number as it stands in a field: no grouping, the language's decimal sign. */
export function plainNumber(value: number, language: string): string {
  return new Intl.NumberFormat(language === "vi" ? "vi" : "en-GB", { useGrouping: false, maximumFractionDigits: 15 }).format(value);
}

/** A number to read: 1.234,5 in Vietnamese. */
export function formatNumber(value: number, language: string, decimals = 6): string {
  return new Intl.NumberFormat(language === "vi" ? "vi" : "en-GB", { maximumFractionDigits: decimals }).format(value);
}

/** Words for amounts of money, smallest first, each a thousand of... see `echo`; given by the caller in its language. */
export type MoneyWords = readonly { word: string; scale: number }[];

/** What was understood, in words and unit; an amount of money moves to the largest word it reaches. */
export function echo(value: number, unit: string, language: string, words: MoneyWords): string {
  const used = [...words].sort((a, b) => b.word.length - a.word.length).find(({ word }) => unit.toLowerCase().startsWith(word.toLowerCase()));
  if (!used) return `= ${formatNumber(value, language)} ${unit}`.trimEnd();
  const amount = value * used.scale;
  const best = words.filter(({ scale }) => scale >= used.scale && Math.abs(amount) >= scale).sort((a, b) => b.scale - a.scale)[0] ?? used;
  const rest = unit.slice(used.word.length);
  return `= ${formatNumber(amount / best.scale, language)} ${best.word}${rest}`;
}
