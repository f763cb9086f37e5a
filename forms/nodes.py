"""The tree of an interview's answers: nodes in rows, and values as their question's type stores them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from marshmallow import ValidationError

from forms.expressions.values import Environment, Result, Scope, element_text, format_number
from forms.model import Question, Repeat, Value
from forms.program import Spec

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_NUMERIC = frozenset(("integer", "decimal", "range"))
_COMPUTED = frozenset(("calculate", "hidden"))


class AnswerNode:
    """A question, group or repeat in one row."""

    __slots__ = (
        "flag", "given", "is_leaf", "is_received", "is_relevant", "is_repeat", "row", "rows", "spare", "spec", "value",
    )  # fmt: skip

    def __init__(self, spec: Spec, row: Row) -> None:
        self.spec = spec
        self.row = row
        self.value: Value = None  # what counts: what expressions see
        self.given: Value = None  # what came, where not all of it counts
        self.flag = ""  # why it does not: wrong_type, unknown_choice; then what came stays in the answers
        self.is_received = False  # it came with answers that somebody sent, not from hands that are at work
        self.is_relevant = False
        self.is_repeat = spec.is_repeat
        self.is_leaf = spec.is_leaf
        self.rows: list[Row] = [] if spec.is_repeat else _NO_ROWS
        self.spare: list[Row] = [] if spec.is_repeat else _NO_ROWS

    @property
    def name(self) -> str:
        """Its name in the form."""
        return self.spec.item.name

    @property
    def content(self) -> Value:
        """The answer as it counts."""
        return self.value

    @property
    def kept(self) -> Value:
        """The answer as it came: what is stored, and what comes back."""
        return self.value if self.given is None else self.given

    @property
    def sent(self) -> Value:
        """The answer as it leaves: what counts, or what came when that is flagged."""
        return self.given if self.flag else self.value

    @property
    def address(self) -> str:
        """The place of the answer: names, and row ids after the names of repeats."""
        return self.row.prefix + "/".join(self.spec.path[self.row.depth :])

    def text(self) -> str:
        """The answer as text; of a group, the answers in it."""
        value = self.value
        if value is None:
            return "".join(self.below_text()) if self.spec.children else ""
        return value if type(value) is str else format_number(value)  # type: ignore[arg-type]

    def below_text(self) -> Iterator[str]:
        """The texts of what stands below a group."""
        for child in self.spec.children:
            for node in self.below(child.item.name):
                yield node.text()

    def position(self) -> int:
        """A question's or group's place among its like-named siblings."""
        return 1

    def below(self, name: str) -> list[Any]:
        """The relevant nodes of that name below a group; ".." is the group or row it stands in."""
        if name == "..":
            parent = self.spec.parent
            return [self.row if parent is self.row.spec else self.row.nodes[parent.path]] if parent else [self.row]
        return self.row.find((*self.spec.path, name))

    def family(self) -> object:
        """Nodes of one row stand together."""
        return id(self.row)

    def order(self) -> tuple[int, ...]:
        """Its place in the whole interview."""
        return (*self.row.order(), list(self.row.nodes).index(self.spec.path))


class Row:
    """The form itself, or one row of a repeat: what bears answers."""

    __slots__ = ("chain", "depth", "derived", "id", "is_gone", "nodes", "prefix", "repeat", "schema", "spec")

    def __init__(self, spec: Spec | None, repeat: AnswerNode | None, row_id: str) -> None:
        self.spec = spec
        self.repeat = repeat
        self.id = row_id
        self.schema: tuple[str, ...] = spec.path if spec else ()
        self.depth = len(self.schema)
        self.chain: tuple[Row, ...] = (*repeat.row.chain, self) if repeat else ()
        self.prefix = f"{repeat.address}/{row_id}/" if repeat else ""
        self.nodes: dict[tuple[str, ...], AnswerNode] = {}
        self.is_gone = False
        self.derived: dict[str, str] = {}  # figures put beside the answers, as expressions read them

    @property
    def name(self) -> str:
        """The repeat's name."""
        return self.schema[-1] if self.schema else ""

    @property
    def content(self) -> Value:
        """A row holds no answer itself."""
        return None

    @property
    def is_relevant(self) -> bool:
        """True when its repeat is asked."""
        return self.repeat is None or self.repeat.is_relevant

    def text(self) -> str:
        """All answers of the row."""
        children = self.spec.children if self.spec else []
        return "".join(node.text() for child in children for node in self.find(child.path))

    def position(self) -> int:
        """Its place among the rows, from 1."""
        return self.repeat.rows.index(self) + 1 if self.repeat else 1

    def below(self, name: str) -> list[Any]:
        """The relevant nodes of that name in the row; ".." is what the repeat stands in."""
        if name == "..":
            return self.repeat.below("..") if self.repeat else []
        return self.find((*self.schema, name))

    def family(self) -> object:
        """Rows of one repeat stand together."""
        return id(self.repeat)

    def order(self) -> tuple[int, ...]:
        """Its place in the whole interview."""
        return (*self.repeat.order(), self.position()) if self.repeat else ()

    def find(self, path: tuple[str, ...]) -> list[Any]:
        """The relevant node at a schema path, or the rows when it is a repeat."""
        node = self.nodes.get(path)
        if node is None:
            name = path[-1]
            return [self.derived[name]] if len(path) == self.depth + 1 and name in self.derived else []
        if not node.is_relevant:
            return []
        return list(node.rows) if node.is_repeat else [node]

    def scope(self, environment: Environment, node: Any = None) -> Scope:
        """Where an expression in this row stands."""
        return Scope(environment, self.chain, node)


