import { expect, test } from "vitest";
import type { Ast, Choice, Definition } from "../form/definition";
import { STEPS } from "../form/expressions";
import { Interview } from "../form/interview";

const ROWS = 2000;
const DISTRICTS = 50;
const list: Choice[] = Array.from({ length: ROWS }, (_, n) => ({ name: `c${n}`, label: `Commune ${n}`, extra: { district: `d${n % DISTRICTS}`, big: n % 3 ? "no" : "yes" } }));
const sameDistrict: Ast = ["=", [".", "district"], ["$", 0, "district"]];

function interview(filter: Ast): Interview {
  const form: Definition = {
    ast: 1, form_id: "f", version: "1", languages: ["en"], choice_lists: { commune: list },
    items: [
      { kind: "question", name: "district", type: "text" },
      { kind: "question", name: "commune", type: "select_one", choices: "commune", choice_filter: filter },
      { kind: "question", name: "other", type: "select_one", choices: "commune" },
    ],
  };
  return new Interview(form);
}

/** Nodes looked at while the choices of `commune` are asked for. */
function work(opened: Interview): number {
  opened.work.left = STEPS;
  let most = 0;
  Object.defineProperty(opened, "work", { value: new Proxy({ left: STEPS }, {
    set: (target, name, value: number) => {
      if (value < target.left) most += target.left - value;
      return Reflect.set(target, name, value);
    },
  }) });
  opened.choices("commune");
  return most;
}

const names = (opened: Interview): string[] => opened.choices("commune").map((choice) => choice.name);
const walked = (test: (choice: Choice) => boolean): string[] => list.filter(test).map((choice) => choice.name);

test("a cascade over 2,000 choices offers what a walk over all of them would", () => {
  for (const filter of [sameDistrict, ["=", ["$", 0, "district"], [".", "district"]] as Ast]) {
    const opened = interview(filter);
    expect(names(opened)).toEqual([]);
    opened.set("district", "d7");
    expect(names(opened)).toEqual(walked((choice) => choice.extra?.district === "d7"));
  }
  const both = interview(["and", sameDistrict, ["=", [".", "big"], "yes"]]);
  both.set("district", "d3");
  expect(names(both)).toEqual(walked((choice) => choice.extra?.district === "d3" && choice.extra.big === "yes"));
});

test("a column that the list does not have is blank", () => {
  const opened = interview(["=", [".", "missing"], ["$", 0, "district"]]);
  expect(names(opened)).toHaveLength(ROWS);
  opened.set("district", "d1");
  expect(names(opened)).toEqual([]);
});

test("a cascade looks at the choices that fit, not at all of them", () => {
  const blank = work(interview(sameDistrict));
  expect(blank).toBeLessThan(10);
  const opened = interview(sameDistrict);
  opened.set("district", "d7");
  const some = work(opened);
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan((ROWS / DISTRICTS) * 10);
  expect(work(interview([">", [".", "district"], ["$", 0, "district"]]))).toBeGreaterThan(ROWS);
});

test("questions that ask from one list share its table of names", () => {
  const { schema } = interview(sameDistrict);
  expect(schema.byPath.get("other")?.choices).toBe(schema.byPath.get("commune")?.choices);
});
