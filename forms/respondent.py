"""A made-up respondent: answers every question that is asked, so that no rule of the form is broken.

Values are drawn from a seeded generator, guided by the constraint (its patterns and the bounds it sets) and tried
until the form accepts one. Wishes decide what is known beforehand; a wish the form refuses gives way to a draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Final, TypeAlias

from forms.answers import Interview
from forms.expressions.values import to_number
from forms.matching import text_matching
from forms.model import Call, Expression, Literal, Path, Question, Repeat, Value
from forms.nodes import AnswerNode, Row
from forms.types import TYPES, Kind

# By question or repeat name. A repeat's wish is its number of rows; None leaves a question blank.
Wish: TypeAlias = Value | Callable[[Interview, str, Random], Value]
Wishes: TypeAlias = Mapping[str, Wish]

ROUNDS: Final = 4  # a later answer may break the rule of an earlier one
TRIES: Final = 24
ANSWERED: Final = 0.8  # share of the optional questions that get an answer
MOST_CHOSEN: Final = 3
EPOCH: Final = date(1970, 1, 1)
NOT_ASKED: Final = frozenset((Kind.NOTE, Kind.CALCULATE, Kind.METADATA))
MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def respond(interview: Interview, random: Random, wishes: Wishes | None = None) -> None:
    """Fill everything the interview asks; the same seed and wishes give the same answers."""
    respondent = _Respondent(interview, random, wishes or {})
    for _ in range(ROUNDS):
        respondent.fill(interview.root)
        if not interview.issues():
            return


@dataclass(slots=True)
class _Respondent:
    interview: Interview
    random: Random
    wishes: Wishes
    done: set[str] = field(default_factory=set)

    def fill(self, row: Row) -> None:
        for node in list(row.nodes.values()):
            item = node.spec.item
            if not node.is_relevant:
                continue
            if isinstance(item, Question):
                self._answer(node, item)
            elif isinstance(item, Repeat):
                self._add_rows(node, item)
                for inner in list(node.rows):
                    self.fill(inner)

    def _add_rows(self, node: AnswerNode, repeat: Repeat) -> None:
        address = node.address
        if repeat.count is None and address not in self.done and not node.rows:
            wish = self._wished(repeat.name, address) if repeat.name in self.wishes else self.random.randint(1, 3)
            for number in range(int(to_number(wish or 0))):
                self.interview.add_row(address, str(number + 1))
        self.done.add(address)

    def _answer(self, node: AnswerNode, question: Question) -> None:
        address, interview = node.address, self.interview
        is_settled = address in self.done and interview.issue(address) is None
        if is_settled or TYPES[question.type].kind in NOT_ASKED or interview.is_read_only(address):
            return
        is_first = address not in self.done
        self.done.add(address)
        if is_first and question.name in self.wishes:
            interview.set(address, self._wished(question.name, address))
            if interview.issue(address) is None:
                return
        elif node.value is not None and interview.issue(address) is None:
            return
        required = interview.is_required(address)
        if not required and (not is_first or self.random.random() > ANSWERED):
            interview.set(address, None)
            return
        self._try(node, question, required)

    def _wished(self, name: str, address: str) -> Value:
        wish = self.wishes[name]
        return wish(self.interview, address, self.random) if callable(wish) else wish

    def _try(self, node: AnswerNode, question: Question, required: bool) -> None:
        address = node.address
        for candidate in _candidates(self, node, question, required):
            self.interview.set(address, candidate)
            if self.interview.issue(address) is None:
                return
        if not required:
            self.interview.set(address, None)


# Candidates -----------------------------------------------------------------------------------------------------


def _candidates(run: _Respondent, node: AnswerNode, question: Question, required: bool) -> Iterator[Value]:
    kind = TYPES[question.type].kind
    if kind in (Kind.CHOICE, Kind.CHOICES, Kind.RANK):
        yield from _choices(run, node, kind)
    elif kind in (Kind.INTEGER, Kind.DECIMAL, Kind.RANGE):
        yield from _balancing(run, node, question)
        yield from _numbers(run, node, question)
    elif kind is Kind.DATE:
        yield from _dates(run, node, question)
    elif kind is Kind.TEXT:
        yield from _texts(run, question)
    elif kind is Kind.FILE:
        yield f"{question.name}.jpg" if required else None
    else:
        yield _other(run, kind)


def _choices(run: _Respondent, node: AnswerNode, kind: Kind) -> Iterator[Value]:
    choices = run.interview.choices(node.address)
    names = [choice.name for choice in choices]
    together = [choice.name for choice in choices if choice.extra.get("exclusive") != "yes"]
    if kind is Kind.RANK:
        yield " ".join(run.random.sample(names, len(names)))
        return
    if kind is Kind.CHOICES and together:
        for _ in range(3):
            count = run.random.randint(1, min(MOST_CHOSEN, len(together)))
            yield " ".join(run.random.sample(together, count))
    yield from run.random.sample(names, len(names))


def _texts(run: _Respondent, question: Question) -> Iterator[Value]:
    patterns = [
        part.arguments[1].value
        for part in _parts(question.constraint)
        if isinstance(part, Call) and part.name == "regex" and isinstance(part.arguments[1], Literal)
    ]
    for _ in range(TRIES * 10 if patterns else 1):
        for pattern in patterns:
            yield text_matching(str(pattern), run.random)
    yield f"{question.name.replace('_', ' ')} {run.random.randint(1, 999)}"


def _other(run: _Respondent, kind: Kind) -> Value:
    clock = run.interview.clock.now
    if kind is Kind.TIME:
        return f"{run.random.randint(7, 17):02d}:{run.random.choice(('00', '15', '30', '45'))}"
    if kind is Kind.DATETIME:
        return (clock - timedelta(minutes=run.random.randint(1, 100_000))).isoformat(timespec="seconds")
    if kind is Kind.ACKNOWLEDGE:
        return "OK"
    points = [
        f"{run.random.uniform(-60, 60):.6f} {run.random.uniform(-170, 170):.6f} 0 {run.random.randint(3, 30)}"
        for _ in range(1 if kind is Kind.POINT else 3)
    ]
    return "; ".join([*points, points[0]] if kind is Kind.SHAPE else points)


# Bounds that a constraint sets ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What one way through a constraint says of the answer: expressions it must lie above, below or equal."""

    above: tuple[Expression, ...] = ()
    below: tuple[Expression, ...] = ()
    equal: tuple[Expression, ...] = ()

    def also(self, other: _Bounds) -> _Bounds:
        return _Bounds(self.above + other.above, self.below + other.below, self.equal + other.equal)


