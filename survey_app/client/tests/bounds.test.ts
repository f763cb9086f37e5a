import { expect, test } from "vitest";
import type { Ast, Definition, Item } from "../form/definition";
import { Interview } from "../form/interview";

const rows = (test: Ast): Ast => ["@", ["$", 0, "r"], [test], ""];
const counted = (inner: Ast): Ast => ["count", rows([">", [".", "a"], inner])];
const question = (name: string, more: object = {}): Item => ({ kind: "question", name, type: "integer", ...more });

function form(calculation: Ast, relevant?: Ast): Definition {
  return {
    ast: 1, form_id: "f", version: "1", languages: ["en"],
    items: [
      { kind: "repeat", name: "r", children: [question("a"), question("c", { calculation })] },
      question("last", relevant === undefined ? {} : { relevant }),
    ],
  };
}

test("a form that asks for endless work still takes answers, and loses none", () => {
  const hostile = counted(counted(counted(counted(1))));
  const started = performance.now();
  const interview = new Interview(form(hostile, hostile), { answers: { r: Array.from({ length: 300 }, (_, a) => ({ a })), last: 5 } });
  interview.set("r/1/a", 7);
  expect(interview.value("r/1/a")).toBe(7);
  expect((interview.answers.r as unknown[]).length).toBe(300);
  expect(interview.answers.last).toBe(5);
  expect(performance.now() - started).toBeLessThan(50_000);
}, 60_000);

test("a text that grows without end is a blank", () => {
  const doubled = Array.from({ length: 20 }).reduce<Ast>((inner) => ["concat", inner, inner], "0123456789");
  const interview = new Interview(form(["string-length", doubled]), { answers: { r: [{ a: 1 }] } });
  expect(interview.value("r/1/c")).toBeNull();
});