_NO_ROWS: list[Row] = []  # of every node that is not a repeat; nobody adds to it


def derived_text(value: Value) -> str:
    """A figure as expressions read it."""
    return "" if value is None else value if type(value) is str else format_number(value)  # type: ignore[arg-type]


def find_node(root: Row, address: str) -> AnswerNode | None:
    """The node at an address, or None."""
    row, node = root, None
    path: tuple[str, ...] = ()
    parts = iter(address.split("/"))
    for name in parts:
        path = (*path, name)
        node = row.nodes.get(path)
        if node is None:
            return None
        if type(node.spec.item) is Repeat and (row_id := next(parts, None)) is not None:
            found = next((inner for inner in node.rows if inner.id == row_id), None)
            if found is None:
                return None
            row, node = found, None
    return node


def nodes_of(spec: Spec, row: Row, shared: int, root: Row) -> list[AnswerNode]:
    """Every node of a spec in the rows it shares with `row`, as far down as `shared` repeats."""
    shared = min(shared, len(row.chain), len(spec.repeats))
    rows = [row.chain[shared - 1] if shared else root]
    for repeat in spec.repeats[shared:]:
        rows = [inner for outer in rows for inner in outer.nodes[repeat.path].rows]
    return [found.nodes[spec.path] for found in rows if spec.path in found.nodes]


def put(node: AnswerNode, value: Any) -> None:
    """Take an answer as it comes: what does not fit its type is kept and flagged, and counts as blank."""
    spec = node.spec
    node.given, node.flag = None, ""
    if type(value) is str and not value.isascii():
        value = unicodedata.normalize("NFC", value)  # keyboards write the same letter in two ways
    if value is None or value == "":
        node.value = None
    elif spec.read is None:
        node.value = value
    else:
        try:
            node.value = spec.read(value)
            if spec.bounds is not None:
                _check_bounds(node.value, spec.bounds)
        except ValidationError:
            node.given = value if isinstance(value, str | int | float) else str(value)[:1000]
            node.value = truncated(value) if spec.is_whole else None
            node.flag = "wrong_type"


def _check_bounds(value: Value, bounds: tuple[float, float]) -> None:
    if isinstance(value, int | float) and not bounds[0] <= value <= bounds[1]:
        raise ValidationError("wrong_type")


def truncated(value: Any) -> Value:
    """What a number with decimals counts as where a whole one is asked; a blank for what is no number."""
    number = float(value) if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        return None
    return int(number) if abs(number) < 1e18 else None


def stored(question: Question, value: Result) -> Value:
    """What an expression's result, or an author's default, becomes as an answer of this question."""
    if type(value) is list:
        value = _first(value)
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is str:
        if question.type in _NUMERIC and _DECIMAL.fullmatch(value.strip()) and math.isfinite(float(value)):
            number = float(value)
            return math.trunc(number) if question.type == "integer" else _whole(number)
        return value if value != "" else None
    if not math.isfinite(value):  # type: ignore[arg-type]
        return None
    if question.type == "integer":
        return math.trunc(value)  # type: ignore[arg-type]
    if question.type in _NUMERIC or question.type in _COMPUTED:
        return _whole(value)  # type: ignore[arg-type]
    return format_number(value)  # type: ignore[arg-type]


def _first(elements: list[Any]) -> Result:
    """The first node's answer, a number as a number."""
    if not elements:
        return ""
    content = getattr(elements[0], "content", None)
    return float(content) if isinstance(content, int | float) else element_text(elements[0])


def _whole(number: float) -> int | float:
    return int(number) if number == int(number) and abs(number) < 2**53 else float(number)
