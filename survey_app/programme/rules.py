"""The pack's expressions over one row of a register: classifiers, scopes and checks, in the forms' own language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from forms import Clock, Environment, Expression, Scope, evaluate, parse, to_text

Lists = Mapping[str, Sequence[dict[str, str]]]


def evaluate_text(rule: str, row: Mapping[str, Any], lists: Lists) -> str:
    """The text a rule gives for a row; "" for a blank."""
    return to_text(evaluate(_parsed(rule), _scope(row, lists)))


def holds(rule: str, row: Mapping[str, Any], lists: Lists) -> bool:
    """True when a rule is true of a row."""
    return to_text(evaluate(_parsed(f"boolean({rule})"), _scope(row, lists))) == "true"


@lru_cache(maxsize=200)
def _parsed(rule: str) -> Expression:
    return parse(rule)


def _scope(row: Mapping[str, Any], lists: Lists) -> Scope:
    texts = {name: _text(value) for name, value in row.items() if value not in (None, "")}
    return Scope(Environment(Clock.utc(), root=texts, instances=lists))


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


__all__ = ["Lists", "evaluate_text", "holds"]
