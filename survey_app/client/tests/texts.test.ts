import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MESSAGES, loadTexts, t } from "../texts";

const client = join(import.meta.dirname, "..");
// Maps, drawing and scanning have a catalogue of their own, which only the pages that need it carry.
const catalogue = ["client.po", "client_widgets.po"].map((file) => readFileSync(join(client, "..", "translations", "vi", file), "utf8")).join("\n");

test("every text of the client has its Vietnamese", () => {
  const known = [...catalogue.matchAll(/^msgid (".+")\nmsgstr (".+")$/gm)].map((match) => JSON.parse(match[1] ?? '""') as string);
  expect([...MESSAGES].sort()).toEqual(known.filter(Boolean).sort());
});

test("every listed text is used", () => {
  const files = ["ui", "."].flatMap((folder) => readdirSync(join(client, folder)).filter((file) => file.endsWith(".ts")).map((file) => join(client, folder, file)));
  const code = files.filter((file) => !file.endsWith("texts.ts")).map((file) => readFileSync(file, "utf8")).join("\n");
  expect(MESSAGES.filter((message) => !code.includes(message))).toEqual([]);
});

test("parameters are filled in, unknown ones left visible", () => {
  loadTexts('{"Attached: {name}":"Đã đính kèm: {name}"}');
  expect(t("Attached: {name}", { name: "a.jpg" })).toBe("Đã đính kèm: a.jpg");
});
