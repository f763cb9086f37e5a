/** Walks an expression tree over answers. Names and semantics are those of forms/expressions in Python. */

import type { Ast, InstanceItem, Value } from "./definition";
import { EAGER, LAZY } from "./functions";
import { dayNumber, timeFraction } from "./dates";

/** Something a path can lead to: a question's slot, a row of a repeat, an item of a secondary instance. */
export interface XNode {
  readonly value: Value;
  readonly item?: InstanceItem;
  /** What stands in a group or row: its text is all theirs. */
  readonly inner?: () => XNode[];
}

export type Scalar = string | number | boolean;
export type Result = Scalar | XNode[];

/** The present moment on the device: milliseconds since 1970 and the offset of its zone in minutes. */
export interface Clock {
  now: number;
  offset: number;
}

/** What an expression sees of the interview it belongs to. `Row` is the interview's own idea of a repeat's row. */
export interface Host<Row = unknown> {
  nodes(path: string, pinned: number, rows: readonly Row[]): XNode[];
  /** The nodes of a name directly below a node; ".." is the node above, "*" means any name. */
  step(node: XNode, name: string): XNode[];
  /** The same for all nodes that stand below one node. */
  family(node: XNode): unknown;
  /** Sorts nodes as they stand in the form. */
  order(node: XNode): number[];
  instance(id: string): InstanceItem[];
  rowPosition(node: XNode): number;
  indexed(path: string, indexes: Map<string, number>, rows: readonly Row[]): XNode[];
  choiceName(value: string, path: string): string;
  itext(id: string): Result;
  clock(): Clock;
  language: string;
  version: string;
  /** What is left of the work that one change of an answer may cause. */
  work: { left: number };
}

export interface Context<Row = unknown> {
  readonly host: Host<Row>;
  readonly rows: readonly Row[];
  readonly self: Value;
  readonly node?: XNode;
  readonly item?: XNode;
  readonly position?: number;
  readonly size?: number;
}

/** Work one change may cause, in evaluated nodes, and the longest text: the same bounds as on the server. */
export const STEPS = 1_000_000;
const MAX_TEXT = 100_000;
/** Characters that cost as much as another step. */
const LONG_TEXT = 100;

/** An expression asks for more work, or a longer text, than a form may. */
export class TooMuchWork extends Error {}

export function spend(host: Host, amount = 1): void {
  host.work.left -= amount;
  if (host.work.left < 0) throw new TooMuchWork();
}

/** What `run` gives, or `otherwise` when it asks for too much. */
export function within<T>(run: () => T, otherwise: T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TooMuchWork || error instanceof RangeError) return otherwise;
    throw error;
  }
}

export function bounded(text: string): string {
  if (text.length > MAX_TEXT) throw new TooMuchWork();
  return text;
}

/** The value of an expression: a scalar, or the nodes it leads to. */
export function evaluate(ast: Ast, context: Context): Result {
  if (typeof ast !== "object") return ast;
  const name = ast[0] as string;
  const { host } = context;
  spend(host);
  switch (name) {
    case "$":
      return spent(host.nodes(ast[2] as string, ast[1] as number, context.rows), host);
    case ".":
      return context.item ? descend([context.item], ast[1] as string, host) : [];
    case "@":
      return filtered(ast, context);
    case "instance":
      return itemsOf(host.instance(ast[1] as string));
  }
  const lazy = LAZY[name];
  if (lazy) return lazy(ast.slice(1), context);
  const eager = EAGER[name];
  if (!eager) return "";
  const found = eager(ast.slice(1).map((argument) => evaluate(argument, context)), context);
  if (typeof found === "string") spend(host, Math.floor(found.length / LONG_TEXT));
  return found;
}

function spent(nodes: XNode[], host: Host): XNode[] {
  spend(host, nodes.length);
  return nodes;
}

/** What stands at some steps below nodes. */
function descend(nodes: XNode[], steps: string, host: Host): XNode[] {
  if (!steps) return nodes;
  for (const name of steps.split("/")) {
    nodes = nodes.flatMap((node) => (node.item ? ofItem(node.item, name) : host.step(node, name)));
    if (name === ".." || name === "") nodes = [...new Set(nodes)];
    spend(host, nodes.length);
  }
  return nodes;
}

