import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { area, length, moved, offset, pointsOf, roundBelow } from "../ui/geo";
import { readPoints, shownPoints } from "../ui/points";
import { plain } from "../ui/words";

const places = JSON.parse(readFileSync(new URL("../../../tests/conformance/places.json", import.meta.url), "utf8")) as [string, boolean, string][];

describe("typed places", () => {
  it.each(places)("%j (closed: %s) is stored as %j", (typed, isClosed, stored) => {
    expect(readPoints(typed, isClosed)).toBe(stored);
    expect(readPoints(shownPoints(stored, isClosed), isClosed)).toBe(stored);
  });
});

describe("measures on the ground", () => {
  const square = pointsOf("20 105 0 0;20 105.01 0 0;20.01 105.01 0 0;20.01 105 0 0");

  it("length and area of a square of a hundredth of a degree are those of the sphere", () => {
    expect(length(square, true)).toBeCloseTo(2 * 1111.95 + 1044.9 + 1044.83, 0);
    expect(area(square)).toBeCloseTo(1111.95 * 1044.9, -2);
  });

  it("a place moved and looked at from where it was is that far away", () => {
    const there = moved({ lat: 20, lon: 105 }, { east: 300, north: -40 });
    const { east, north } = offset({ lat: 20, lon: 105 }, there);
    expect(east).toBeCloseTo(300, 6);
    expect(north).toBeCloseTo(-40, 6);
  });

  it("a scale is a round number that fits", () => {
    expect([0.7, 1, 4.9, 60, 999, 12_345].map(roundBelow)).toEqual([0.5, 1, 2, 50, 500, 10_000]);
  });

  it("what is no point is left out", () => {
    expect(pointsOf("20.25 ? 0 0;91 5 0 0;1 2")).toEqual([[1, 2]]);
  });
});

describe("words without marks", () => {
  it("an author's tags and Markdown do not show in a list", () => {
    expect(plain('<span style="color:red">Not</span> **here**, [there](https://example.invalid)')).toBe("Not here, there");
  });
});
