/** The client's engine behind lines of JSON: one request a line in, one answer a line out. */
import { createInterface } from "node:readline";
import type { Definition, Value } from "../../survey_app/client/form/definition";
import { Interview } from "../../survey_app/client/form/interview";
import type { Answers } from "../../survey_app/client/form/slots";
import "../../survey_app/client/form/rare";

interface Request {
  op: string;
  args: (string | number | null)[];
  definition: Definition;
  language: string;
  answers: Answers | null;
  now: string;
  offset: number;
  metadata: Record<string, string>;
}

let interview: Interview;
let begun: Request;

function open(request: Request, answers: Answers | null): Interview {
  const clock = () => ({ now: Date.parse(begun.now), offset: begun.offset });
  return new Interview(request.definition, {
    clock, language: request.language, metadata: begun.metadata, resumes: request.op === "open", ...(answers && { answers }),
  });
}

function switchTo(request: Request): null {
  const before = interview;
  const rows: Record<string, string[]> = {};
  for (const slot of before.allSlots()) if (slot.node.item.kind === "repeat") rows[slot.address] = before.rows(slot.address);
  interview = open(request, {});
  interview.load(before.allValues, rows);
  return null;
}

function answer(request: Request): unknown {
  const [address, value] = request.args as [string, Value];
  switch (request.op) {
    case "set": interview.set(address, value); return null;
    case "add": return interview.addRow(address, value as string);
    case "remove": interview.removeRow(address, value as string); return null;
    case "rows": return interview.rows(address);
    case "relevant": return interview.isRelevant(address);
    case "required": return interview.isRequired(address);
    case "read_only": return interview.isReadOnly(address);
    case "seen": return interview.seen(address);
    case "choices": return interview.choices(address).map((choice) => [choice.name, interview.text(choice.label, address)]);
    case "label": {
      const label = interview.slot(address)?.node.item.label;
      return label === undefined ? null : interview.text(label, address);
    }
    case "issue": {
      const issue = interview.issueAt(address);
      return issue && [issue.code, issue.ownMessage];
    }
    case "issues": return interview.issues().map((issue) => [issue.code, issue.where]);
    case "answers": return interview.answers;
  }
  throw new Error(request.op);
}

function take(request: Request): unknown {
  if (request.op === "open") {
    begun = request;
    interview = open(request, request.answers);
    return null;
  }
  return request.op === "switch" ? switchTo(request) : answer(request);
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply: unknown;
  try {
    reply = { value: take(JSON.parse(line) as Request) ?? null };
  } catch (error) {
    reply = { error: String(error instanceof Error ? error.stack : error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
