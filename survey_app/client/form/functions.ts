/** The function table: one entry per function and operator, the same names as forms/expressions/functions.py. */

import type { Ast, Value } from "./definition";
import {
  bounded, compareEqual, compareOrder, difference, evaluate, scalar, toBoolean, toNumber, toText,
  type Context, type Host, type Result, type XNode,
} from "./expressions";
import { DAY, dayNumber, isoDate, isoDateTime } from "./dates";

type Eager = (values: Result[], context: Context) => Result;
type Lazy = (trees: Ast[], context: Context) => Result;

/** A nodeset for an argument that may be one: a scalar is a nodeset of itself. */
export function nodesOf(result: Result | undefined): XNode[] {
  if (result === undefined) return [];
  if (Array.isArray(result)) return result;
  return [{ value: typeof result === "boolean" ? String(result) : result }];
}

export const members = (value: Result): Result[] => (Array.isArray(value) ? value.map((node) => [node]) : [value]);
const textsOf = (results: Result[]): string[] => results.flatMap((result) => nodesOf(result).map((node) => toText([node])));
const isFilled = (value: Value): boolean => value !== null && value !== "";
const words = (result: Result): string[] => toText(result).split(/\s+/).filter(Boolean);
const own = (values: Result[], context: Context): Result => values[0] ?? (context.item ? [context.item] : (context.self ?? ""));

export function numeric(operation: (...numbers: number[]) => number): Eager {
  return (values) => operation(...values.map(toNumber));
}

export function texts(operation: (...parts: string[]) => Result): Eager {
  return (values) => operation(...values.map(toText));
}

/** Characters as people count them, not UTF-16 units. */
export const letters = (text: string): string[] => Array.from(text);

function substr(text: string, start: number, end: number): string {
  return letters(text).slice(Math.trunc(start) || 0, Number.isNaN(end) ? 0 : end).join("");
}

/** A power; one of a whole exponent by squaring, for the engines' own functions differ in the last digit. */
export function power(base: number, exponent: number): number {
  if (Number.isNaN(base)) return NaN;
  if (!Number.isInteger(exponent) || Math.abs(exponent) > 1024) {
    if (base === 0 && Number.isFinite(exponent)) return exponent < 0 ? Infinity : 0;
    return base < 0 && Number.isFinite(exponent) && !Number.isInteger(exponent) ? NaN : base ** exponent;
  }
  let result = 1;
  for (let square = base, left = Math.abs(exponent); left > 0; left = Math.floor(left / 2), square *= square) if (left % 2) result *= square;
  return exponent < 0 ? (result === 0 ? Infinity : 1 / result) : result;
}

/** Half goes towards plus infinity, as XPath has it: round(-1.5) is -1. */
export function round(value: number, digits = 0): number {
  if (!Number.isFinite(value) || Number.isNaN(digits)) return Number.isNaN(digits) ? NaN : value;
  const factor = power(10, Math.min(20, Math.abs(Math.trunc(digits))));
  return digits < 0 ? Math.floor(value / factor + 0.5) * factor : Math.floor(value * factor + 0.5) / factor;
}

function extreme(pick: (...numbers: number[]) => number): Eager {
  return (values) => {
    const numbers = values.flatMap(members).map(toNumber);
    return numbers.length ? pick(...numbers) : NaN;
  };
}

/** Days since 1970 of a value; a date-time without a zone is on the device's clock. */
export function daysOf(result: Result, context: Context): number {
  const value = scalar(result);
  const days = typeof value === "string" && value.length > 9 ? dayNumber(value.trim(), context.host.clock().offset) : null;
  return days ?? toNumber(value);
}

/** The text of a value that is an ISO date or date-time, else "". */
function isoText(result: Result): string {
  const value = scalar(result);
  return typeof value === "string" && dayNumber(value.trim()) !== null ? value.trim() : "";
}

/** A date as people type it, 2026-1-2, with its zeroes. */
const padded = (result: Result): Result => {
  const value = scalar(result);
  return typeof value === "string" ? value.trim().replace(/^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$/, (_, year, month, day) => `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`) : value;
};

function asDateTime(result: Result, context: Context): string {
  const value = scalar(result);
  const days = typeof value === "boolean" ? NaN : toNumber(value);
  return isoText(result) || isoDateTime(Math.floor(days * DAY + 0.5), context.host.clock().offset);
}

const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count));
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** `length` random characters, at most a thousand. */
const randomText = (length: number): string =>
  length > 0 && length <= 1000 ? Array.from(random(Math.floor(length)), (byte) => LETTERS[byte % LETTERS.length]).join("") : "";

