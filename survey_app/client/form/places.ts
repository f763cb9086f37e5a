/** Points, traces and shapes: loaded only for forms that compute with them. */

import { EAGER, nodesOf } from "./functions";
import { spend, toText, type Context, type Result } from "./expressions";

// Places: `lat lon alt acc`, joined by semicolons; a sphere of 6,378,100 m.
const RADIUS = 6_378_100;
type Place = [number, number];
const radians = (degrees: number): number => degrees * (Math.PI / 180);

function places(values: Result[]): Place[] | null {
  const found: Place[] = [];
  for (const part of values.flatMap(nodesOf).flatMap((node) => toText([node]).split(";"))) {
    if (!part.trim()) continue;
    const [latitude = NaN, longitude = NaN] = part.trim().split(/\s+/).map(Number);
    if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return null;
    found.push([latitude, longitude]);
  }
  return found;
}

const pairs = (points: Place[]): [Place, Place][] => points.slice(1).map((point, index) => [points[index] as Place, point]);

function step([one, other]: [Place, Place]): number {
  const [a, b] = [radians(one[0]), radians(other[0])];
  const [up, along] = [Math.sin((a - b) / 2), Math.sin(radians(one[1] - other[1]) / 2)];
  return 2 * Math.asin(Math.sqrt(Math.min(1, up * up + Math.cos(a) * Math.cos(b) * along * along))) * RADIUS;
}

/** Square metres inside the points on the sphere, the last one joined to the first. */
function area(points: Place[]): number {
  if (points.length < 3) return 0;
  const total = pairs([...points, points[0] as Place]).reduce((sum, [one, other]) => {
    const sines = 2 + Math.sin(radians(one[0])) + Math.sin(radians(other[0]));
    return sum + radians(other[1] - one[1]) * sines;
  }, 0);
  return (Math.abs(total) * RADIUS * RADIUS) / 2;
}

const isSame = (one: Place | undefined, other: Place | undefined): boolean => one?.[0] === other?.[0] && one?.[1] === other?.[1];

function isInside([y, x]: Place, shape: Place[]): boolean {
  if (shape.length < 4 || !isSame(shape[0], shape[shape.length - 1])) return false;
  let inside = false;
  for (const [[y1, x1], [y2, x2]] of pairs(shape)) if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  return inside;
}

const side = (a: Place, b: Place, c: Place): number => (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1]);
const between = (a: Place, b: Place, c: Place): boolean =>
  Math.min(a[0], b[0]) <= c[0] && c[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= c[1] && c[1] <= Math.max(a[1], b[1]);

function meet([a, b]: [Place, Place], [c, d]: [Place, Place]): boolean {
  const sides = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)] as const;
  if (sides[0] * sides[1] < 0 && sides[2] * sides[3] < 0) return true;
  return (sides[0] === 0 && between(a, b, c)) || (sides[1] === 0 && between(a, b, d))
    || (sides[2] === 0 && between(c, d, a)) || (sides[3] === 0 && between(c, d, b));
}

function crosses(points: Place[]): boolean {
  const lines = pairs(points);
  const isClosed = points.length > 2 && isSame(points[0], points[points.length - 1]);
  return lines.some((one, i) => lines.some((other, j) => j >= i + 2 && !(isClosed && i === 0 && j === lines.length - 1) && meet(one, other)));
}

Object.assign(EAGER, {
  area: (values: Result[]) => { const points = places(values); return points ? area(points) : NaN; },
  distance: (values: Result[]) => { const points = places(values); return points ? pairs(points).reduce((sum, pair) => sum + step(pair), 0) : NaN; },
  geofence: ([place = "", shape = ""]: Result[]) => {
    const [point] = places([toText(place)]) ?? [];
    const around = places([toText(shape)]);
    return point !== undefined && around !== null && isInside(point, around);
  },
  intersects: (values: Result[], { host }: Context) => {
    const points = places(values);
    if (!points || points.length > 2000) return false;
    spend(host, Math.floor(points.length ** 2 / 20));
    return crosses(points);
  },
});
