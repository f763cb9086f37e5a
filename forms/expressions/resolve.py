"""Ties the paths of an expression to a form: schema paths, how many repeats the context pins, items of instances.

Paths inside the same repeat are contextualised as JavaRosa does it: an absolute path means the row it stands in, as
far down as both share repeats. What authors write as functions but is really addressing (`once`, `indexed-repeat`,
zero-argument `string()`) is rewritten here, so that walking the tree needs no knowledge of the form.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from forms.expressions.functions import FUNCTIONS
from forms.expressions.patterns import check_pattern
from forms.expressions.syntax import (
    BELOW,
    MAX_DEPTH,
    ExpressionError,
    Raw,
    RawCall,
    RawPath,
    RawStep,
    joined,
    parse_raw,
)
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
OWN_NODE: Final = frozenset({"string", "number", "string-length", "normalize-space"})
# Functions that only one other engine has, so that its forms are told whose they are.
FOREIGN: Final = {
    **dict.fromkeys(("is-selected", "enclosed-area", "depend", "property"), "JavaRosa"),
    **dict.fromkeys(
        ("difference-in-months", "difference-in-days", "difference-in-weeks", "difference-in-years"), "CHT"
    ),
    **dict.fromkeys(("add-date", "parse-timestamp-to-date", "to-bikram-sambat", "z-score"), "CHT"),
    **dict.fromkeys(("id", "lang", "name", "local-name", "namespace-uri"), "XPath"),
}
_ITEM_COLUMNS: Final = frozenset({"name", "label", "itextId"})
LAST_SAVED: Final = "__last-saved"
_LAST_SAVED_MARK: Final = "last-saved#"
_NODES: Final = frozenset({"|", "if", "coalesce", "randomize", "current", "jr:itext"})
_WILD: Final = frozenset({"*", BELOW})
_MOST_PATHS: Final = 500  # that one wildcard may stand for
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
        if raw.name == "|" and not all(may_be_nodes(argument) for argument in arguments):
            return self.fail("expression_union", raw.position)
        if raw.name == "once":
            return Call("coalesce", (self._own(base), *arguments))
        if raw.name in OWN_NODE and not arguments:
            return Call(raw.name, (self._own(base),))
        if raw.name == "pulldata" and isinstance(name := raw.arguments[0], Literal):
            self._check_instance(str(name.value), raw.position)
            if str(name.value) not in self.schema.columns:  # the list may be called by its file's name
                arguments = (Literal(str(name.value).removesuffix(".csv")), *arguments[1:])
        return Call(raw.name, arguments)

    def _is_known(self, raw: RawCall) -> bool:
        try:
            check_call(raw)
        except ExpressionError as error:
            self.errors.append(error)
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
        pairs = [
            (repeat.steps if isinstance(repeat, Path) else (), index)
            for repeat, index in zip(repeats, indexes, strict=True)
        ]
        for steps, index in sorted(pairs, key=lambda pair: len(pair[0])):  # authors name them in any order
            if steps[: len(done)] != done or node.steps[: len(steps)] != steps or steps == done:
                return self.fail("expression_indexed_repeat", raw.position)
            below = (
                Path(steps, self._common_repeats(steps)) if found is None else replace(found, steps=steps[len(done) :])
            )
            found = Filter(below, (Call("=", (Call("position"), index)),))
            done = steps
        return Literal("") if found is None else replace(found, steps=node.steps[len(done) :])

    # -- paths ----------------------------------------------------------------------------------------------------

    def path(self, raw: RawPath, base: _Base) -> Expression:
        if not raw.steps and raw.start == "/":
            return self.fail("expression_unknown_path", raw.position, path="/")
        tested = next((step.name for step in raw.steps if "::" in step.name), None)
        if tested is not None:
            return self.fail("expression_axis", raw.position, name=tested)
        strange = next((step.name for step in raw.steps if _is_strange(step.name)), None)
        if strange is not None:
            code = "expression_attribute" if strange[0] == "@" else "expression_namespace"
            return self.fail(code, raw.position, name=strange)
        if raw.start == "instance":
            return self._instance(raw)
        raw = replace(raw, steps=_without_detours(raw.steps))
        is_of_item = isinstance(base, _Item) and raw.start == ""
        if not is_of_item and any(step.name in _WILD for step in raw.steps):
            return self._wild(raw, base)
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
        name = raw.id.removeprefix(_LAST_SAVED_MARK)
        paths = self.schema.by_name.get(name, ())
        if self.schema.is_open:
            paths = ((raw.id,),)
        if not paths:
            near = difflib.get_close_matches(name, self.schema.by_name, 1)
            code = "expression_unknown_reference_near" if near else "expression_unknown_reference"
            return self.fail(code, raw.position, name=name, near=near[0] if near else "")
        if len(paths) > 1:
            return self.fail("expression_ambiguous_reference", raw.position, name=name)
        target = paths[0]
        if name != raw.id:
            return self._last_saved(target, raw)
        steps = [RawStep(name) for name in target]
        steps[-1] = RawStep(target[-1], raw.predicates)
        return self._descend((), None, _without_detours((*steps, *raw.steps)), raw)

    # A wildcard is the union of the paths it stands for, so that whoever depends on one of them is known.

    def _wild(self, raw: RawPath, base: _Base) -> Expression:
        if any(step.name == "*" and any(_asks_place(test) for test in step.predicates) for step in raw.steps):
            return self.fail("expression_wildcard_place", raw.position)
        fixed, anchor = self._anchor(raw, base)
        found: list[tuple[RawStep, ...]] = []
        for steps in self._concrete(anchor, raw.steps[len(fixed) :]):
            found.append(steps)
            if len(found) > _MOST_PATHS:
                return self.fail("expression_wildcard", raw.position, most=_MOST_PATHS)
        if raw.start == "/":
            fixed = (RawStep(self.schema.root),)
        named = [self.path(replace(raw, steps=(*fixed, *steps)), base) for steps in dict.fromkeys(found)]
        return _united(named) if named else self.fail("expression_unknown_path", raw.position, path=_written(raw))

    def _anchor(self, raw: RawPath, base: _Base) -> tuple[tuple[RawStep, ...], Steps]:
        """The steps before any name, and the place they lead to."""
        if raw.start == "/":
            return (raw.steps[:1], ()) if raw.steps[0].name != BELOW else ((), ())
        if raw.start == "${":
            return (), next(iter(self.schema.by_name.get(raw.id, ())), ())
        ups = len(raw.steps) - len(_after_dots(raw.steps))
        here = base.path if isinstance(base, _Row) and raw.start == "" else self.at
        return raw.steps[:ups], joined(here, tuple(step.name for step in raw.steps[:ups]))

    def _concrete(self, at: Steps, steps: tuple[RawStep, ...]) -> Iterator[tuple[RawStep, ...]]:
        """Every way to read steps with wildcards from a place in the form."""
        if not steps:
            yield ()
            return
        first, rest = steps[0], steps[1:]
        if first.name == BELOW:
            for path in (at, *(path for path in self.schema.kinds if len(path) > len(at) and path[: len(at)] == at)):
                below = tuple(RawStep(name) for name in path[len(at) :])
                yield from ((*below, *others) for others in self._concrete(path, rest))
            return
        names = [first.name]
        if first.name == "*":
            names = [path[-1] for path in self.schema.kinds if len(path) == len(at) + 1 and path[:-1] == at]
        for name in names:
            if self._exists((*at, name)):
                yield from ((RawStep(name, first.predicates), *others) for others in self._concrete((*at, name), rest))

    def _relative(self, raw: RawPath, anchor: Steps, pinned: int) -> Expression:
        steps = _after_dots(raw.steps)
        for step in raw.steps[: len(raw.steps) - len(steps)]:
            if step.predicates:
                return self.fail("expression_predicate", raw.position)
            if step.name == "..":
                if not anchor and not self.schema.is_open:
                    return self.fail("expression_above_root", raw.position)
                anchor = anchor[:-1]
        return self._descend(anchor, min(pinned, self.schema.repeats_in(anchor)), steps, raw)

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
        if raw.id == LAST_SAVED:
            return self._last_saved(tuple(_local(step.name) for step in raw.steps[1:]), raw)
        columns = self._check_instance(raw.id, raw.position)
        root, item, below = raw.steps[:1], raw.steps[1:2], raw.steps[2:]
        if not item or any(step.name in (".", "..", BELOW) for step in raw.steps) or root[0].predicates:
            return self.fail("expression_instance_path", raw.position, name=raw.id)
        if columns is not None and below and below[0].name not in (*columns, "*"):
            return self.fail("expression_unknown_column", raw.position, name=below[0].name)
        if columns is not None and len(below) > 1:  # items are flat: a column holds a text
            return self.fail("expression_unknown_column", raw.position, name=below[1].name)
        found: Instance | Filter = Instance(raw.id, (root[0].name, item[0].name))
        names: tuple[str, ...] = ()
        for step in (item[0], *below):
            names = (*names, step.name) if step is not item[0] else ()
            if step.predicates:
                base = _Item(columns if step is item[0] or columns is None else frozenset())
                predicates = tuple(self._predicate(predicate, base) for predicate in step.predicates)
                found, names = Filter(_below(found, names), predicates), ()
        return _below(found, names)

    def _last_saved(self, path: Steps, raw: RawPath) -> Expression:
        """An answer of the record sent before from the same device: a field of that instance's only item."""
        if path not in self.schema.kinds and path not in _META:
            return self.fail("expression_unknown_path", raw.position, path=_written(raw))
        if self.schema.repeats_in(path) or any(step.predicates for step in raw.steps):
            return self.fail("expression_last_saved", raw.position)
        return Filter(Instance(LAST_SAVED, ("root", "item")), (), (last_saved_name(path),))

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
        steps = tuple(_local(step.name) for step in raw.steps if step.name != ".")
        if any(step.predicates for step in raw.steps) or ".." in steps[steps.count("..") :]:
            return self.fail("expression_predicate", raw.position)
        if steps.count("..") > len(row.path):
            return self.fail("expression_above_root", raw.position)
        if not self._exists(joined(row.path, steps)):
            return self.fail("expression_unknown_path", raw.position, path=_written(raw))
        return Field(steps)


