"""Coverage: what the plan's figures stand at, by area, sector and size, and which establishments are behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from survey_app import db
from survey_app.access import Permission, visible_establishments
from survey_app.languages import text_of
from survey_app.models import Campaign, Establishment, Plan, Questionnaire, Record, Register, User
from survey_app.problems import NotFound
from survey_app.programme import service as programme
from survey_app.programme.specs import PhaseSpec, PlanIndicatorSpec, PlanSpec
from survey_app.reports import cells
from survey_app.reports.cells import GROUPINGS, Question

if TYPE_CHECKING:
    import pandas as pd

APPROVED = ("approved",)
PROVISIONAL = ("approved", "submitted")
WHOLE_PLAN = "total"
PAGE_SIZE = 50
ESTIMATED = {"share", "ratio"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its definition, what it stands at (0 to 1 for shares), the limits where it is an estimate."""

    indicator: PlanIndicatorSpec
    numerator: float
    denominator: float | None
    value: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    missing: int
    target: float | None
    group: str | None = None
    population: int | None = None  # units of the frame; of a ratio the denominator is an amount, not a count
    provisional: float | None = None  # the same with records still under review; a count's numerator, else the share

    @property
    def is_count(self) -> bool:
        """True for a plain number of establishments, without a denominator."""
        return self.denominator is None

    @property
    def attained(self) -> float | None:
        """How much of the target is reached, 0 to 1 and beyond."""
        now = self.numerator if self.is_count else self.value
        return now / self.target if self.target and now is not None else None


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows: a plan, one of its phases or all, and whose eyes see it."""

    plan: Plan
    spec: PlanSpec
    phase: str
    user: User
    states: tuple[str, ...] = APPROVED
    today: date = field(default_factory=date.today)

    @property
    def phases(self) -> tuple[PhaseSpec, ...]:
        """The phases the figures cover."""
        return tuple(one for one in self.spec.phases if self.phase in (WHOLE_PLAN, one.name))

    @property
    def reference(self) -> date:
        """The day the frame is taken at: the start of the phase shown, but never in the future."""
        return min(min(one.start for one in self.phases), self.today)

    def question(self, indicator: PlanIndicatorSpec, states: Sequence[str] | None = None) -> Question:
        """What to ask the data for one figure."""
        return Question(
            user=self.user,
            plan_id=self.plan.id,
            phases=tuple(one.name for one in self.phases),
            reference=self._reference_of(indicator),
            states=tuple(states or self.states),
            modes=indicator.counts_modes,
            scope=indicator.scope,
            register_kind="unit" if indicator.kind == "unit_share" else "establishment",
        )

    def _reference_of(self, indicator: PlanIndicatorSpec) -> date:
        """Survey coverage is measured against the frame at the start of the phase; shares against today's units."""
        if indicator.kind == "survey_coverage":
            return self.reference
        return min(max(one.end for one in self.phases), self.today)


# Choosing what to show ------------------------------------------------------------------------------------------


def view(user: User, plan_name: str | None, phase: str | None, *, provisional: bool = False) -> View:
    """The view asked for; by default the plan with a phase open today, and that phase. NotFound for unknown names."""
    today = programme.now_here().date()
    plans = list(programme.list_plans())
    plan = programme.get_plan(plan_name) if plan_name else _present_plan(plans, today)
    spec = programme.plan_spec(plan)
    chosen = phase or _present_phase(spec, today)
    if chosen != WHOLE_PLAN and chosen not in {one.name for one in spec.phases}:
        raise NotFound
    return View(plan, spec, chosen, user, PROVISIONAL if provisional else APPROVED, today)


def _present_plan(plans: Sequence[Plan], today: date) -> Plan:
    if not plans:
        raise NotFound("No plan is loaded yet.")
    return next((plan for plan in reversed(plans) if programme.plan_spec(plan).phase_on(today)), plans[-1])


def _present_phase(spec: PlanSpec, today: date) -> str:
    phase = spec.phase_on(today)
    return phase.name if phase else spec.phases[-1].name


def find_indicator(shown: View, name: str) -> PlanIndicatorSpec:
    """The plan's indicator of this name; NotFound when there is none."""
    found = next((one for one in shown.spec.indicators if one.name == name), None)
    if found is None:
        raise NotFound
    return found


# Figures --------------------------------------------------------------------------------------------------------


def figures(shown: View) -> list[Figure]:
    """Every figure of the plan that rests on records, in the plan's order; headlines first."""
    computed = [figure(shown, one) for one in shown.spec.indicators if one.sources]
    return sorted(computed, key=lambda one: not one.indicator.is_headline)


def figure(shown: View, indicator: PlanIndicatorSpec) -> Figure:
    """One figure over the whole province (as far as the asker may see), with its provisional twin."""
    found = next(iter(breakdown(shown, indicator)))
    if shown.states == APPROVED:
        wider = next(iter(breakdown(_with_states(shown, PROVISIONAL), indicator)))
        return _with_provisional(found, wider)
    return found


