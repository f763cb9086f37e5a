"""The rows of the dialect's table turned the way of the engines that recorded a case, one row at a time.

A case whose result is not ours is a known difference only when the evaluator, with exactly one row read as those
engines read it, gives what the case expects. So a rule can fail: an error that no row explains stays a failure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from forms.expressions import evaluate, functions, nodesets, operators, rules, values
from forms.expressions.rules import Rule, any_rule, truth_rule
from forms.expressions.values import Nodes, Result, Scope, date_time_text, to_number, to_text

Changes = list[tuple[Any, str, Any]]  # (module or table, name, what stands there instead)
Reading = Callable[[tzinfo], Changes]
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00\.000[+-][0-9:]{5}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def turned(reading: str, zone: tzinfo) -> Iterator[None]:
    """The evaluator of this process with one reading turned; `zone` is where the device of the case is."""
    changes = READINGS[reading](zone)
    before = [(place, name, _get(place, name)) for place, name, _ in changes]
    try:
        for change in changes:
            _set(*change)
        _forget()
        yield
    finally:
        for change in before:
            _set(*change)
        _forget()


def row_of(reading: str) -> str:
    """The row of docs/decisions/0006-dialect.md that a reading turns."""
    return reading.partition(", ")[0]


def _get(place: Any, name: str) -> Any:
    return place[name] if isinstance(place, Mapping) else getattr(place, name)


def _set(place: Any, name: str, value: Any) -> None:
    if isinstance(place, dict):
        place[name] = value
    else:
        setattr(place, name, value)


def _forget() -> None:
    evaluate.rule_of.cache_clear()
    evaluate._by_identity.clear()


def _function(name: str, apply: Callable[[Scope, list[Result]], Result]) -> Changes:
    """A function of the table answered otherwise; its shortcut, if it has one, is left out."""
    spec = replace(functions.FUNCTIONS[name], apply=apply)
    shortcut: Changes = [(evaluate._SHORTCUTS, name, lambda *_: None)] if name in evaluate._SHORTCUTS else []
    return [(functions.FUNCTIONS, name, spec), *shortcut]


def _all_general() -> Changes:
    """No path takes the short way for one answer, so that all of them convert by the functions that are changed."""
    return [(nodesets, "single_rule", lambda nodes, single: any_rule(nodes))]


# --- dates


def _instants(zone: tzinfo) -> Changes:
    """A date is its first moment on the device, date() keeps the time, and midnight is written as a date."""
    original = values.day_number

    def day_number(text: str, offset: int | None = None) -> float | None:
        if len(text) == 10 or not re.search(r"(Z|[+-][0-9]{2}:?[0-9]{2})$", text[10:]):
            days = original(text, 0)
            return None if days is None else days - _offset(days, zone) / 1440
        return original(text, 0)

    def moment(scope: Scope, arguments: list[Result]) -> str:
        return _written(_days_of(arguments[0]), zone)

    def local(scope: Scope, value: Result) -> datetime | None:
        days = _days_of(value)
        return (_EPOCH + timedelta(days=days + _offset(days, zone) / 1440)) if math.isfinite(days) else None

    def _days_of(value: Result) -> float:
        days = day_number(to_text(value).strip()) if isinstance(value, list | str) else None
        return math.nan if isinstance(value, bool) else to_number(value) if days is None else days

    patched: Changes = [(module, "day_number", day_number) for module in (values, functions, evaluate)]
    return [
        *patched,
        *_all_general(),
        (functions, "_local_moment", local),
        *_function("date", moment),
        *_function("date-time", moment),
    ]


def _days_of_moments(zone: tzinfo) -> Changes:
    """number() of a dateTime without its part of a day."""
    original = functions.FUNCTIONS["number"].apply
    assert original is not None

    def number(scope: Scope, arguments: list[Result]) -> float:
        found = float(original(scope, arguments))  # type: ignore[arg-type]
        text = to_text(arguments[0]) if arguments else ""
        return math.floor(found) if values.is_date_time(text.strip()) and math.isfinite(found) else found

    return _function("number", number)


def _moment_of_number(zone: tzinfo) -> Changes:
    """date() of a number has a time."""
    original = functions.FUNCTIONS["date"].apply
    assert original is not None

    def date(scope: Scope, arguments: list[Result]) -> Result:
        value = arguments[0]
        return original(scope, arguments) if isinstance(value, list | str) else _written(to_number(value), zone)

    return _function("date", date)


def _offset(days: float, zone: tzinfo) -> float:
    """Minutes ahead of UTC at a local time given as days."""
    local = (_EPOCH + timedelta(days=days)).replace(tzinfo=zone)
    delta = local.utcoffset()
    return 0.0 if delta is None else delta.total_seconds() / 60


def _written(days: float, zone: tzinfo) -> str:
    if not math.isfinite(days):
        return ""
    delta = (_EPOCH + timedelta(days=days)).astimezone(zone).utcoffset() or timedelta(0)
    text = date_time_text(days, int(delta.total_seconds() // 60))
    midnight = _MIDNIGHT.fullmatch(text)
    return midnight[1] if midnight else text


# --- node-sets


def _nothing_compares(zone: tzinfo) -> Changes:
    """No node compares with nothing, unless it is a truth that stands beside it."""
    return [
        *((operators.OPERATORS, name, _strict(operators.OPERATORS[name])) for name in ("=", "!=", "<", "<=", ">", ">="))
    ]


def _strict(build: Callable[..., Rule]) -> Callable[[Rule, Rule], Rule]:
    def rule(left: Rule, right: Rule) -> Rule:
        holds = build(left, right).truth

        def truth(scope: Scope) -> bool:
            one, other = left.value(scope), right.value(scope)
            is_empty = one == [] or other == []
            return holds(scope) and (not is_empty or isinstance(one, bool) or isinstance(other, bool))

        return truth_rule(truth)

    return rule


def _node_is_there(zone: tzinfo) -> Changes:
    """A node is true because it is there."""
    original = values.to_bool

    def to_bool(value: Result) -> bool:
        return bool(value) if isinstance(value, list) else original(value)

    return [*_all_general(), *((module, "to_bool", to_bool) for module in (values, rules, functions, operators))]


def _members_are_true(zone: tzinfo) -> Changes:
    """checklist() and weighted-checklist() count what XPath calls true."""

    def is_true(value: Result) -> bool:
        return to_text(value) != "" if isinstance(value, list) else values.to_bool(value)

    return [(functions, "_is_positive", is_true)]


def _blanks_are_no_numbers(zone: tzinfo) -> Changes:
    """sum() over a blank is no number."""

    def add(scope: Scope, arguments: list[Result]) -> float:
        members: Nodes = arguments[0] if isinstance(arguments[0], list) else [arguments[0]]
        return math.fsum(to_number([member]) for member in members)

    return _function("sum", add)


# --- numbers and texts


def _two_decimals(zone: tzinfo) -> Changes:
    """area() and distance() in hundredths."""

    def rounded(name: str) -> Changes:
        original = functions.FUNCTIONS[name].apply
        assert original is not None
        return _function(name, lambda scope, given: functions.rounded(to_number(original(scope, given)), 2))

    return [*rounded("area"), *rounded("distance")]


def _halves_away(zone: tzinfo) -> Changes:
    """round() takes halves away from zero."""
    return [(functions, "_half_up", lambda number: math.copysign(math.floor(abs(number) + 0.5), number))]


def _anywhere(zone: tzinfo) -> Changes:
    """regex() looks for a match anywhere."""
    return [(functions, "matches", lambda subject, pattern: re.search(pattern, subject, re.ASCII) is not None)]


READINGS: Final[Mapping[str, Reading]] = {
    "date-zero": _moment_of_number,
    "whole-days": _instants,
    "whole-days, number()": _days_of_moments,
    "missing": _nothing_compares,
    "boolean-of-blank": _node_is_there,
    "checklist": _members_are_true,
    "sum": _blanks_are_no_numbers,
    "distance": _two_decimals,
    "round-half": _halves_away,
    "regex": _anywhere,
}
