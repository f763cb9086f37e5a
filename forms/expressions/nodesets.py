"""Paths to answers, items of secondary instances, and the predicates that choose among them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from forms.expressions.rules import Rule, Single, Thunk, any_rule, single_rule, single_text
from forms.expressions.values import Environment, Index, Nodes, Scope, to_bool
from forms.model import Call, Expression, Field, Filter, Instance, Literal, Path

Compile = Callable[[Expression], Rule]


def path_rule(path: Path) -> Rule:
    """The answers at a path."""
    steps, pinned, name, length = path.steps, path.pinned, path.steps[-1] if path.steps else "", len(path.steps)

    def nodes(scope: Scope) -> Nodes:
        rows, environment = scope.rows, scope.environment
        row = rows[pinned - 1] if pinned and len(rows) >= pinned else environment.root
        if type(row) is dict:
            return descend([row], steps, scope)
        if not row.is_relevant:
            return []
        node = row.nodes.get(steps)
        if node is not None:  # no repeat between: a node that is asked stands in groups that are asked
            environment.steps -= 1
            if not node.is_relevant:
                return []
            return list(node.rows) if node.is_repeat else [node]
        return descend([row], steps[row.depth :], scope)

    def single(scope: Scope) -> Single:
        rows, environment = scope.rows, scope.environment
        row = rows[pinned - 1] if pinned and len(rows) >= pinned else environment.root
        if type(row) is dict:
            return nodes(scope)
        repeat = row.repeat
        if repeat is None or repeat.is_relevant:
            node = row.nodes.get(steps)
            if node is None:
                if name in row.derived and length == row.depth + 1:
                    environment.steps -= 1
                    return row.derived[name]  # type: ignore[no-any-return]
            elif node.is_leaf:
                environment.steps -= 1
                if not node.is_relevant:
                    return None
                value = node.value  # a truth, which no question has, stays in its node
                return [node] if type(value) is bool else value
        return nodes(scope)

    return single_rule(nodes, single)


def field_rule(field: Field) -> Rule:
    """What stands below the item that a predicate tests, or the item itself."""
    steps = field.steps
    only = steps[0] if len(steps) == 1 else None

    def nodes(scope: Scope) -> Nodes:
        return [] if scope.item is None else descend([scope.item], steps, scope)

    def single(scope: Scope) -> Single:
        item = scope.item
        if type(item) is dict:
            return item.get(only) if only is not None else nodes(scope)
        if item is None or steps or type(item) is str or not getattr(item, "is_leaf", False):
            return nodes(scope)
        return [item] if type(item.value) is bool else item.value

    return single_rule(nodes, single)


def instance_rule(instance: Instance) -> Rule:
    """Every item of a secondary instance."""
    name = instance.id

    def nodes(scope: Scope) -> Nodes:
        items = list(scope.environment.instances.get(name, ()))
        scope.environment.spend(len(items))
        return items

    return any_rule(nodes)


def descend(nodes: Nodes, steps: Sequence[str], scope: Scope) -> Nodes:
    """What stands at some steps below nodes."""
    scope.environment.spend(len(nodes))
    for name in steps:
        if len(nodes) == 1:
            nodes = _below(nodes[0], name)
        else:
            nodes = [found for node in nodes for found in _below(node, name)]
            scope.environment.spend(len(nodes))
            if name in _MEETING:
                nodes = unique(nodes)
    return nodes


_MEETING: Final = frozenset(("..", ""))  # steps that may lead from several nodes to one


def unique(nodes: Nodes) -> Nodes:
    """The nodes without those met before."""
    return list({id(node): node for node in nodes}.values())


def _below(node: Any, name: str) -> Nodes:
    if type(node) is dict:
        return [node[name]] if name in node else list(node.values()) if name == "*" else []
    return [] if type(node) is str else node.below(name)


# --- predicates

_PLACES: Final = frozenset(("position", "last"))


def filter_rule(filtered: Filter, compile_rule: Compile) -> Rule:
    """Nodes kept by predicates, and what stands below them."""
    kept, steps = _kept(filtered, compile_rule), filtered.steps

    def nodes(scope: Scope) -> Nodes:
        return descend(kept(scope), steps, scope) if steps else kept(scope)

    if len(steps) != 1:
        return any_rule(nodes)
    name = steps[0]

    def single(scope: Scope) -> Single:
        found = kept(scope)
        if not found:
            return None
        if len(found) == 1 and type(found[0]) is dict:
            return found[0].get(name)
        return descend(found, steps, scope)

    return single_rule(nodes, single)


def _kept(filtered: Filter, compile_rule: Compile) -> Callable[[Scope], Nodes]:
    predicates = tuple((compile_rule(predicate).value, _asks_place(predicate)) for predicate in filtered.predicates)
    start: Callable[[Scope], Any] = compile_rule(filtered.source).value
    if isinstance(filtered.source, Instance) and filtered.predicates:
        looked_up = _looked_up(filtered.source.id, filtered.predicates[0], predicates[0][0], start, compile_rule)
        if looked_up is not None:
            start, predicates = looked_up, predicates[1:]

    def kept(scope: Scope) -> Nodes:
        found = start(scope)
        nodes: Nodes = found if isinstance(found, list) else []
        for predicate, asks_place in predicates:
            if asks_place and len(nodes) > 1:
                nodes = [node for family in _families(nodes) for node in keep(family, predicate, scope)]
            else:
                nodes = keep(nodes, predicate, scope)
        return nodes

    return kept


_TRUTHS: Final = frozenset(("and", "or", "=", "!=", "<", "<=", ">", ">=", "not", "selected", "contains", "starts-with"))


def _asks_place(predicate: Expression) -> bool:
    """True unless it is plain that a node's place among its siblings cannot decide."""
    is_truth = isinstance(predicate, Call) and predicate.name in _TRUTHS
    return not is_truth or any(isinstance(part, Call) and part.name in _PLACES for part in parts_of(predicate))


