"""The operators: comparisons over node-sets, arithmetic, and the shortcuts for one answer beside a literal."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from forms.expressions.rules import (
    Rule,
    Single,
    any_rule,
    number_rule,
    single_number,
    single_text,
    truth_rule,
)
from forms.expressions.values import (
    Nodes,
    Result,
    Scope,
    element_text,
    format_number,
    is_date,
    is_date_time,
    to_bool,
    to_number,
    to_text,
)

Holds = Callable[[float, float], bool]


def _and(left: Rule, right: Rule) -> Rule:
    one, other = left.truth, right.truth
    return truth_rule(lambda scope: one(scope) and other(scope))


def _or(left: Rule, right: Rule) -> Rule:
    one, other = left.truth, right.truth
    return truth_rule(lambda scope: one(scope) or other(scope))


# --- equality


def _equality(wanted: bool) -> Callable[[Rule, Rule], Rule]:
    def build(left: Rule, right: Rule) -> Rule:
        if left.single is None:
            left, right = right, left  # an answer first: "=" and "!=" read the same from both sides
        if left.single is None:
            one, other = left.value, right.value
            return truth_rule(lambda scope: _any_equal(one(scope), other(scope), wanted, scope))
        if isinstance(right.literal, str):
            return _equals_text(left.single, right.literal, wanted)
        if right.literal is not None:
            return _equals_number(left.single, right.literal, wanted)
        return _equals_other(left, right, wanted)

    return build


def _equals_text(single: Callable[[Scope], Single], text: str, wanted: bool) -> Rule:
    if_blank = (text == "") is wanted

    def truth(scope: Scope) -> bool:
        value = single(scope)
        kind = type(value)
        if kind is str:
            return (value == text) is wanted
        if value is None:
            return if_blank
        if kind is list:
            return _any_equal(value, text, wanted, scope)
        return (text != "" and format_number(value) == text) is wanted  # type: ignore[arg-type]

    return truth_rule(truth)


def _equals_number(single: Callable[[Scope], Single], number: float, wanted: bool) -> Rule:
    def truth(scope: Scope) -> bool:
        value = single(scope)
        if type(value) is list:
            return _any_equal(value, number, wanted, scope)
        return (single_number(value) == number) is wanted

    return truth_rule(truth)


def _equals_other(left: Rule, right: Rule, wanted: bool) -> Rule:
    single, nodes, other = left.single, left.value, right.value
    other_single = right.single

    def truth(scope: Scope) -> bool:
        one = single(scope)  # type: ignore[misc]
        two: Any = other(scope) if other_single is None else other_single(scope)
        if type(one) is not list:
            if type(two) is float and other_single is None:
                return (single_number(one) == two) is wanted
            if type(two) is str or (other_single is not None and type(two) is not list):
                return (single_text(one) == single_text(two)) is wanted
        return _any_equal(nodes(scope), two if other_single is None else other(scope), wanted, scope)

    return truth_rule(truth)


def _any_equal(left: Result, right: Result, wanted: bool, scope: Scope) -> bool:
    if type(left) is bool or type(right) is bool:
        return (to_bool(left) == to_bool(right)) is wanted
    single, beside = _one(left), _one(right)
    if type(single) is not list and type(beside) is not list:
        return _equal(single, beside) is wanted
    lefts, rights = _atoms(single), _atoms(beside)
    if len(lefts) * len(rights) > 4:
        scope.environment.spend(len(lefts) * len(rights))
    for one in lefts:
        for other in rights:
            if _equal(one, other) is wanted:
                return True
    return False


def _one(value: Any) -> Any:
    """A node-set of one node, or of none, as its text; several as they are."""
    if type(value) is list and len(value) < 2:
        return element_text(value[0]) if value else ""
    return value


def _atoms(value: Result) -> list[Any]:
    if type(value) is not list:
        return [value]
    # A node-set without nodes is a blank, as for the reference engines on phones.
    return [element_text(element) for element in value] if value else [""]


def _equal(one: float | str, other: float | str) -> bool:
    if type(one) is str and type(other) is str:
        return one == other
    return to_number(one) == to_number(other)


# --- order


def _comparison(holds: Holds) -> Callable[[Rule, Rule], Rule]:
    def build(left: Rule, right: Rule) -> Rule:
        if left.kind == "number" and right.kind == "number":
            first, second = left.number, right.number
            return truth_rule(lambda scope: holds(first(scope), second(scope)))
        if left.single is not None and right.kind == "number":
            return _against_number(left.single, right.number, holds)
        if right.single is not None and left.kind == "number":
            return _against_number(right.single, left.number, lambda one, other: holds(other, one))
        if left.single is not None and right.single is not None:
            return _between_singles(left, right, holds)
        one, other = left.value, right.value
        return truth_rule(lambda scope: _any_holds(one(scope), other(scope), holds, scope))

    return build


def _against_number(single: Callable[[Scope], Single], number: Callable[[Scope], float], holds: Holds) -> Rule:
    def truth(scope: Scope) -> bool:
        value = single(scope)
        if type(value) is list:
            return _any_holds(value, number(scope), holds, scope)
        return holds(single_number(value), number(scope))

    return truth_rule(truth)


def _between_singles(left: Rule, right: Rule, holds: Holds) -> Rule:
    first, second = left.single, right.single
    nodes, others = left.value, right.value

    def truth(scope: Scope) -> bool:
        one, other = first(scope), second(scope)  # type: ignore[misc]
        if type(one) is list or type(other) is list:
            return _any_holds(nodes(scope), others(scope), holds, scope)
        if type(one) is str and type(other) is str:
            return holds(*_aligned(one, other, scope))
        return holds(single_number(one), single_number(other))

    return truth_rule(truth)


def _any_holds(left: Result, right: Result, holds: Holds, scope: Scope) -> bool:
    if type(left) is float and type(right) is float:
        return holds(left, right)
    # Unlike "=", an order between a truth and a node-set compares numbers, node by node, as the engines on phones do.
    left, right = (float(side) if type(side) is bool else side for side in (left, right))
    for one in _atoms(left):
        for other in _atoms(right):
            scope.environment.spend()
            if holds(*_aligned(one, other, scope)):
                return True
    return False


def _aligned(one: float | str, other: float | str, scope: Scope) -> tuple[float, float]:
    """Both as numbers; beside a dateTime a date means its first moment on the device."""
    left, right = to_number(one), to_number(other)
    if type(one) is str and type(other) is str:
        if is_date(one) and is_date_time(other):
            left -= scope.environment.clock.offset / 1440
        elif is_date_time(one) and is_date(other):
            right -= scope.environment.clock.offset / 1440
    return left, right


# --- arithmetic


def _arithmetic(calculate: Callable[[float, float], float]) -> Callable[[Rule, Rule], Rule]:
    def build(left: Rule, right: Rule) -> Rule:
        one, other = left.number, right.number
        return number_rule(lambda scope: calculate(one(scope), other(scope)))

    return build


def _minus(left: Rule, right: Rule) -> Rule:
    if left.kind == "number" or right.kind == "number":  # then no date stands beside a dateTime
        first, second = left.number, right.number
        return number_rule(lambda scope: first(scope) - second(scope))
    left_value, right_value = left.value, right.value

    def run(scope: Scope) -> float:
        one, other = _aligned(_single(left_value(scope)), _single(right_value(scope)), scope)
        return one - other

    return number_rule(run)


def _single(value: Result) -> float | str:
    return to_text(value) if type(value) is list or type(value) is str else to_number(value)


def _div(one: float, other: float) -> float:
    if other != 0:
        return one / other
    if one == 0 or one != one:
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1, other)


def _mod(one: float, other: float) -> float:
    if other == 0 or math.isinf(one):
        return math.nan
    return math.fmod(one, other)


def _neg(rule: Rule) -> Rule:
    number = rule.number
    return number_rule(lambda scope: -number(scope))


def _union(left: Rule, right: Rule) -> Rule:
    one, other = left.value, right.value

    def run(scope: Scope) -> Nodes:
        nodes: Nodes = []
        seen: set[int] = set()
        for side in (one(scope), other(scope)):
            for element in side if isinstance(side, list) else ():
                if type(element) is str or id(element) not in seen:
                    seen.add(id(element))
                    nodes.append(element)
        scope.environment.spend(len(nodes))
        return sorted(nodes, key=_document_order)

    return any_rule(run)


def _document_order(element: Any) -> tuple[int, ...]:
    return element.order() if hasattr(element, "order") else ()


OPERATORS: Final[Mapping[str, Callable[..., Rule]]] = {
    "and": _and,
    "or": _or,
    "=": _equality(True),
    "!=": _equality(False),
    "<": _comparison(operator.lt),
    "<=": _comparison(operator.le),
    ">": _comparison(operator.gt),
    ">=": _comparison(operator.ge),
    "+": _arithmetic(operator.add),
    "-": _minus,
    "*": _arithmetic(operator.mul),
    "div": _arithmetic(_div),
    "mod": _arithmetic(_mod),
    "neg": _neg,
    "|": _union,
}