def _with_states(shown: View, states: tuple[str, ...]) -> View:
    return View(shown.plan, shown.spec, shown.phase, shown.user, states, shown.today)


def _with_provisional(found: Figure, wider: Figure) -> Figure:
    from dataclasses import replace

    return replace(found, provisional=wider.numerator if wider.is_count else wider.value)


def breakdown(shown: View, indicator: PlanIndicatorSpec, by: str | None = None) -> list[Figure]:
    """The figure by area, sector or size; every group of the frame has its row, also an empty one."""
    if by is not None and by not in GROUPINGS:
        raise NotFound
    kinds = {
        "share": _estimated,
        "ratio": _estimated,
        "survey_coverage": _survey_coverage,
        "count": _count,
        "unit_share": _unit_share,
    }
    make = kinds.get(indicator.kind)
    return make(shown, indicator, by) if make else []


def target_of(shown: View, indicator: PlanIndicatorSpec) -> float | None:
    """The target of the phase shown (shares as 0 to 1), else the plan's."""
    found = indicator.targets.get(shown.phase)
    if found is None and shown.phase == WHOLE_PLAN and indicator.unit != "percent" and indicator.targets:
        found = sum(value for name, value in indicator.targets.items() if name not in ("total", "year"))
    if found is None:
        found = indicator.targets.get("total")
    return None if found is None else found / 100 if indicator.unit == "percent" else found


def _forms(indicator: PlanIndicatorSpec) -> list[str]:
    return list(dict.fromkeys(source.partition(":")[0] for source in indicator.sources))


def _estimated(shown: View, indicator: PlanIndicatorSpec, by: str | None) -> list[Figure]:
    import pandas as pd

    from analysis import estimated

    question, keys = shown.question(indicator), [by] if by else []
    frame = pd.DataFrame(cells.frame_counts(question, keys), columns=["stratum", *keys, "n_frame"])
    if frame.empty:
        return [_empty(shown, indicator, None)]
    denominator = indicator.denominator if indicator.kind == "ratio" else ""
    rows = cells.value_cells(question, indicator.sources, denominator, keys, indicator.excluded_by)
    columns = ["stratum", *keys, "n", "missing", "sum_y", "sum_x", "var_y", "var_x", "cov_xy"]
    table = estimated(
        _numeric(pd.DataFrame(rows, columns=columns), keys),
        frame,
        indicator.name,
        keys,
        is_share=indicator.kind == "share",
    )
    found = [{str(name): value for name, value in row.items()} for row in table.frame.to_dict("records")]
    units = frame.groupby(keys, dropna=False)["n_frame"].sum().to_dict() if by else {None: frame["n_frame"].sum()}
    return [_figure(shown, indicator, row, by, int(units.get(_known(row[by]) if by else None, 0))) for row in found]


def _numeric(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Databases give counts and sums as integers, floats or decimals; estimation wants floats."""
    names = [name for name in table.columns if name not in ("stratum", *keys)]
    return table.astype(dict.fromkeys(names, "float64"))


def _survey_coverage(shown: View, indicator: PlanIndicatorSpec, by: str | None) -> list[Figure]:
    every = indicator.combine != "any"
    rows = cells.reached_counts(shown.question(indicator), _forms(indicator), [by] if by else [], every=every)
    return [_counted(shown, indicator, row, by) for row in _sorted(rows, by)]


def _count(shown: View, indicator: PlanIndicatorSpec, by: str | None) -> list[Figure]:
    question = shown.question(indicator)
    if by:
        rows = cells.reached_counts(question, _forms(indicator), [by], every=False)
        return [_counted(shown, indicator, row, by) for row in _sorted(rows, by)]
    done = cells.count_reached(question, _forms(indicator), every=False)
    return [Figure(indicator, done, None, None, None, None, "count", done, 0, target_of(shown, indicator))]


def _unit_share(shown: View, indicator: PlanIndicatorSpec, by: str | None) -> list[Figure]:
    question = shown.question(indicator)
    total = sum(row["n_frame"] for row in cells.frame_counts(question))
    done = cells.true_units(question, indicator.sources[0])
    answered = cells.count_reached(question, _forms(indicator))
    row = {"numerator": done, "denominator": total, "n": answered}
    return [_counted(shown, indicator, row, None)]


def _counted(shown: View, indicator: PlanIndicatorSpec, row: Mapping[str, Any], by: str | None) -> Figure:
    total = row["denominator"]
    value = row["numerator"] / total if total else None
    return Figure(
        indicator,
        row["numerator"],
        total,
        value,
        None,
        None,
        "count",
        row.get("n", row["numerator"]),
        0,
        target_of(shown, indicator),
        group=row[by] if by else None,
    )


def _figure(
    shown: View, indicator: PlanIndicatorSpec, row: Mapping[str, Any], by: str | None, population: int
) -> Figure:
    return Figure(
        indicator,
        row["numerator"],
        row["denominator"],
        _known(row["coverage"]),
        _known(row["low"]),
        _known(row["high"]),
        row["method"],
        int(row["n"]),
        int(row["missing"]),
        target_of(shown, indicator),
        group=_known(row[by]) if by else None,
        population=population,
    )


def _known(value: Any) -> Any:
    """None for what pandas calls missing."""
    return None if value is None or value != value else value


def _empty(shown: View, indicator: PlanIndicatorSpec, group: str | None) -> Figure:
    return Figure(indicator, 0, 0, None, None, None, "none", 0, 0, target_of(shown, indicator), group)


def _sorted(rows: list[dict[str, Any]], by: str | None) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row[by] is None, row[by] or "")) if by else rows


# What came in ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """Records of one instrument in the phases shown, by state."""

    form_id: str
    title: dict[str, str]
    submitted: int
    returned: int
    approved: int


def progress(shown: View) -> list[Progress]:
    """Each instrument's records by state, of establishments the asker may see."""
    visible = visible_establishments(shown.user, Permission.VIEW_COVERAGE).with_only_columns(Establishment.id)
    query = (
        select(Questionnaire.form_id, Record.state, func.count())
        .select_from(Record)
        .join(Campaign, Record.campaign_id == Campaign.id)
        .join(Questionnaire, Record.questionnaire_id == Questionnaire.id)
        .where(Campaign.plan_id == shown.plan.id, Campaign.phase.in_([one.name for one in shown.phases]))
        .where(Record.establishment_id.in_(visible))
        .group_by(Questionnaire.form_id, Record.state)
    )
    counts = {(form_id, state): count for form_id, state, count in db.session().execute(query)}
    forms = db.session().scalars(select(Questionnaire).order_by(Questionnaire.id)).all()
    return [
        Progress(form.form_id, form.title, *(counts.get((form.form_id, state), 0) for state in _STATES))
        for form in forms
    ]


_STATES = ("submitted", "returned", "approved")


# Behind a figure ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    rows: Sequence[Any]
    number: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PAGE_SIZE))


