import { expect, test } from "vitest";
import { echo, formatNumber, plainNumber, readNumber } from "../form/numbers";

const words = [{ word: "đồng", scale: 1 }, { word: "nghìn đồng", scale: 1e3 }, { word: "triệu đồng", scale: 1e6 }, { word: "tỷ đồng", scale: 1e9 }];

test("a number with two readings is asked about, never guessed", () => {
  expect(readNumber("1,234", "vi")).toEqual({ value: null, candidates: [1.234, 1234] });
});

test("a number is echoed with its unit in the language's own spelling", () => {
  expect(echo(1234.5, "kWh", "vi", words)).toBe("= 1.234,5 kWh");
  expect(echo(1234.5, "kWh", "en", words)).toBe("= 1,234.5 kWh");
});

test("money moves to the largest word it reaches and keeps what follows the unit", () => {
  expect(echo(1200, "triệu đồng/năm", "vi", words)).toBe("= 1,2 tỷ đồng/năm");
  expect(echo(5, "triệu đồng", "vi", words)).toBe("= 5 triệu đồng");
});

test("a field holds a number without grouping so that it reads back the same", () => {
  for (const value of [1234567.5, 0.125, -3, 1000]) expect(readNumber(plainNumber(value, "vi"), "vi").value).toBe(value);
  expect(formatNumber(1234567, "vi")).toBe("1.234.567");
});
