import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Ast, Definition, Value } from "../form/definition";
import { evaluate, toBoolean, toNumber, toText } from "../form/expressions";
import { Interview } from "../form/interview";
import type { Answers } from "../form/slots";
import { EAGER, LAZY } from "../form/functions";
import { readNumber } from "../form/numbers";
import { computeIndicators, computeScores, recommendMeasures, runChecks } from "../form/scoring";
import { prepare } from "../form/schema";
import "../form/rare";

const folder = join(import.meta.dirname, "..", "..", "..", "tests", "conformance");
const load = <T>(name: string): T => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as T;

interface Cases<T> {
  clock: { now: string; offset_minutes: number };
  forms: Record<string, Definition>;
  cases: T[];
}
interface ExpressionCase { name: string; form: string; expression: Ast; answers?: Answers; kind: "number" | "text" | "truth"; expected: string | number | boolean }
interface NumberCase { text: string; language: string; value?: number | string | null; candidates?: (number | string)[] }
interface Step { set?: [string, Value]; add?: [string, string]; remove?: [string, string]; expect?: Record<string, unknown> }
interface Scenario { name: string; form: string; open?: Answers; language?: string; instances?: Record<string, Record<string, string>[]>; expect?: Record<string, unknown>; steps: Step[] }

const clockOf = ({ now, offset_minutes: offset }: { now: string; offset_minutes: number }) => () => ({ now: Date.parse(now), offset });

const expressions = load<Cases<ExpressionCase>>("expressions");
const numbers = load<NumberCase[]>("numbers");
const scenarios = load<Cases<Scenario>>("scenarios");

test("every file of cases is run, and none is empty", () => {
  expect(readdirSync(folder).filter((file) => file.endsWith(".json")).sort()).toEqual(["expressions.json", "numbers.json", "places.json", "scenarios.json"]);
  for (const count of [expressions.cases.length, numbers.length, scenarios.cases.length]) expect(count).toBeGreaterThan(0);
});

describe("an expression yields what the dialect says", () => {
  test.each(expressions.cases)("$name", ({ form, expression, answers, kind, expected }) => {
    const interview = new Interview(expressions.forms[form] as Definition, { answers: answers ?? {}, clock: clockOf(expressions.clock), language: "en" });
    const result = evaluate(expression, interview.rootContext());
    if (kind === "number") near(toNumber(result), Number(expected));
    else expect(kind === "text" ? toText(result) : toBoolean(result)).toBe(expected);
  });
});

test("every function of the dialect is there", () => {
  const { functions } = expressions as unknown as { functions: string[] };
  // indexed-repeat and once become paths when a form is read; instance() is a kind of tree.
  expect(functions.filter((name) => !(name in EAGER || name in LAZY))).toEqual(["instance"]);
});

describe("a typed number means what the table says", () => {
  test.each(numbers)("$language $text", ({ text, language, value, candidates }) => {
    const reading = readNumber(text, language);
    expect(reading.value).toBe(value === undefined || value === null ? null : Number(value));
    expect(reading.candidates).toEqual((candidates ?? []).map(Number));
  });
});

describe("an interview goes as the scenario tells", () => {
  const schemas = new Map(Object.entries(scenarios.forms).map(([name, form]) => [name, prepare(form)]));
  test.each(scenarios.cases)("$name", (scenario) => {
    const interview = new Interview(schemas.get(scenario.form) ?? scenarios.forms[scenario.form] as Definition, {
      answers: scenario.open, clock: clockOf(scenarios.clock), language: scenario.language ?? "en", instances: scenario.instances,
    });
    for (const step of [{ expect: scenario.expect } as Step, ...scenario.steps]) {
      if (step.set) interview.set(...step.set);
      else if (step.add) interview.addRow(...step.add);
      else if (step.remove) interview.removeRow(...step.remove);
      for (const [what, expected] of Object.entries(step.expect ?? {})) close(seen(interview, what, expected), expected, `${JSON.stringify(step)} ${what}`);
    }
  });
});

function near(found: number, expected: number): void {
  if (Number.isFinite(expected)) expect(Math.abs(found - expected)).toBeLessThanOrEqual(Math.abs(expected) * 1e-12);
  else expect(found).toBe(expected);
}

function close(found: unknown, expected: unknown, where: string): void {
  if (typeof expected === "number" && typeof found === "number") near(found, expected);
  else if (Array.isArray(expected) && Array.isArray(found)) {
    expect(found.length, `${where} ${JSON.stringify(found)}`).toBe(expected.length);
    expected.forEach((one, index) => { close(found[index], one, where); });
  } else if (expected !== null && typeof expected === "object" && found !== null && typeof found === "object") {
    expect(Object.keys(found).sort(), `${where} ${JSON.stringify(found)}`).toEqual(Object.keys(expected).sort());
    for (const [name, one] of Object.entries(expected)) close((found as Record<string, unknown>)[name], one, `${where}.${name}`);
  } else expect(found, where).toEqual(expected);
}

function seen(interview: Interview, what: string, expected: unknown): unknown {
  switch (what) {
    case "answers": return interview.answers;
    case "all_values": return interview.allValues;
    case "issues": return interview.issues().map((issue) => [issue.code, issue.where]);
    case "messages": return interview.issues().map((issue, index) => ownMessages(issue, (expected as object[])[index] ?? {}));
    case "scores": {
      const { summary } = computeScores(interview);
      return Object.fromEntries(Object.keys(expected as object).map((name) => [name, summary[name] === undefined ? "absent" : summary[name]]));
    }
    case "indicators": return computeIndicators(interview);
    case "checks": return runChecks(interview).map((check) => [check.name, check.address, check.holds]);
    case "measures": return measures(interview);
    case "changed": return [...interview.changed()].sort();
    case "settled": return interview.settled;
    case "strays": return interview.strays.map(({ code, where }) => [code, where]);
    case "instance_name": return interview.instanceName;
  }
  return Object.fromEntries(Object.keys(expected as object).map((address) => [address, asked(interview, what, address)]));
}

/** The phone has one language and no code for it. */
function ownMessages(issue: { ownMessage: string }, expected: object): Record<string, string> {
  return issue.ownMessage ? { [Object.keys(expected)[0] ?? "missing"]: issue.ownMessage } : {};
}

function asked(interview: Interview, what: string, address: string): unknown {
  switch (what) {
    case "relevant": return interview.isRelevant(address);
    case "required": return interview.isRequired(address);
    case "read_only": return interview.isReadOnly(address);
    case "rows": return interview.rows(address);
    case "sizes": return interview.rows(address).length;
    case "seen": return interview.seen(address);
    case "choices": return interview.choices(address).map((choice) => choice.name);
    case "labels": return interview.text(interview.slot(address)?.node.item.label, address);
    case "units": return interview.unit(address);
  }
  throw new Error(what);
}

function measures(interview: Interview): unknown {
  const found = recommendMeasures(interview);
  const listed = found.listed.map((one) => [one.measure.code, one.saving ? one.saving.mid : null]);
  const { low, mid, high } = found.total;
  return {
    listed, others: found.others.map((one) => one.measure.code), investments: found.investments.map((one) => one.measure.code),
    total: [low, mid, high], share: found.cost > 0 ? mid / found.cost : null,
  };
}
