"""An expression made ready to run: one function per kind of result that may be wanted of it.

Who wants a truth, a number or a text asks for it directly, so that an answer compared with a literal never becomes a
node-set first. All four agree: `truth` is `to_bool(value)`, `number` is `to_number(value)`, `text` is `to_text(value)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from forms.expressions.values import (
    Nodes,
    Result,
    Scope,
    element_text,
    format_number,
    read_number_text,
    to_bool,
    to_number,
    to_text,
)

Thunk: TypeAlias = Callable[[Scope], Result]
Test: TypeAlias = Callable[[Scope], bool]
Amount: TypeAlias = Callable[[Scope], float]
Words: TypeAlias = Callable[[Scope], str]
# One answer as it is kept, None for a blank or for no node at all; else the nodes, several or of another sort.
Single: TypeAlias = "str | int | float | Nodes | None"


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled expression; `kind` says what `value` always is: truth, number, text or any."""

    value: Thunk
    truth: Test
    number: Amount
    text: Words
    kind: str = "any"
    single: Callable[[Scope], Single] | None = None  # of paths: the one answer without a node-set around it
    literal: str | float | None = None


def any_rule(value: Thunk) -> Rule:
    """A rule that knows nothing of its result."""
    return Rule(
        value,
        lambda scope: to_bool(value(scope)),
        lambda scope: to_number(value(scope)),
        lambda scope: to_text(value(scope)),
    )


def truth_rule(truth: Test) -> Rule:
    """A rule that is always true or false."""
    return Rule(
        truth, truth, lambda scope: float(truth(scope)), lambda scope: "true" if truth(scope) else "false", "truth"
    )


def number_rule(number: Amount) -> Rule:
    """A rule that is always a number."""
    return Rule(
        number, lambda scope: to_bool(number(scope)), number, lambda scope: format_number(number(scope)), "number"
    )


def text_rule(text: Words) -> Rule:
    """A rule that is always a text."""
    return Rule(text, lambda scope: text(scope) != "", lambda scope: read_number_text(text(scope)), text, "text")


def literal_rule(literal: str | float) -> Rule:
    """A rule that never changes."""
    truth, number, text = to_bool(literal), to_number(literal), to_text(literal)
    kind = "text" if isinstance(literal, str) else "number"
    return Rule(
        lambda scope: literal, lambda scope: truth, lambda scope: number, lambda scope: text, kind, literal=literal
    )


def single_rule(nodes: Callable[[Scope], Nodes], single: Callable[[Scope], Single]) -> Rule:
    """A rule that yields nodes, mostly one."""
    return Rule(
        nodes,
        lambda scope: single_truth(single(scope)),
        lambda scope: single_number(single(scope)),
        lambda scope: single_text(single(scope)),
        single=single,
    )


def single_text(value: Single) -> str:
    """What `to_text` gives for the nodes."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]
    if value is None:
        return ""
    if kind is list:
        return element_text(value[0]) if value else ""  # type: ignore[index]
    return format_number(value)  # type: ignore[arg-type]


def single_number(value: Single) -> float:
    """What `to_number` gives for the nodes."""
    if value is None:
        return math.nan
    kind = type(value)
    if kind is str:
        return read_number_text(value)  # type: ignore[arg-type]
    return to_number(value)


def single_truth(value: Single) -> bool:
    """What `to_bool` gives for the nodes."""
    kind = type(value)
    if kind is str:
        return value != ""
    if value is None:
        return False
    return to_bool(value) if kind is list else value != 0