function ofItem(item: InstanceItem, name: string): XNode[] {
  if (name === "*") return Object.values(item).map((value) => ({ value }));
  return name in item ? [{ value: item[name] ?? "" }] : [];
}

const wrapped = new WeakMap<InstanceItem[], XNode[]>();

/** Items as nodes, the same ones each time for the same list. */
function itemsOf(items: InstanceItem[]): XNode[] {
  let nodes = wrapped.get(items);
  if (!nodes) wrapped.set(items, (nodes = items.map((item) => ({ value: null, item }))));
  return nodes;
}

const nodesIn = (found: Result): XNode[] => (Array.isArray(found) ? found : []);

function filtered(ast: Ast[], context: Context): XNode[] {
  const { host } = context;
  const [, source = "", tests, steps] = ast as [string, Ast, Ast[], string];
  let nodes = lookedUp(source, tests[0], context) ?? nodesIn(evaluate(source, context));
  for (const test of tests) {
    spend(host, 2 * nodes.length);
    const families: XNode[][] = nodes.length > 1 && asksPlace(test) ? familiesOf(nodes, host) : [nodes];
    nodes = families.flatMap((family) => family.filter((item, index) => {
      const result = evaluate(test, { ...context, item, position: index + 1, size: family.length });
      return typeof result === "number" ? result === index + 1 : toBoolean(result);
    }));
  }
  return descend(nodes, steps ?? "", host);
}

const TRUTHS = ["and", "or", "=", "!=", "<", "<=", ">", ">=", "not", "selected", "contains", "starts-with"];

/** True unless it is plain that a node's place among its siblings cannot decide. */
function asksPlace(test: Ast): boolean {
  return !Array.isArray(test) || !TRUTHS.includes(test[0] as string) || holdsPlace(test);
}

const holdsPlace = (tree: Ast): boolean => Array.isArray(tree) && (tree[0] === "position" || tree[0] === "last" || tree.some(holdsPlace));

/** The nodes by the node above them: places count among siblings. */
function familiesOf(nodes: XNode[], host: Host): XNode[][] {
  const families = new Map<unknown, XNode[]>();
  for (const node of nodes) {
    const family = node.item ? null : host.family(node);
    const known = families.get(family);
    if (known) known.push(node);
    else families.set(family, [node]);
  }
  return [...families.values()];
}

const indexes = new WeakMap<InstanceItem[], Map<string, Map<string, XNode[]>>>();

/** The items of `instance[field = text ...]` by a table instead of a walk; null where the predicate is of another form. */
function lookedUp(source: Ast, test: Ast | undefined, context: Context): XNode[] | null {
  if (!Array.isArray(source) || source[0] !== "instance" || test === undefined) return null;
  return fitting(() => context.host.instance(source[1] as string), test, context);
}

/** The items whose field is the text a test asks for, perhaps among other things; null for a test of another form. */
export function fitting(items: () => InstanceItem[], test: Ast, context: Context): XNode[] | null {
  const term = Array.isArray(test) && !holdsPlace(test) ? termOf(test) : null;
  if (!term) return null;
  const [field, wanted] = term;
  const value = evaluate(wanted, context);
  const key = Array.isArray(value) ? (value.length > 1 ? null : toText(value)) : value;
  return typeof key === "string" ? (indexOf(items(), field).get(key) ?? []) : null;
}

