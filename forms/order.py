"""The order in which calculations run, each after what it depends on; circles are reported, never run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from forms.expressions.syntax import references
from forms.issues import Issue
from forms.model import Call, Expression, Filter, Item, Path, Question

Steps = tuple[str, ...]


def calculation_order(items: Sequence[Item]) -> tuple[tuple[Steps, ...], list[Issue]]:
    """Paths with a calculation in an order that works, and an issue for each circle."""
    nodes = dict(_dependencies(items, ()))
    calculated = {path for path, item in _walk(items) if isinstance(item, Question) and item.calculation}
    cells = {path: item.cell for path, item in _walk(items)}
    order, circles = _sorted(nodes)
    issues = [
        Issue("cycle", cells[circle[0]], {"names": " → ".join(path[-1] for path in (*circle, circle[0]))})
        for circle in circles
    ]
    return tuple(path for path in order if path in calculated), issues


def _walk(items: Sequence[Item]) -> Iterator[tuple[Steps, Item]]:
    for item in items:
        yield item.path, item
        if not isinstance(item, Question):
            yield from _walk(item.children)


def _dependencies(items: Sequence[Item], above: tuple[Steps, ...]) -> Iterator[tuple[Steps, dict[Steps, None]]]:
    """Each item's path with what its value hangs on: its calculation, its relevance, and its parents'."""
    for item in items:
        found = dict.fromkeys(above)
        found.update(dict.fromkeys(references(item.relevant)))
        if isinstance(item, Question):
            used = dict.fromkeys(references(item.calculation))
            if item.calculation and not _reads(item.calculation, item.path):
                used.pop(item.path, None)
            found.update(used)
            yield item.path, found
        else:
            yield item.path, found
            yield from _dependencies(item.children, (item.path,))


def _reads(expression: Expression, path: Steps) -> bool:
    """True when a calculation needs its own new value; its old one (`once`) and other rows' are fine."""
    match expression:
        case Path(steps, _):
            return steps == path
        case Call("coalesce", (Path(steps, _), *others)) if steps == path:
            return any(_reads(other, path) for other in others)
        case Call(_, arguments):
            return any(_reads(argument, path) for argument in arguments)
        case Filter():
            return False
    return False


def _sorted(nodes: Mapping[Steps, Mapping[Steps, None]]) -> tuple[list[Steps], list[list[Steps]]]:
    """Depth-first order without recursion (a chain of thousands of calculations is legal), and the circles met."""
    done: dict[Steps, bool] = {}  # False while it is on the way down
    order: list[Steps] = []
    circles: list[list[Steps]] = []
    for start in nodes:
        if start in done:
            continue
        done[start] = False
        way = [(start, iter(nodes[start]))]
        while way:
            path, left = way[-1]
            following = next(left, None)
            if following is None:
                done[path] = True
                order.append(path)
                way.pop()
            elif following in nodes and following not in done:
                done[following] = False
                way.append((following, iter(nodes[following])))
            elif following in nodes and not done[following]:
                names = [step for step, _ in way]
                circles.append(names[names.index(following) :])
    return order, circles
