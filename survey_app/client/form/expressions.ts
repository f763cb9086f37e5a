/** Walks an expression tree over answers. Names and semantics are those of forms/expressions in Python. */

import type { Ast, InstanceItem, Value } from "./definition";
import { EAGER, LAZY } from "./functions";
import { dayNumber, timeFraction } from "./dates";

/** Something a path can lead to: a question's slot, a row of a repeat, an item of a secondary instance. */
export interface XNode {
  readonly value: Value;
  readonly item?: InstanceItem;
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
  below(node: XNode, steps: string): XNode[];
  instance(id: string): InstanceItem[];
  rowPosition(node: XNode): number;
  indexed(path: string, indexes: Map<string, number>, rows: readonly Row[]): XNode[];
  choiceName(value: string, path: string): string;
  clock(): Clock;
  language: string;
  version: string;
}

export interface Context<Row = unknown> {
  readonly host: Host<Row>;
  readonly rows: readonly Row[];
  readonly self: Value;
  readonly item?: XNode;
  readonly position?: number;
  readonly size?: number;
}

/** The value of an expression: a scalar, or the nodes it leads to. */
export function evaluate(ast: Ast, context: Context): Result {
  if (typeof ast !== "object") return ast;
  const name = ast[0] as string;
  switch (name) {
    case "$":
      return context.host.nodes(ast[2] as string, ast[1] as number, context.rows);
    case ".":
      return context.item ? context.host.below(context.item, ast[1] as string) : [];
    case "@":
      return filtered(ast, context);
    case "instance":
      return itemsOf(ast, context);
  }
  const lazy = LAZY[name];
  if (lazy) return lazy(ast.slice(1), context);
  const eager = EAGER[name];
  if (!eager) return "";
  return eager(ast.slice(1).map((argument) => evaluate(argument, context)), context);
}

function itemsOf(ast: Ast[], context: Context): XNode[] {
  return context.host.instance(ast[1] as string).map((item) => ({ value: null, item }));
}

function filtered(ast: Ast[], context: Context): XNode[] {
  let nodes = evaluate(ast[1] as Ast, context) as XNode[];
  for (const predicate of ast[2] as Ast[]) {
    const size = nodes.length;
    nodes = nodes.filter((item, index) => {
      const result = evaluate(predicate, { ...context, item, position: index + 1, size });
      return typeof result === "number" ? result === index + 1 : toBoolean(result);
    });
  }
  const steps = (ast[3] as string | undefined) ?? "";
  return steps ? nodes.flatMap((node) => context.host.below(node, steps)) : nodes;
}

/** The text or value of one node; an item of a secondary instance stands for all its texts. */
function content(node: XNode): string | number {
  return node.item ? Object.values(node.item).join("") : (node.value ?? "");
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
export function compareEqual(left: Result, right: Result, wanted: boolean): boolean {
  if (typeof left === "boolean" || typeof right === "boolean") return (toBoolean(left) === toBoolean(right)) === wanted;
  const others = atoms(right);
  return atoms(left).some((a) => others.some((b) => areEqual(a, b) === wanted));
}

function areEqual(a: Atom, b: Atom): boolean {
  return typeof a === "string" && typeof b === "string" ? a === b : toNumber(a) === toNumber(b);
}

/** "<" and its kin, as numbers; beside a date-time a date means its first moment on the device. */
export function compareOrder(left: Result, right: Result, offset: number, holds: (a: number, b: number) => boolean): boolean {
  const others = atoms(typeof right === "boolean" ? Number(right) : right);
  return atoms(typeof left === "boolean" ? Number(left) : left).some((a) => others.some((b) => holds(aligned(a, b, offset), aligned(b, a, offset))));
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
