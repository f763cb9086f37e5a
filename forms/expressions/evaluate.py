"""Walks an expression tree over the answers of an interview.

A tree is turned once into nested closures (`compile_expression`), for the same expression is evaluated for every
answer of every submission. Nodes that are not relevant do not exist here, and a node-set without nodes is a blank.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from forms.expressions.functions import FUNCTIONS
from forms.expressions.values import (
    Nodes,
    Result,
    Scope,
    TooMuchWork,
    element_text,
    is_date,
    is_date_time,
    to_bool,
    to_number,
    to_text,
)
from forms.model import Call, Expression, Field, Filter, Instance, Literal, Path

Thunk = Callable[[Scope], Result]


def evaluate(expression: Expression, scope: Scope) -> Result:
    """The value of an expression where `scope` stands; a blank when it asks for more work than a form may."""
    try:
        return compiled(expression)(scope)
    except (TooMuchWork, RecursionError):
        return ""


_by_identity: dict[int, tuple[Expression, Thunk]] = {}
_REMEMBERED = 20_000


def compiled(expression: Expression) -> Thunk:
    """The same as compile_expression, found by identity: to hash a deep tree costs more than to walk it."""
    known = _by_identity.get(id(expression))
    if known is not None and known[0] is expression:
        return known[1]
    thunk = compile_expression(expression)
    if len(_by_identity) >= _REMEMBERED:
        _by_identity.clear()
    _by_identity[id(expression)] = expression, thunk
    return thunk


@lru_cache(maxsize=_REMEMBERED)
def compile_expression(expression: Expression) -> Thunk:
    """The expression as a function of the scope it stands in."""
    if isinstance(expression, Literal):
        value: Result = expression.value if isinstance(expression.value, str) else float(expression.value)
        return lambda scope: value
    if isinstance(expression, Path):
        return _path(expression)
    if isinstance(expression, Field):
        return _field(expression)
    if isinstance(expression, Instance):
        return _instance(expression)
    if isinstance(expression, Filter):
        return _filter(expression)
    return _call(expression)


# --- nodes


def _path(path: Path) -> Thunk:
    steps, pinned = path.steps, path.pinned

    def nodes(scope: Scope) -> Nodes:
        rows, environment = scope.rows, scope.environment
        row = rows[pinned - 1] if pinned and len(rows) >= pinned else environment.root
        if type(row) is dict:
            return _descend([row], steps, scope)
        if not row.is_relevant:
            return []
        node = row.nodes.get(steps)
        if node is not None:  # no repeat between: a node that is asked stands in groups that are asked
            environment.steps -= 1
            if not node.is_relevant:
                return []
            return list(node.rows) if node.is_repeat else [node]
        return _descend([row], steps[row.depth :], scope)

    return nodes


def _descend(nodes: Nodes, steps: Sequence[str], scope: Scope) -> Nodes:
    scope.environment.spend(len(nodes))
    for name in steps:
        if len(nodes) == 1:
            nodes = _below(nodes[0], name)
        else:
            nodes = [found for node in nodes for found in _below(node, name)]
            scope.environment.spend(len(nodes))
    return nodes


def _below(node: Any, name: str) -> Nodes:
    if type(node) is dict:
        return [node[name]] if name in node else []
    return [] if type(node) is str else node.below(name)


def _field(field: Field) -> Thunk:
    steps = field.steps

    def nodes(scope: Scope) -> Nodes:
        return [] if scope.item is None else _descend([scope.item], steps, scope)

    return nodes


def _instance(instance: Instance) -> Thunk:
    name = instance.id

    def nodes(scope: Scope) -> Nodes:
        items = list(scope.environment.instances.get(name, ()))
        scope.environment.spend(len(items))
        return items

    return nodes


def _filter(filtered: Filter) -> Thunk:
    source = compile_expression(filtered.source)
    predicates = tuple(compile_expression(predicate) for predicate in filtered.predicates)
    steps = filtered.steps

    def nodes(scope: Scope) -> Nodes:
        found = source(scope)
        kept: Nodes = found if isinstance(found, list) else []
        for predicate in predicates:
            kept = _keep(kept, predicate, scope)
        return _descend(kept, steps, scope) if steps else kept

    return nodes


def _keep(nodes: Nodes, predicate: Thunk, scope: Scope) -> Nodes:
    before = scope.item, scope.place, scope.last
    scope.environment.spend(2 * len(nodes))
    scope.last = len(nodes)
    kept: Nodes = []
    try:
        for place, node in enumerate(nodes, 1):
            scope.item, scope.place = node, place
            truth = predicate(scope)
            if truth == place if type(truth) is float else to_bool(truth):
                kept.append(node)
    finally:
        scope.item, scope.place, scope.last = before
    return kept


def keeps(predicate: Thunk, item: Any, scope: Scope) -> bool:
    """True when one item passes a predicate; for choice filters."""
    return bool(_keep([item], predicate, scope))


# --- calls


def _call(call: Call) -> Thunk:
    special = _SPECIAL.get(call.name)
    if special is not None:
        return special(call)
    operator = _OPERATORS.get(call.name)
    if operator is not None:
        return operator(*(compile_expression(argument) for argument in call.arguments))
    spec = FUNCTIONS.get(call.name)
    if spec is None or spec.apply is None:
        return lambda scope: ""
    apply, arguments = spec.apply, [compile_expression(argument) for argument in call.arguments]
    if len(arguments) == 1:
        only = arguments[0]
        return lambda scope: apply(scope, [only(scope)])

    def run(scope: Scope) -> Result:
        scope.environment.spend()
        return apply(scope, [argument(scope) for argument in arguments])

    return run


def _if(call: Call) -> Thunk:
    condition, yes, no = (compile_expression(argument) for argument in call.arguments)
    return lambda scope: yes(scope) if to_bool(condition(scope)) else no(scope)


def _coalesce(call: Call) -> Thunk:
    first, second = (compile_expression(argument) for argument in call.arguments)

    def run(scope: Scope) -> Result:
        value = first(scope)
        return second(scope) if to_text(value) in ("", "NaN") else value

    return run


def _once(call: Call) -> Thunk:
    value = compile_expression(call.arguments[0])

    def run(scope: Scope) -> Result:
        present = scope.node.text() if scope.node is not None else ""
        return present if present != "" else value(scope)

    return run


def _indexed_repeat(call: Call) -> Thunk:
    target, *pairs = call.arguments
    if not isinstance(target, Path):
        return lambda scope: ""
    places = {
        repeat.steps: compile_expression(index)
        for repeat, index in zip(pairs[::2], pairs[1::2], strict=False)
        if isinstance(repeat, Path)
    }
    steps = target.steps

    def run(scope: Scope) -> Nodes:
        chosen = {path: to_number(index(scope)) for path, index in places.items()}
        here = {row.schema: row for row in scope.rows}
        nodes: Nodes = [scope.environment.root]
        for depth, name in enumerate(steps, 1):
            nodes = _descend(nodes, (name,), scope)
            path = steps[:depth]
            if path in chosen:
                place = chosen[path]
                nodes = [nodes[int(place) - 1]] if 1 <= place <= len(nodes) else []
            elif path in here and here[path] in nodes:
                nodes = [here[path]]
        return nodes[:1]

    return run


def _choice_name(call: Call) -> Thunk:
    value, node = call.arguments
    name, reference = compile_expression(value), compile_expression(node)
    path = "/".join(node.steps) if isinstance(node, Path) else None

    def run(scope: Scope) -> str:
        found = scope.environment.choice_name
        return found(to_text(name(scope)), path if path is not None else to_text(reference(scope)), scope)

    return run


_SPECIAL: dict[str, Callable[[Call], Thunk]] = {
    "if": _if,
    "coalesce": _coalesce,
    "once": _once,
    "indexed-repeat": _indexed_repeat,
    "jr:choice-name": _choice_name,
}

# --- operators


def _and(left: Thunk, right: Thunk) -> Thunk:
    return lambda scope: to_bool(left(scope)) and to_bool(right(scope))


def _or(left: Thunk, right: Thunk) -> Thunk:
    return lambda scope: to_bool(left(scope)) or to_bool(right(scope))


def _equality(wanted: bool) -> Callable[[Thunk, Thunk], Thunk]:
    def build(left: Thunk, right: Thunk) -> Thunk:
        return lambda scope: _any_equal(left(scope), right(scope), wanted, scope)

    return build


def _any_equal(left: Result, right: Result, wanted: bool, scope: Scope) -> bool:
    if type(left) is bool or type(right) is bool:
        return (to_bool(left) == to_bool(right)) is wanted
    left, right = _one(left), _one(right)
    if type(left) is not list and type(right) is not list:
        return _equal(left, right) is wanted
    lefts, rights = _atoms(left), _atoms(right)
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


def _comparison(holds: Callable[[float, float], bool]) -> Callable[[Thunk, Thunk], Thunk]:
    def build(left: Thunk, right: Thunk) -> Thunk:
        return lambda scope: _any_holds(left(scope), right(scope), holds, scope)

    return build


def _any_holds(left: Result, right: Result, holds: Callable[[float, float], bool], scope: Scope) -> bool:
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


def _arithmetic(calculate: Callable[[float, float], float]) -> Callable[[Thunk, Thunk], Thunk]:
    def build(left: Thunk, right: Thunk) -> Thunk:
        return lambda scope: calculate(to_number(left(scope)), to_number(right(scope)))

    return build


def _minus(left: Thunk, right: Thunk) -> Thunk:
    def run(scope: Scope) -> float:
        one, other = left(scope), right(scope)
        if type(one) is float and type(other) is float:
            return one - other
        first, second = _aligned(_single(one), _single(other), scope)
        return first - second

    return run


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


def _times(one: float, other: float) -> float:
    return one * other


def _neg(value: Thunk) -> Thunk:
    return lambda scope: -to_number(value(scope))


def _union(left: Thunk, right: Thunk) -> Thunk:
    def run(scope: Scope) -> Nodes:
        nodes: Nodes = []
        seen: set[int] = set()
        for side in (left(scope), right(scope)):
            for element in side if isinstance(side, list) else ():
                if type(element) is str or id(element) not in seen:
                    seen.add(id(element))
                    nodes.append(element)
        scope.environment.spend(len(nodes))
        return sorted(nodes, key=_document_order)

    return run


def _document_order(element: Any) -> tuple[int, ...]:
    return element.order() if hasattr(element, "order") else ()


_OPERATORS: dict[str, Callable[..., Thunk]] = {
    "and": _and,
    "or": _or,
    "=": _equality(True),
    "!=": _equality(False),
    "<": _comparison(lambda one, other: one < other),
    "<=": _comparison(lambda one, other: one <= other),
    ">": _comparison(lambda one, other: one > other),
    ">=": _comparison(lambda one, other: one >= other),
    "+": _arithmetic(lambda one, other: one + other),
    "-": _minus,
    "*": _arithmetic(_times),
    "div": _arithmetic(_div),
    "mod": _arithmetic(_mod),
    "neg": _neg,
    "|": _union,
}