def _bounds(rule: Expression | None, path: tuple[str, ...]) -> list[_Bounds]:
    """Each way the rule may be satisfied, as far as it compares the answer with something."""
    if not isinstance(rule, Call):
        return [_Bounds()]
    if rule.name == "and":
        left, right = (_bounds(part, path) for part in rule.arguments)
        return [one.also(other) for one in left for other in right][:20]
    if rule.name == "or":
        return [bounds for part in rule.arguments for bounds in _bounds(part, path)][:20]
    if rule.name not in MIRRORED:
        return [_Bounds()]
    one, other = rule.arguments
    if _is_own(one, path):
        return [_compared(rule.name, other)]
    return [_compared(MIRRORED[rule.name], one)] if _is_own(other, path) else [_Bounds()]


def _is_own(expression: Expression, path: tuple[str, ...]) -> bool:
    return isinstance(expression, Path) and expression.steps == path


def _compared(name: str, limit: Expression) -> _Bounds:
    if name == "=":
        return _Bounds(equal=(limit,))
    return _Bounds(above=(limit,)) if name[0] == ">" else _Bounds(below=(limit,))


def _limits(run: _Respondent, node: AnswerNode, question: Question) -> tuple[float, float, list[float]]:
    """(low, high, exact values) of one way through the constraint, chosen at random; infinite where open."""
    bounds = run.random.choice(_bounds(question.constraint, question.path))

    def values(expressions: tuple[Expression, ...]) -> list[float]:
        found = (run.interview.evaluate(one, node.row, node) for one in expressions)
        return [number for number in (_as_number(value) for value in found) if math.isfinite(number)]

    low = max(values(bounds.above), default=-math.inf)
    return low, min(values(bounds.below), default=math.inf), values(bounds.equal)


