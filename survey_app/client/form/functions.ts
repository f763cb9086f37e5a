/** The function table: one entry per function and operator, the same names as forms/expressions/functions.py. */

import type { Ast, Value } from "./definition";
import {
  areEqual, evaluate, numberText, scalar, toBoolean, toNumber, toText,
  type Context, type Result, type XNode,
} from "./expressions";
import { dayOf, formatMoment, instantOf, isIsoDate, isIsoDateTime, isoDate, isoDateTime, momentOf } from "./dates";

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
const own = (values: Result[], context: Context): Result => values[0] ?? context.self ?? "";

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

const patterns = new Map<string, RegExp>();

function matches(text: string, pattern: string): boolean {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    compiled = new RegExp(`^(?:${pattern})$`, "u");
    patterns.set(pattern, compiled);
  }
  return compiled.test(text);
}

function extreme(pick: (...numbers: number[]) => number): Eager {
  return (values) => {
    const numbers = valuesOf(values).filter(isFilled).map((value) => toNumber(value ?? ""));
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

/** An ISO date from a date, a date-time or days since 1970. */
function asDate(result: Result | undefined, context: Context): string {
  const value = scalar(result ?? "");
  if (typeof value === "number") return isoDate(value);
  const text = toText(value);
  if (isIsoDateTime(text)) return isoDate(Math.floor((instantOf(text) + context.host.clock().offset * 60_000) / DAY));
  if (isIsoDate(text)) return text;
  const days = toNumber(text);
  return Number.isNaN(days) ? "" : isoDate(days);
}

function asDateTime(result: Result | undefined, context: Context): string {
  const { offset } = context.host.clock();
  const value = scalar(result ?? "");
  if (typeof value !== "number") {
    const text = toText(value);
    if (isIsoDateTime(text)) return /(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : isoDateTime(instantOf(text, offset), offset);
    if (isIsoDate(text)) return isoDateTime(dayOf(text) * DAY - offset * 60_000, offset);
  }
  const days = toNumber(value);
  return Number.isNaN(days) ? "" : isoDateTime(Math.round(days * DAY), offset);
}

function formatted(values: Result[], context: Context, asText: (result: Result | undefined, context: Context) => string): string {
  const moment = momentOf(asText(values[0], context));
  return moment ? formatMoment(moment, toText(values[1] ?? ""), context.host.language) : "";
}

function decimalTime(result: Result | undefined): number {
  const match = /^(\d{2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?/.exec(toText(result ?? ""));
  return match ? (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3] ?? 0)) / 86_400 : NaN;
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

/** Fisher-Yates inside-out; with a seed, Park and Miller's generator. */
export function shuffled<T>(items: readonly T[], seed?: number): T[] {
  let state = seed === undefined || Number.isNaN(seed) ? 0 : Math.trunc(seed) % 2_147_483_647;
  if (state <= 0 && seed !== undefined) state += 2_147_483_646;
  const next = (): number => {
    if (seed === undefined) return Math.random();
    state = (state * 16_807) % 2_147_483_647;
    return (state - 1) / 2_147_483_646;
  };
  const out = items.slice();
  for (let index = out.length - 1; index > 0; index -= 1) {
    const other = Math.floor(next() * (index + 1));
    [out[index], out[other]] = [out[other] as T, out[index] as T];
  }
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

const compare = (test: (left: number, right: number) => boolean): Eager => (values) =>
  test(toNumber(values[0] ?? ""), toNumber(values[1] ?? ""));

/** Functions that decide themselves which of their arguments to evaluate, and how. */
export const LAZY: Record<string, Lazy> = {
  and: (trees, context) => trees.every((tree) => toBoolean(evaluate(tree, context))),
  or: (trees, context) => trees.some((tree) => toBoolean(evaluate(tree, context))),
  if: ([condition = "", yes = "", no = ""], context) => evaluate(toBoolean(evaluate(condition, context)) ? yes : no, context),
  once: ([tree = ""], context) => (isFilled(context.self) ? (context.self ?? "") : evaluate(tree, context)),
  "indexed-repeat": indexedRepeat,
  "jr:choice-name": choiceName,
};

/** Functions of their arguments' values. */
export const EAGER: Record<string, Eager> = {
  "=": ([left = "", right = ""]) => areEqual(left, right),
  "!=": ([left = "", right = ""]) => !areEqual(left, right),
  "<": compare((left, right) => left < right),
  "<=": compare((left, right) => left <= right),
  ">": compare((left, right) => left > right),
  ">=": compare((left, right) => left >= right),
  "+": numeric((a = NaN, b = NaN) => a + b),
  "-": numeric((a = NaN, b = NaN) => a - b),
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
  coalesce: (values) => values.map(scalar).find((value) => value !== "") ?? "",
  checklist: (values) => checklist(values, false),
  "weighted-checklist": (values) => checklist(values, true),

  string: (values, context) => toText(own(values, context)),
  number: (values, context) => toNumber(own(values, context)),
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

  sum: (values) => valuesOf(values).reduce<number>((sum, value) => sum + (isFilled(value) ? toNumber(value ?? "") : 0), 0),
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
  "selected-at": ([list = "", index = 0]) => words(list)[toNumber(index)] ?? "",
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
  version: () => "",
  current: () => [],

  today: (_, { host }) => isoDate((host.clock().now + host.clock().offset * 60_000) / DAY),
  now: (_, { host }) => isoDateTime(host.clock().now, host.clock().offset),
  date: ([value], context) => asDate(value, context),
  "date-time": ([value], context) => asDateTime(value, context),
  "decimal-date-time": ([value = ""]) => toNumber(value),
  "decimal-time": ([value]) => decimalTime(value),
  "format-date": (values, context) => formatted(values, context, asDate),
  "format-date-time": (values, context) => formatted(values, context, asDateTime),
};

/** Names that form/rare.ts adds when a form uses one of them. */
export const RARE = ["digest", "base64-decode", "extract-signed", "area", "distance", "geofence", "intersects"];

/** Whether any expression of a form (or of any JSON) calls a rare function. */
export function usesRare(json: unknown): boolean {
  if (Array.isArray(json)) return RARE.includes(json[0] as string) || json.some(usesRare);
  return typeof json === "object" && json !== null && Object.values(json).some(usesRare);
}

export { numberText };
