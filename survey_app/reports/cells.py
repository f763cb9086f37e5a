"""The rows behind a figure, grouped where they are: frame counts, cells of an indicator, units reached.

One statement each; only the grouped table comes back, so a province and a nation cost the same here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Subquery, and_, case, cast, func, literal, or_, select

from survey_app import db
from survey_app.access import Permission, visible_establishments
from survey_app.models import Campaign, Establishment, Questionnaire, Record, RecordValue, Register, User

GROUPINGS = ("area", "sector", "size")
IDLE_DAYS = 365  # suspended for this long: no longer active


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the data: for whom, of which plan and phases, in which states of review."""

    user: User
    plan_id: int
    phases: tuple[str, ...]
    reference: date
    states: tuple[str, ...] = ("approved",)
    modes: tuple[str, ...] = ()
    scope: str = ""
    register_kind: str = "establishment"

    def including(self, states: Sequence[str]) -> Question:
        """The same question over other states of review."""
        return replace(self, states=tuple(states))


def frame_units(question: Question) -> Select[*tuple[Any, ...]]:
    """Active units of the scope at the reference date that the asker may see."""
    visible = visible_establishments(question.user, Permission.VIEW_COVERAGE)
    query = visible.with_only_columns(
        Establishment.id.label("id"), func.coalesce(Establishment.stratum, "").label("stratum"),
        Establishment.area.label("area"), Establishment.sector.label("sector"), Establishment.size.label("size"),
    ).join(Register, Establishment.register_id == Register.id)
    query = query.where(Register.kind == question.register_kind, _active(question.reference))
    if question.scope:
        query = query.where(cast(Establishment.scopes, String).like(f'%"{question.scope}"%'))
    return query


def _active(on: date) -> ColumnElement[bool]:
    return and_(
        or_(Establishment.closed_on.is_(None), Establishment.closed_on > on),
        or_(Establishment.suspended_on.is_(None), Establishment.suspended_on > on - timedelta(days=IDLE_DAYS)),
        or_(Establishment.started_on.is_(None), Establishment.started_on <= on),
    )


