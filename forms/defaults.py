"""Fixed defaults that no answer could be: a word for a number, a date in another notation, a choice not on the list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from marshmallow import ValidationError

from forms.columns import TypeCell, read_parameters
from forms.issues import Issue, Severity
from forms.model import Question
from forms.types import TYPES, Kind
from forms.workbook import Row, Sheet, iter_rows

_CHECKED: Final = frozenset(
    [Kind.INTEGER, Kind.DECIMAL, Kind.RANGE, Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.POINT, Kind.TRACE, Kind.SHAPE]
)
_CHOSEN: Final = frozenset([Kind.CHOICE, Kind.CHOICES, Kind.RANK])
# What may be an expression is judged as one, elsewhere.
_COMPUTED: Final = re.compile(r"[$()\[\]*+'\"]|\.\.|\s(?:-|div|mod|and|or)\s")


def misfits(sheets: Mapping[str, Sheet], typed: Sequence[tuple[Row, TypeCell]]) -> Iterator[Issue]:
    """A warning for each default that its own question would refuse."""
    lists: dict[str, set[str]] = {}
    for choice in iter_rows(sheets, "choices"):
        lists.setdefault(choice.get("list_name"), set()).add(choice.get("name"))
    for row, type_ in typed:
        default = row.get("default")
        if not default or type_.name not in TYPES or _COMPUTED.search(default):
            continue
        issue = _misfit(row, type_, default, lists)
        if issue is not None:
            yield issue


def _misfit(row: Row, type_: TypeCell, default: str, lists: Mapping[str, set[str]]) -> Issue | None:
    kind = TYPES[type_.name].kind
    where = row.cell("default")
    if kind in _CHOSEN and not type_.is_file and type_.list_name in lists:
        names = [default] if kind is Kind.CHOICE else default.split()
        known = lists[type_.list_name] | ({"other"} if type_.has_other else set())
        unknown = next((name for name in names if name not in known), None)
        return None if unknown is None else Issue("default_unknown", where, {"value": unknown[:80]}, Severity.WARNING)
    if kind in _CHECKED:
        question = Question(
            "default", type_.name, ("default",), where, parameters=read_parameters(row.get("parameters"))
        )
        try:
            TYPES[type_.name].field(question).deserialize(default)
        except ValidationError:
            parameters = {"value": default[:80], "type": type_.name}
            return Issue("default_misfit", where, parameters, Severity.WARNING)
    return None
