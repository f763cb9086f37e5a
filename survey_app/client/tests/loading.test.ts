import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EAGER, LAZY } from "../form/functions";
import { loadFunctions } from "../form/loading";

const file = join(import.meta.dirname, "..", "..", "..", "tests", "conformance", "expressions.json");
const { functions, parts } = JSON.parse(readFileSync(file, "utf8")) as { functions: string[]; parts: Record<string, string[]> };
// randomize() itself is always there; its part shuffles by a text.
const brought = (names: string[]): string[] => names.filter((name) => name !== "randomize").sort();
const missing = (): string[] => functions.filter((name) => name !== "instance" && !(name in EAGER || name in LAZY));

test("a function few forms use comes only with its part", async () => {
  expect(missing()).toEqual(brought(Object.values(parts).flat()));
  for (const [part, names] of Object.entries(parts)) {
    const before = missing();
    await loadFunctions({ parts: [part] });
    expect(before.filter((name) => !missing().includes(name))).toEqual(brought(names));
  }
  expect(missing()).toEqual([]);
});

test("a form without such functions loads nothing, and an unknown part does no harm", async () => {
  await expect(loadFunctions({ parts: [] })).resolves.toBeUndefined();
  await expect(loadFunctions({ parts: ["later"] })).resolves.toBeUndefined();
});
