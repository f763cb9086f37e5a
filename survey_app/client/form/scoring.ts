/** Scores, indicators, soft checks and measures of one set of answers. The twin of forms/scoring.py. */

import type { Ast, CheckRow, MeasureRow, ResourceRow, ScoreRow, Value } from "./definition";
import { evaluate, toBoolean, toNumber, toText, type Result } from "./expressions";
import { round } from "./functions";
import type { Interview } from "./interview";
import type { Row, Slot } from "./slots";

export interface ItemScore {
  name: string;
  applies: boolean;
  points: number | null;
}

export interface DimensionScore {
  name: string;
  weight: number;
  score: number | null;
  items: ItemScore[];
}

export interface IndexScore {
  name: string;
  value: number | null;
  isWithheld: boolean;
  answered: number;
  applicable: number;
  band: string | null;
  dimensions: DimensionScore[];
  items: ItemScore[];
}

export interface Scores {
  values: { name: string; value: Value; rows: Record<string, Value> }[];
  items: ItemScore[];
  dimensions: DimensionScore[];
  indexes: IndexScore[];
  /** Name to figure; a band under "<index>_band". */
  summary: Record<string, Value>;
}

export interface CheckResult {
  name: string;
  address: string;
  grade: CheckRow["grade"];
  holds: boolean;
  message: string;
}

export interface Saving {
  low: number;
  mid: number;
  high: number;
}

export interface Recommendation {
  measure: MeasureRow;
  share: number;
  resources: string[];
  saving: Saving | null;
}

export interface Recommendations {
  listed: Recommendation[];
  others: Recommendation[];
  investments: Recommendation[];
  resources: { resource: ResourceRow; cost: number | null; fraction: Saving; money: Saving | null; savedQuantity: Saving | null }[];
  total: Saving;
  cost: number;
}

const LISTED = 10;

const at = (interview: Interview, tree: Ast, row: Row = interview.root): Result =>
  evaluate(tree, interview.rootContext(row.chain));
const add = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0);
const finite = (number: number): number | null => (Number.isFinite(number) ? number || 0 : null);
const onRoot = (interview: Interview, name: string, value: Value): void => {
  interview.derive(name, new Map([[interview.root, value]]));
};

/** Every value, item, dimension, index and band of the answers. */
export function computeScores(interview: Interview): Scores {
  const rows = interview.definition.scores ?? [];
  interview.forgetDerived();
  const scores: Scores = { values: [], items: [], dimensions: [], indexes: [], summary: {} };
  for (const row of rows) {
    if (row.kind === "value") scores.values.push(valueOf(interview, row));
    else if (row.kind === "item") scores.items.push(itemOf(interview, row));
  }
  for (const row of rows) if (row.kind === "dimension") scores.dimensions.push(dimensionOf(interview, row, scores));
  for (const row of rows) if (row.kind === "index") scores.indexes.push(indexOf(interview, row, scores));
  summarise(scores);
  return scores;
}

function summarise({ values, items, dimensions, indexes, summary }: Scores): void {
  for (const value of values) if (!Object.keys(value.rows).length) summary[value.name] = value.value;
  for (const item of items) summary[item.name] = item.points;
  for (const dimension of dimensions) summary[dimension.name] = dimension.score;
  for (const index of indexes) {
    summary[index.name] = index.value;
    if (index.band !== null) summary[`${index.name}_band`] = index.band;
  }
}

function valueOf(interview: Interview, score: ScoreRow): Scores["values"][number] {
  if (score.repeat === undefined) {
    const value = figure(interview, score, interview.root);
    onRoot(interview, score.name, value);
    return { name: score.name, value, rows: {} };
  }
  const found = new Map<Row, Value>();
  for (const row of interview.relevantRows(score.repeat)) {
    found.set(row, figure(interview, score, row));
    interview.derive(`${score.repeat}/${score.name}`, found);
  }
  return { name: score.name, value: null, rows: Object.fromEntries([...found].map(([row, value]) => [row.id, value])) };
}

function figure(interview: Interview, score: ScoreRow, row: Row): Value {
  if (score.rule === undefined || (score.applies !== undefined && !toBoolean(at(interview, score.applies, row)))) return null;
  const result = at(interview, score.rule, row);
  if (typeof result === "number") return finite(result);
  return toText(result) || null;
}

function itemOf(interview: Interview, score: ScoreRow): ItemScore {
  const applies = isApplicable(interview, score);
  const points = applies && score.rule !== undefined ? finite(toNumber(at(interview, score.rule))) : null;
  onRoot(interview, score.name, points);
  return { name: score.name, applies, points };
}

/** By its own rule, else when every question it names is asked and none is answered "na". */
function isApplicable(interview: Interview, score: ScoreRow): boolean {
  if (score.applies !== undefined) return toBoolean(at(interview, score.applies));
  return (score.questions ?? []).filter((path) => interview.schema.byPath.has(path)).every((path) => {
    const nodes = interview.nodes(path, 0, [interview.root]);
    return nodes.length > 0 && !nodes.some((node) => node.value === "na");
  });
}