def _as_number(value: object) -> float:
    """A number, or a date as its day."""
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == "-":
        try:
            return float((date.fromisoformat(value[:10]) - EPOCH).days)
        except ValueError:
            return math.nan
    return to_number(value)  # type: ignore[arg-type]  # whatever an expression gives


def _numbers(run: _Respondent, node: AnswerNode, question: Question) -> Iterator[Value]:
    parameters = question.parameters
    for attempt in range(TRIES):
        low, high, exact = _limits(run, node, question)
        low = float(parameters.get("start", low if low > -math.inf else 0))
        high = float(parameters.get("end", high if high < math.inf else max(low * 2, low + 1000)))
        step = float(parameters.get("step", 1))
        number = run.random.choice(exact) if exact else _draw(run.random, low, high / (1 + attempt // 8))
        if TYPES[question.type].kind is Kind.RANGE:
            number = low + step * round((number - low) / step)
        yield round(number) if question.type == "integer" else _rounded(number)
    for edge in (low, high, low + 1):
        yield math.floor(edge) if question.type == "integer" else edge


def _balancing(run: _Respondent, node: AnswerNode, question: Question) -> Iterator[Value]:
    """What makes the two sides of an equation equal that the answer is a part of, as in parts that make a sum."""
    for part in _parts(question.constraint):
        if (
            not isinstance(part, Call)
            or part.name != "="
            or any(_is_own(side, question.path) for side in part.arguments)
        ):
            continue
        at_0, at_1 = (_imbalance(run, node, part, number) for number in (0, 1))
        if math.isfinite(at_0) and math.isfinite(at_1) and at_0 != at_1:
            number = at_0 / (at_0 - at_1)
            yield round(number) if question.type == "integer" else round(number, 6)


def _imbalance(run: _Respondent, node: AnswerNode, equation: Call, number: int) -> float:
    """How far its sides are apart when the answer is `number`."""
    run.interview.set(node.address, number)
    left, right = (_as_number(run.interview.evaluate(side, node.row, node)) for side in equation.arguments)
    return left - right


def _draw(random: Random, low: float, high: float) -> float:
    """Even between near bounds, by magnitude between far ones."""
    if high <= low:
        return low
    if high - low <= 100 or low < 0 or high < 10:
        return random.uniform(low, high)
    return float(math.exp(random.uniform(math.log(max(low, 1.0)), math.log(high))))


def _rounded(number: float) -> float:
    """Three significant places, as people write down figures."""
    return float(f"{number:.3g}")


def _dates(run: _Respondent, node: AnswerNode, question: Question) -> Iterator[Value]:
    today = (run.interview.clock.now.date() - EPOCH).days
    for _ in range(TRIES):
        low, high, exact = _limits(run, node, question)
        last = int(min(high, max(today, low + 30)))
        first = int(max(low, last - 1000))
        day = int(exact[0]) if exact else run.random.randint(first, max(first, last))
        yield (EPOCH + timedelta(days=day)).isoformat()


def _parts(expression: Expression | None) -> Iterator[Expression]:
    if expression is not None:
        yield expression
        for part in expression.arguments if isinstance(expression, Call) else ():
            yield from _parts(part)


__all__ = ["Wish", "Wishes", "respond"]
