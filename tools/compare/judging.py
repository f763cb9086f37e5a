"""Ours beside JavaRosa's: each node's value, whether it is relevant and required, whether its constraint holds."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

from forms import Answers, Interview, Question, Repeat, Value, format_number, write_instance, written
from forms.model import Expression
from forms.nodes import AnswerNode
from forms.types import TYPES, Kind
from tools.compare.javarosa import JavaRosa
from tools.compare.subjects import CLOCK, LANGUAGE, Subject

NOT_COMPARED = frozenset((Kind.METADATA, Kind.NOTE))


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing the engines do not agree on."""

    form: str
    path: str
    what: str  # value, relevant, required, holds, node
    ours: Any
    theirs: Any
    rule: str  # the expression behind it, as an author would write it
    instance: int  # which of the sets of answers to this form


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison covered and where the two part."""

    checks: dict[str, int]  # what -> how many were compared
    differences: list[Difference]
    refused: list[str]  # why JavaRosa would not read a form or an instance


def compare(java: JavaRosa, subject: Subject, answers: list[Answers], media: Path) -> Compared:
    """Give the same answers to both engines."""
    definition = subject.loaded.definition
    instances = [
        write_instance(definition, tree, f"uuid:{uuid.uuid5(uuid.NAMESPACE_URL, subject.name)}") for tree in answers
    ]
    found = Compared({}, [], [])
    verdicts = java.judge(subject.loaded.xform, instances, media, LANGUAGE)
    for number, (tree, judged) in enumerate(zip(answers, verdicts, strict=True)):
        if "error" in judged:
            found.refused.append(f"{subject.name}: {judged['error']}")
            continue
        theirs = {node["path"]: node for node in judged["nodes"]}
        _compare(subject, tree, number, theirs, found)
    return found


def _compare(
    subject: Subject, tree: Answers, number: int, theirs: Mapping[str, Mapping[str, Any]], found: Compared
) -> None:
    interview = subject.interview(tree)
    # The photo offered under a figure is a question of ours alone: no other client has it in its form.
    photos = {question.evidence for question in subject.loaded.definition.questions()}
    for node in interview.nodes():
        if node.spec.item.name in photos:
            continue
        if isinstance(node.spec.item, Repeat):
            _compare_rows(subject, node, number, theirs, found)
            continue
        path = path_of(node)
        other = theirs.get(path)
        if other is None:
            if node.is_relevant:
                found.differences.append(Difference(subject.name, path, "node", "there", "absent", "", number))
            continue
        for what, mine, other_, rule, is_equal in _points(interview, node, other):
            found.checks[what] = found.checks.get(what, 0) + 1
            if not is_equal:
                shown = "" if rule is None else written(rule)
                found.differences.append(Difference(subject.name, path, what, mine, other_, shown, number))


def _compare_rows(
    subject: Subject, node: AnswerNode, number: int, theirs: Mapping[str, Mapping[str, Any]], found: Compared
) -> None:
    rule = node.spec.item.relevant
    for row in node.rows:
        path = f"{path_of(node)}[{row.position()}]"
        relevant = bool(theirs.get(path, {}).get("relevant"))
        found.checks["relevant"] = found.checks.get("relevant", 0) + 1
        if relevant is not node.is_relevant:
            shown = "" if rule is None else written(rule)
            found.differences.append(
                Difference(subject.name, path, "relevant", node.is_relevant, relevant, shown, number)
            )


def path_of(node: AnswerNode) -> str:
    """The XPath of a node: names, and the place after the name of a repeat."""
    places = {row.schema: row.position() for row in node.row.chain}
    steps = (node.spec.path[:length] for length in range(1, len(node.spec.path) + 1))
    return "".join(f"/{step[-1]}" + (f"[{places[step]}]" if step in places else "") for step in steps)


_Point = tuple[str, Any, Any, Expression | None, bool]


def _points(interview: Interview, node: AnswerNode, other: Mapping[str, Any]) -> Iterator[_Point]:
    item = node.spec.item
    relevant = bool(other["relevant"])
    yield "relevant", node.is_relevant, relevant, item.relevant, node.is_relevant is relevant
    if not isinstance(item, Question) or not node.is_relevant or not relevant:
        return
    if TYPES[item.type].kind in NOT_COMPARED:
        return
    address = node.address
    issue = interview.issue(address)
    if issue is not None and issue.code == "wrong_type":  # what its type cannot hold is no answer to either
        return
    mine, theirs = interview.value(address), other["value"]
    yield "value", mine, theirs, item.calculation, are_same(item, mine, theirs)
    if item.required is not None:
        required = interview.is_required(address)
        yield "required", required, other["required"], item.required, required is other["required"]
    if item.constraint is not None and "holds" in other and (issue is None or issue.code == "constraint"):
        yield "holds", issue is None, other["holds"], item.constraint, (issue is None) is other["holds"]


# Whether two spellings mean the same value ---------------------------------------------------------------------------


def are_same(question: Question, mine: Value, theirs: str | None) -> bool:
    """Whether our value and the text JavaRosa would submit are one value of the question's type."""
    if mine is None or theirs is None:
        return mine is None and theirs in (None, "")
    text = mine if isinstance(mine, str) else format_number(float(mine))
    if text == theirs:
        return True
    kind = TYPES[question.type].kind
    if kind in (Kind.POINT, Kind.TRACE, Kind.SHAPE):
        return _numbers(text) == _numbers(theirs)
    if kind in (Kind.TIME, Kind.DATETIME):
        return _moment(text) == _moment(theirs)
    return _near(text, theirs)


def _near(one: str, other: str) -> bool:
    try:
        first, second = float(one), float(other)
    except ValueError:
        return False
    return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?[0-9.]+", text)]


def _moment(text: str) -> object:
    """A time or a moment on the device's clock."""
    day, _, clock = text.rpartition("T")
    try:
        if not day:
            return time.fromisoformat(clock).replace(tzinfo=None)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment if moment.tzinfo else moment.replace(tzinfo=CLOCK.now.tzinfo)
