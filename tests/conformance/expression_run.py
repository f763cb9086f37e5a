"""Runs recorded expressions over documents (`expressions.json` of a folder) on both engines and says how each went."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from forms import Clock, Document, Expression, ExpressionError, evaluate_in_document, expression_to_json, open_document
from forms.expressions.documents import DocumentNode, element_at, parse_in_document
from forms.expressions.values import to_number
from tests.conformance.nodejs import NodeChild
from tests.conformance.other_readings import READINGS, row_of, turned
from tests.conformance.scenario_run import Result

NOW = "2026-11-23T12:00:00"
_ELEMENT = re.compile(r"/|(?:/\*\[[0-9]+\])+")


@dataclass(frozen=True, slots=True)
class Yield:
    """What an engine made of an expression; `nodes` None when it led to no nodes."""

    text: str
    number: float
    truth: bool
    nodes: tuple[str, ...] | None


def run(folder: Path) -> tuple[list[Result], list[str]]:
    """Every expression of `folder` on Python and TypeScript, and the names of those on which the two differ."""
    cases = json.loads((folder / "expressions.json").read_text("utf-8"))
    results: list[Result] = []
    differences: list[str] = []
    on_node = TypeScript()
    try:
        for place, case in enumerate(cases):
            name = name_of(place, case)
            found = [_run_one(name, case, engine) for engine in (on_python, on_node)]
            results += [result for result, _ in found]
            if not is_same(found[0][1], found[1][1], case.get("expr", "")):
                differences.append(name)
    finally:
        on_node.close()
    return results, differences


def name_of(place: int, case: Mapping[str, Any]) -> str:
    """A name that stays the same as long as the case does."""
    whole = json.dumps([case.get(key) for key in ("xml", "ctx", "expr", "kind", "expected")], sort_keys=True)
    return f"expression {place} {hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def _run_one(name: str, case: Mapping[str, Any], engine: Any) -> tuple[Result, Yield | None]:
    label = "Python" if engine is on_python else "TypeScript"
    try:
        _check_recording(case)
        found = engine(case)
    except ExpressionError as error:
        return Result(name, label, "refused", error.code), None
    except _Outside as error:
        return Result(name, label, "refused", str(error)), None
    except (ValueError, KeyError) as error:  # no document, no such context
        return Result(name, label, "refused", f"recording: {error}"), None
    wrong = mismatch(case, found)
    reason = f"{case['expr']!r} at {case['ctx']}: {wrong}"
    if not wrong:
        return Result(name, label, "passed"), found
    row = row_explaining(case, found)
    return Result(name, label, "known" if row else "failed", f"{row}: {reason}" if row else reason), found


# --- what a row of the dialect explains


def row_explaining(case: Mapping[str, Any], found: Yield) -> str | None:
    """The row of the decisions which, read as the recording engine reads it, gives what the case expects."""
    if case["kind"] in ("string", "strmatch") and (row := _row_of_text(str(case["expected"]), found.text)):
        return row
    usual = on_python(case)
    for reading in READINGS:
        with turned(reading, ZoneInfo(case.get("tz") or "UTC")):
            read = on_python(case)
        # Only the result that both engines give is explained, and only by a row that changes it.
        if not mismatch(case, read) and is_same(usual, found, case["expr"]):
            return row_of(reading)
    return None


_NOTHING = (("Invalid Date", ""), ("", "NaN"), ("", "Infinity"), ("", "-Infinity"))  # (expected, found)


def _row_of_text(expected: str, found: str) -> str | None:
    """Rows about how a value is written, seen by the two texts."""
    if (expected, found) in _NOTHING:
        return "not-a-number"
    number = to_number(expected)
    return "number-text" if math.isfinite(number) and number == to_number(found) and _NUMBER.match(found) else None


_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")


def _check_recording(case: Mapping[str, Any]) -> None:
    if missing := {"xml", "ctx", "expr", "kind", "expected"} - set(case):
        raise _Outside(f"recording: no {', '.join(sorted(missing))}")
    if case["kind"] not in _KINDS:
        raise _Outside(f"recording: kind {case['kind']}")


_KINDS = ("boolean", "number", "numrounded", "string", "strmatch", "strlen", "nodeset", "unodeset")


class _Outside(Exception):
    """The case is about something the dialect does not have: a context that is no element."""


def _context(case: Mapping[str, Any]) -> str:
    context = str(case["ctx"])
    if not _ELEMENT.fullmatch(context):
        raise _Outside("context is an attribute, a text or a comment")
    return context


def _clock(case: Mapping[str, Any]) -> Clock:
    now = datetime.fromisoformat(case.get("now") or NOW)
    return Clock(now if now.tzinfo else now.replace(tzinfo=ZoneInfo(case.get("tz") or "UTC")))


@lru_cache(maxsize=500)
def _opened(xml: str) -> Document:
    return open_document(xml)


def on_python(case: Mapping[str, Any]) -> Yield:
    """The case on forms.evaluate_in_document."""
    document, context = _opened(case["xml"]), _context(case)
    found = evaluate_in_document(document, case["expr"], context=context, clock=_clock(case), language=case.get("lang"))
    nodes = tuple(getattr(node, "address", "") for node in found.nodes) if isinstance(found.value, list) else None
    return Yield(found.text, found.number, found.truth, nodes)


class TypeScript:
    """The same trees on the client's engine, in a child of node."""

    def __init__(self) -> None:
        self._child = NodeChild(Path(__file__).with_name("document_child.ts"))

    def __call__(self, case: Mapping[str, Any]) -> Yield:
        document, clock = _opened(case["xml"]), _clock(case)
        element_at(document.whole, _context(case))  # the child has no words for a place that is not there
        language = case.get("lang") or document.default_language
        request = {
            "document": tree_of(document.whole), "root": document.root.address, "language": language,
            "named": {name: nodes[0].address for name, nodes in document.root.named.items()},
            "texts": {id_: [one.address for one in values] for id_, values in document.texts.get(language, {}).items()},
            "now": clock.now.isoformat(), "offset": clock.offset,
            "cases": [
                {"expression": expression_to_json(parse_in_document(case["expr"])), "context": _context(case)}
            ],
        }  # fmt: skip
        (found,) = self._child.ask(request)
        nodes = None if found["nodes"] is None else tuple(found["nodes"])
        return Yield(found["text"], float(found["number"]), found["truth"], nodes)

    def is_stopped(self, document: Document, expression: Expression) -> bool:
        """Whether the engine refuses to go on with an expression over a document."""
        request = {
            "document": tree_of(document.whole), "root": "/", "language": "", "named": {}, "texts": {},
            "now": f"{NOW}+00:00", "offset": 0, "cases": [{"expression": expression_to_json(expression), "context": "/"}],
        }  # fmt: skip
        (found,) = self._child.ask(request)
        return bool(found.get("stopped"))

    def values(self, expressions: Sequence[Expression]) -> list[str]:
        """The texts of expressions that need no document."""
        request = {
            "document": ["", "", [], []], "root": "/", "language": "", "named": {}, "texts": {},
            "now": f"{NOW}+00:00", "offset": 0,
            "cases": [{"expression": expression_to_json(one), "context": "/"} for one in expressions],
        }  # fmt: skip
        return [found["text"] for found in self._child.ask(request)]

    def close(self) -> None:
        """End the child."""
        self._child.close()


