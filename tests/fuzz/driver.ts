/** The browser's engine behind a pipe: one JSON line in, one out. Forms, interviews to replay, faults to plant. */

import { createInterface } from "node:readline";
import type { Definition, InstanceItem, Value } from "../../survey_app/client/form/definition";
import { Interview } from "../../survey_app/client/form/interview";
import "../../survey_app/client/form/rare";
import { prepare, type Schema } from "../../survey_app/client/form/schema";
import { computeScores } from "../../survey_app/client/form/scoring";
import { plant } from "./faults";

type Seen = Record<string, unknown>;
type Step = ["set", string, Value] | ["add", string, string] | ["remove", string, string];
interface Session {
  clock: { now: number; offset: number };
  language: string;
  instances: Record<string, InstanceItem[]>;
  steps: Step[];
}
interface Request { definition?: Definition; labels?: string[]; session?: Session; fault?: string }

let schema: Schema | undefined;
let labels = new Set<string>();

function answer(request: Request): unknown {
  if (request.fault !== undefined) return plant(request.fault);
  if (request.definition) {
    schema = prepare(request.definition);
    labels = new Set(request.labels);
  }
  return request.session && schema ? replay(schema, request.session) : null;
}

/** What stands after opening and after each step, as far as it differs from before, and what went stale unnoticed. */
function replay(form: Schema, { clock, language, instances, steps }: Session): unknown {
  const interview = new Interview(form, { clock: () => clock, language, instances });
  let before = snapshot(interview);
  const changes = [before];
  const stale: string[][] = [[]];
  for (const [kind, address, value] of steps) {
    if (kind === "set") interview.set(address, value);
    else if (kind === "add") interview.addRow(address, value);
    else interview.removeRow(address, value);
    const told = new Set(interview.changed());
    const now = snapshot(interview);
    const differences = changed(before, now);
    changes.push(differences);
    stale.push(Object.keys(differences).filter((key) => isUntold(key, told, before, now)));
    before = now;
  }
  return { changes, stale };
}

function isUntold(key: string, told: Set<string>, before: Seen, now: Seen): boolean {
  return !key.startsWith("|") && key in before && key in now && !told.has(key.split("|")[0] ?? "");
}

function changed(before: Seen, now: Seen): Seen {
  const out: Seen = {};
  for (const [key, value] of Object.entries(now)) {
    if (!(key in before) || JSON.stringify(before[key]) !== JSON.stringify(value)) out[key] = value;
  }
  for (const key of Object.keys(before)) if (!(key in now)) out[key] = "gone";
  return out;
}

function snapshot(interview: Interview): Seen {
  const seen: Seen = { "|name": interview.instanceName };
  if (interview.definition.scores?.length) seen["|scores"] = computeScores(interview).summary;
  for (const { address, node, isRelevant } of interview.allSlots()) {
    seen[`${address}|relevant`] = isRelevant;
    if (node.item.kind === "repeat") seen[`${address}|rows`] = interview.rows(address);
    if (node.item.kind !== "question") continue;
    seen[`${address}|value`] = interview.value(address);
    if (isRelevant) look(interview, address, node.path, seen);
  }
  return seen;
}

function look(interview: Interview, address: string, path: string, seen: Seen): void {
  const question = interview.question(address);
  seen[`${address}|required`] = interview.isRequired(address);
  seen[`${address}|read only`] = interview.isReadOnly(address);
  if (question?.choices) seen[`${address}|choices`] = interview.choices(address).map((choice) => `${choice.name}=${interview.text(choice.label)}`);
  if (labels.has(path)) seen[`${address}|label`] = interview.text(question?.label, address);
  if (question?.unit_expression !== undefined) seen[`${address}|unit`] = interview.unit(address);
  const issue = interview.issueAt(address);
  seen[`${address}|issue`] = issue ? [issue.code, issue.ownMessage] : null;
}

createInterface({ input: process.stdin }).on("line", (line) => {
  let reply: unknown;
  try {
    reply = answer(JSON.parse(line) as Request);
  } catch (error) {
    reply = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
});
