"""Ties the paths of an expression to a form: schema paths, how many repeats the context pins, items of instances.

Paths inside the same repeat are contextualised as JavaRosa does it: an absolute path means the row it stands in, as
far down as both share repeats. What authors write as functions but is really addressing (`once`, `indexed-repeat`,
zero-argument `string()`) is rewritten here, so that walking the tree needs no knowledge of the form.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from forms.expressions.functions import FUNCTIONS
from forms.expressions.patterns import check_pattern
from forms.expressions.syntax import MAX_DEPTH, ExpressionError, Raw, RawCall, RawPath, RawStep, parse_raw
from forms.model import Call, Expression, Field, Filter, FormDefinition, Instance, Item, Literal, Path, Question, Repeat

Steps = tuple[str, ...]
QUESTION, GROUP, REPEAT, FIGURE = "question", "group", "repeat", "figure"
OPERATORS: Final = frozenset({"or", "and", "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "neg", "|"})
_NUMERIC: Final = frozenset(
    [
        "+",
        "-",
        "*",
        "div",
        "mod",
        "neg",
        "last",
        "position",
        "number",
        "int",
        "round",
        "count",
        "count-non-empty",
        "sum",
        "floor",
        "ceiling",
        "abs",
        "pow",
        "string-length",
        "count-selected",
    ]
)
_OWN_NODE: Final = frozenset({"string", "number", "string-length", "normalize-space"})
_ITEM_COLUMNS: Final = frozenset({"name", "label", "itextId"})
_META: Final = frozenset({("meta",), ("meta", "instanceID"), ("meta", "instanceName"), ("meta", "deprecatedID")})


@dataclass(frozen=True, slots=True)
class Schema:
    """What resolving needs to know of a form. `columns`: secondary instance -> its fields, None when unknown."""

    kinds: Mapping[Steps, str] = field(default_factory=dict)
    by_name: Mapping[str, tuple[Steps, ...]] = field(default_factory=dict)
    columns: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    root: str = "data"
    is_open: bool = False  # accepts every path: for expressions without a form

    def repeats_in(self, steps: Steps) -> int:
        """How many repeats a path goes through, its last step included."""
        return sum(self.kinds.get(steps[:end]) == REPEAT for end in range(1, len(steps) + 1))

    def with_questions(self, paths: Iterable[Steps]) -> Schema:
        """The same form with more questions: figures that later rules may use."""
        kinds, by_name = dict(self.kinds), dict(self.by_name)
        for path in paths:
            kinds[path] = FIGURE
            by_name[path[-1]] = (*by_name.get(path[-1], ()), path)
        return replace(self, kinds=kinds, by_name=by_name)


OPEN: Final = Schema(is_open=True)


def schema_from(kinds: Mapping[Steps, str], columns: Mapping[str, frozenset[str] | None], root: str = "data") -> Schema:
    """A schema from the kinds of its paths."""
    by_name: dict[str, tuple[Steps, ...]] = {}
    for path in kinds:
        if path:
            by_name[path[-1]] = (*by_name.get(path[-1], ()), path)
    return Schema({(): GROUP, **kinds}, by_name, columns, root)


def schema_of(definition: FormDefinition) -> Schema:
    """The schema of a finished form, for expressions written beside it."""
    kinds = {item.path: _kind(item) for item in definition.walk()}
    columns: dict[str, frozenset[str] | None] = dict.fromkeys(definition.instances)
    columns |= dict.fromkeys(definition.settings.get("external_instances", "").split())
    for name, list_ in definition.choice_lists.items():
        columns[name] = _ITEM_COLUMNS.union(*(choice.extra for choice in list_.choices))
    return schema_from(kinds, columns)


def _kind(item: Item) -> str:
    return QUESTION if isinstance(item, Question) else REPEAT if isinstance(item, Repeat) else GROUP


def parse(text: str, schema: Schema = OPEN, at: Steps = ()) -> Expression:
    """The tree of an expression standing at schema path `at`; raises ExpressionError."""
    expression, errors = check(text, schema, at)
    if expression is None or errors:
        raise errors[0]
    return expression


def check(
    text: str, schema: Schema, at: Steps = (), item: frozenset[str] | bool | None = None
) -> tuple[Expression | None, list[ExpressionError]]:
    """The tree and everything wrong with it; `item` says that `text` tests items with those columns (True: any)."""
    try:
        raw = parse_raw(text)
    except ExpressionError as error:
        return None, [error]
    return check_raw(raw, schema, at, item)


def check_raw(
    raw: Raw, schema: Schema, at: Steps, item: frozenset[str] | bool | None = None
) -> tuple[Expression | None, list[ExpressionError]]:
    """As `check`, for a text already parsed."""
    resolver = _Resolver(schema, at)
    base = None if item is None else _Item(None if isinstance(item, bool) else item)
    expression = resolver.expression(raw, base)
    return expression, resolver.errors


@dataclass(frozen=True, slots=True)
class _Item:
    """An item of a secondary instance that a predicate tests."""

    columns: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Row:
    """A node of the form that a predicate tests."""

    path: Steps
    pinned: int


_Base = _Item | _Row | None


@dataclass(slots=True)
class _Resolver:
    """One expression's resolution; gathers errors instead of stopping at the first."""

    schema: Schema
    at: Steps
    errors: list[ExpressionError] = field(default_factory=list)
    depth: int = 0

    def expression(self, raw: Raw, base: _Base) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.errors.append(ExpressionError("expression_too_deep", 1, most=MAX_DEPTH))
            return Literal("")
        if isinstance(raw, Literal):
            found: Expression = raw
        elif isinstance(raw, RawPath):
            found = self.path(raw, base)
        else:
            found = self.call(raw, base)
        self.depth -= 1
        return found

    def fail(self, code: str, position: int, **parameters: str | int) -> Literal:
        self.errors.append(ExpressionError(code, position, **parameters))
        return Literal("")

    # -- functions ------------------------------------------------------------------------------------------------

    def call(self, raw: RawCall, base: _Base) -> Expression:
        if raw.name not in OPERATORS and not self._is_known(raw):
            return Literal("")
        if raw.name == "indexed-repeat":
            return self._indexed_repeat(raw, base)
        if raw.name == "jr:choice-name":
            return self._choice_name(raw, base)
        if raw.name == "position" and raw.arguments:
            return self._position(raw, base)
        arguments = tuple(self.expression(argument, base) for argument in raw.arguments)
        if raw.name == "once":
            return Call("coalesce", (self._own(base), *arguments))
        if raw.name in _OWN_NODE and not arguments:
            return Call(raw.name, (self._own(base),))
        if raw.name in ("regex", "pulldata"):
            self._check_literals(raw)
        return Call(raw.name, arguments)

    def _is_known(self, raw: RawCall) -> bool:
        spec = FUNCTIONS.get(raw.name)
        if spec is None:
            near = difflib.get_close_matches(raw.name, FUNCTIONS, 1)
            code = "expression_unknown_function_near" if near else "expression_unknown_function"
            self.fail(code, raw.position, name=raw.name, near=near[0] if near else "")
            return False
        given = len(raw.arguments)
        if given < spec.min_args or (spec.max_args is not None and given > spec.max_args):
            most = "…" if spec.max_args is None else spec.max_args
            self.fail("expression_arity", raw.position, name=raw.name, given=given, least=spec.min_args, most=most)
            return False
        return True

    def _own(self, base: _Base) -> Expression:
        if base is not None:
            return Field(())
        return Path(self.at, self.schema.repeats_in(self.at))

    def _position(self, raw: RawCall, base: _Base) -> Expression:
        (argument,) = raw.arguments
        found = self.expression(argument, base)
        if isinstance(found, Path) and found.steps == self.at[: len(found.steps)]:
            found = Path(found.steps, self.schema.repeats_in(found.steps))
        return Call("position", (found,))

    def _choice_name(self, raw: RawCall, base: _Base) -> Expression:
        """The node is given as a text that holds a path; in the tree it is that path."""
        value = self.expression(raw.arguments[0], base)
        node = raw.arguments[1]
        if isinstance(node, Literal):
            try:
                node = parse_raw(str(node.value))
            except ExpressionError:
                return self.fail("expression_choice_name", raw.position)
        path = self.expression(node, base)
        if not isinstance(path, Path):
            return self.fail("expression_choice_name", raw.position)
        return Call("jr:choice-name", (value, path))

    def _indexed_repeat(self, raw: RawCall, base: _Base) -> Expression:
        """indexed-repeat(node, repeat, i, ...) -> the node below each repeat's i-th row."""
        if len(raw.arguments) % 2 == 0:
            return self.fail("expression_indexed_repeat", raw.position)
        node = self.expression(raw.arguments[0], base)
        repeats = [self.expression(argument, base) for argument in raw.arguments[1::2]]
        indexes = [self.expression(argument, base) for argument in raw.arguments[2::2]]
        if not isinstance(node, Path) or not all(isinstance(repeat, Path) for repeat in repeats):
            return self.fail("expression_indexed_repeat", raw.position)
        found: Filter | None = None
        done: Steps = ()
        for repeat, index in zip(repeats, indexes, strict=True):
            steps = repeat.steps if isinstance(repeat, Path) else ()
            if steps[: len(done)] != done or node.steps[: len(steps)] != steps or steps == done:
                return self.fail("expression_indexed_repeat", raw.position)
            below = (
                Path(steps, self._common_repeats(steps)) if found is None else replace(found, steps=steps[len(done) :])
            )
            found = Filter(below, (Call("=", (Call("position"), index)),))
            done = steps
        return Literal("") if found is None else replace(found, steps=node.steps[len(done) :])

    def _check_literals(self, raw: RawCall) -> None:
        if raw.name == "regex" and isinstance(pattern := raw.arguments[1], Literal):
            text = str(pattern.value)
            if check_pattern(text) is not None:
                self.fail("expression_regex", raw.position, pattern=text)
        if raw.name == "pulldata" and isinstance(name := raw.arguments[0], Literal):
            self._check_instance(str(name.value), raw.position)

    # -- paths ----------------------------------------------------------------------------------------------------

    def path(self, raw: RawPath, base: _Base) -> Expression:
        if raw.start == "instance":
            return self._instance(raw)
        if raw.start == "/":
            return self._absolute(raw)
        if raw.start == "${":
            return self._reference(raw)
        if raw.start == "current" or base is None:
            return self._relative(raw, self.at, self.schema.repeats_in(self.at))
        if isinstance(base, _Item):
            return self._item_field(raw, base)
        return self._row_field(raw, base)

    def _absolute(self, raw: RawPath) -> Expression:
        first, *rest = raw.steps
        if first.predicates or (first.name != self.schema.root and not self.schema.is_open):
            return self.fail("expression_unknown_path", raw.position, path=_written(raw))
        return self._descend((), None, tuple(rest), raw)

    def _reference(self, raw: RawPath) -> Expression:
        paths = self.schema.by_name.get(raw.id, ())
        if self.schema.is_open:
            paths = ((raw.id,),)
        if not paths:
            near = difflib.get_close_matches(raw.id, self.schema.by_name, 1)
            code = "expression_unknown_reference_near" if near else "expression_unknown_reference"
            return self.fail(code, raw.position, name=raw.id, near=near[0] if near else "")
        if len(paths) > 1:
            return self.fail("expression_ambiguous_reference", raw.position, name=raw.id)
        target = paths[0]
        steps = [RawStep(name) for name in target]
        steps[-1] = RawStep(target[-1], raw.predicates)
        return self._descend((), None, (*steps, *raw.steps), raw)

    def _relative(self, raw: RawPath, anchor: Steps, pinned: int) -> Expression:
        steps = list(raw.steps)
        while steps and steps[0].name in (".", ".."):
            step = steps.pop(0)
            if step.predicates:
                return self.fail("expression_predicate", raw.position)
            if step.name == "..":
                if not anchor and not self.schema.is_open:
                    return self.fail("expression_above_root", raw.position)
                anchor = anchor[:-1]
        return self._descend(anchor, min(pinned, self.schema.repeats_in(anchor)), tuple(steps), raw)

    def _descend(self, start: Steps, pinned: int | None, steps: tuple[RawStep, ...], raw: RawPath) -> Expression:
        """The nodes below `start`; `pinned` None: as many repeats as the context shares with the path."""
        names = (*start, *(_local(step.name) for step in steps))
        if any(step.name in (".", "..") for step in steps):
            return self.fail("expression_dots_inside", raw.position, path=_written(raw))
        if not self._exists(names):
            return self.fail("expression_unknown_path", raw.position, path=_written(raw))
        filtered = [len(start) + index + 1 for index, step in enumerate(steps) if step.predicates]
        if not filtered:
            return Path(names, self._common_repeats(names) if pinned is None else pinned)
        found: Path | Filter = Path(names[: filtered[0]], 0)
        found = Path(found.steps, self._common_repeats(found.steps) if pinned is None else pinned)
        row_pins = found.pinned
        for place, end in enumerate(filtered):
            here = names[:end]
            row = _Row(here, row_pins)
            predicates = tuple(self._predicate(raw_, row) for raw_ in steps[end - len(start) - 1].predicates)
            until = filtered[place + 1] if place + 1 < len(filtered) else len(names)
            found = Filter(found, predicates, names[end:until])
        return found

    def _common_repeats(self, steps: Steps) -> int:
        """Repeats shared with the context, but never the path's own last step: that means all rows."""
        shared = 0
        for end in range(1, len(steps)):
            if self.at[:end] != steps[:end]:
                break
            shared += self.schema.kinds.get(steps[:end]) == REPEAT
        return shared

    def _exists(self, names: Steps) -> bool:
        return self.schema.is_open or names in self.schema.kinds or names in _META

    def _predicate(self, raw: Raw, base: _Base) -> Expression:
        """A predicate; one that is a number tests the position, as XPath has it."""
        found = self.expression(raw, base)
        is_number = isinstance(found, Literal) and not isinstance(found.value, str)
        if is_number or (isinstance(found, Call) and found.name in _NUMERIC):
            return Call("=", (Call("position"), found))
        return found

    def _instance(self, raw: RawPath) -> Expression:
        if raw.id == "__last-saved":
            return self.fail("expression_last_saved", raw.position)
        columns = self._check_instance(raw.id, raw.position)
        names = [step.name for step in raw.steps]
        if len(names) < 2 or any(name in (".", "..") for name in names) or raw.steps[0].predicates:
            return self.fail("expression_instance_path", raw.position, name=raw.id)
        below = tuple(names[2:])
        if columns is not None and below and below[0] not in columns:
            return self.fail("expression_unknown_column", raw.position, name=below[0])
        if any(step.predicates for step in raw.steps[2:]):
            return self.fail("expression_predicate", raw.position)
        source = Instance(raw.id, tuple(names[:2]))
        predicates = tuple(self._predicate(predicate, _Item(columns)) for predicate in raw.steps[1].predicates)
        return Filter(source, predicates, below) if predicates or below else source

    def _check_instance(self, name: str, position: int) -> frozenset[str] | None:
        if name.removesuffix(".csv") not in self.schema.columns and not self.schema.is_open:
            self.fail("expression_unknown_instance", position, name=name)
        return self.schema.columns.get(name)

    def _item_field(self, raw: RawPath, item: _Item) -> Expression:
        steps = tuple(_local(step.name) for step in raw.steps if step.name != ".")
        if any(step.predicates for step in raw.steps) or ".." in steps:
            return self.fail("expression_predicate", raw.position)
        if item.columns is not None and steps and steps[0] not in item.columns:
            return self.fail("expression_unknown_column", raw.position, name=steps[0])
        return Field(steps)

    def _row_field(self, raw: RawPath, row: _Row) -> Expression:
        if raw.steps[0].name == "..":
            return self._relative(raw, row.path, row.pinned)
        steps = tuple(_local(step.name) for step in raw.steps if step.name != ".")
        if any(step.predicates for step in raw.steps) or ".." in steps:
            return self.fail("expression_predicate", raw.position)
        if not self._exists((*row.path, *steps)):
            return self.fail("expression_unknown_path", raw.position, path=_written(raw))
        return Field(steps)


def _local(name: str) -> str:
    """A step's name without the prefix that OpenRosa gives its meta block."""
    return name.removeprefix("orx:")


def _written(raw: RawPath) -> str:
    start = {"/": "/", "": "", "current": "current()/"}.get(raw.start, "")
    if raw.start == "${":
        start = f"${{{raw.id}}}/"
    return start + "/".join(step.name for step in raw.steps)
