/** Measures on the ground: a plane around a centre, lengths and areas, round numbers for scales. No drawing here. */

import type { Point } from "./points";

const RADIUS = 6_371_008.8;
const DEGREE = (Math.PI / 180) * RADIUS;

export interface Place {
  lat: number;
  lon: number;
}

export interface Metres {
  east: number;
  north: number;
}

/** Points of a stored text; what is no point is left out. */
export function pointsOf(text: string): Point[] {
  return text.split(";").map((part) => part.trim().split(/\s+/).map(Number) as Point)
    .filter(([lat, lon]) => Number.isFinite(lat) && Number.isFinite(lon) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180);
}

/** Where a place lies seen from an origin, on a plane that is true near it. */
export function offset(origin: Place, { lat, lon }: Place): Metres {
  return { east: (lon - origin.lon) * DEGREE * Math.cos((origin.lat * Math.PI) / 180), north: (lat - origin.lat) * DEGREE };
}

export function moved(origin: Place, { east, north }: Metres): Place {
  const width = DEGREE * Math.max(0.01, Math.cos((origin.lat * Math.PI) / 180));
  return { lat: Math.max(-90, Math.min(90, origin.lat + north / DEGREE)), lon: Math.max(-180, Math.min(180, origin.lon + east / width)) };
}

function distance([lat1, lon1]: Point, [lat2, lon2]: Point): number {
  const [a, b, c] = [lat1, lat2, lon2 - lon1].map((degrees) => (degrees * Math.PI) / 180) as [number, number, number];
  const half = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(c / 2) ** 2;
  return 2 * RADIUS * Math.asin(Math.min(1, Math.sqrt(half)));
}

/** Metres along the points in their order. */
export function length(points: readonly Point[], isClosed: boolean): number {
  const [first] = points;
  const ring = isClosed && first ? [...points, first] : points;
  return ring.slice(1).reduce((sum, point, index) => sum + distance(ring[index] ?? point, point), 0);
}

/** Square metres inside the points. */
export function area(points: readonly Point[]): number {
  const [first] = points;
  if (!first || points.length < 3) return 0;
  const flat = points.map(([lat, lon]) => offset({ lat: first[0], lon: first[1] }, { lat, lon }));
  const twice = flat.reduce((sum, here, index) => {
    const next = flat[(index + 1) % flat.length] ?? here;
    return sum + here.east * next.north - next.east * here.north;
  }, 0);
  return Math.abs(twice) / 2;
}

/** The largest of 1, 2, 5, 10, 20, 50 ... that is at most `most`. */
export function roundBelow(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((digit) => digit * power).find((round) => round <= most) ?? power;
}
