"""A form prepared for interviews, once per definition: its tree by path, compiled rules, who depends on whom.

Ranks grow along every dependency, so that one pass in order of rank settles a change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from forms.expressions.evaluate import Test, Thunk, rule_of
from forms.expressions.syntax import joined
from forms.lists import in_language
from forms.model import (
    Action,
    Call,
    Choice,
    Expression,
    Field,
    Filter,
    FormDefinition,
    Instance,
    Item,
    Path,
    Question,
    Repeat,
    Text,
)
from forms.types import TYPES

Steps = tuple[str, ...]
_REMEMBERED = 64
_VOLATILE = frozenset(("random", "uuid", "now"))


@dataclass(slots=True, eq=False)
class Spec:
    """One item of the form with its rules compiled and its dependents known."""

    item: Item
    parent: Spec | None
    repeats: tuple[Spec, ...]  # enclosing repeats, outermost first
    path: Steps  # the schema path
    children: list[Spec] = field(default_factory=list)
    dependents: list[Dependent] = field(default_factory=list)
    rank: int = 0
    is_repeat: bool = False
    is_leaf: bool = False  # a question
    relevant: Test | None = None
    calculation: Thunk | None = None
    count: Thunk | None = None
    required: Test | None = None
    constraint: Test | None = None
    read_only: Test | None = None
    choice_filter: Thunk | None = None
    unit: Thunk | None = None
    read: Callable[[Any], Any] | None = None  # a value as its type stores it, or ValidationError
    choices: dict[str, list[Choice]] | None = None  # by name; None: no list of the form's own
    is_volatile: bool = False
    is_listed: bool = False  # its answer is names of choices
    has_moving_choices: bool = False  # other answers decide which choices it offers
    is_whole: bool = False  # its answer is a whole number
    bounds: tuple[float, float] | None = None  # the ends of a range
    size: int = 0  # how many nodes a row of it holds, without the rows of repeats in it
    looks_back: bool = False  # something before it in rank depends on it: a form in circles


@dataclass(frozen=True, slots=True)
class Dependent:
    """Who must look again when a node changes: in the rows it shares with it, or in all."""

    spec: Spec
    pinned: int
    is_state: bool  # its relevance, value or rows may change; else only its texts, choices or checks
    is_child: bool = False  # it only inherits relevance: rows that come and go mean nothing to it


@dataclass(slots=True, eq=False)
class Program:
    """What all interviews of one form share."""

    definition: FormDefinition
    top: list[Spec] = field(default_factory=list)
    by_path: dict[Steps, Spec] = field(default_factory=dict)
    triggers: dict[Steps, list[tuple[Spec, Action]]] = field(default_factory=dict)
    events: dict[str, list[tuple[Spec, Action]]] = field(default_factory=dict)
    items: dict[str, dict[str, tuple[dict[str, str], ...]]] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)  # secondary instances that expressions name

    def instances(self, language: str) -> dict[str, tuple[dict[str, str], ...]]:
        """The workbook's own lists as secondary instances, labels in `language`."""
        if language not in self.items:
            lists = {
                name: tuple(choice_item(choice, language) for choice in choices.choices)
                for name, choices in self.definition.choice_lists.items()
            }
            own = {name: tuple(in_language(items, language)) for name, items in self.definition.instances.items()}
            self.items[language] = lists | own
        return self.items[language]


_programs: OrderedDict[int, Program] = OrderedDict()


def program_of(definition: FormDefinition) -> Program:
    """The program of a definition; the last few are remembered."""
    program = _programs.get(id(definition))
    if program is None or program.definition is not definition:
        program = _build(definition)
        _programs[id(definition)] = program
        while len(_programs) > _REMEMBERED:
            _programs.popitem(last=False)
    return program


def instances_read(definition: FormDefinition) -> frozenset[str]:
    """The ids of the secondary instances that the form's rules, texts and presets name."""
    return frozenset(program_of(definition).reads)


def choice_item(choice: Choice, language: str) -> dict[str, str]:
    """A choice as an item of a secondary instance."""
    return {"name": choice.name, "label": choice.label.plain(language), **choice.extra}


