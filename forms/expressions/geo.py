"""Points, traces and shapes: `lat lon alt acc`, joined by semicolons; distances on a sphere of 6,378,100 m."""

from __future__ import annotations

import math
from itertools import pairwise

EARTH_RADIUS = 6_378_100.0

Point = tuple[float, float]


def read_points(texts: list[str]) -> list[Point] | None:
    """The points of one trace or of a list of points, or None when one cannot be read."""
    points: list[Point] = []
    for text in texts:
        for part in text.split(";"):
            if part.strip():
                point = _read_point(part)
                if point is None:
                    return None
                points.append(point)
    return points


def _read_point(text: str) -> Point | None:
    parts = text.split()
    try:
        latitude, longitude = float(parts[0]), float(parts[1])
    except (IndexError, ValueError):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def distance(points: list[Point]) -> float:
    """Metres along the points."""
    total = 0.0
    for one, other in pairwise(points):
        total += _step(one, other)
    return total


def _step(one: Point, other: Point) -> float:
    # The haversine: the cosine of a small angle loses digits, and the phone and the server would differ.
    a, b = math.radians(one[0]), math.radians(other[0])
    up, along = math.sin((a - b) / 2), math.sin(math.radians(one[1] - other[1]) / 2)
    half = up * up + math.cos(a) * math.cos(b) * along * along
    return 2 * math.asin(math.sqrt(min(1.0, half))) * EARTH_RADIUS


def area(points: list[Point]) -> float:
    """Square metres inside the points on the sphere, the last one joined to the first."""
    total = 0.0
    for one, other in pairwise([*points, *points[:1]]):
        sines = 2 + math.sin(math.radians(one[0])) + math.sin(math.radians(other[0]))
        total += math.radians(other[1] - one[1]) * sines
    return abs(total) * EARTH_RADIUS * EARTH_RADIUS / 2 if len(points) > 2 else 0.0


def is_inside(point: Point, shape: list[Point]) -> bool:
    """True when the point lies in a closed shape."""
    if len(shape) < 4 or shape[0] != shape[-1]:
        return False
    y, x = point
    inside = False
    for (y1, x1), (y2, x2) in pairwise(shape):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def crosses_itself(points: list[Point]) -> bool:
    """True when two lines of the trace meet elsewhere than at a shared end."""
    lines = list(pairwise(points))
    closed = len(points) > 2 and points[0] == points[-1]
    for i, one in enumerate(lines):
        for j in range(i + 2, len(lines)):
            if not (closed and i == 0 and j == len(lines) - 1) and _meet(one, lines[j]):
                return True
    return False


def _meet(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    a, b = one
    c, d = other
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    on_line = ((turns[0], a, b, c), (turns[1], a, b, d), (turns[2], c, d, a), (turns[3], c, d, b))
    return any(turn == 0 and _between(start, end, point) for turn, start, end, point in on_line)


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1])


def _between(a: Point, b: Point, c: Point) -> bool:
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])
