"""Text -> tree: a tokeniser, a Pratt parser for XPath 1.0 core and ODK's additions, and the tree's JSON.

The parser gives paths as they were written (`RawPath`); `resolve.py` ties them to a form. `parse` does both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from forms.model import Call, Expression, Field, Filter, Instance, Literal, Path

MAX_LENGTH: Final = 16_000
MAX_DEPTH: Final = 100  # of brackets and of the finished tree

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
      | (?P<string>"[^"]*"|'[^']*')
      | (?P<reference>\$\{[^}]*\})
      | (?P<name>[^\W\d][\w.\-]*(?::[^\W\d][\w.\-]*)?)
      | (?P<operator>!=|<=|>=|//|\.\.|::|[.@$*+\-=<>|/()\[\],])""",
    re.VERBOSE,
)
_REFERENCE: Final = re.compile(r"\$\{\s*((?:last-saved#)?[^\W\d][\w.\-]*)\s*\}")
_BINDING: Final = {
    "or": 1,
    "and": 2,
    "=": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "div": 6,
    "mod": 6,
    "|": 8,
}
_UNARY: Final = 7
_NAMED_OPERATORS: Final = frozenset({"or", "and", "div", "mod"})
_GLUED: Final = re.compile(r"(?:and|or|div|mod)(?=[0-9])")  # "1 and1": after an operand no name can stand
_AXES: Final = {"child": "*", "parent": "..", "self": "."}
_NODE_TYPES: Final = frozenset({"node", "text", "comment", "processing-instruction"})
_STEP_BEGINNINGS: Final = frozenset({".", "..", "@"})
BELOW: Final = ""  # the step between the slashes of "//": a node itself and everything below it


class ExpressionError(ValueError):
    """An expression cannot be used: a code of the message catalogue, its parameters, and where (1 = first letter)."""

    def __init__(self, code: str, position: int, **parameters: str | int) -> None:
        super().__init__(f"{code} at {position}: {parameters}")
        self.code, self.position = code, position
        self.parameters: dict[str, str | int] = {"position": position, **parameters}


@dataclass(frozen=True, slots=True)
class RawStep:
    """One step of a path and its predicates: a name, ".", "..", "*", "@name" or `BELOW`."""

    name: str
    predicates: tuple[Raw, ...] = ()


@dataclass(frozen=True, slots=True)
class RawPath:
    """A path as written. start: "/" absolute, "" relative, "current", "instance" or "${"; `id` names the last two."""

    start: str
    steps: tuple[RawStep, ...]
    position: int
    id: str = ""
    predicates: tuple[Raw, ...] = ()  # directly after `${name}`


@dataclass(frozen=True, slots=True)
class RawCall:
    """A function or operator as written."""

    name: str
    arguments: tuple[Raw, ...]
    position: int


Raw: TypeAlias = Literal | RawPath | RawCall


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