def tree_of(node: DocumentNode) -> list[Any]:
    """A document as the child reads it: name, all text inside, attributes, children."""
    attributes = [[one.name[1:], one.value] for one in node.attributes]
    return [node.name, node.value, attributes, [tree_of(child) for child in node.children]]


# --- comparing


def mismatch(case: Mapping[str, Any], found: Yield) -> str:
    """What is wrong with a result; empty when it is what the case expects."""
    expected = case["expected"]
    match case["kind"]:
        case "boolean":
            return _unless(found.truth is expected, expected, found.truth)
        case "number":
            return _unless(_is_near(float(expected), found.number), expected, found.number)
        case "numrounded":
            tolerance = 0.5 / float(case.get("factor") or 100)
            return _unless(abs(float(expected) - found.number) <= tolerance * 1.01, expected, found.number)
        case "string":
            return _unless(found.text == expected, expected, found.text)
        case "strmatch":
            return _unless(re.search(expected, found.text) is not None, expected, found.text)
        case "strlen":
            return _unless(len(found.text) == expected, expected, found.text)
        case _:  # a node-set has no order, and the recording calls every attribute "!2"
            nodes = sorted("!2" if "@" in address else address for address in found.nodes or ())
            return _unless(nodes == sorted(expected), expected, nodes)


def _unless(is_fine: bool, expected: object, found: object) -> str:
    return "" if is_fine else f"expected {expected!r}, found {found!r}"


def _is_near(expected: float, found: float) -> bool:
    if math.isnan(expected) or math.isnan(found):
        return math.isnan(expected) and math.isnan(found)
    return expected == found or abs(expected - found) <= 1e-12 * max(1.0, abs(expected))


_CHANCE: Sequence[str] = ("uuid(", "random(", "randomize(")


def is_same(one: Yield | None, other: Yield | None, expression: str) -> bool:
    """Whether the engines agree; where chance decides, they agree when both give something of one length."""
    if one is None or other is None:
        return one is other
    if any(name in expression for name in _CHANCE):
        return len(one.text) == len(other.text) or "random(" in expression
    is_number = _is_near(one.number, other.number)
    return is_number and (one.text, one.truth, one.nodes) == (other.text, other.truth, other.nodes)
