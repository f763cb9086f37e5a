"""The record sent before (`${last-saved#name}`): its answers as the one item of the instance `__last-saved`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forms.expressions.resolve import LAST_SAVED as LAST_SAVED
from forms.expressions.resolve import Steps, last_saved_name
from forms.expressions.values import format_number


def last_saved_items(answers: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """The instance `__last-saved` for an interview that begins after `answers` were sent; none before the first."""
    return [] if answers is None else [dict(_fields(answers, ()))]


def _fields(answers: Mapping[str, Any], above: Steps) -> Iterator[tuple[str, str]]:
    for name, value in answers.items():
        path = (*above, name)
        if isinstance(value, Mapping):
            yield from _fields(value, path)
        elif isinstance(value, int | float):
            yield last_saved_name(path), format_number(value)
        elif isinstance(value, str):
            yield last_saved_name(path), value