def records_of(question: Question, form_ids: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """Records that count: of the plan and phase (through their campaign), in the states and modes asked for."""
    query = (
        select(
            Record.id.label("record_id"), Record.establishment_id.label("establishment_id"),
            Questionnaire.form_id.label("form_id"), Record.visited_on.label("visited_on"),
            Record.reviewed_at.label("reviewed_at"), Record.mode.label("mode"),
        )
        .join(Campaign, Record.campaign_id == Campaign.id)
        .join(Questionnaire, Record.questionnaire_id == Questionnaire.id)
        .where(Campaign.plan_id == question.plan_id, Campaign.phase.in_(question.phases))
        .where(Record.state.in_(question.states), Questionnaire.form_id.in_(form_ids), Record.is_refusal.is_(False))
    )
    return query.where(Record.mode.in_(question.modes)) if question.modes else query


def frame_counts(question: Question, by: Sequence[str] = ()) -> list[dict[str, Any]]:
    """stratum, *by, n_frame."""
    units = frame_units(question).subquery()
    keys = [units.c.stratum, *(units.c[name] for name in by)]
    return _rows(select(*keys, func.count().label("n_frame")).group_by(*keys))


def value_cells(
    question: Question, sources: Sequence[str], denominator: str = "", by: Sequence[str] = (), excluded_by: str = ""
) -> list[dict[str, Any]]:
    """The cell table of an indicator: stratum, *by, n, missing, sum_y, sum_x, var_y, var_x, cov_xy.

    sources: "form_id:name" in order of precedence; of one source the latest record decides. denominator: the name
    whose number is x (blank: x is 1, y is 1 or 0).
    """
    units = frame_units(question).subquery()
    values = _values(question, sources, denominator, excluded_by)
    joined = units.join(values, values.c.establishment_id == units.c.id)
    keys = [units.c.stratum, *(units.c[name] for name in by)]
    y, x = values.c.y, values.c.x
    columns = [
        func.count(y).label("n"), (func.count() - func.count(y)).label("missing"),
        func.coalesce(func.sum(y), 0.0).label("sum_y"), func.coalesce(func.sum(x), 0.0).label("sum_x"),
        func.coalesce(func.var_samp(y), 0.0).label("var_y"), func.coalesce(func.var_samp(x), 0.0).label("var_x"),
        func.coalesce(func.covar_samp(y, x), 0.0).label("cov_xy"),
    ]
    return _rows(select(*keys, *columns).select_from(joined).group_by(*keys))


def _values(question: Question, sources: Sequence[str], denominator: str, excluded_by: str) -> Subquery:
    """establishment_id, y, x: of each establishment the value of the first source it has, latest record first."""
    ranked = _ranked(question, sources).subquery()
    y = RecordValue.__table__.alias("y_values")
    query = select(ranked.c.establishment_id).where(ranked.c.place == 1)
    query = query.outerjoin(y, and_(y.c.record_id == ranked.c.record_id, y.c.name == ranked.c.name))
    truth = case((y.c.truth.is_(True), 1.0), (y.c.truth.is_(False), 0.0))
    if not denominator:
        return query.add_columns(truth.label("y"), case((truth.is_not(None), 1.0)).label("x")).subquery()
    x = RecordValue.__table__.alias("x_values")
    query = query.outerjoin(
        x, and_(x.c.record_id == ranked.c.record_id, x.c.name == denominator.partition(":")[2])
    )
    both = and_(y.c.number.is_not(None), x.c.number.is_not(None))
    if excluded_by:
        waits = RecordValue.__table__.alias("waits")
        query = query.outerjoin(
            waits, and_(waits.c.record_id == ranked.c.record_id, waits.c.name == excluded_by.partition(":")[2])
        )
        both = and_(both, func.coalesce(waits.c.truth, False).is_(False))
    return query.add_columns(case((both, y.c.number)).label("y"), case((both, x.c.number)).label("x")).subquery()


def _ranked(question: Question, sources: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """Records with the source's rank and name; place 1 is the record that speaks for its establishment."""
    names = dict(source.split(":", 1) for source in reversed(sources))
    records = records_of(question, list(names)).subquery()
    order = {form_id: rank for rank, form_id in enumerate(dict.fromkeys(s.split(":", 1)[0] for s in sources))}
    rank = case(*((records.c.form_id == form_id, literal(place)) for form_id, place in order.items()))
    name = case(*((records.c.form_id == form_id, literal(value)) for form_id, value in names.items()))
    place = func.row_number().over(
        partition_by=records.c.establishment_id,
        order_by=(rank, records.c.visited_on.desc(), records.c.reviewed_at.desc(), records.c.record_id.desc()),
    )
    return select(records.c.establishment_id, records.c.record_id, name.label("name"), place.label("place"))


def reached(question: Question, form_ids: Sequence[str], *, every: bool = True) -> Select[*tuple[Any, ...]]:
    """Ids of establishments with a counting record of every form named (or of any)."""
    records = records_of(question, form_ids).subquery()
    query = select(records.c.establishment_id).group_by(records.c.establishment_id)
    needed = len(set(form_ids)) if every else 1
    return query.having(func.count(func.distinct(records.c.form_id)) >= needed)


def reached_counts(
    question: Question, form_ids: Sequence[str], by: Sequence[str] = (), *, every: bool = True
) -> list[dict[str, Any]]:
    """*by, denominator (units of the frame), numerator (those reached)."""
    units = frame_units(question).subquery()
    done = reached(question, form_ids, every=every).subquery()
    keys = [units.c[name] for name in by]
    columns = [func.count().label("denominator"), func.count(done.c.establishment_id).label("numerator")]
    joined = units.outerjoin(done, done.c.establishment_id == units.c.id)
    return _rows(select(*keys, *columns).select_from(joined).group_by(*keys))


def count_reached(question: Question, form_ids: Sequence[str], *, every: bool = True) -> int:
    """How many visible establishments were reached, in the frame or not."""
    visible = visible_establishments(question.user, Permission.VIEW_COVERAGE).with_only_columns(Establishment.id)
    done = reached(question, form_ids, every=every).subquery()
    query = select(func.count()).select_from(done).where(done.c.establishment_id.in_(visible))
    return db.session().scalar(query) or 0


def true_units(question: Question, source: str) -> int:
    """How many units have at least one counting record for which the indicator is true."""
    form_id, _, name = source.partition(":")
    units = frame_units(question).subquery()
    records = records_of(question, [form_id]).subquery()
    query = (
        select(func.count(func.distinct(units.c.id)))
        .select_from(units.join(records, records.c.establishment_id == units.c.id))
        .join(RecordValue, and_(RecordValue.record_id == records.c.record_id, RecordValue.name == name))
        .where(RecordValue.truth.is_(True))
    )
    return db.session().scalar(query) or 0


def _rows(query: Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(row) for row in db.session().execute(query).mappings()]