/** The field and what it must equal, of `field = expression` or of a conjunction that begins with one. */
function termOf(test: Ast[]): [string, Ast] | null {
  if (test[0] === "and") return Array.isArray(test[1]) ? termOf(test[1]) : null;
  if (test[0] !== "=") return null;
  for (const [one, other] of [[test[1], test[2]], [test[2], test[1]]] as [Ast, Ast][]) {
    const isField = Array.isArray(one) && one[0] === "." && one[1] !== "" && !/[/*]|^\.\.$/.test(one[1] as string);
    if (isField && (typeof other === "string" || (Array.isArray(other) && other[0] === "$"))) return [one[1] as string, other];
  }
  return null;
}

/** The items of a list by the text of one field. */
export function indexOf(items: InstanceItem[], field: string): Map<string, XNode[]> {
  let fields = indexes.get(items);
  if (!fields) indexes.set(items, (fields = new Map()));
  let index = fields.get(field);
  if (index) return index;
  fields.set(field, (index = new Map<string, XNode[]>()));
  for (const node of itemsOf(items)) {
    const key = node.item?.[field] ?? "";
    const known = index.get(key);
    if (known) known.push(node);
    else index.set(key, [node]);
  }
  return index;
}

/** The text or value of one node; an item, a group or a row stands for all texts in it. */
export function content(node: XNode): string | number {
  if (node.item) return Object.values(node.item).join("");
  return node.value ?? (node.inner ? node.inner().map((one) => toText([one])).join("") : "");
}

/** The one value of a result: of several nodes the first counts, a missing node is blank. */
export function scalar(result: Result): Scalar {
  if (!Array.isArray(result)) return result;
  return result[0] ? content(result[0]) : "";
}

/** XPath's boolean(), where a blank node or one holding the number zero is false. */
export function toBoolean(result: Result): boolean {
  if (Array.isArray(result)) return result.some((node) => Boolean(content(node)));
  return typeof result === "number" ? result !== 0 && !Number.isNaN(result) : Boolean(result);
}

const NUMBER = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** XPath's number(); an ISO date or date-time is days since 1970, a time a part of the day. */
export function toNumber(result: Result): number {
  const value = scalar(result);
  if (typeof value !== "string") return Number(value);
  const text = value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  if (NUMBER.test(text)) return Number(text);
  return text.length > 4 && /^\d/.test(text) ? dayNumber(text) ?? timeFraction(text) : NaN;
}

export function toText(result: Result): string {
  const value = scalar(result);
  return typeof value === "number" ? numberText(value) : String(value);
}

/** The one spelling of a number: shortest digits that read back equal, no exponent below 1e21, no ".0". */
export function numberText(value: number): string {
  const text = String(value === 0 ? 0 : value);
  const exponent = /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(text);
  if (!exponent) return text;
  const [, sign = "", first = "", rest = "", power = "1"] = exponent;
  return `${sign}0.${"0".repeat(Number(power) - 1)}${first}${rest}`;
}

type Atom = string | number;

/** What a comparison sees: the text of every node, of no node a blank. */
function atoms(result: Exclude<Result, boolean>): Atom[] {
  if (!Array.isArray(result)) return [result];
  return result.length ? result.map((node) => toText([node])) : [""];
}

/** "=" and "!=": true when some pair of members is equal, or is not. */
export function compareEqual(left: Result, right: Result, wanted: boolean, host: Host): boolean {
  if (typeof left === "boolean" || typeof right === "boolean") return (toBoolean(left) === toBoolean(right)) === wanted;
  const [ones, others] = [atoms(left), atoms(right)];
  spend(host, ones.length * others.length);
  return ones.some((a) => others.some((b) => areEqual(a, b) === wanted));
}

function areEqual(a: Atom, b: Atom): boolean {
  return typeof a === "string" && typeof b === "string" ? a === b : toNumber(a) === toNumber(b);
}

/** "<" and its kin, as numbers; beside a date-time a date means its first moment on the device. */
export function compareOrder(left: Result, right: Result, host: Host, holds: (a: number, b: number) => boolean): boolean {
  const [ones, others] = [left, right].map((side) => atoms(typeof side === "boolean" ? Number(side) : side)) as [Atom[], Atom[]];
  spend(host, ones.length * others.length);
  const { offset } = host.clock();
  return ones.some((a) => others.some((b) => holds(aligned(a, b, offset), aligned(b, a, offset))));
}

/** left - right, dates and date-times aligned. */
export function difference(left: Result, right: Result, offset: number): number {
  const [a, b] = [left, right].map((side) => (Array.isArray(side) ? toText(side) : typeof side === "boolean" ? Number(side) : side)) as [Atom, Atom];
  return aligned(a, b, offset) - aligned(b, a, offset);
}

function aligned(value: Atom, beside: Atom, offset: number): number {
  const number = toNumber(value);
  return isDate(value) && isDateTime(beside) ? number - offset / 1440 : number;
}

const isDate = (value: Atom): boolean => typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
const isDateTime = (value: Atom): boolean => typeof value === "string" && value.length > 15 && /^.{4}-.{5}[T ]/.test(value);
