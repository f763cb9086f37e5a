"""How far a campaign is, counted by the database: of the whole, by area, by assessor."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from survey_app import db
from survey_app.access import Permission, visible_in_campaign
from survey_app.models import Assignment, Campaign, Establishment, FrameUnit, Record, User, Visit


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a part of a campaign is: an area, an assessor, or all of it."""

    key: str
    frame: int = 0
    selected: int = 0
    assigned: int = 0
    contacted: int = 0
    complete: int = 0
    approved: int = 0
    returned: int = 0


def progress(user: User, campaign: Campaign) -> tuple[Progress, list[Progress], list[Progress]]:
    """How far the campaign is: all of it, by area, and by assessor (key: user id)."""
    facts = _facts(user, campaign)
    areas: dict[str, Counter[str]] = defaultdict(Counter)
    assessors: dict[str, Counter[str]] = defaultdict(Counter)
    for area, assessor, counts in facts:
        areas[area].update(counts)
        if assessor:
            assessors[assessor].update(counts)
    whole: Counter[str] = Counter()
    for counts in areas.values():
        whole.update(counts)
    by_area = [Progress(key, **counts) for key, counts in sorted(areas.items())]
    return Progress("", **whole), by_area, [Progress(key, **counts) for key, counts in sorted(assessors.items())]


def _facts(user: User, campaign: Campaign) -> Iterator[tuple[str, str, Counter[str]]]:
    """One count per (area, assessor): grouped by the database, so a large register costs a small answer."""
    mine = candidates_ids(user, campaign)
    session = db.session()
    frame = (
        select(FrameUnit.area, func.count(), func.count().filter(FrameUnit.is_selected))
        .where(FrameUnit.campaign_id == campaign.id, FrameUnit.establishment_id.in_(mine))
        .group_by(FrameUnit.area)
    )
    for area, units, selected in session.execute(frame):
        yield area or "", "", Counter(frame=units, selected=selected)
    given = (
        select(Establishment.area, Assignment.assessor_id, func.count())
        .join_from(Assignment, Establishment)
        .where(Assignment.campaign_id == campaign.id, Assignment.assessor_id.is_not(None), Establishment.id.in_(mine))
        .group_by(Establishment.area, Assignment.assessor_id)
    )
    for area, assessor, count in session.execute(given):
        yield area or "", str(assessor), Counter(assigned=count)
    yield from _done(campaign, mine)


def _done(campaign: Campaign, mine: Select[int]) -> Iterator[tuple[str, str, Counter[str]]]:
    session = db.session()
    given = select(Assignment.establishment_id, Assignment.assessor_id).where(Assignment.campaign_id == campaign.id)
    assessors: dict[int, int | None] = {row[0]: row[1] for row in session.execute(given)}
    states: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    records = select(Record.establishment_id, Establishment.area, Record.state, func.count()).join(Establishment)
    records = records.where(Record.campaign_id == campaign.id, Record.establishment_id.in_(mine))
    for unit, area, state, count in session.execute(
        records.group_by(Record.establishment_id, Establishment.area, Record.state)
    ):
        states[unit, area or ""][state] += count
    visits = (
        select(Visit.establishment_id, Establishment.area)
        .join(Establishment)
        .where(Visit.campaign_id == campaign.id, Visit.establishment_id.in_(mine), Visit.outcome.is_not(None))
    )
    for unit, area in session.execute(visits.distinct()):
        states[unit, area or ""]["contacted"] += 0
    expected = len(campaign.questionnaires)
    for (unit, area), counts in states.items():
        sent = counts["submitted"] + counts["approved"]
        assessor = assessors.get(unit)
        key = str(assessor) if assessor else ""
        yield (
            area,
            key,
            Counter(
                contacted=1,
                complete=int(sent >= expected),
                approved=int(counts["approved"] >= expected),
                returned=int(counts["returned"] > 0),
                assigned=0,
            ),
        )


def candidates_ids(user: User, campaign: Campaign) -> Select[int]:
    """Ids of the establishments a manager (or who invites) sees in a campaign."""
    managed, invited = (
        visible_in_campaign(user, permission, campaign.id).with_only_columns(Establishment.id)
        for permission in (Permission.MANAGE_CAMPAIGNS, Permission.INVITE)
    )
    return select(Establishment.id).where(Establishment.id.in_(managed) | Establishment.id.in_(invited))


__all__ = ["Progress", "candidates_ids", "progress"]
