import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { canonicalBytes, canonicalText, sha256Hex } from "../form/canonical";
import { numberText } from "../form/expressions";
import { md5, sha1, sha512 } from "../form/rare";
import { hex, sha256 } from "../form/sha";

const samples = ["", "abc", "ngành đá Ninh Vân", "x".repeat(200)];

test("canonical JSON has sorted keys, no spaces and one spelling of numbers", () => {
  expect(canonicalText({ b: 1, a: [null, 2.5, "é"], c: undefined })).toBe('{"a":[null,2.5,"é"],"b":1}');
  expect(canonicalText([1e-7, -0, 1e20])).toBe("[0.0000001,0,100000000000000000000]");
});

test("keys are in the order of code points, not of UTF-16 units", () => {
  expect(canonicalText({ "😀": 1, "\uff5e": 2 })).toBe('{"\uff5e":2,"😀":1}');
});

test("numbers never bear an exponent below 1e21", () => {
  expect([1e-9, 0.1 + 0.2, 12, -1.5e-8].map(numberText)).toEqual(["0.000000001", "0.30000000000000004", "12", "-0.000000015"]);
});

test("our hashes are those of the standard", async () => {
  for (const text of samples) {
    const bytes = new TextEncoder().encode(text);
    const expected = (name: string): string => createHash(name).update(bytes).digest("hex");
    expect(hex(sha256(bytes))).toBe(expected("sha256"));
    expect(hex(sha1(bytes))).toBe(expected("sha1"));
    expect(hex(md5(bytes))).toBe(expected("md5"));
    expect(hex(sha512(bytes))).toBe(expected("sha512"));
    expect(hex(sha512(bytes, 48))).toBe(expected("sha384"));
  }
  expect(await sha256Hex(canonicalBytes("abc"))).toBe(createHash("sha256").update('"abc"').digest("hex"));
});
