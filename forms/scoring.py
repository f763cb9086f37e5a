"""Scores, indicators and soft checks of one set of answers, explained line by line.

The sheet's figures are computed from top to bottom; each is put into the interview as a virtual answer, so that later
rules read it like a question (`derived` of the form or of a row). Nothing here changes an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from forms.answers import Interview
from forms.expressions.functions import rounded
from forms.expressions.values import Result, to_bool, to_number, to_text
from forms.issues import Issue, Severity
from forms.model import CheckRow, IndicatorRow, Question, ScoreRow, Value
from forms.nodes import AnswerNode, Row, derived_text, nodes_of
from forms.program import Program, Spec

Figure: TypeAlias = "bool | float | str | None"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer a figure rests on, as people read it."""

    address: str
    label: str
    answer: str


@dataclass(frozen=True, slots=True)
class ValueScore:
    """A derived figure; in a repeat, one per row id."""

    name: str
    label: str
    unit: str
    value: Value
    rows: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemScore:
    """An item: its points, or why it has none."""

    name: str
    label: str
    applies: bool
    points: float | None
    answers: tuple[Answered, ...]


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """A dimension: the mean (or sum) of its items; None when no item has points."""

    name: str
    label: str
    weight: float
    score: float | None
    items: tuple[ItemScore, ...]


