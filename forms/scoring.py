"""Scores, indicators, soft checks and recommended measures of one set of answers, explained line by line.

The sheet's figures are computed from top to bottom; each is put into the interview as a virtual answer, so that later
rules read it like a question (`derived` of the form or of a row). Nothing here changes an answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from forms.answers import Interview
from forms.expressions.functions import rounded
from forms.expressions.values import Result, to_bool, to_number, to_text
from forms.issues import Issue, Severity
from forms.model import CheckRow, Expression, IndicatorRow, Question, ScoreRow, Value
from forms.nodes import AnswerNode, Row, derived_text, nodes_of

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


@dataclass(frozen=True, slots=True)
class Saving:
    """Money, or a share, as a range."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A measure whose trigger holds; `saving` is None when no cost it works on is known."""

    code: str
    label: str
    technique: str
    group: str
    base: str
    saving_low: float  # of the base
    saving_high: float
    saving: Saving | None
    payback_low: float
    payback_high: float
    why: tuple[Answered, ...]


@dataclass(frozen=True, slots=True)
class ResourceSaving:
    """What all measures together may save of one resource; money and quantity None when unknown."""

    name: str
    label: str
    unit: str
    cost: float | None
    quantity: float | None
    fraction: Saving
    money: Saving | None
    saved_quantity: Saving | None


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Measures in the order to show them, at most ten listed; investments apart; what all may save together."""

    listed: tuple[Recommendation, ...]
    others: tuple[Recommendation, ...]
    investments: tuple[Recommendation, ...]
    resources: tuple[ResourceSaving, ...]
    total: Saving
    cost: float
    share: Saving | None  # of the cost of all resources; None when no cost is known


LISTED = 10

# --- scores


def compute_scores(interview: Interview, *, explain: bool = True) -> Scores:
    """Every value, item, dimension, index and band of the answers; `explain` adds the answers each item rests on.

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
    rows = interview.definition.scores
    for row in _rows(interview.root):
        row.derived = {}
    values, items = [], []
    for score in rows:
        if score.kind == "value":
            values.append(_value(interview, score))
        elif score.kind == "item":
            items.append((score, _item(interview, score, explain)))
    dimensions = [(row, _dimension(interview, row, items)) for row in rows if row.kind == "dimension"]
    indexes = tuple(_index(interview, row, dimensions, items, values) for row in rows if row.kind == "index")
    return Scores(
        tuple(values), tuple(item for _, item in items), tuple(dimension for _, dimension in dimensions), indexes
    )


def _rows(row: Row) -> Iterator[Row]:
    yield row
    for node in row.nodes.values():
        for inner in node.rows:
            yield from _rows(inner)


def _derive(interview: Interview, name: str, value: Value) -> None:
    interview.root.derived[name] = derived_text(value)


def _value(interview: Interview, score: ScoreRow) -> ValueScore:
    label, unit = interview.text(score.label), interview.text(score.unit)
    if score.repeat is None:
        value = _figure(interview, score, interview.root)
        _derive(interview, score.name, value)
        return ValueScore(score.name, label, unit, value)
    found: dict[str, Value] = {}
    for row in _rows(interview.root):
        if row.schema == score.repeat and row.is_relevant:
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


def _item(interview: Interview, score: ScoreRow, explain: bool) -> ItemScore:
    applies = _applies(interview, score)
    points = None
    if applies and score.rule is not None:
        points = _number(interview.number(score.rule))
    _derive(interview, score.name, points)
    answers = tuple(_answered(interview, score.questions)) if explain else ()
    return ItemScore(score.name, interview.text(score.label), applies, points, answers)


def _applies(interview: Interview, score: ScoreRow) -> bool:
    """By its own rule, else when every question it names is asked and none is answered "na"."""
    if score.applies is not None:
        return interview.truth(score.applies)
    for path in score.questions:
        if path not in interview.program.by_path:
            continue
        nodes = _asked(interview, path)
        if not nodes or any(node.text() == "na" for node in nodes):
            return False
    return True


def _asked(interview: Interview, path: tuple[str, ...]) -> list[AnswerNode]:
    spec = interview.program.by_path.get(path)
    found = nodes_of(spec, interview.root, 0, interview.root) if spec is not None else []
    return [node for node in found if node.is_relevant]


def _answered(interview: Interview, paths: tuple[tuple[str, ...], ...]) -> Iterator[Answered]:
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


def _members(name: str, rows: list[tuple[ScoreRow, ItemScore]]) -> list[tuple[ScoreRow, ItemScore]]:
    return [(row, item) for row, item in rows if name in row.parents]


