"""The measures that a set of answers calls for, and what each and all of them together may save."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from forms.answers import Interview
from forms.model import Expression, MeasureRow
from forms.scoring import Answered, added, answered, ensure_scores


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


@dataclass(frozen=True, slots=True)
class _Trigger:
    """A measure whose trigger holds, and on what it works."""

    row: MeasureRow
    share: float
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Triggered:
    recommendation: Recommendation
    share: float
    resources: tuple[str, ...]


def recommend_measures(interview: Interview) -> Recommendations:
    """The measures whose triggers hold, what each may save and what all together may save of each resource."""
    costs = _costs(interview)
    triggered = [_recommended(interview, one, costs) for one in _triggers(interview, costs)]
    saving = [one for one in triggered if one.recommendation.group != "investment"]
    resources = tuple(_resource_savings(interview, costs, saving))
    ordered = sorted((one.recommendation for one in saving), key=_order(interview))
    investments = sorted(
        (one.recommendation for one in triggered if one.recommendation.group == "investment"), key=_order(interview)
    )
    total = _sum_savings([resource.money for resource in resources if resource.money is not None])
    cost = added([cost for cost in costs.values() if cost is not None])
    share = Saving(total.low / cost, total.mid / cost, total.high / cost) if cost > 0 else None
    return Recommendations(
        tuple(ordered[:LISTED]), tuple(ordered[LISTED:]), tuple(investments), resources, total, cost, share
    )


def measure_savings(interview: Interview) -> dict[str, float | None]:
    """What each measure whose trigger holds may save, by its code; None when no cost it works on is known."""
    costs = _costs(interview)
    return {one.row.code: _middle(one, costs) for one in _triggers(interview, costs)}


def _costs(interview: Interview) -> dict[str, float | None]:
    ensure_scores(interview)
    return {row.name: _amount(interview, row.cost) for row in interview.definition.resources}


def _amount(interview: Interview, expression: Expression | None) -> float | None:
    if expression is None:
        return None
    number = interview.number(expression)
    return number if math.isfinite(number) else None


def _triggers(interview: Interview, costs: Mapping[str, float | None]) -> Iterator[_Trigger]:
    spent = {name for name, cost in costs.items() if cost != 0}  # or not known
    for row in interview.definition.measures:
        resources = tuple([name for name in row.resources if name in spent])
        if not resources or not interview.truth(row.trigger):
            continue
        share = interview.number(row.share)
        share = min(1.0, max(0.0, share)) if math.isfinite(share) else 1.0
        if share != 0:
            yield _Trigger(row, share, resources)


def _base(trigger: _Trigger, costs: Mapping[str, float | None]) -> float | None:
    """The part of the costs that the measure works on; None when none of them is known."""
    known = [cost * trigger.share for name in trigger.resources if (cost := costs[name]) is not None]
    return added(known) if known else None


def _middle(trigger: _Trigger, costs: Mapping[str, float | None]) -> float | None:
    base = _base(trigger, costs)
    return None if base is None else base * _mid(trigger.row)


def _mid(row: MeasureRow) -> float:
    return (row.saving_low + row.saving_high) / 2


def _recommended(interview: Interview, trigger: _Trigger, costs: Mapping[str, float | None]) -> _Triggered:
    row, base = trigger.row, _base(trigger, costs)
    recommendation = Recommendation(
        row.code,
        interview.text(row.label),
        row.technique,
        row.group,
        interview.text(row.base),
        row.saving_low,
        row.saving_high,
        None if base is None else Saving(base * row.saving_low, base * _mid(row), base * row.saving_high),
        row.payback_low,
        row.payback_high,
        tuple(answered(interview, row.questions)),
    )
    return _Triggered(recommendation, trigger.share, trigger.resources)


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
        added([saving.low for saving in savings]),
        added([saving.mid for saving in savings]),
        added([saving.high for saving in savings]),
    )