def _build(definition: FormDefinition) -> Program:
    program = Program(definition)
    program.top = [_add(program, item, None, ()) for item in definition.items]
    for spec in program.by_path.values():
        _connect(program, spec)
    _rank(program)
    return program


def _add(program: Program, item: Item, parent: Spec | None, repeats: tuple[Spec, ...]) -> Spec:
    spec = Spec(item, parent, repeats, item.path)
    spec.is_repeat, spec.is_leaf = isinstance(item, Repeat), isinstance(item, Question)
    program.by_path[item.path] = spec
    spec.relevant = _test(item.relevant)
    spec.read_only = _test(item.read_only)
    if isinstance(item, Question):
        _add_question(program, spec, item)
    else:
        below = (*repeats, spec) if isinstance(item, Repeat) else repeats
        spec.children = [_add(program, child, spec, below) for child in item.children]
        spec.size = sum(1 + (0 if child.is_repeat else child.size) for child in spec.children)
    if isinstance(item, Repeat):
        spec.count = _compiled(item.count)
    return spec


def _add_question(program: Program, spec: Spec, item: Question) -> None:
    spec.calculation = _compiled(item.calculation)
    spec.required = _test(item.required)
    spec.constraint = _test(item.constraint)
    spec.choice_filter = _compiled(item.choice_filter)
    spec.unit = _compiled(item.unit_expression)
    spec.is_listed = item.choices is not None and item.type in ("select_one", "select_multiple", "rank")
    spec.has_moving_choices = item.choice_filter is not None or item.itemset is not None
    spec.is_whole = item.type == "integer"
    spec.bounds = _ends(item) if item.type == "range" else None
    type_ = TYPES.get(item.type)
    spec.read = type_.field(item).deserialize if type_ else None
    choices = program.definition.choice_lists.get(item.choices or "")
    if choices is not None:
        spec.choices = {}
        for choice in choices.choices:
            spec.choices.setdefault(choice.name, []).append(choice)
    calls = {part.name for part in walk(item.calculation) if isinstance(part, Call)} if item.calculation else set()
    spec.is_volatile = bool(calls & _VOLATILE)


def _ends(item: Question) -> tuple[float, float] | None:
    try:
        start, end = float(item.parameters["start"]), float(item.parameters["end"])
    except (KeyError, ValueError):
        return None
    return min(start, end), max(start, end)


def _compiled(expression: Expression | None) -> Thunk | None:
    return None if expression is None else rule_of(expression).value


def _test(expression: Expression | None) -> Test | None:
    return None if expression is None else rule_of(expression).truth


def walk(expression: Expression | None) -> Iterator[Expression]:
    """Every part of an expression."""
    if expression is None:
        return
    yield expression
    parts: tuple[Expression, ...] = ()
    if isinstance(expression, Call):
        parts = expression.arguments
    elif isinstance(expression, Filter):
        parts = (expression.source, *expression.predicates)
    for part in parts:
        yield from walk(part)


def paths_read(expression: Expression | None, below: Steps = (), pinned: int = 0) -> Iterator[tuple[Steps, int]]:
    """The schema paths an expression reads and the rows it pins; fields count below the item tested."""
    if isinstance(expression, Path):
        yield expression.steps, expression.pinned
    elif isinstance(expression, Field):
        yield joined(below, expression.steps), pinned
    elif isinstance(expression, Call):
        loose = expression.name == "indexed-repeat"
        for argument in expression.arguments:
            for steps, rows in paths_read(argument, below, pinned):
                yield steps, 0 if loose else rows
    elif isinstance(expression, Filter):
        yield from _paths_filtered(expression, below, pinned)


def _paths_filtered(expression: Filter, below: Steps, pinned: int) -> Iterator[tuple[Steps, int]]:
    sources = list(paths_read(expression.source, below, pinned))
    yield from sources
    for steps, rows in sources[:1]:
        yield joined(steps, expression.steps), rows
    base, rows = sources[0] if sources else ((), 0)
    for predicate in expression.predicates:
        yield from paths_read(predicate, base, rows)