def _dimension(interview: Interview, score: ScoreRow, rows: list[tuple[ScoreRow, ItemScore]]) -> DimensionScore:
    items = tuple(item for _, item in _members(score.name, rows))
    points = [item.points for item in items if item.points is not None]
    total = _added(points)
    result = None if not points else total if score.method == "sum" else total / len(points)
    _derive(interview, score.name, result)
    weight = 1.0 if score.weight is None else score.weight
    return DimensionScore(score.name, interview.text(score.label), weight, result, items)


def _added(numbers: list[float]) -> float:
    total = 0.0
    for number in numbers:
        total += number
    return total


def _index(
    interview: Interview,
    score: ScoreRow,
    dimensions: list[tuple[ScoreRow, DimensionScore]],
    rows: list[tuple[ScoreRow, ItemScore]],
    values: list[ValueScore],
) -> IndexScore:
    own = tuple(dimension for row, dimension in dimensions if score.name in row.parents)
    direct = tuple(item for _, item in _members(score.name, rows))
    applicable, answered = _coverage((score.name,), dimensions, rows)
    # An index with parents is withheld with them: their items decide, not its own.
    asked, given = _coverage(score.parents, dimensions, rows) if score.parents else (applicable, answered)
    is_withheld = score.minimum_share is not None and (asked == 0 or given / asked < score.minimum_share - 1e-9)
    value = None if is_withheld else _index_value(score, own, direct, _parts(interview, score, values))
    band = None if value is None else _band(interview, score.name, value)
    _derive(interview, score.name, value)
    _derive(interview, f"{score.name}_band", band.name if band else None)
    return IndexScore(
        score.name,
        interview.text(score.label),
        interview.text(score.unit),
        value,
        is_withheld,
        answered,
        applicable,
        band.name if band else None,
        interview.text(band.label) if band else "",
        own,
        direct,
    )


def _coverage(
    indexes: tuple[str, ...],
    dimensions: list[tuple[ScoreRow, DimensionScore]],
    rows: list[tuple[ScoreRow, ItemScore]],
) -> tuple[int, int]:
    """How many items of some indexes apply, and how many of these have points; items of weight 0 do not count."""
    groups = {row.name for row, _ in dimensions if set(row.parents) & set(indexes)} | set(indexes)
    items = [item for row, item in rows if item.applies and row.weight != 0 and not groups.isdisjoint(row.parents)]
    return len(items), sum(1 for item in items if item.points is not None)


def _parts(interview: Interview, score: ScoreRow, values: list[ValueScore]) -> list[float]:
    parents = {row.name: row.parents for row in interview.definition.scores if row.kind == "value"}
    mine = [value.value for value in values if score.name in parents[value.name]]
    return [value for value in mine if isinstance(value, int | float)]


def _index_value(
    score: ScoreRow, dimensions: tuple[DimensionScore, ...], items: tuple[ItemScore, ...], values: list[float]
) -> float | None:
    loose = [item.points for item in items if item.points is not None] + values
    scored = [(dimension.score, dimension.weight) for dimension in dimensions if dimension.score is not None]
    if score.method == "sum":
        parts = [part for part, _ in scored] + loose
        return _to_decimals(_added(parts), score.decimals) if parts else None
    weighted = scored + [(points, 1.0) for points in loose]
    weight = _added([part for _, part in weighted])
    if weight <= 0:
        return None
    return _to_decimals(_added([points * part for points, part in weighted]) / weight, score.decimals)


def _to_decimals(number: float, decimals: int) -> float:
    # Nine decimals first: 62.449999999999996 is 62.45 and goes up.
    found = rounded(rounded(number, 9), decimals)
    return int(found) if found == int(found) else found


def _band(interview: Interview, index: str, value: float) -> ScoreRow | None:
    best: tuple[float, ScoreRow] | None = None
    for row in interview.definition.scores:
        if row.kind == "band" and index in row.parents and row.rule is not None:
            limit = interview.number(row.rule)
            if limit <= value and (best is None or limit >= best[0]):
                best = limit, row
    return best[1] if best else None


# --- indicators and checks


def compute_indicators(interview: Interview) -> dict[str, Figure]:
    """Each indicator's truth, number or text; None when it does not apply."""
    _ensure_scores(interview)
    found: dict[str, Figure] = {}
    for row in interview.definition.indicators:
        found[row.name] = figure = _indicator(interview, row)
        _derive(interview, row.name, ("true" if figure else "false") if isinstance(figure, bool) else figure)
    return found


def _ensure_scores(interview: Interview) -> None:
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
    _ensure_scores(interview)
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


# --- measures


