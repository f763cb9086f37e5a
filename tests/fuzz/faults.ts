/** Faults planted in the browser's engine, to show that the comparison would find one. Each is a likely slip. */

import { scalar, toNumber, toText, type Context, type Result } from "../../survey_app/client/form/expressions";
import { EAGER, LAZY, nodesOf } from "../../survey_app/client/form/functions";
import { Interview } from "../../survey_app/client/form/interview";
import "../../survey_app/client/form/rare"; // adds its functions to the table before it is remembered here

const EAGERLY = { ...EAGER };
const LAZILY = { ...LAZY };
const methods = Interview.prototype as unknown as Record<string, (...values: never[]) => unknown>;
const METHODS = Object.fromEntries(
  ["choices", "isReadOnly", "indexed", "rowPosition", "isParentRelevant"].map((name) => [name, methods[name]]),
);

const first = (values: Result[]): Result => values[0] ?? "";
const eager = (name: string, make: (right: (values: Result[], context: Context) => Result) => (values: Result[], context: Context) => Result) => (): void => {
  EAGER[name] = make(EAGERLY[name] as (values: Result[], context: Context) => Result);
};

export const FAULTS: Record<string, () => void> = {
  "<= leaves out equality": eager("<=", () => (values, context) => EAGERLY["<"]?.(values, context) ?? false),
  "mod takes the divisor's sign": eager("mod", () => (values) => {
    const [a, b] = values.map(toNumber) as [number, number];
    return ((a % b) + b) % b;
  }),
  "round(-1.5) is -2": eager("round", (right) => (values, context) => (values.length === 1 && toNumber(first(values)) < 0 ? -Math.round(-toNumber(first(values))) : right(values, context))),
  "int rounds down": eager("int", () => (values) => Math.floor(toNumber(first(values)))),
  "sum of blanks is not a number": eager("sum", () => (values) => nodesOf(first(values)).reduce((sum, node) => sum + toNumber(node.value === null ? "" : node.value), 0)),
  "count misses the last row": eager("count", (right) => (values, context) => Math.max(0, Number(right(values, context)) - (nodesOf(first(values)).length > 1 ? 1 : 0))),
  "selected looks at the first name only": eager("selected", () => ([list = "", wanted = ""]) => toText(list).split(" ")[0] === toText(wanted)),
  "regex finds anywhere": eager("regex", (right) => (values, context) => right([toText(first(values)).split(" ")[0] ?? "", values[1] ?? ""], context)),
  "string-length counts UTF-16 units": eager("string-length", (right) => (values, context) => (values.length ? toText(first(values)).length : right(values, context))),
  "substr takes the end for a length": eager("substr", (right) => (values, context) => right([values[0] ?? "", values[1] ?? 0, ...values.slice(2).map((end) => toNumber(end) + toNumber(values[1] ?? 0))], context)),
  "today is that of Greenwich": eager("today", () => (_, { host }) => new Date(host.clock().now).toISOString().slice(0, 10)),
  "format-date writes months from 0": eager("format-date", (right) => (values, context) => (toText(values[1] ?? "").includes("%n") ? "0" : right(values, context))),
  "coalesce skips zero": (): void => {
    LAZY.coalesce = (trees, context) => {
      const found = (LAZILY.coalesce as NonNullable<(typeof LAZILY)[string]>)(trees, context);
      return scalar(found) === 0 ? "" : found;
    };
  },
  "position counts from 0": (): void => {
    methods.rowPosition = function (this: Interview, ...values: never[]) {
      return Number(METHODS.rowPosition?.apply(this, values)) - 1;
    };
  },
  "relevance is not inherited": (): void => {
    methods.isParentRelevant = () => true;
  },
  "a cascade offers everything": (): void => {
    methods.choices = function (this: Interview, ...values: never[]) {
      const address = String(values[0]);
      const question = this.question(address);
      return question?.choices ? this.allChoices(question) : [];
    };
  },
};

/** Puts the engine right, then plants one fault; "" plants none. Gives the names there are. */
export function plant(name: string): string[] {
  Object.assign(EAGER, EAGERLY);
  Object.assign(LAZY, LAZILY);
  Object.assign(methods, METHODS);
  if (name) (FAULTS[name] as () => void)();
  return Object.keys(FAULTS);
}