def _connect(program: Program, spec: Spec) -> None:
    item = spec.item
    for child in spec.children:
        spec.dependents.append(Dependent(child, len(spec.repeats), True, is_child=True))
    state: list[Expression | None] = [item.relevant]
    state.append(item.calculation if isinstance(item, Question) else item.count if isinstance(item, Repeat) else None)
    if spec.is_listed and isinstance(item, Question):
        state += [item.choice_filter, *_of_rows(item)]
    views = [*_views(item), *_closed_above(spec)]
    _depend(program, spec, state, True)
    _depend(program, spec, views, False)
    presets = [action.expression for action in item.actions] if isinstance(item, Question | Repeat) else []
    program.reads |= {part.id for one in (*state, *views, *presets) for part in walk(one) if isinstance(part, Instance)}
    if isinstance(item, Question | Repeat):
        for action in item.actions:
            if action.trigger is not None:
                program.triggers.setdefault(action.trigger, []).append((spec, action))
            else:
                program.events.setdefault(action.event, []).append((spec, action))


def _closed_above(spec: Spec) -> Iterator[Expression]:
    """The rules by which a group closes all that is in it to typing."""
    above = spec.parent
    while above is not None:
        if above.item.read_only is not None:
            yield above.item.read_only
        above = above.parent


def _views(item: Item) -> list[Expression | None]:
    texts: list[Text] = [item.label]
    views: list[Expression | None] = [item.read_only]
    if isinstance(item, Question):
        texts += [item.hint, item.constraint_message, item.required_message, item.unit]
        views += [item.constraint, item.required, item.choice_filter, item.unit_expression, *_of_rows(item)]
    for text in texts:
        views += [part for parts in text.by_language.values() for part in parts if not isinstance(part, str)]
    return views


def _of_rows(item: Question) -> list[Expression]:
    """The rows that are a question's choices, and the answers in them that make a choice's name and label."""
    if item.itemset is None:
        return []
    names = (item.parameters.get("value", "name"), item.parameters.get("label", "label"))
    return [item.itemset, *(Filter(item.itemset, (), (name,)) for name in names)]  # type: ignore[arg-type]


def _whole(program: Program, expression: Expression | None, is_text: bool = True) -> Iterator[tuple[Steps, int]]:
    """What stands in the groups and rows whose text an expression reads: not only their place or number."""
    if isinstance(expression, Path) and is_text:
        source = program.by_path.get(expression.steps)
        stack = list(source.children) if source is not None else []
        while stack:
            below = stack.pop()
            stack.extend(below.children)
            yield below.path, expression.pinned
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from _whole(program, argument, expression.name not in ("position", "count", "indexed-repeat"))
    elif isinstance(expression, Filter):
        yield from _whole(program, expression.source, not expression.steps)
        for predicate in expression.predicates:
            yield from _whole(program, predicate)


def _depend(program: Program, spec: Spec, expressions: list[Expression | None], is_state: bool) -> None:
    seen: set[tuple[Steps, int]] = set()
    for expression in expressions:
        for steps, pinned in (*paths_read(expression), *_whole(program, expression)):
            source = program.by_path.get(steps)
            if source is None or source is spec or (steps, pinned) in seen:
                continue
            seen.add((steps, pinned))
            # A place in a repeat is pinned to the row itself, one deeper than the repeat stands.
            shared = min(pinned, len(source.repeats) + source.is_repeat)
            source.dependents.append(Dependent(spec, shared, is_state))


def _rank(program: Program) -> None:
    opened: set[Spec] = set()
    order: list[Spec] = []
    # An explicit stack: a chain of calculations may be longer than Python's recursion allows.
    for first in reversed(program.by_path.values()):
        stack = [] if first in opened else [(first, iter(first.dependents))]
        opened.add(first)
        while stack:
            spec, dependents = stack[-1]
            following = next((d.spec for d in dependents if d.is_state and d.spec not in opened), None)
            if following is None:
                order.append(spec)
                stack.pop()
            else:
                opened.add(following)
                stack.append((following, iter(following.dependents)))
    for rank, spec in enumerate(reversed(order)):
        spec.rank = rank
    for spec in order:
        spec.looks_back = any(each.is_state and each.spec.rank <= spec.rank for each in spec.dependents)