@dataclass(frozen=True, slots=True)
class IndexScore:
    """An index; `value` is None when nothing applies or, `is_withheld`, when too little was answered."""

    name: str
    label: str
    unit: str
    value: float | None
    is_withheld: bool
    answered: int
    applicable: int
    band: str | None
    band_label: str
    dimensions: tuple[DimensionScore, ...]
    items: tuple[ItemScore, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything the sheet of scores yields, in its order."""

    values: tuple[ValueScore, ...] = ()
    items: tuple[ItemScore, ...] = ()
    dimensions: tuple[DimensionScore, ...] = ()
    indexes: tuple[IndexScore, ...] = ()

    def summary(self) -> dict[str, Value]:
        """Name -> figure; a band stands under "<index>_band"; None for what has no figure."""
        found: dict[str, Value] = {value.name: value.value for value in self.values if not value.rows}
        found |= {item.name: item.points for item in self.items}
        found |= {dimension.name: dimension.score for dimension in self.dimensions}
        for index in self.indexes:
            found[index.name] = index.value
            if index.band is not None:
                found[f"{index.name}_band"] = index.band
        return found


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A soft check that applied; `message` by language where it does not hold."""

    name: str
    address: str
    grade: str
    holds: bool
    message: Mapping[str, str]

    def issue(self) -> Issue:
        """The issue a check makes that does not hold."""
        severity = {"note": Severity.NOTE, "reason": Severity.WARNING}.get(self.grade, Severity.ERROR)
        return Issue("check", self.address, {"name": self.name}, severity, self.message)


# --- scores


def compute_scores(interview: Interview, *, explain: bool = True) -> Scores:
    """Every value, item, dimension, index and band of the answers; `explain` adds words and answers.

    Computed once until an answer changes.
    """
    known: Scores | None = interview.remembered.get(("scores", explain))
    if known is None:
        known = interview.remembered["scores", explain] = _compute_scores(interview, explain)
        interview.remembered["derived"] = dict(interview.root.derived)
    # What others derived since then (indicators) must not be read by what rests on the scores alone.
    interview.root.derived = dict(interview.remembered["derived"])
    return known


def _compute_scores(interview: Interview, explain: bool) -> Scores:
    sheet = _sheet(interview.program)
    _forget_derived(interview, sheet)
    values, items = [], []
    for line in sheet.lines:
        if line.row.kind == "value":
            values.append(_value(interview, line.row, explain))
        else:
            items.append(_item(interview, line, explain))
    dimensions = [_dimension(interview, row, [items[place] for place in of], explain) for row, of in sheet.dimensions]
    indexes = [_index(interview, line, dimensions, items, values, explain) for line in sheet.indexes]
    return Scores(tuple(values), tuple(items), tuple(dimensions), tuple(indexes))


@dataclass(frozen=True, slots=True)
class _Line:
    """A value or an item of the sheet, and the questions its rule names: outside of repeats and in them."""

    row: ScoreRow
    top: tuple[Spec, ...]
    deep: tuple[Spec, ...]


@dataclass(frozen=True, slots=True)
class _IndexLine:
    """An index of the sheet with the places of what it is made of."""

    row: ScoreRow
    dimensions: list[int]
    items: list[int]
    values: list[int]
    counted: list[int]  # items that show how much was answered
    deciding: list[int]  # and those by which it is withheld: its parents' where it has some
    bands: list[ScoreRow]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The sheet of scores made ready once per form."""

    lines: list[_Line]
    dimensions: list[tuple[ScoreRow, list[int]]]
    indexes: list[_IndexLine]
    repeats: list[Spec]  # in whose rows values are computed


@lru_cache(maxsize=64)
def _sheet(program: Program) -> _Sheet:
    rows = program.definition.scores
    repeats = {row.repeat: program.by_path[row.repeat] for row in rows if row.repeat in program.by_path}
    return _Sheet(
        [_line(program, row) for row in rows if row.kind in ("value", "item")],
        [(row, _members(rows, "item", row.name)) for row in rows if row.kind == "dimension"],
        [_index_line(rows, row) for row in rows if row.kind == "index"],
        list(repeats.values()),
    )


def _line(program: Program, row: ScoreRow) -> _Line:
    specs = [program.by_path[path] for path in row.questions if path in program.by_path]
    return _Line(row, tuple(spec for spec in specs if not spec.repeats), tuple(spec for spec in specs if spec.repeats))


def _index_line(rows: Sequence[ScoreRow], index: ScoreRow) -> _IndexLine:
    counted = _counted(rows, (index.name,))
    return _IndexLine(
        index,
        _members(rows, "dimension", index.name),
        _members(rows, "item", index.name),
        _members(rows, "value", index.name),
        counted,
        # An index with parents is withheld with them: their items decide, not its own.
        _counted(rows, index.parents) if index.parents else counted,
        [row for row in rows if row.kind == "band" and index.name in row.parents and row.rule is not None],
    )


def _members(rows: Sequence[ScoreRow], kind: str, parent: str) -> list[int]:
    """Places, among the rows of a kind, of those that name a parent."""
    return [place for place, row in enumerate(row for row in rows if row.kind == kind) if parent in row.parents]


def _counted(rows: Sequence[ScoreRow], indexes: tuple[str, ...]) -> list[int]:
    """Places of the items that count as answered or not for some indexes; items of weight 0 do not count."""
    groups = {row.name for row in rows if row.kind == "dimension" and not set(row.parents).isdisjoint(indexes)}
    groups.update(indexes)
    items = enumerate(row for row in rows if row.kind == "item")
    return [place for place, row in items if row.weight != 0 and not groups.isdisjoint(row.parents)]


def _forget_derived(interview: Interview, sheet: _Sheet) -> None:
    interview.root.derived = {}
    for spec in sheet.repeats:
        for row in _rows(interview, spec):
            row.derived = {}


def _rows(interview: Interview, repeat: Spec) -> Iterator[Row]:
    """Every row of a repeat, in order."""
    for node in nodes_of(repeat, interview.root, 0, interview.root):
        yield from node.rows


def _derive(interview: Interview, name: str, value: Value) -> None:
    interview.root.derived[name] = derived_text(value)


def _value(interview: Interview, score: ScoreRow, explain: bool) -> ValueScore:
    label, unit = (interview.text(score.label), interview.text(score.unit)) if explain else ("", "")
    if score.repeat is None:
        value = _figure(interview, score, interview.root)
        _derive(interview, score.name, value)
        return ValueScore(score.name, label, unit, value)
    found: dict[str, Value] = {}
    repeat = interview.program.by_path.get(score.repeat)
    for row in _rows(interview, repeat) if repeat is not None else ():
        if row.is_relevant:
            found[row.id] = figure = _figure(interview, score, row)
            row.derived[score.name] = derived_text(figure)
    return ValueScore(score.name, label, unit, None, found)


def _figure(interview: Interview, score: ScoreRow, row: Row) -> Value:
    if score.rule is None or (score.applies is not None and not interview.truth(score.applies, row)):
        return None
    return plain(interview.evaluate(score.rule, row))


def plain(result: Result) -> Value:
    """A result as a value: truths as words, blanks and what is no number as None."""
    if isinstance(result, bool):
        return "true" if result else "false"
    if isinstance(result, float):
        return _number(result)
    text = to_text(result)
    return None if text == "" else text


def _number(number: float) -> float | int | None:
    if not math.isfinite(number):
        return None
    return int(number) if number == int(number) and abs(number) < 2**53 else number


def _item(interview: Interview, line: _Line, explain: bool) -> ItemScore:
    score, applies, points = line.row, _applies(interview, line), None
    if applies and score.rule is not None:
        points = _number(interview.number(score.rule))
    _derive(interview, score.name, points)
    if not explain:
        return ItemScore(score.name, "", applies, points, ())
    answers = tuple(answered(interview, score.questions))
    return ItemScore(score.name, interview.text(score.label), applies, points, answers)


def _applies(interview: Interview, line: _Line) -> bool:
    """By its own rule, else when every question it names is asked and none is answered "na"."""
    if line.row.applies is not None:
        return interview.truth(line.row.applies)
    nodes = interview.root.nodes
    for spec in line.top:
        node = nodes[spec.path]
        if not node.is_relevant or node.value == "na":
            return False
    for spec in line.deep:
        found = _asked(interview, spec.path)
        if not found or any(node.text() == "na" for node in found):
            return False
    return True


def _asked(interview: Interview, path: tuple[str, ...]) -> list[AnswerNode]:
    spec = interview.program.by_path.get(path)
    found = nodes_of(spec, interview.root, 0, interview.root) if spec is not None else []
    return [node for node in found if node.is_relevant]


def answered(interview: Interview, paths: tuple[tuple[str, ...], ...]) -> Iterator[Answered]:
    """The answers at some schema paths, as people read them."""
    for path in paths:
        spec = interview.program.by_path.get(path)
        if spec is None or not isinstance(spec.item, Question):
            continue
        for node in _asked(interview, path):
            label = interview.text(spec.item.label, node.address) or spec.item.name
            yield Answered(node.address, label, shown_answer(interview, node))


def shown_answer(interview: Interview, node: AnswerNode) -> str:
    """An answer as people read it: the labels of choices, else the answer itself."""
    item = node.spec.item
    text = node.text()
    if not isinstance(item, Question) or item.choices is None or text == "":
        return text
    names = [text] if item.type == "select_one" else text.split()
    return ", ".join(interview.choice_label("/".join(item.path), name) or name for name in names)


def _dimension(interview: Interview, score: ScoreRow, items: list[ItemScore], explain: bool) -> DimensionScore:
    points = [item.points for item in items if item.points is not None]
    total = added(points)
    result = None if not points else total if score.method == "sum" else total / len(points)
    _derive(interview, score.name, result)
    weight = 1.0 if score.weight is None else score.weight
    return DimensionScore(score.name, interview.text(score.label) if explain else "", weight, result, tuple(items))


def added(numbers: list[float]) -> float:
    """The sum, from left to right, as every other engine adds them."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def _index(
    interview: Interview,
    line: _IndexLine,
    dimensions: list[DimensionScore],
    items: list[ItemScore],
    values: list[ValueScore],
    explain: bool,
) -> IndexScore:
    score = line.row
    own, direct = tuple([dimensions[place] for place in line.dimensions]), tuple([items[place] for place in line.items])
    parts = [value for place in line.values if isinstance(value := values[place].value, int | float)]
    applicable, answered = _coverage(items, line.counted)
    is_withheld = score.minimum_share is not None and _too_little(*_coverage(items, line.deciding), score.minimum_share)
    value = None if is_withheld else _index_value(score, own, direct, parts)
    band = None if value is None else _band(interview, line.bands, value)
    _derive(interview, score.name, value)
    _derive(interview, f"{score.name}_band", band.name if band else None)
    return IndexScore(
        score.name,
        interview.text(score.label) if explain else "",
        interview.text(score.unit) if explain else "",
        value,
        is_withheld,
        answered,
        applicable,
        band.name if band else None,
        interview.text(band.label) if band and explain else "",
        own,
        direct,
    )


