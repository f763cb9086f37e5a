import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import type { Definition } from "../form/definition";
import { Interview } from "../form/interview";

const form: Definition = {
  ast: 1, form_id: "f", version: "1", languages: ["en"],
  items: [
    { kind: "question", name: "beds", type: "integer" },
    { kind: "question", name: "staff", type: "integer", relevant: [">", ["$", 0, "beds"], 0] },
    { kind: "repeat", name: "machine", children: [
      { kind: "question", name: "kw", type: "decimal" },
      { kind: "question", name: "double", type: "calculate", calculation: ["*", ["$", 1, "machine/kw"], 2] },
      { kind: "question", name: "place", type: "calculate", calculation: ["position", ["$", 1, "machine"]] },
    ] },
    { kind: "question", name: "total", type: "calculate", calculation: ["sum", ["$", 0, "machine/kw"]] },
  ],
};

test("an answer to a question that stopped being relevant is left out, and comes back", () => {
  const interview = new Interview(form);
  interview.set("beds", 4);
  interview.set("staff", 9);
  interview.set("beds", 0);
  expect(interview.answers).not.toHaveProperty("staff");
  interview.set("beds", 4);
  expect(interview.answers.staff).toBe(9);
});

test("rows are summed and numbered, and numbered anew when one goes", () => {
  const interview = new Interview(form);
  for (const id of ["a", "b"]) interview.addRow("machine", id);
  interview.set("machine/a/kw", 1.5);
  interview.set("machine/b/kw", 2);
  expect(interview.value("total")).toBe(3.5);
  interview.removeRow("machine", "a");
  expect([interview.value("total"), interview.value("machine/b/place")]).toEqual([2, 1]);
});

test("a change names only the addresses it may have altered", () => {
  const interview = new Interview(form);
  for (const id of ["a", "b"]) interview.addRow("machine", id);
  interview.set("machine/a/kw", 1);
  expect([...interview.changed()].sort()).toEqual(["machine/a/double", "machine/a/kw", "total"]);
});

test("a row more beside eighty is quick", () => {
  const interview = new Interview(form);
  for (let row = 0; row < 80; row += 1) interview.set(`machine/${interview.addRow("machine")}/kw`, row);
  const before = performance.now();
  interview.addRow("machine");
  expect(performance.now() - before).toBeLessThan(20);
});

test("one answer among 300 questions looks at what depends on it only", () => {
  const items: Definition["items"] = Array.from({ length: 300 }, (_, n) => ({
    kind: "question", name: `q${n}`, type: "integer", ...(n % 3 === 2 && { relevant: [">", ["$", 0, `q${n - 1}`], 3] }),
  }));
  const interview = new Interview({ ...form, items });
  interview.set("q100", 5);
  expect(interview.settled).toBe(1);
  interview.set("q102", 5);
  expect(interview.settled).toBe(0);
});

test("a row more beside eighty looks at itself and the figures over all rows", () => {
  const interview = new Interview(form);
  for (let row = 0; row < 80; row += 1) interview.set(`machine/${interview.addRow("machine")}/kw`, row);
  interview.addRow("machine");
  expect(interview.settled).toBeLessThanOrEqual(4);
});