function members(interview: Interview, name: string, kind: ScoreRow["kind"]): Set<string> {
  const rows = (interview.definition.scores ?? []).filter((row) => row.kind === kind && row.parents?.includes(name));
  return new Set(rows.map((row) => row.name));
}

function dimensionOf(interview: Interview, score: ScoreRow, scores: Scores): DimensionScore {
  const names = members(interview, score.name, "item");
  const items = scores.items.filter((item) => names.has(item.name));
  const points = items.flatMap((item) => (item.points === null ? [] : [item.points]));
  const total = points.length ? (score.method === "sum" ? add(points) : add(points) / points.length) : null;
  onRoot(interview, score.name, total);
  return { name: score.name, weight: score.weight ?? 1, score: total, items };
}

function indexOf(interview: Interview, score: ScoreRow, scores: Scores): IndexScore {
  const [own, direct] = [members(interview, score.name, "dimension"), members(interview, score.name, "item")];
  const dimensions = scores.dimensions.filter((dimension) => own.has(dimension.name));
  const items = scores.items.filter((item) => direct.has(item.name));
  const { applicable, answered } = coverage(interview, [score.name], scores);
  // An index with parents is withheld with them: their items decide, not its own.
  const decisive = score.parents?.length ? coverage(interview, score.parents, scores) : { applicable, answered };
  const least = score.minimum_share;
  const isWithheld =
    least !== undefined && (decisive.applicable === 0 || decisive.answered / decisive.applicable < least - 1e-9);
  const names = members(interview, score.name, "value");
  const figures = scores.values.flatMap(({ name, value }) => (names.has(name) && typeof value === "number" ? [value] : []));
  const value = isWithheld ? null : indexValue(score, dimensions, items, figures);
  const band = value === null ? null : bandOf(interview, score.name, value);
  onRoot(interview, score.name, value);
  onRoot(interview, `${score.name}_band`, band);
  return { name: score.name, value, isWithheld, answered, applicable, band, dimensions, items };
}

/** How many items of some indexes apply, and how many of these have points; items of weight 0 do not count. */
function coverage(interview: Interview, indexes: string[], scores: Scores): { applicable: number; answered: number } {
  const rows = interview.definition.scores ?? [];
  const below = (row: ScoreRow, names: Set<string>): boolean => (row.parents ?? []).some((parent) => names.has(parent));
  const top = new Set(indexes);
  const groups = new Set([...top, ...rows.filter((row) => row.kind === "dimension" && below(row, top)).map((row) => row.name)]);
  const counted = new Set(rows.filter((row) => row.kind === "item" && row.weight !== 0 && below(row, groups)).map((row) => row.name));
  const items = scores.items.filter((item) => counted.has(item.name) && item.applies);
  return { applicable: items.length, answered: items.filter((item) => item.points !== null).length };
}

function indexValue(score: ScoreRow, dimensions: DimensionScore[], items: ItemScore[], values: number[]): number | null {
  const loose = [...items.flatMap((item) => (item.points === null ? [] : [item.points])), ...values];
  const scored = dimensions.flatMap((one) => (one.score === null ? [] : [[one.score, one.weight] as const]));
  const decimals = score.decimals ?? 1;
  if (score.method === "sum") {
    const parts = [...scored.map(([part]) => part), ...loose];
    return parts.length ? toDecimals(add(parts), decimals) : null;
  }
  const weighted = [...scored, ...loose.map((points) => [points, 1] as const)];
  const weight = add(weighted.map(([, part]) => part));
  return weight > 0 ? toDecimals(add(weighted.map(([points, part]) => points * part)) / weight, decimals) : null;
}

/** Nine decimals first: 62.449999999999996 is 62.45 and goes up. */
const toDecimals = (number: number, decimals: number): number => round(round(number, 9), decimals);

function bandOf(interview: Interview, index: string, value: number): string | null {
  let best: { limit: number; name: string } | null = null;
  for (const row of interview.definition.scores ?? []) {
    if (row.kind !== "band" || !row.parents?.includes(index) || row.rule === undefined) continue;
    const limit = toNumber(at(interview, row.rule));
    if (limit <= value && (best === null || limit >= best.limit)) best = { limit, name: row.name };
  }
  return best?.name ?? null;
}

/** Each indicator's truth, number or text; null when it does not apply. */
export function computeIndicators(interview: Interview): Record<string, boolean | Value> {
  if (interview.definition.scores?.length) computeScores(interview);
  const found: Record<string, boolean | Value> = {};
  for (const row of interview.definition.indicators ?? []) {
    const applies = row.applies === undefined || toBoolean(at(interview, row.applies));
    const result = applies ? at(interview, row.rule) : "";
    const value = !applies ? null : row.kind === "truth" ? toBoolean(result)
      : row.kind === "number" ? finite(toNumber(result)) : toText(result) || null;
    found[row.name] = value;
    onRoot(interview, row.name, typeof value === "boolean" ? String(value) : value);
  }
  return found;
}