def may_be_nodes(expression: Expression) -> bool:
    """False for what is a number, a text or a truth."""
    return not isinstance(expression, Literal) and (not isinstance(expression, Call) or expression.name in _NODES)


def check_call(raw: RawCall) -> None:
    """Raise ExpressionError for a function nobody knows, a wrong number of arguments or an unusable pattern."""
    spec = FUNCTIONS.get(raw.name)
    if spec is None:
        raise _unknown(raw)
    given = len(raw.arguments)
    if given < spec.min_args or (spec.max_args is not None and given > spec.max_args):
        most = "…" if spec.max_args is None else spec.max_args
        raise ExpressionError(
            "expression_arity", raw.position, name=raw.name, given=given, least=spec.min_args, most=most
        )
    if raw.name == "regex" and isinstance(pattern := raw.arguments[1], Literal):
        text = str(pattern.value)
        if check_pattern(text) is not None:
            raise ExpressionError("expression_regex", raw.position, pattern=text)


def _unknown(raw: RawCall) -> ExpressionError:
    owner = FOREIGN.get(raw.name, "CHT" if raw.name.startswith("cht:") else "")
    if owner:
        return ExpressionError("expression_foreign_function", raw.position, name=raw.name, owner=owner)
    near = difflib.get_close_matches(raw.name, FUNCTIONS, 1)
    code = "expression_unknown_function_near" if near else "expression_unknown_function"
    return ExpressionError(code, raw.position, name=raw.name, near=near[0] if near else "")


