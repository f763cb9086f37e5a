/** Places as they are typed and stored: "lat lon height accuracy", several joined by ";". The twin of collect/posted.py. */

export type Point = [latitude: number, longitude: number, height: number, accuracy: number];

/** A typed point: a dot or a comma before the decimals, then height and accuracy. */
export function pointLine(line: string): string {
  const numbers = line.replace(/,/g, line.includes(".") ? " " : ".").split(/\s+/).filter(Boolean).map((number) => number.replace(/\.+$/, ""));
  return [...numbers, ...(numbers.length > 1 ? ["0", "0"].slice(numbers.length - 2) : [])].join(" ");
}

/** Points typed one a line as they are stored; an area is closed by its first point. */
export function readPoints(text: string, isClosed: boolean): string {
  const points = text.split(/[\n;]/).filter((line) => line.trim()).map(pointLine);
  const place = (point = ""): string => point.split(" ").slice(0, 2).join(" ");
  if (isClosed && points.length > 2 && place(points[0]) !== place(points[points.length - 1])) points.push(points[0] ?? "");
  return points.join(";");
}

/** Points one a line; the last one of an area, which only repeats the first, is left out. */
export function shownPoints(text: string, isClosed: boolean): string {
  const points = text.split(";").map((point) => point.trim()).filter(Boolean);
  const place = (point = ""): string => point.split(/\s+/).slice(0, 2).join(" ");
  if (isClosed && points.length > 3 && place(points[0]) === place(points[points.length - 1])) points.pop();
  return points.join("\n");
}
