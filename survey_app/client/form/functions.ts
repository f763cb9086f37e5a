/** The function table: one entry per function and operator, the same names as forms/expressions/functions.py. */

import type { Ast, Value } from "./definition";
import {
  compareEqual, compareOrder, difference, evaluate, scalar, toBoolean, toNumber, toText,
  type Context, type Result, type XNode,
} from "./expressions";
import { dayNumber, formatDays, isIsoDate, isoDate, isoDateTime, readTime } from "./dates";
import { matches } from "./patterns";

type Eager = (values: Result[], context: Context) => Result;
type Lazy = (trees: Ast[], context: Context) => Result;

const DAY = 86_400_000;

/** A nodeset for an argument that may be one: a scalar is a nodeset of itself. */
export function nodesOf(result: Result | undefined): XNode[] {
  if (result === undefined) return [];
  if (Array.isArray(result)) return result;
  return [{ value: typeof result === "boolean" ? String(result) : result }];
}

const valuesOf = (results: Result[]): Value[] => results.flatMap((result) => nodesOf(result).map((node) => node.value));
const isFilled = (value: Value): boolean => value !== null && value !== "";
const words = (result: Result): string[] => toText(result).split(/\s+/).filter(Boolean);
const own = (values: Result[], context: Context): Result => values[0] ?? (context.item ? [context.item] : (context.self ?? ""));

function numeric(operation: (...numbers: number[]) => number): Eager {
  return (values) => operation(...values.map(toNumber));
}

function texts(operation: (...parts: string[]) => Result): Eager {
  return (values) => operation(...values.map(toText));
}

/** Characters as people count them, not UTF-16 units. */
const letters = (text: string): string[] => Array.from(text);

function substr(text: string, start: number, end: number): string {
  return letters(text).slice(Math.trunc(start) || 0, Number.isNaN(end) ? 0 : end).join("");
}

/** XPath's substring: 1-based, rounded bounds. */
function substring(values: Result[]): string {
  const from = round(toNumber(values[1] ?? NaN));
  const until = values[2] === undefined ? Infinity : from + round(toNumber(values[2]));
  return letters(toText(values[0] ?? "")).filter((_, index) => index + 1 >= from && index + 1 < until).join("");
}

function translate(text: string, from: string, to: string): string {
  const [source, target] = [letters(from), letters(to)];
  return letters(text).map((letter) => {
    const at = source.indexOf(letter);
    return at < 0 ? letter : (target[at] ?? "");
  }).join("");
}

/** Half goes towards plus infinity, as XPath has it: round(-1.5) is -1. */
export function round(value: number, digits = 0): number {
  if (!Number.isFinite(value)) return value;
  const factor = 10 ** Math.abs(Math.trunc(digits));
  return digits < 0 ? Math.floor(value / factor + 0.5) * factor : Math.floor(value * factor + 0.5) / factor;
}

function extreme(pick: (...numbers: number[]) => number): Eager {
  return (values) => {
    const numbers = valuesOf(values).map((value) => toNumber(value ?? ""));
    return numbers.length ? pick(...numbers) : NaN;
  };
}

function checklist(values: Result[], weighted: boolean): boolean {
  const [low = NaN, high = NaN] = values.slice(0, 2).map(toNumber);
  const rest = values.slice(2).flatMap((value) => (Array.isArray(value) ? value.map((node) => node.value ?? "") : [value]));
  let sum = 0;
  const step = weighted ? 2 : 1;
  for (let index = 0; index < rest.length; index += step) {
    if (toNumber(rest[index] ?? "") > 0) sum += weighted ? toNumber(rest[index + 1] ?? "") : 1;
  }
  return (low < 0 || sum >= low) && (high < 0 || sum <= high);
}

/** Days since 1970 of a value; a date-time without a zone is on the device's clock. */
function daysOf(result: Result, context: Context): number {
  const value = scalar(result);
  const days = typeof value === "string" && value.length > 9 ? dayNumber(value.trim(), context.host.clock().offset) : null;
  return days ?? toNumber(value);
}

/** The text of a value that is an ISO date or date-time, else "". */
function isoText(result: Result): string {
  const value = scalar(result);
  return typeof value === "string" && dayNumber(value.trim()) !== null ? value.trim() : "";
}