/** A version 4 UUID; without crypto.randomUUID, which insecure origins do not have. */
export function uuid(): string {
  const bytes = random(16);
  bytes[6] = ((bytes[6] ?? 0) & 15) | 64;
  bytes[8] = ((bytes[8] ?? 0) & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export const PRIME = 2_147_483_647;

/** What form/seldom.ts brings. */
export const LATE = { textSeed: (_text: string): number => 1 };

/** Where a shuffle begins: a number without its fraction, or what is made of another text. */
function seedOf(seed: Result): number {
  const number = toNumber(seed);
  if (Number.isFinite(number)) return Math.trunc(number) % PRIME;
  const text = toText(seed);
  return text === "" ? 0 : LATE.textSeed(text);
}

/** JavaRosa's seeded shuffle: Fisher-Yates inside out, Park and Miller's numbers. */
export function shuffled<T>(items: readonly T[], seed: Result = 1): T[] {
  let state = seedOf(seed);
  if (state <= 0) state += PRIME - 1;
  const out: T[] = [];
  items.forEach((item, place) => {
    state = (state * 16_807) % PRIME;
    const other = Math.floor(((state - 1) / (PRIME - 1)) * (place + 1));
    out.push(item);
    if (other !== place) out[place] = out[other] as T;
    out[other] = item;
  });
  return out;
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
  compareOrder(left, right, host, test);

/** Nodes of both sides, each once, as they stand in the form. */
function union(left: XNode[], right: XNode[], host: Host): XNode[] {
  const nodes = [...new Set([...left, ...right])];
  const order = new Map(nodes.map((node) => [node, node.item ? [] : host.order(node)]));
  return nodes.sort((one, other) => {
    const [a, b] = [order.get(one) ?? [], order.get(other) ?? []];
    const at = a.findIndex((place, index) => place !== b[index]);
    return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
  });
}

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
  "=": ([left = "", right = ""], { host }) => compareEqual(left, right, true, host),
  "!=": ([left = "", right = ""], { host }) => compareEqual(left, right, false, host),
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
  "|": ([left, right], { host }) => union(Array.isArray(left) ? left : [], Array.isArray(right) ? right : [], host),

  true: () => true,
  false: () => false,
  not: ([value = ""]) => !toBoolean(value),
  boolean: ([value = ""]) => toBoolean(value),
  "boolean-from-string": ([value = ""]) => ["true", "1"].includes(toText(value)),

  string: (values, context) => toText(own(values, context)),
  number: (values, context) => daysOf(own(values, context), context),
  int: numeric((value = NaN) => Math.trunc(value)),
  concat: (values) => bounded(textsOf(values).join("")),
  join: ([separator = "", ...rest]) => bounded(textsOf(rest).join(toText(separator))),
  substr: ([text = "", start = 0, end]) => substr(toText(text), toNumber(start), end === undefined ? Infinity : toNumber(end)),
  "substring-before": texts((text = "", mark = "") => text.slice(0, Math.max(0, text.indexOf(mark)))),
  "substring-after": texts((text = "", mark = "") => (text.includes(mark) ? text.slice(text.indexOf(mark) + mark.length) : "")),
  "normalize-space": (values, context) => toText(own(values, context)).replace(/[ \t\r\n]+/g, " ").replace(/^ | $/g, ""),
  contains: texts((text = "", part = "") => text.includes(part)),
  "starts-with": texts((text = "", part = "") => text.startsWith(part)),
  "ends-with": texts((text = "", part = "") => text.endsWith(part)),
  "string-length": (values, context) => letters(toText(own(values, context))).length,

  sum: ([nodes]) => members(nodes ?? "").reduce<number>((sum, one) => sum + (toText(one) === "" ? 0 : toNumber(one)), 0),
  max: extreme(Math.max),
  min: extreme(Math.min),
  count: ([nodes]) => nodesOf(nodes).length,
  "count-non-empty": ([nodes]) => nodesOf(nodes).filter((node) => toText([node]) !== "").length,
  round: numeric((value = NaN, digits = 0) => round(value, digits)),
  floor: numeric(Math.floor),
  ceiling: numeric(Math.ceil),
  abs: numeric(Math.abs),
  pow: numeric(power),

  selected: ([list = "", wanted = ""]) => words(list).includes(toText(wanted).trim()),
  "selected-at": ([list = "", index = 0]) => words(list)[Math.floor(toNumber(index))] ?? "",
  "count-selected": ([list = ""]) => words(list).length,
  position: ([nodes], context) => {
    const node = Array.isArray(nodes) ? nodes[0] : undefined;
    return node ? context.host.rowPosition(node) : (context.position ?? 1);
  },
  last: (_, context) => context.size ?? 1,
  randomize: ([nodes, seed]) => shuffled(nodesOf(nodes), seed),
  random: () => Math.random(),
  uuid: ([length]) => (length === undefined ? uuid() : randomText(toNumber(length))),
  "jr:itext": ([id = ""], { host }) => host.itext(toText(id)),
  version: (_, { host }) => host.version,
  current: (_, { node }) => (node ? [node] : []),

  today: (_, { host }) => isoDate((host.clock().now + host.clock().offset * 60_000) / DAY),
  now: (_, { host }) => isoDateTime(host.clock().now, host.clock().offset),
  date: ([value = ""]) => isoText(padded(value)).slice(0, 10) || isoDate(typeof value === "boolean" ? NaN : toNumber(value)),
  "date-time": ([value = ""], context) => asDateTime(value, context),
  "decimal-date-time": ([value = ""], context) => daysOf(value, context),
};
