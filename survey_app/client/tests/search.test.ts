import { expect, test } from "vitest";
import { fold, search } from "../ui/search";

const villages = [{ name: "1", label: "Ngành đá Ninh Vân" }, { name: "2", label: "Nganh Da" }, { name: "3", label: "Kim Sơn" }];

test("words typed without their marks find what has them", () => {
  expect(search(villages, "nganh da ninh van").map((one) => one.name)).toEqual(["1"]);
  expect(fold("Định Hóa – ĐỊNH")).toBe("dinh hoa dinh");
});

test("entries with the marks as typed come first", () => {
  expect(search(villages, "đá").map((one) => one.name)).toEqual(["1", "2"]);
});

test("nothing typed lists everything", () => {
  expect(search(villages, " ")).toHaveLength(3);
});