function asDateTime(result: Result, context: Context): string {
  const value = scalar(result);
  const days = typeof value === "boolean" ? NaN : toNumber(value);
  return isoText(result) || isoDateTime(Math.floor(days * DAY + 0.5), context.host.clock().offset);
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

/** `length` random characters, or a version 4 UUID. */
export function uuid(length = NaN): string {
  const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count));
  if (length > 0) {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    return Array.from(random(Math.floor(length)), (byte) => alphabet[byte % alphabet.length]).join("");
  }
  const bytes = random(16);
  bytes[6] = ((bytes[6] ?? 0) & 15) | 64;
  bytes[8] = ((bytes[8] ?? 0) & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** JavaRosa's seeded shuffle: Fisher-Yates inside out, Park and Miller's numbers. */
export function shuffled<T>(items: readonly T[], seed = 1): T[] {
  let state = Number.isFinite(seed) ? ((Math.trunc(seed) % 2_147_483_647) + 2_147_483_647) % 2_147_483_647 : 1;
  if (state === 0) state = 2_147_483_646;
  const out: T[] = [];
  items.forEach((item, place) => {
    state = (state * 16_807) % 2_147_483_647;
    const other = Math.floor(((state - 1) / 2_147_483_646) * (place + 1));
    out.push(item);
    if (other !== place) out[place] = out[other] as T;
    out[other] = item;
  });
  return out;
}

function pulldata(values: Result[], context: Context): string {
  const [id = "", column = "", key = "", wanted = ""] = values.map(toText);
  return context.host.instance(id).find((item) => item[key] === wanted)?.[column] ?? "";
}

function indexedRepeat(trees: Ast[], context: Context): Result {
  const target = trees[0];
  if (!Array.isArray(target) || target[0] !== "$") return "";
  const indexes = new Map<string, number>();
  for (let at = 1; at + 1 < trees.length; at += 2) {
    const repeat = trees[at];
    if (Array.isArray(repeat)) indexes.set(repeat[2] as string, toNumber(evaluate(trees[at + 1] ?? "", context)));
  }
  return context.host.indexed(target[2] as string, indexes, context.rows);
}

function choiceName(trees: Ast[], context: Context): Result {
  const target = trees[1];
  const path = Array.isArray(target) && target[0] === "$" ? (target[2] as string) : toText(evaluate(target ?? "", context));
  return context.host.choiceName(toText(evaluate(trees[0] ?? "", context)), path);
}

const compare = (test: (left: number, right: number) => boolean): Eager => ([left = "", right = ""], { host }) =>
  compareOrder(left, right, host.clock().offset, test);

/** Functions that decide themselves which of their arguments to evaluate, and how. */
export const LAZY: Record<string, Lazy> = {
  and: (trees, context) => trees.every((tree) => toBoolean(evaluate(tree, context))),
  or: (trees, context) => trees.some((tree) => toBoolean(evaluate(tree, context))),
  if: ([condition = "", yes = "", no = ""], context) => evaluate(toBoolean(evaluate(condition, context)) ? yes : no, context),
  coalesce: ([first = "", second = ""], context) => {
    const value = evaluate(first, context);
    return ["", "NaN"].includes(toText(value)) ? evaluate(second, context) : value;
  },
  once: ([tree = ""], context) => (isFilled(context.self) ? (context.self ?? "") : evaluate(tree, context)),
  "indexed-repeat": indexedRepeat,
  "jr:choice-name": choiceName,
};

/** Functions of their arguments' values. */
export const EAGER: Record<string, Eager> = {
  "=": ([left = "", right = ""]) => compareEqual(left, right, true),
  "!=": ([left = "", right = ""]) => compareEqual(left, right, false),
  "<": compare((left, right) => left < right),
  "<=": compare((left, right) => left <= right),
  ">": compare((left, right) => left > right),
  ">=": compare((left, right) => left >= right),
  "+": numeric((a = NaN, b = NaN) => a + b),
  "-": ([left = "", right = ""], { host }) => difference(left, right, host.clock().offset),
  "*": numeric((a = NaN, b = NaN) => a * b),
  div: numeric((a = NaN, b = NaN) => a / b),
  mod: numeric((a = NaN, b = NaN) => a % b),
  neg: numeric((a = NaN) => -a),
  "|": ([left, right]) => [...new Set([...nodesOf(left), ...nodesOf(right)])],

  true: () => true,
  false: () => false,
  not: ([value = ""]) => !toBoolean(value),
  boolean: ([value = ""]) => toBoolean(value),
  "boolean-from-string": ([value = ""]) => ["true", "1"].includes(toText(value)),
  checklist: (values) => checklist(values, false),
  "weighted-checklist": (values) => checklist(values, true),

  string: (values, context) => toText(own(values, context)),
  number: (values, context) => daysOf(own(values, context), context),
  int: numeric((value = NaN) => Math.trunc(value)),
  regex: texts((text = "", pattern = "") => matches(text, pattern)),
  concat: (values) => valuesOf(values).map((value) => toText(value ?? "")).join(""),
  join: ([separator = "", ...rest]) => valuesOf(rest).map((value) => toText(value ?? "")).join(toText(separator)),
  substr: ([text = "", start = 0, end]) => substr(toText(text), toNumber(start), end === undefined ? Infinity : toNumber(end)),
  substring,
  "substring-before": texts((text = "", mark = "") => text.slice(0, Math.max(0, text.indexOf(mark)))),
  "substring-after": texts((text = "", mark = "") => (text.includes(mark) ? text.slice(text.indexOf(mark) + mark.length) : "")),
  translate: texts((text = "", from = "", to = "") => translate(text, from, to)),
  "normalize-space": (values, context) => toText(own(values, context)).replace(/[ \t\r\n]+/g, " ").replace(/^ | $/g, ""),
  contains: texts((text = "", part = "") => text.includes(part)),
  "starts-with": texts((text = "", part = "") => text.startsWith(part)),
  "ends-with": texts((text = "", part = "") => text.endsWith(part)),
  "string-length": (values, context) => letters(toText(own(values, context))).length,

  sum: ([nodes]) => nodesOf(nodes).map((node) => node.value).reduce<number>((sum, value) => sum + (isFilled(value) ? toNumber(value ?? "") : 0), 0),
  max: extreme(Math.max),
  min: extreme(Math.min),
  count: ([nodes]) => nodesOf(nodes).length,
  "count-non-empty": ([nodes]) => nodesOf(nodes).filter((node) => isFilled(node.value)).length,
  round: numeric((value = NaN, digits = 0) => round(value, digits)),
  floor: numeric(Math.floor),
  ceiling: numeric(Math.ceil),
  abs: numeric(Math.abs),
  pow: numeric(Math.pow),
  sqrt: numeric(Math.sqrt),
  exp: numeric(Math.exp),
  exp10: numeric((value = NaN) => 10 ** value),
  log: numeric(Math.log),
  log10: numeric(Math.log10),
  pi: () => Math.PI,
  sin: numeric(Math.sin),
  cos: numeric(Math.cos),
  tan: numeric(Math.tan),
  asin: numeric(Math.asin),
  acos: numeric(Math.acos),
  atan: numeric(Math.atan),
  atan2: numeric(Math.atan2),

  selected: ([list = "", wanted = ""]) => words(list).includes(toText(wanted).trim()),
  "selected-at": ([list = "", index = 0]) => words(list)[Math.floor(toNumber(index))] ?? "",
  "count-selected": ([list = ""]) => words(list).length,
  position: ([nodes], context) => {
    const node = Array.isArray(nodes) ? nodes[0] : undefined;
    return node ? context.host.rowPosition(node) : (context.position ?? 1);
  },
  last: (_, context) => context.size ?? 1,
  pulldata,
  randomize: ([nodes, seed]) => shuffled(nodesOf(nodes), seed === undefined ? undefined : toNumber(seed)),
  random: () => Math.random(),
  uuid: ([length]) => uuid(length === undefined ? NaN : toNumber(length)),
  "jr:itext": texts((id = "") => id),
  version: (_, { host }) => host.version,
  current: () => [],

  today: (_, { host }) => isoDate((host.clock().now + host.clock().offset * 60_000) / DAY),
  now: (_, { host }) => isoDateTime(host.clock().now, host.clock().offset),
  date: ([value = ""]) => isoText(value).slice(0, 10) || isoDate(toNumber(value)),
  "date-time": ([value = ""], context) => asDateTime(value, context),
  "decimal-date-time": ([value = ""], context) => daysOf(value, context),
  "decimal-time": ([value = ""], context) => decimalTime(value, context),
  "format-date": formatted,
  "format-date-time": formatted,
};

/** Names that form/rare.ts adds when a form uses one of them. */
export const RARE = ["digest", "base64-decode", "extract-signed", "area", "distance", "geofence", "intersects"];

/** Whether any expression of a form (or of any JSON) calls a rare function. */
export function usesRare(json: unknown): boolean {
  if (Array.isArray(json)) return RARE.includes(json[0] as string) || json.some(usesRare);
  return typeof json === "object" && json !== null && Object.values(json).some(usesRare);
}
