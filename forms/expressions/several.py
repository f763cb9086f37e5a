"""Where an expression names answers of many rows although one is wanted: it runs, but rarely means what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from forms.expressions.resolve import Schema, Steps
from forms.model import Call, Expression, Filter, Path

# What is made for many answers; a choice between two hands its own place on.
_FOR_MANY: Final = frozenset(
    ("sum", "max", "min", "count", "count-non-empty", "join", "concat", "randomize", "position", "area", "distance",
     "intersects", "checklist", "weighted-checklist", "jr:choice-name", "indexed-repeat", "|")
)  # fmt: skip
_HANDING_ON: Final = frozenset(("if", "coalesce"))


def several(expression: Expression | None, schema: Schema) -> Iterator[Steps]:
    """The paths that give one answer a row where a single answer is wanted."""
    if expression is not None and not schema.is_open:
        yield from _several(expression, schema, is_single=True)


def _several(expression: Expression, schema: Schema, *, is_single: bool) -> Iterator[Steps]:
    match expression:
        case Path(steps, pinned) if is_single and schema.repeats_in(steps) > pinned:
            yield steps
        case Call(name, arguments):
            for place, argument in enumerate(arguments):
                is_handed_on = name in _HANDING_ON and (name != "if" or place > 0)
                single = is_single if is_handed_on else name not in _FOR_MANY
                yield from _several(argument, schema, is_single=single)
        case Filter(_, predicates, _):
            for predicate in predicates:
                yield from _several(predicate, schema, is_single=True)