def _coverage(items: list[ItemScore], counted: list[int]) -> tuple[int, int]:
    """How many of these items apply, and how many of those have points."""
    applicable = [items[place] for place in counted if items[place].applies]
    return len(applicable), sum(1 for item in applicable if item.points is not None)


def _too_little(applicable: int, answered: int, minimum: float) -> bool:
    return applicable == 0 or answered / applicable < minimum - 1e-9


def _index_value(
    score: ScoreRow, dimensions: tuple[DimensionScore, ...], items: tuple[ItemScore, ...], values: list[float]
) -> float | None:
    loose = [item.points for item in items if item.points is not None] + values
    scored = [(dimension.score, dimension.weight) for dimension in dimensions if dimension.score is not None]
    if score.method == "sum":
        parts = [part for part, _ in scored] + loose
        return _to_decimals(added(parts), score.decimals) if parts else None
    weighted = scored + [(points, 1.0) for points in loose]
    weight = added([part for _, part in weighted])
    if weight <= 0:
        return None
    return _to_decimals(added([points * part for points, part in weighted]) / weight, score.decimals)


def _to_decimals(number: float, decimals: int) -> float:
    # Nine decimals first: 62.449999999999996 is 62.45 and goes up.
    found = rounded(rounded(number, 9), decimals)
    return int(found) if found == int(found) else found


