"""Walks an expression tree over the answers of an interview.

A tree is turned once into nested closures (`rule_of`), for the same expression is evaluated for every answer of every
submission. Nodes that are not relevant do not exist here, and a node-set without nodes is a blank.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from forms.expressions.functions import FUNCTIONS
from forms.expressions.nodesets import descend, field_rule, filter_rule, instance_rule, path_rule
from forms.expressions.nodesets import keeps as keeps
from forms.expressions.operators import OPERATORS
from forms.expressions.rules import (
    Rule,
    any_rule,
    literal_rule,
    number_rule,
    single_text,
    text_rule,
    truth_rule,
)
from forms.expressions.rules import Test as Test
from forms.expressions.rules import Thunk as Thunk
from forms.expressions.values import (
    Nodes,
    Result,
    Scope,
    TooMuchWork,
    day_number,
    read_number_text,
    to_number,
    to_text,
)
from forms.model import Call, Expression, Field, Filter, Instance, Literal, Path

_Wanted = TypeVar("_Wanted")


def evaluate(expression: Expression, scope: Scope) -> Result:
    """The value of an expression where `scope` stands; a blank when it asks for more work than a form may."""
    try:
        return compiled(expression).value(scope)
    except (TooMuchWork, RecursionError):
        return ""


_by_identity: dict[int, tuple[Expression, Rule]] = {}
_REMEMBERED = 20_000


def compiled(expression: Expression) -> Rule:
    """The same as rule_of, found by identity: to hash a deep tree costs more than to walk it."""
    known = _by_identity.get(id(expression))
    if known is not None and known[0] is expression:
        return known[1]
    rule = rule_of(expression)
    if len(_by_identity) >= _REMEMBERED:
        _by_identity.clear()
    _by_identity[id(expression)] = expression, rule
    return rule


def compile_expression(expression: Expression) -> Thunk:
    """The expression as a function of the scope it stands in."""
    return rule_of(expression).value


@lru_cache(maxsize=_REMEMBERED)
def rule_of(expression: Expression) -> Rule:
    """The expression ready to run, whatever kind of result is wanted."""
    if isinstance(expression, Literal):
        value = expression.value
        return literal_rule(value if isinstance(value, str) else float(value))
    if isinstance(expression, Path):
        return path_rule(expression)
    if isinstance(expression, Field):
        return field_rule(expression)
    if isinstance(expression, Instance):
        return instance_rule(expression)
    if isinstance(expression, Filter):
        return filter_rule(expression, rule_of)
    return _call(expression)


# --- calls


def _call(call: Call) -> Rule:
    special = _SPECIAL.get(call.name)
    if special is not None:
        return special(call)
    arguments = [rule_of(argument) for argument in call.arguments]
    operator = OPERATORS.get(call.name)
    if operator is not None:
        return operator(*arguments)
    shortcut = _SHORTCUTS.get(call.name)
    return (shortcut(*arguments) if shortcut is not None else None) or _any_call(call.name, arguments)


def _any_call(name: str, arguments: list[Rule]) -> Rule:
    spec = FUNCTIONS.get(name)
    if spec is None or spec.apply is None:
        return any_rule(lambda scope: "")
    apply, thunks, cost = spec.apply, [argument.value for argument in arguments], spec.cost

    def run(scope: Scope) -> Result:
        environment = scope.environment
        environment.spend(cost)
        found = apply(scope, [thunk(scope) for thunk in thunks])
        if type(found) is str and len(found) > _LONG_TEXT:
            environment.spend(len(found) // _LONG_TEXT)
        return found

    return any_rule(run)


_LONG_TEXT = 100  # characters that cost as much as another step


def _if(call: Call) -> Rule:
    condition, yes, no = (rule_of(argument) for argument in call.arguments)
    holds = condition.truth
    return Rule(
        _choose(holds, yes.value, no.value),
        _choose(holds, yes.truth, no.truth),
        _choose(holds, yes.number, no.number),
        _choose(holds, yes.text, no.text),
        yes.kind if yes.kind == no.kind else "any",
    )


def _choose(holds: Test, yes: Callable[[Scope], _Wanted], no: Callable[[Scope], _Wanted]) -> Callable[[Scope], _Wanted]:
    return lambda scope: yes(scope) if holds(scope) else no(scope)


def _coalesce(call: Call) -> Rule:
    first, second = (rule_of(argument) for argument in call.arguments)
    value, other = first.value, second.value

    def run(scope: Scope) -> Result:
        found = value(scope)
        return other(scope) if to_text(found) in ("", "NaN") else found

    return any_rule(run)


def _once(call: Call) -> Rule:
    value = rule_of(call.arguments[0]).value

    def run(scope: Scope) -> Result:
        present = scope.node.text() if scope.node is not None else ""
        return present if present != "" else value(scope)

    return any_rule(run)


def _indexed_repeat(call: Call) -> Rule:
    target, *pairs = call.arguments
    if not isinstance(target, Path):
        return any_rule(lambda scope: "")
    places = {
        repeat.steps: rule_of(index).number
        for repeat, index in zip(pairs[::2], pairs[1::2], strict=False)
        if isinstance(repeat, Path)
    }
    steps = target.steps

    def run(scope: Scope) -> Nodes:
        chosen = {path: index(scope) for path, index in places.items()}
        here = {row.schema: row for row in scope.rows}
        nodes: Nodes = [scope.environment.root]
        for depth, name in enumerate(steps, 1):
            nodes = descend(nodes, (name,), scope)
            path = steps[:depth]
            if path in chosen:
                place = chosen[path]
                nodes = [nodes[int(place) - 1]] if 1 <= place <= len(nodes) else []
            elif path in here and here[path] in nodes:
                nodes = [here[path]]
        return nodes[:1]

    return any_rule(run)


def _choice_name(call: Call) -> Rule:
    value, node = call.arguments
    name, reference = rule_of(value).text, rule_of(node).text
    path = "/".join(node.steps) if isinstance(node, Path) else None

    def run(scope: Scope) -> str:
        found = scope.environment.choice_name
        return found(name(scope), path if path is not None else reference(scope), scope)

    return text_rule(run)


_SPECIAL: dict[str, Callable[[Call], Rule]] = {
    "if": _if,
    "coalesce": _coalesce,
    "once": _once,
    "indexed-repeat": _indexed_repeat,
    "jr:choice-name": _choice_name,
}

# --- functions that nearly every rule calls: the same as in the table of functions, without node-sets; None where
# --- their arguments are of another form


def _not(*arguments: Rule) -> Rule | None:
    if len(arguments) != 1:
        return None
    truth = arguments[0].truth
    return truth_rule(lambda scope: not truth(scope))


def _selected(*arguments: Rule) -> Rule | None:
    if len(arguments) != 2 or not isinstance(arguments[1].literal, str):
        return None
    text, wanted = arguments[0].text, arguments[1].literal.strip()

    def truth(scope: Scope) -> bool:
        scope.environment.spend()
        chosen = text(scope)
        return wanted != "" and wanted in chosen and wanted in chosen.split()

    return truth_rule(truth)


def _count_selected(*arguments: Rule) -> Rule | None:
    if len(arguments) != 1:
        return None
    text = arguments[0].text
    return number_rule(lambda scope: float(len(text(scope).split())))


def _substr(*arguments: Rule) -> Rule | None:
    bounds = [argument.literal for argument in arguments[1:]]
    if not 1 <= len(bounds) <= 2 or not all(isinstance(bound, float) and bound >= 0 for bound in bounds):
        return None
    text, part = arguments[0].text, slice(*(int(bound) for bound in bounds), *([None] * (2 - len(bounds))))  # type: ignore[arg-type]

    def run(scope: Scope) -> str:
        scope.environment.spend()
        return text(scope)[part]

    return text_rule(run)


def _number(*arguments: Rule) -> Rule | None:
    if len(arguments) != 1:
        return None
    only = arguments[0]
    if only.kind in ("number", "truth"):
        return number_rule(only.number)
    if only.kind == "text":
        text = only.text
        return number_rule(lambda scope: _text_number(text(scope), scope))
    if only.single is None:
        return None
    single = only.single

    def run(scope: Scope) -> float:
        value = single(scope)
        if type(value) is int or type(value) is float:
            return float(value)
        return _text_number(single_text(value), scope) if type(value) is not list else _nodes_number(value, scope)

    return number_rule(run)


def _text_number(text: str, scope: Scope) -> float:
    days = day_number(text.strip(), scope.environment.clock.offset) if len(text) >= 10 else None
    return read_number_text(text) if days is None else days


def _nodes_number(nodes: Nodes, scope: Scope) -> float:
    text = to_text(nodes)
    days = day_number(text.strip(), scope.environment.clock.offset) if len(text) >= 10 else None
    return to_number(nodes) if days is None else days


_SHORTCUTS: dict[str, Callable[..., Rule | None]] = {
    "not": _not,
    "selected": _selected,
    "count-selected": _count_selected,
    "substr": _substr,
    "number": _number,
}
