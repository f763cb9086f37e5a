"""Which parts of a phone's engine a form needs: functions few forms call are loaded only for those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_NUMBERS: Final = frozenset(
    ("sqrt", "exp", "exp10", "log", "log10", "pi", "sin", "cos", "tan", "asin", "acos", "atan", "atan2")
)
# Part (a module of the client's folder `form`) -> the functions it brings.
PARTS: Final[Mapping[str, frozenset[str]]] = {
    "patterns": frozenset({"regex"}),
    "calendar": frozenset({"format-date", "format-date-time", "decimal-time"}),
    "codes": frozenset({"digest", "base64-decode", "extract-signed"}),
    "places": frozenset({"area", "distance", "geofence", "intersects"}),
    "seldom": frozenset({"checklist", "weighted-checklist", "pulldata", "substring", "translate", "randomize"})
    | _NUMBERS,
}


def parts_called(tree: Any) -> list[str]:
    """The parts that the expressions and parameters in a form's JSON call for."""
    names = frozenset(_names(tree))
    return [part for part, brought in PARTS.items() if brought & names]


def _names(tree: Any) -> Iterator[str]:
    if isinstance(tree, list):
        if tree and isinstance(tree[0], str):
            yield tree[0]
        for child in tree:
            yield from _names(child)
    elif isinstance(tree, dict):
        yield from tree
        for child in tree.values():
            yield from _names(child)