def _band(interview: Interview, bands: list[ScoreRow], value: float) -> ScoreRow | None:
    best: tuple[float, ScoreRow] | None = None
    for row in bands:
        limit = interview.number(row.rule) if row.rule is not None else math.inf
        if limit <= value and (best is None or limit >= best[0]):
            best = limit, row
    return best[1] if best else None


# --- indicators and checks


def compute_indicators(interview: Interview) -> dict[str, Figure]:
    """Each indicator's truth, number or text; None when it does not apply."""
    ensure_scores(interview)
    found: dict[str, Figure] = {}
    for row in interview.definition.indicators:
        found[row.name] = figure = _indicator(interview, row)
        _derive(interview, row.name, ("true" if figure else "false") if isinstance(figure, bool) else figure)
    return found


def ensure_scores(interview: Interview) -> None:
    """Derive the figures that later rules read; whether they were explained makes no difference to them."""
    if interview.definition.scores:
        compute_scores(interview, explain=("scores", True) in interview.remembered)


def _indicator(interview: Interview, row: IndicatorRow) -> Figure:
    if row.applies is not None and not interview.truth(row.applies):
        return None
    result = interview.evaluate(row.rule)
    if row.kind == "truth":
        return to_bool(result)
    if row.kind == "number":
        return _number(to_number(result))
    return to_text(result) or None


def run_checks(interview: Interview) -> tuple[CheckResult, ...]:
    """Every soft check whose question is asked and answered, in the sheet's order."""
    ensure_scores(interview)
    return tuple(result for check in interview.definition.checks for result in _check(interview, check))


def _check(interview: Interview, check: CheckRow) -> Iterator[CheckResult]:
    for node in _asked(interview, check.question):
        if node.value is None and isinstance(node.spec.item, Question):
            continue
        if check.relevant is not None and not interview.truth(check.relevant, node.row, node):
            continue
        holds = interview.truth(check.rule, node.row, node)
        message = {
            language: interview.text(check.message, node.address, language)
            for language, parts in check.message.by_language.items()
            if parts and not holds
        }
        yield CheckResult(check.name, node.address, check.grade, holds, message)