@dataclass(slots=True)
class _Parser:
    """Walks the tokens once; `depth` counts open brackets so that a hostile text cannot exhaust the stack."""

    tokens: list[_Token]
    index: int = 0
    depth: int = 0
    open_brackets: list[_Token] = field(default_factory=list)

    @property
    def token(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.tokens[self.index]
        self.index += 1
        return token

    def accept(self, text: str) -> bool:
        if self.token.kind == "operator" and self.token.text == text:
            self.index += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            if self.token.kind == "end" and self.open_brackets:
                bracket = self.open_brackets[-1]
                raise ExpressionError("expression_unclosed", bracket.position, bracket=bracket.text)
            raise _unexpected(self.token)
        self.open_brackets.pop()

    def opened(self) -> None:
        self.open_brackets.append(self.tokens[self.index - 1])

    def expression(self, binding: int = 0) -> Raw:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError("expression_too_deep", self.token.position, most=MAX_DEPTH)
        left = self.prefix()
        while (level := self._level()) > binding:
            token = self.take()
            left = RawCall(token.text, (left, self.expression(level)), token.position)
        self.depth -= 1
        return left

    def _level(self) -> int:
        is_operator = self.token.kind == "operator" or self.token.text in _NAMED_OPERATORS
        return _BINDING.get(self.token.text, 0) if is_operator and self.token.kind != "string" else 0

    def prefix(self) -> Raw:
        token = self.token
        if token.kind == "number":
            self.take()
            return Literal(int(token.text) if token.text.isdigit() else float(token.text))
        if token.kind == "string":
            self.take()
            return Literal(token.text[1:-1])
        if token.text == "-" and token.kind == "operator":
            self.take()
            operand = self.expression(_UNARY - 1)
            if isinstance(operand, Literal) and not isinstance(operand.value, str):
                return Literal(-operand.value)
            return RawCall("neg", (operand,), token.position)
        if self.accept("("):
            return self._bracket()
        return self._path_or_call()

    def _bracket(self) -> Raw:
        self.opened()
        inner = self.expression()
        self.expect(")")
        if self.token.text in ("[", "/") and self.token.kind == "operator":
            raise ExpressionError("expression_path_after_bracket", self.token.position)
        return inner

    def _path_or_call(self) -> Raw:
        token = self.token
        is_call = token.kind == "name" and self.tokens[self.index + 1].text == "(" and token.text != "*"
        if is_call and token.text not in _NODE_TYPES:
            return self._call()
        if token.kind == "reference":
            self.take()
            predicates = self.predicates()
            return RawPath("${", self._more_steps(), token.position, _reference_name(token), predicates)
        if self._is_slash():
            return RawPath("/", self._steps_from_root(), token.position)
        return RawPath("", self.steps(), token.position)

    def _is_slash(self) -> bool:
        return self.token.kind == "operator" and self.token.text in ("/", "//")

    def _call(self) -> Raw:
        token = self.take()
        self.take()
        self.opened()
        arguments: list[Raw] = []
        if not (self.token.text == ")" and self.token.kind == "operator"):
            arguments.append(self.expression())
            while self.accept(","):
                arguments.append(self.expression())
        self.expect(")")
        if token.text == "current" and not arguments:
            return RawPath("current", self._more_steps(), token.position)
        if token.text == "instance":
            if len(arguments) != 1 or not isinstance(name := arguments[0], Literal):
                raise ExpressionError("expression_instance_name", token.position)
            return RawPath("instance", self._more_steps(), token.position, str(name.value))
        if self.token.kind == "operator" and self.token.text in ("/", "["):
            raise ExpressionError("expression_path_after_bracket", self.token.position)
        return RawCall(token.text, tuple(arguments), token.position)

    def _more_steps(self) -> tuple[RawStep, ...]:
        if not self._is_slash():
            return ()
        below = (RawStep(BELOW),) if self.take().text == "//" else ()
        return (*below, *self.steps())

    def _steps_from_root(self) -> tuple[RawStep, ...]:
        """The steps after a first slash; none for the slash that stands alone."""
        after = self.tokens[self.index + 1]
        is_alone = after.kind in ("end", "operator") and after.text not in _STEP_BEGINNINGS
        if self.token.text == "/" and is_alone:
            self.take()
            return ()
        return self._more_steps()

    def steps(self) -> tuple[RawStep, ...]:
        return (self.step(), *self._more_steps())

    def step(self) -> RawStep:
        token = self.take()
        if token.kind == "operator" and token.text in (".", ".."):
            return RawStep(token.text, self.predicates())
        if token.kind == "operator" and token.text == "@" and self.token.kind == "name":
            return RawStep(f"@{self.take().text}", self.predicates())
        if token.kind != "name":
            raise _refused(token)
        name = token.text
        if self.token.text == "::":
            self.take()
            name = self._axis(token)
        elif self.token.text == "(" and self.token.kind == "operator":
            raise ExpressionError("expression_node_type", token.position, name=name)
        return RawStep(name, self.predicates())

    def _axis(self, axis: _Token) -> str:
        if axis.text not in _AXES:
            raise ExpressionError("expression_axis", axis.position, name=axis.text)
        test, short = self.take(), _AXES[axis.text]
        if test.text == "*":
            return short
        if axis.text == "child" and test.kind == "name" and self.token.text != "(":
            return test.text
        if axis.text == "child" and test.text in _NODE_TYPES:
            raise ExpressionError("expression_node_type", test.position, name=test.text)
        if test.kind == "name" and self.token.text != "(":
            return f"{axis.text}::{test.text}"  # only a document tells whether the node has that name
        if test.text == "node" and self.accept("("):
            self.opened()
            self.expect(")")
            return short
        raise ExpressionError("expression_axis", axis.position, name=f"{axis.text}::{test.text}")

    def predicates(self) -> tuple[Raw, ...]:
        found: list[Raw] = []
        while self.accept("["):
            self.opened()
            found.append(self.expression())
            self.expect("]")
        return tuple(found)


def parse_raw(text: str) -> Raw:
    """The tree of an expression with its paths as written; raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError("expression_too_long", 1, most=MAX_LENGTH)
    parser = _Parser(list(_tokens(text)))
    if parser.token.kind == "end":
        raise ExpressionError("expression_empty", 1)
    tree = parser.expression()
    if parser.token.kind != "end":
        raise _unexpected(parser.token)
    return _balanced(tree)


def _tokens(text: str) -> Iterator[_Token]:
    position, before = 0, "("
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            code = "expression_unclosed_string" if text[position] in "\"'" else "expression_character"
            raise ExpressionError(code, position + 1, found=text[position])
        kind, found = str(match.lastgroup), match.group()
        if kind == "name" and not _wants_operand(before):
            glued = _GLUED.match(found)
            found = glued.group() if glued else found
            kind = "operator" if found in _NAMED_OPERATORS else kind
        elif kind == "operator" and found == "*" and _wants_operand(before):
            kind = "name"
        if kind != "space":
            yield _Token(kind, found, position + 1)
            before = found if kind == "operator" else ""
        position += len(found)
    yield _Token("end", "", len(text) + 1)
    yield _Token("end", "", len(text) + 1)


def _wants_operand(before: str) -> bool:
    """True after an operator or an opening bracket, where a name is a name and "*" would be a wildcard."""
    return before not in ("", ")", "]", ".", "..")


def _balanced(tree: Raw, depth: int = 0) -> Raw:
    """Long chains of one associative operator as a balanced tree, so that walking them never goes deep."""
    if not isinstance(tree, RawCall):
        return tree
    if depth > MAX_DEPTH:
        raise ExpressionError("expression_too_deep", tree.position, most=MAX_DEPTH)
    if tree.name not in ("and", "or"):
        arguments = tuple(_balanced(argument, depth + 1) for argument in tree.arguments)
        return RawCall(tree.name, arguments, tree.position)
    links: list[Raw] = []
    node: Raw = tree
    while isinstance(node, RawCall) and node.name == tree.name and len(node.arguments) == 2:
        links.append(_balanced(node.arguments[1], depth + 1))
        node = node.arguments[0]
    links.append(_balanced(node, depth + 1))
    return _split_chain(tree, links[::-1])


def _split_chain(tree: RawCall, links: list[Raw]) -> Raw:
    if len(links) == 1:
        return links[0]
    middle = len(links) // 2
    return RawCall(tree.name, (_split_chain(tree, links[:middle]), _split_chain(tree, links[middle:])), tree.position)


def _reference_name(token: _Token) -> str:
    match = _REFERENCE.fullmatch(token.text)
    if match:
        return match.group(1)
    raise ExpressionError("expression_reference", token.position, found=token.text)


def _unexpected(token: _Token) -> ExpressionError:
    if token.kind == "end":
        return ExpressionError("expression_ends", token.position)
    return ExpressionError("expression_unexpected", token.position, found=token.text)


def _refused(token: _Token) -> ExpressionError:
    codes = {"@": "expression_attribute", "$": "expression_variable"}
    if token.kind == "operator" and token.text in codes:
        return ExpressionError(codes[token.text], token.position)
    return _unexpected(token)


def expression_to_json(expression: Expression) -> Any:
    """The tree as JSON, in the shape that `forms.model` describes."""
    match expression:
        case Literal(value):
            return value
        case Path(steps, pinned):
            return ["$", pinned, "/".join(steps)]
        case Field(steps):
            return [".", "/".join(steps)]
        case Instance(id_, steps):
            return ["instance", id_, "/".join(steps)]
        case Filter(source, predicates, steps):
            return ["@", expression_to_json(source), [expression_to_json(p) for p in predicates], "/".join(steps)]
        case Call(name, arguments):
            return [name, *(expression_to_json(argument) for argument in arguments)]


def expression_from_json(tree: Any) -> Expression:
    """The tree that `expression_to_json` wrote."""
    if not isinstance(tree, list):
        return Literal(tree)
    match tree:
        case ["$", int(pinned), str(steps)]:
            return Path(_names(steps), pinned)
        case [".", str(steps)]:
            return Field(_names(steps))
        case ["instance", str(id_), str(steps)]:
            return Instance(id_, _names(steps))
        case ["@", source, list(predicates), str(steps)]:
            kept = tuple(expression_from_json(predicate) for predicate in predicates)
            found = expression_from_json(source)
            if isinstance(found, Literal):
                raise ValueError(f"not a source of items: {source!r}")
            return Filter(found, kept, _names(steps))
        case [str(name), *arguments]:
            return Call(name, tuple(expression_from_json(argument) for argument in arguments))
    raise ValueError(f"not an expression: {tree!r}")


def _names(joined: str) -> tuple[str, ...]:
    return tuple(joined.split("/")) if joined else ()


def references(expression: Expression | None, below: tuple[str, ...] | None = None) -> Iterator[tuple[str, ...]]:
    """The schema paths an expression reads, in the order they stand; `below` is the item a predicate tests."""
    match expression:
        case Path(steps, _):
            yield steps
        case Field(steps) if below is not None:
            yield joined(below, steps)
        case Filter(source, predicates, steps):
            base = source_path(source, below)
            yield from references(source, below)
            for predicate in predicates:
                yield from references(predicate, base)
            if base is not None and steps:
                yield joined(base, steps)
        case Call(_, arguments):
            for argument in arguments:
                yield from references(argument, below)


def joined(base: tuple[str, ...], steps: tuple[str, ...]) -> tuple[str, ...]:
    """The schema path some steps below another one; ".." goes up."""
    path = list(base)
    for step in steps:
        if step != "..":
            path += [] if step == "." else [step]
        elif path:
            path.pop()
    return tuple(path)


def source_path(
    source: Path | Instance | Filter | Field | Call, below: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """The schema path of the items a `Filter` keeps; None for items of a secondary instance."""
    match source:
        case Path(steps, _):
            return steps
        case Field(steps):
            return None if below is None else joined(below, steps)
        case Filter(inner, _, steps):
            base = source_path(inner, below)
            return None if base is None else joined(base, steps)
        case Instance() | Call():
            return None
