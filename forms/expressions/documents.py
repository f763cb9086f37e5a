"""Expressions over any XML document, by the evaluator that interviews use.

Here paths mean what XPath says of the document, not what a form says of its repeats. Elements are compared by their
local names, as in the instance of an XForm; those of XHTML are no answers, and only a prefixed name would reach them.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from forms.expressions.evaluate import compiled
from forms.expressions.resolve import OPERATORS, OWN_NODE, check_call, may_be_nodes
from forms.expressions.syntax import BELOW, ExpressionError, Raw, RawCall, RawPath, RawStep, parse_raw
from forms.expressions.values import Clock, Environment, Nodes, Result, Scope
from forms.model import Call, Expression, Field, Filter, Literal, Path

_HTML: Final = "{http://www.w3.org/1999/xhtml}"
_XML_LIMIT: Final = 5_000_000  # characters
_Nodes: TypeAlias = Path | Field | Filter | Call


class DocumentNode:
    """An element, an attribute ("@name") or the document itself, as expressions see it."""

    # What a path from the root looks for first: the answers of an interview's row. A document has none.
    nodes: Final[dict[tuple[str, ...], Any]] = {}
    derived: Final[dict[str, str]] = {}
    repeat: Final = None
    is_relevant: Final = True
    depth: Final = 0

    def __init__(self, name: str, value: str, parent: DocumentNode | None = None) -> None:
        self.name = name
        self.value = value  # all text inside
        self.parent = parent
        self.attributes: list[DocumentNode] = []
        self.children: list[DocumentNode] = []
        self.named: dict[str, list[DocumentNode]] = {}  # of the root: other instances, for the step "#id"
        self.place = 0  # among its siblings, from 1

    @property
    def content(self) -> str | None:
        """Its text; None for a blank."""
        return self.value or None

    @property
    def address(self) -> str:
        """The place of an element: /*[1]/*[3]."""
        return "/" if self.parent is None else f"{self.parent.address.rstrip('/')}/{self._step()}"

    def _step(self) -> str:
        return self.name if self.name.startswith("@") else f"*[{self.place}]"

    def text(self) -> str:
        """All text inside."""
        return self.value

    def position(self) -> int:
        """Its place among its like-named siblings."""
        siblings = [self] if self.parent is None else [one for one in self.parent.children if one.name == self.name]
        return siblings.index(self) + 1 if self in siblings else 1

    def below(self, name: str) -> list[Any]:
        """The nodes a step leads to."""
        if name == "..":
            return [] if self.parent is None else [self.parent]
        if name == BELOW:
            return list(self.walk())
        if "::" in name:  # self::name and parent::name
            axis, _, wanted = name.partition("::")
            node = self if axis == "self" else self.parent
            return [] if node is None or node.name != wanted else [node]
        if name.startswith("#"):
            return self.named.get(name[1:], [])
        if name.startswith("@"):
            return [one for one in self.attributes if name in ("@*", one.name)]
        return self.children if name == "*" else [child for child in self.children if child.name == name]

    def walk(self) -> Iterator[DocumentNode]:
        """The node and every element below it, in the document's order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def family(self) -> object:
        """Children of one element stand together."""
        return id(self.parent)

    def order(self) -> tuple[int, ...]:
        """Its place in the document."""
        return () if self.parent is None else (*self.parent.order(), self.place)


def read_document(xml: str) -> DocumentNode:
    """The document of an XML text; ValueError when it is too large or not well-formed, or declares entities."""
    if len(xml) > _XML_LIMIT:
        raise ValueError("too large")
    try:
        element = fromstring(xml.strip(), forbid_dtd=False)
    except (ET.ParseError, DefusedXmlException) as error:
        raise ValueError(str(error)) from error
    document = DocumentNode("", "".join(element.itertext()))
    _add(document, element)
    return document


def _add(parent: DocumentNode, element: ET.Element) -> None:
    space, _, local = element.tag.rpartition("}")
    name = element.tag if f"{space}}}" == _HTML else local
    node = DocumentNode(name, "".join(element.itertext()), parent)
    parent.children.append(node)
    node.place = len(parent.children)
    node.attributes = [DocumentNode(f"@{key}", value, node) for key, value in element.attrib.items()]
    for child in element:
        if isinstance(child.tag, str):
            _add(node, child)


# --- paths of a document


def parse_in_document(text: str) -> Expression:
    """The tree of an expression over a document; raises ExpressionError for what cannot be run, by its name."""
    return _tree(parse_raw(text))


def _tree(raw: Raw) -> Expression:
    if isinstance(raw, Literal):
        return raw
    return _path(raw) if isinstance(raw, RawPath) else _call(raw)


def _call(raw: RawCall) -> Expression:
    if raw.name not in OPERATORS:
        check_call(raw)
    if raw.name == "indexed-repeat":
        return _path(_indexed(raw))
    if raw.name == "pulldata":
        return Call("string", (_path(_pulled(raw)),))
    if raw.name == "jr:choice-name":
        raise ExpressionError("expression_needs_form", raw.position, name=raw.name)
    arguments = tuple(_tree(argument) for argument in raw.arguments)
    if raw.name == "|" and not all(may_be_nodes(argument) for argument in arguments):
        raise ExpressionError("expression_union", raw.position)
    if raw.name == "once":
        return Call("coalesce", (Field(()), *arguments))
    if raw.name in OWN_NODE and not arguments:
        return Call(raw.name, (Field(()),))
    return Call(raw.name, arguments)


def _path(raw: RawPath) -> _Nodes:
    for step in raw.steps:
        if ":" in step.name.replace("::", "", 1):
            raise ExpressionError("expression_namespace", raw.position, name=step.name)
    steps = raw.steps
    if raw.start == "${":
        raise ExpressionError("expression_unknown_reference", raw.position, name=raw.id)
    if raw.start == "current":
        return _below(Call("current"), steps)
    end = next((place + 1 for place, step in enumerate(steps) if step.predicates), len(steps))
    names = tuple(step.name for step in steps[:end] if step.name != ".")
    if raw.start == "instance":
        names = (f"#{raw.id}", *names)
    start: Path | Field | Filter = Field(names) if raw.start == "" else Path(names)
    if end and steps[end - 1].predicates:
        start = Filter(start, _predicates(steps[end - 1]))
    return _below(start, steps[end:])


def _below(start: _Nodes, steps: tuple[RawStep, ...]) -> _Nodes:
    names: list[str] = []
    for step in steps:
        names += [] if step.name == "." else [step.name]
        if step.predicates:
            start, names = Filter(_source(start, names), _predicates(step)), []
    return _source(start, names)


def _source(start: _Nodes, names: list[str]) -> _Nodes:
    """Some steps below nodes."""
    if not names:
        return start
    if isinstance(start, Filter) and not start.steps:
        return replace(start, steps=tuple(names))
    return Filter(start, (), tuple(names))


def _predicates(step: RawStep) -> tuple[Expression, ...]:
    return tuple(_tree(predicate) for predicate in step.predicates)


def _indexed(raw: RawCall) -> RawPath:
    """indexed-repeat() as the path it stands for: a place after each repeat's step."""
    target, *pairs = raw.arguments
    steps: list[RawStep] = []
    for repeat, index in zip(pairs[::2], pairs[1::2], strict=False):
        names = [step.name for step in repeat.steps] if isinstance(repeat, RawPath) and repeat.start == "/" else []
        if [step.name for step in steps] != names[: len(steps)] or not names:
            raise ExpressionError("expression_indexed_repeat", raw.position)
        place = RawCall("=", (RawCall("position", (), raw.position), _from_here(index)), raw.position)
        steps += [RawStep(name) for name in names[len(steps) : -1]]
        steps.append(RawStep(names[-1], (place,)))
    if not isinstance(target, RawPath) or target.start != "/" or len(pairs) % 2:
        raise ExpressionError("expression_indexed_repeat", raw.position)
    if not target.steps or target.steps[0].name == BELOW:
        return replace(target, steps=(*steps, *target.steps))
    if [step.name for step in target.steps[: len(steps)]] != [step.name for step in steps]:
        raise ExpressionError("expression_indexed_repeat", raw.position)
    return replace(target, steps=(*steps, *target.steps[len(steps) :]))


def _pulled(raw: RawCall) -> RawPath:
    """pulldata() as the path it stands for: a column of the item whose key column has the key."""
    if not all(isinstance(argument, Literal) and isinstance(argument.value, str) for argument in raw.arguments[:3]):
        raise ExpressionError("expression_needs_form", raw.position, name=raw.name)
    name, column, key = (str(argument.value) for argument in raw.arguments[:3] if isinstance(argument, Literal))
    field_ = RawPath("", (RawStep(key),), raw.position)
    test = RawCall("=", (field_, _from_here(raw.arguments[3])), raw.position)
    return RawPath("instance", (RawStep("root"), RawStep("item", (test,)), RawStep(column)), raw.position, name)


def _from_here(raw: Raw) -> Raw:
    """The same expression for use inside a predicate: its relative paths begin where the whole expression stands."""
    if isinstance(raw, RawCall):
        return replace(raw, arguments=tuple(_from_here(argument) for argument in raw.arguments))
    return replace(raw, start="current") if isinstance(raw, RawPath) and raw.start == "" else raw


# --- evaluation


@dataclass(frozen=True, slots=True)
class Found:
    """What an expression yields over a document: each kind of result, and the nodes where it led to some."""

    value: Result
    text: str
    number: float
    truth: bool
    nodes: Nodes = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """An XML document ready for expressions: `root` is what absolute paths begin at."""

    whole: DocumentNode
    root: DocumentNode
    texts: Mapping[str, Mapping[str, tuple[DocumentNode, ...]]]  # itext: language -> id -> values
    default_language: str


def open_document(xml: str) -> Document:
    """A document, and if it is an XForm its primary instance, other instances and texts."""
    whole = read_document(xml)
    model = next((node for node in whole.walk() if node.name == "model"), None)
    instances = [] if model is None else [node for node in model.children if node.name == "instance"]
    texts, default = _texts(model)
    is_xform = model is not None and whole.children[0] is not model and bool(instances)
    root = instances[0] if is_xform else whole
    root.named = {attribute.value: [one] for one in instances for attribute in one.below("@id")}
    return Document(whole, root, texts, default)


def _texts(model: DocumentNode | None) -> tuple[dict[str, dict[str, tuple[DocumentNode, ...]]], str]:
    found: dict[str, dict[str, tuple[DocumentNode, ...]]] = {}
    default = ""
    for translation in [] if model is None else [one for itext in model.below("itext") for one in itext.children]:
        language = next((one.value for one in translation.below("@lang")), "")
        default = language if not default or translation.below("@default") else default
        found[language] = {
            next((one.value for one in text.below("@id")), ""): tuple(
                sorted(text.below("value"), key=lambda value: bool(value.below("@form")))  # the plain text first
            )
            for text in translation.children
        }
    return found, default


def evaluate_in_document(
    document: str | Document,
    expression: str,
    *,
    context: str = "/",
    clock: Clock | None = None,
    language: str | None = None,
) -> Found:
    """What an expression yields in an XML document, seen from the element at `context` (as in "/*[1]/*[2]").

    Raises ExpressionError for what the dialect does not have, ValueError for what is no document or no element.
    """
    opened = open_document(document) if isinstance(document, str) else document
    tree = parse_in_document(expression)
    scope = document_scope(opened, context, clock or Clock.utc(), language)
    rule = compiled(tree)
    value = rule.value(scope)
    return Found(value, rule.text(scope), rule.number(scope), rule.truth(scope), value if type(value) is list else [])


def document_scope(document: Document, context: str, clock: Clock, language: str | None) -> Scope:
    """Where an expression stands in a document."""
    spoken = language or document.default_language
    environment = Environment(clock, document.root, spoken)
    texts = document.texts.get(spoken, {})
    environment.itext = lambda id_: list(texts.get(id_, ()))
    return Scope(environment, (), element_at(document.whole, context))


def element_at(whole: DocumentNode, context: str) -> DocumentNode:
    """The element at a place such as /*[1]/*[2]; ValueError when there is none."""
    node = whole
    for step in context.strip("/").split("/"):
        place = step.removeprefix("*[").removesuffix("]")
        if step and not (step.startswith("*[") and place.isdigit() and 0 < int(place) <= len(node.children)):
            raise ValueError(f"no element at {context}")
        node = node.children[int(place) - 1] if step else node
    return node