def _families(nodes: Nodes) -> list[Nodes]:
    """The nodes by the node above them: places count among siblings."""
    families: dict[Any, Nodes] = {}
    for node in nodes:
        family = None if type(node) is dict or type(node) is str else node.family()
        families.setdefault(family, []).append(node)
    return list(families.values())


def keep(nodes: Nodes, predicate: Thunk, scope: Scope) -> Nodes:
    """The nodes that pass a predicate: a truth, or a number that is their place."""
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
    return bool(keep([item], predicate, scope))


# --- items looked up by what their fields equal

_shared: OrderedDict[tuple[int, tuple[str, ...]], tuple[Any, Index]] = OrderedDict()
_REMEMBERED: Final = 256


def _looked_up(
    name: str, predicate: Expression, test: Thunk, every: Callable[[Scope], Any], compile_rule: Compile
) -> Callable[[Scope], Nodes] | None:
    """`[field = text and ...]` by a table instead of a walk; None where the predicate is of another form."""
    parts = list(_conjunction(predicate))
    terms = [term for part in parts if (term := _term(part)) is not None]
    if not terms or any(isinstance(part, Call) and part.name in _PLACES for part in parts_of(predicate)):
        return None
    fields = tuple(field for field, _ in terms)
    wanted = tuple(compile_rule(expression) for _, expression in terms)
    is_all = len(terms) == len(parts)

    def nodes(scope: Scope) -> Nodes:
        keys = tuple(_key(rule, scope) for rule in wanted)
        if None in keys:
            return keep(every(scope), test, scope)
        environment = scope.environment
        found = index_of(environment, name, fields).get(keys, ())  # type: ignore[arg-type]
        environment.spend(1 + len(found))
        return list(found) if is_all else keep(list(found), test, scope)

    return nodes


def _conjunction(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, Call) and expression.name == "and":
        for argument in expression.arguments:
            yield from _conjunction(argument)
    else:
        yield expression


def _term(part: Expression) -> tuple[str, Expression] | None:
    """(field, what it must equal) of `field = expression`, where the expression does not look at the item."""
    if not isinstance(part, Call) or part.name != "=":
        return None
    for one, other in (part.arguments, part.arguments[::-1]):
        if isinstance(one, Field) and len(one.steps) == 1 and _is_apart(other):
            return one.steps[0], other
    return None


def _is_apart(expression: Expression) -> bool:
    if isinstance(expression, Call):  # without arguments it may mean the item
        return bool(expression.arguments) and all(_is_apart(argument) for argument in expression.arguments)
    return isinstance(expression, Path | Literal)


def parts_of(expression: Expression) -> Iterator[Expression]:
    """An expression with everything in it."""
    yield expression
    if isinstance(expression, Call):
        for argument in expression.arguments:
            yield from parts_of(argument)
    elif isinstance(expression, Filter):
        for part in (expression.source, *expression.predicates):
            yield from parts_of(part)


def _key(rule: Rule, scope: Scope) -> str | None:
    """The one text that a field must equal; None when it is to equal a number, a truth or any of several."""
    if rule.single is not None:
        value = rule.single(scope)
        return None if type(value) is list and len(value) > 1 else single_text(value)
    found = rule.value(scope)
    if type(found) is list and len(found) < 2:
        return single_text(found)
    return found if type(found) is str else None


def index_of(environment: Environment, name: str, fields: tuple[str, ...]) -> Index:
    """The items of an instance by the texts of some of their fields; items in a tuple never change and are shared."""
    index = environment.indexes.get((name, fields))
    if index is None:
        items = environment.instances.get(name, ())
        known = _shared.get((id(items), fields)) if type(items) is tuple else None
        if known is not None and known[0] is items:
            index = known[1]
        else:
            index = _index(items, fields)
            environment.spend(len(items))
            if type(items) is tuple:
                _share(items, fields, index)
        environment.indexes[name, fields] = index
    return index


def _index(items: Sequence[dict[str, str]], fields: tuple[str, ...]) -> Index:
    index: Index = {}
    for item in items:
        index.setdefault(tuple(item.get(field, "") for field in fields), []).append(item)
    return index


def _share(items: Any, fields: tuple[str, ...], index: Index) -> None:
    _shared[id(items), fields] = items, index
    while len(_shared) > _REMEMBERED:
        _shared.popitem(last=False)