@dataclass(frozen=True, slots=True)
class _Triggered:
    recommendation: Recommendation
    share: float
    resources: tuple[str, ...]


def recommend_measures(interview: Interview, *, explain: bool = True) -> Recommendations:
    """The measures whose triggers hold, what each may save and what all together may save of each resource."""
    _ensure_scores(interview)
    costs = {row.name: _amount(interview, row.cost) for row in interview.definition.resources}
    triggered = _triggered(interview, costs, explain)
    saving = [one for one in triggered if one.recommendation.group != "investment"]
    resources = tuple(_resource_savings(interview, costs, saving))
    ordered = sorted((one.recommendation for one in saving), key=_order(interview))
    investments = sorted(
        (one.recommendation for one in triggered if one.recommendation.group == "investment"), key=_order(interview)
    )
    total = _sum_savings([resource.money for resource in resources if resource.money is not None])
    cost = _added([cost for cost in costs.values() if cost is not None])
    share = Saving(total.low / cost, total.mid / cost, total.high / cost) if cost > 0 else None
    return Recommendations(
        tuple(ordered[:LISTED]), tuple(ordered[LISTED:]), tuple(investments), resources, total, cost, share
    )


def _amount(interview: Interview, expression: Expression | None) -> float | None:
    if expression is None:
        return None
    number = interview.number(expression)
    return number if math.isfinite(number) else None


def _triggered(interview: Interview, costs: Mapping[str, float | None], explain: bool) -> list[_Triggered]:
    found = []
    spent = {name for name, cost in costs.items() if cost != 0}  # or not known
    for row in interview.definition.measures:
        resources = tuple([name for name in row.resources if name in spent])
        if not resources or not interview.truth(row.trigger):
            continue
        share = interview.number(row.share)
        share = min(1.0, max(0.0, share)) if math.isfinite(share) else 1.0
        if share == 0:
            continue
        base = _added([cost * share for name in resources if (cost := costs[name]) is not None])
        mid = (row.saving_low + row.saving_high) / 2
        is_known = any(costs[name] is not None for name in resources)
        recommendation = Recommendation(
            row.code,
            interview.text(row.label),
            row.technique,
            row.group,
            interview.text(row.base),
            row.saving_low,
            row.saving_high,
            Saving(base * row.saving_low, base * mid, base * row.saving_high) if is_known else None,
            row.payback_low,
            row.payback_high,
            tuple(_answered(interview, row.questions)) if explain else (),
        )
        found.append(_Triggered(recommendation, share, resources))
    return found


def _order(interview: Interview) -> Callable[[Recommendation], tuple[bool, bool, float, str]]:
    first = interview.definition.settings.get("measure_first", "").split()

    def key(one: Recommendation) -> tuple[bool, bool, float, str]:
        payback = max((one.payback_low + one.payback_high) / 2, 0.01)
        worth = one.saving.mid / payback if one.saving is not None else 0.0
        return one.saving is None, one.technique not in first, -worth, one.code

    return key


def _resource_savings(
    interview: Interview, costs: Mapping[str, float | None], triggered: list[_Triggered]
) -> Iterator[ResourceSaving]:
    for row in interview.definition.resources:
        mine = [one for one in triggered if row.name in one.resources]
        in_kind = [one for one in mine if one.recommendation.group != "cost_only"]
        fraction, real = _combined(mine, row.cap), _combined(in_kind, row.cap)
        cost, quantity = costs[row.name], _amount(interview, row.quantity)
        yield ResourceSaving(
            row.name,
            interview.text(row.label),
            interview.text(row.unit),
            cost,
            quantity,
            fraction,
            None if cost is None else _times(fraction, cost),
            None if quantity is None else _times(real, quantity),
        )


def _combined(triggered: list[_Triggered], cap: float) -> Saving:
    """1 - (1 - s1 share1)(1 - s2 share2)..., at most the cap: measures save from what others left."""
    low = mid = high = 1.0
    for one in triggered:
        recommendation = one.recommendation
        low *= 1 - recommendation.saving_low * one.share
        mid *= 1 - (recommendation.saving_low + recommendation.saving_high) / 2 * one.share
        high *= 1 - recommendation.saving_high * one.share
    return Saving(min(cap, 1 - low), min(cap, 1 - mid), min(cap, 1 - high))


def _times(saving: Saving, amount: float) -> Saving:
    return Saving(saving.low * amount, saving.mid * amount, saving.high * amount)


def _sum_savings(savings: list[Saving]) -> Saving:
    return Saving(
        _added([saving.low for saving in savings]),
        _added([saving.mid for saving in savings]),
        _added([saving.high for saving in savings]),
    )