/** Every soft check whose question is asked and answered, in the sheet's order. */
export function runChecks(interview: Interview): CheckResult[] {
  const checks = interview.definition.checks ?? [];
  if (checks.length && interview.definition.scores?.length) computeScores(interview);
  return checks.flatMap((check) => (interview.nodes(check.question, 0, [interview.root]) as Slot[]).flatMap((slot) => {
    if (!("node" in slot) || (slot.value === null && slot.node.item.kind === "question")) return [];
    const context = interview.context(slot);
    if (check.relevant !== undefined && !toBoolean(evaluate(check.relevant, context))) return [];
    const holds = toBoolean(evaluate(check.rule, context));
    return [{ name: check.name, address: slot.address, grade: check.grade, holds, message: interview.text(check.message, slot.address) }];
  }));
}

/** The measures whose triggers hold, what each may save, and what all together may save of each resource. */
export function recommendMeasures(interview: Interview): Recommendations {
  if (interview.definition.scores?.length) computeScores(interview);
  const resources = interview.definition.resources ?? [];
  const costs = new Map(resources.map((row) => [row.name, finite(toNumber(at(interview, row.cost)))]));
  const triggered = (interview.definition.measures ?? []).flatMap((row) => recommendation(interview, row, costs));
  triggered.sort(byWorth((interview.definition.settings?.measure_first ?? "").split(/\s+/)));
  const saving = triggered.filter((one) => one.measure.group !== "investment");
  const savings = resources.map((row) => resourceSaving(interview, row, costs.get(row.name) ?? null, saving));
  const money = savings.flatMap((one) => (one.money ? [one.money] : []));
  return {
    listed: saving.slice(0, LISTED),
    others: saving.slice(LISTED),
    investments: triggered.filter((one) => one.measure.group === "investment"),
    resources: savings,
    total: { low: add(money.map((one) => one.low)), mid: add(money.map((one) => one.mid)), high: add(money.map((one) => one.high)) },
    cost: add([...costs.values()].map((cost) => cost ?? 0)),
  };
}

const middle = (low: number, high: number): number => (low + high) / 2;

function recommendation(interview: Interview, measure: MeasureRow, costs: Map<string, number | null>): Recommendation[] {
  const resources = measure.resources.filter((name) => costs.has(name) && costs.get(name) !== 0);
  if (!resources.length || !toBoolean(at(interview, measure.trigger))) return [];
  const wanted = finite(toNumber(at(interview, measure.share)));
  const share = wanted === null ? 1 : Math.min(1, Math.max(0, wanted));
  if (share === 0) return [];
  const known = resources.flatMap((name) => costs.get(name) ?? []);
  const base = add(known.map((cost) => cost * share));
  const { saving_low: low, saving_high: high } = measure;
  return [{ measure, share, resources, saving: known.length ? times({ low, mid: middle(low, high), high }, base) : null }];
}

function byWorth(first: string[]): (one: Recommendation, other: Recommendation) => number {
  const key = (one: Recommendation): [number, number, number] => {
    const payback = Math.max(middle(one.measure.payback_low, one.measure.payback_high), 0.01);
    return [Number(!one.saving), Number(!first.includes(one.measure.technique)), one.saving ? -one.saving.mid / payback : 0];
  };
  return (one, other) => {
    const [a, b] = [key(one), key(other)];
    return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || (one.measure.code < other.measure.code ? -1 : 1);
  };
}

function resourceSaving(interview: Interview, resource: ResourceRow, cost: number | null, saving: Recommendation[]): Recommendations["resources"][number] {
  const mine = saving.filter((one) => one.resources.includes(resource.name));
  const fraction = combined(mine, resource.cap ?? 0.3);
  const inKind = combined(mine.filter((one) => one.measure.group !== "cost_only"), resource.cap ?? 0.3);
  const quantity = resource.quantity === undefined ? null : finite(toNumber(at(interview, resource.quantity)));
  return {
    resource, cost, fraction,
    money: cost === null ? null : times(fraction, cost),
    savedQuantity: quantity === null ? null : times(inKind, quantity),
  };
}

/** 1 - (1 - s1 share1)(1 - s2 share2)..., at most the cap: measures save from what others left. */
function combined(list: Recommendation[], cap: number): Saving {
  const left = (pick: (measure: MeasureRow) => number): number =>
    Math.min(cap, 1 - list.reduce((rest, { measure, share }) => rest * (1 - pick(measure) * share), 1));
  return { low: left((one) => one.saving_low), mid: left((one) => middle(one.saving_low, one.saving_high)), high: left((one) => one.saving_high) };
}

const times = (saving: Saving, amount: number): Saving => ({ low: saving.low * amount, mid: saving.mid * amount, high: saving.high * amount });