def establishments_behind(
    shown: View,
    indicator: PlanIndicatorSpec,
    *,
    reached: bool,
    by: str | None = None,
    group: str | None = None,
    page: int = 1,
) -> Page:
    """The frame's establishments that a figure counts (or does not), of one group or of all."""
    question = shown.question(indicator)
    units = cells.frame_units(question).subquery()
    every = indicator.kind == "survey_coverage" and indicator.combine != "any"
    done = cells.reached(question, _forms(indicator), every=every)
    query = select(Establishment).join(units, units.c.id == Establishment.id)
    query = query.where(Establishment.id.in_(done) if reached else Establishment.id.not_in(done))
    if by in GROUPINGS:
        column = getattr(Establishment, by)
        query = query.where(column == group if group else column.is_(None))
    total = db.session().scalar(select(func.count()).select_from(query.subquery())) or 0
    number = min(max(page, 1), max(1, -(-total // PAGE_SIZE)))
    ordered = query.order_by(Establishment.code).limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    return Page(db.session().scalars(ordered).all(), number, total)


# As a table -----------------------------------------------------------------------------------------------------

COLUMNS = (
    "plan",
    "phase",
    "state",
    "indicator",
    "label",
    "unit",
    "grouping",
    "group",
    "group_label",
    "numerator",
    "denominator",
    "value",
    "low",
    "high",
    "interval",
    "n",
    "missing",
    "target",
    "reference_date",
)


def rows(shown: View, groupings: Sequence[str] = GROUPINGS) -> Iterator[dict[str, Any]]:
    """Every figure, whole and by each grouping, one row each: what the CSV, the workbook and the command print."""
    for indicator in shown.spec.indicators:
        if not indicator.sources:
            continue
        for by in (None, *(groupings if indicator.kind != "unit_share" else ())):
            for found in breakdown(shown, indicator, by):
                yield _table_row(shown, found, by)


def _table_row(shown: View, found: Figure, by: str | None) -> dict[str, Any]:
    return {
        "plan": shown.plan.name,
        "phase": shown.phase,
        "state": "approved" if shown.states == APPROVED else "provisional",
        "indicator": found.indicator.name,
        "label": text_of(dict(found.indicator.label)),
        "unit": found.indicator.unit,
        "grouping": by or "all",
        "group": found.group or "",
        "group_label": programme.name_of(by, found.group) if by and found.group else "",
        "numerator": found.numerator,
        "denominator": found.denominator,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "interval": found.method,
        "n": found.n,
        "missing": found.missing,
        "target": found.target,
        "reference_date": shown.question(found.indicator).reference.isoformat(),
    }


def frame_size(shown: View) -> int:
    """Establishments on the register the asker may see, whatever their scope."""
    visible = visible_establishments(shown.user, Permission.VIEW_COVERAGE).with_only_columns(Establishment.id)
    query = visible.join(Register, Establishment.register_id == Register.id).where(Register.kind == "establishment")
    return db.session().scalar(select(func.count()).select_from(query.subquery())) or 0