def last_saved_name(path: Steps) -> str:
    """The field of the instance `__last-saved` that holds the answer at a schema path."""
    return ":".join(path)


def _below(source: Instance | Filter, names: Steps) -> Instance | Filter:
    if not names:
        return source
    if isinstance(source, Filter) and not source.steps:
        return replace(source, steps=names)
    return Filter(source, (), names)


def _is_strange(name: str) -> bool:
    """True for what answers never have: attributes, and names of another name space than OpenRosa's."""
    return name[:1] == "@" or ":" in name.removeprefix("orx:")


def _asks_place(test: Raw) -> bool:
    """True for a predicate that a node's place among others may decide."""
    if isinstance(test, RawCall):
        return test.name in ("position", "last", *_NUMERIC) or any(_asks_place(part) for part in test.arguments)
    return isinstance(test, Literal) and not isinstance(test.value, str)


def _after_dots(steps: tuple[RawStep, ...]) -> tuple[RawStep, ...]:
    ups = next((place for place, step in enumerate(steps) if step.name not in (".", "..")), len(steps))
    return steps[ups:]


def _without_detours(steps: tuple[RawStep, ...]) -> tuple[RawStep, ...]:
    """`a/../b` and `a/./b` as `a/b` is written; a step with predicates stays, for it may lead nowhere."""
    kept: list[RawStep] = []
    for step in steps:
        is_named = bool(kept) and kept[-1].name not in (".", "..", *_WILD) and not kept[-1].predicates
        if step.name == ".." and not step.predicates and is_named:
            kept.pop()
        elif step.name != "." or step.predicates or not kept:
            kept.append(step)
    return tuple(kept) or (RawStep("."),)


def _united(parts: list[Expression]) -> Expression:
    """Some paths as one node-set; a balanced tree, so that walking it never goes deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return Call("|", (_united(parts[:middle]), _united(parts[middle:])))


def _local(name: str) -> str:
    """A step's name without the prefix that OpenRosa gives its meta block."""
    return name.removeprefix("orx:")


def _written(raw: RawPath) -> str:
    start = {"/": "/", "": "", "current": "current()/"}.get(raw.start, "")
    if raw.start == "${":
        start = f"${{{raw.id}}}/"
    return start + "/".join(step.name for step in raw.steps)
