"""The graph of a form as boxes and curves on a plane, ready for an inline SVG: no script, and no more than fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from forms import Graph, layers

MOST_BOXES: Final = 60
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _EDGE = 168, 34, 236, 46, 12
_LETTERS: Final = 20


@dataclass(frozen=True, slots=True)
class Box:
    """One row of the workbook."""

    path: str
    name: str  # as much of it as fits
    x: int
    y: int
    is_chosen: bool

    @property
    def text_y(self) -> int:
        """Where the text stands."""
        return self.y + 22


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes with the curves between them: what is read stands left of what reads it."""

    boxes: tuple[Box, ...]
    curves: tuple[str, ...]  # the attribute d of a path
    width: int
    height: int
    left_out: int  # boxes there was no room for

    @property
    def box_width(self) -> int:
        """The same for all."""
        return _WIDTH

    @property
    def box_height(self) -> int:
        """The same for all."""
        return _HEIGHT


def draw(graph: Graph, around: str = "") -> Drawing | None:
    """The whole graph where it is small enough; with `around`, that row with what it reads and who reads it."""
    wanted = list(_near(graph, around) if around else _linked(graph))
    if not wanted or (not around and len(wanted) > MOST_BOXES):
        return None
    shown = wanted[:MOST_BOXES]
    boxes = {box.path: box for box in _placed(graph, shown, around)}
    curves = tuple(_curves(graph, boxes))
    width = max(box.x for box in boxes.values()) + _WIDTH + _EDGE
    height = max(box.y for box in boxes.values()) + _HEIGHT + _EDGE
    return Drawing(tuple(boxes.values()), curves, width, height, len(wanted) - len(shown))


def _linked(graph: Graph) -> Iterable[str]:
    return dict.fromkeys(path for link in graph.links for path in (link.source, link.target))


def _near(graph: Graph, around: str) -> Iterable[str]:
    """The row itself, then its neighbours."""
    before = (link.source for link in graph.depends_on(around))
    after = (link.target for link in graph.used_by(around))
    return dict.fromkeys((around, *before, *after))


def _placed(graph: Graph, shown: list[str], around: str) -> Iterable[Box]:
    rows: dict[str, int] = {}
    for column, paths in enumerate(layers(graph, shown)):
        # Near what it reads: the mean height of its sources keeps most curves short.
        heights = {path: _mean(graph, path, rows) for path in paths}
        for row, path in enumerate(sorted(paths, key=heights.__getitem__)):
            rows[path] = row
            name = path.rpartition("/")[2]
            yield Box(
                path,
                name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…",
                _EDGE + column * _ACROSS,
                _EDGE + row * _DOWN,
                path == around,
            )


def _mean(graph: Graph, path: str, rows: Mapping[str, int]) -> float:
    found = [rows[link.source] for link in graph.depends_on(path) if link.source in rows]
    return sum(found) / len(found) if found else 0.0


def _curves(graph: Graph, boxes: dict[str, Box]) -> Iterable[str]:
    pairs = dict.fromkeys((link.source, link.target) for link in graph.links)
    for source, target in pairs:
        if source in boxes and target in boxes:
            yield _curve(boxes[source], boxes[target])


def _curve(one: Box, other: Box) -> str:
    """From the right edge of one box to the left edge of the other."""
    x, y, to_x, to_y = one.x + _WIDTH, one.y + _HEIGHT // 2, other.x, other.y + _HEIGHT // 2
    bend = max(24, abs(to_x - x) // 2)
    return f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
