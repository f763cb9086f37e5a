/** Walks an expression tree over answers. Names and semantics are those of forms/expressions in Python. */

import type { Ast, InstanceItem, Value } from "./definition";
import { EAGER, LAZY } from "./functions";
import { dayOf, isIsoDate, isIsoDateTime, instantOf } from "./dates";

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
}

export interface Context<Row = unknown> {
  readonly host: Host<Row>;
  readonly rows: readonly Row[];
  readonly self: Value;
  readonly item?: XNode;
  readonly position?: number;
  readonly size?: number;
}

export class ExpressionError extends Error {}

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
  if (!eager) throw new ExpressionError(name);
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

/** The one value of a result: of several nodes the first counts, a missing node is blank. */
export function scalar(result: Result): Scalar {
  return Array.isArray(result) ? (result[0]?.value ?? "") : result;
}

export function toBoolean(result: Result): boolean {
  const value = scalar(result);
  return typeof value === "number" ? value !== 0 && !Number.isNaN(value) : Boolean(value);
}

const NUMBER = /^\s*-?(\d+(\.\d*)?|\.\d+)\s*$/;

/** XPath's number(), and an ISO date or date-time as days since 1970. */
export function toNumber(result: Result): number {
  const value = scalar(result);
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (NUMBER.test(value)) return Number(value);
  if (isIsoDate(value)) return dayOf(value);
  return isIsoDateTime(value) ? instantOf(value) / 86_400_000 : NaN;
}

export function toText(result: Result): string {
  const value = scalar(result);
  if (typeof value === "number") return numberText(value);
  return typeof value === "boolean" ? String(value) : value;
}

/** The one spelling of a number: shortest digits that read back equal, never an exponent, no ".0". */
export function numberText(value: number): string {
  const text = String(value === 0 ? 0 : value);
  const exponent = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!exponent) return text;
  const [, sign = "", first = "", rest = "", power = "0"] = exponent;
  const digits = first + rest;
  const point = 1 + Number(power);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, "0");
}

/** "=" of two results, by XPath's order of types: truth, then number, then text. */
export function areEqual(left: Result, right: Result): boolean {
  const [a, b] = [scalar(left), scalar(right)];
  if (typeof a === "boolean" || typeof b === "boolean") return toBoolean(a) === toBoolean(b);
  if (typeof a === "number" || typeof b === "number") return toNumber(a) === toNumber(b);
  return a === b;
}
