"""Made-up field work: campaigns of the plan with frame and sample, contacts and what came of them, work still to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from survey_app import db
from survey_app.campaigns import service as campaigns
from survey_app.campaigns.outcomes import REFUSED
from survey_app.config import Limits
from survey_app.demo.sending import Answering, Contact, answer, send
from survey_app.demo.units import Facts
from survey_app.models import Assignment, Campaign, Establishment, FrameUnit, Register, User, Visit
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from survey_app.registers import service as registers
from survey_app.submissions import service as submissions
from survey_app.submissions.service import Change

WHOLE = ("complete", "first", "refusal")  # outcomes after which something is sent


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does the work: the manager, and assessors by area ("" for everywhere)."""

    manager: User
    assessors: Mapping[str, User]

    def assessor(self, unit: Establishment) -> User:
        """Who visits the establishment: the assessor of its area, else of everywhere."""
        return self.assessors.get(unit.area or "") or self.assessors[""]


@dataclass(frozen=True, slots=True)
class Work:
    """One campaign under way."""

    spec: Mapping[str, Any]
    campaign: Campaign
    register: Register
    versions: tuple[int, ...]
    facts: Mapping[int, Facts]
    random: Random
    size: float  # 1 for the whole province, less for a small one

    def scaled(self, number: int) -> int:
        """A number of the whole province for one of this size; at least one of what there is."""
        return max(1, round(number * self.size)) if number else 0


def make_campaign(
    made: Answering, crew: Crew, spec: Mapping[str, Any], facts: Mapping[int, Facts], size: float
) -> Campaign:
    """A campaign of the demo with everything that happened in it so far."""
    work = _open(made, crew, spec, facts, size)
    units = _chosen(work)
    contacted = units[: work.scaled(spec["contacts"])]
    outcomes = _deal(spec["outcomes"], len(contacted), work.random)
    whole = sum(outcome in WHOLE for outcome in outcomes)
    states = iter(_deal(spec["states"], whole, work.random))
    for unit, outcome in zip(contacted, outcomes, strict=True):
        _contact(made, crew, work, unit, outcome, next(states) if outcome in WHOLE else "")
    _leave_work(made, crew, work, units[len(contacted) :])
    if spec.get("is_closed"):
        campaigns.close_campaign(work.campaign)
    return work.campaign


def _open(
    made: Answering, crew: Crew, spec: Mapping[str, Any], facts: Mapping[int, Facts], size: float
) -> Work:
    register = registers.get_register(spec.get("register", made.demo["register"]))
    versions = [questionnaires.find_published(form_id) for form_id in spec["questionnaires"]]
    ids = tuple(version.id for version in versions if version is not None)
    today = made.now.date()
    plan = programme.get_plan(made.demo["plan"])
    campaign = campaigns.create_campaign(campaigns.Wish(
        plan.id, register.id, spec["phase"], spec.get("action", ""), dict(spec["title"]),
        today + timedelta(days=spec["opens"]), today + timedelta(days=spec["closes"]), spec.get("mode", "visit"), ids,
    ), crew.manager)
    campaign.is_demo = True
    random = Random(f"{made.demo['seed']} {campaign.name}")  # noqa: S311 - repeatable, not secret
    work = Work(spec, campaign, register, ids, facts, random, size)
    if "sample" in spec:
        campaigns.freeze_frame(campaign, spec.get("scope", ""))
        whole = spec.get("take_all", ()), spec.get("certain_scope", "")
        campaigns.draw_sample(campaign, work.scaled(spec["sample"]), made.demo["seed"], *whole)
    return work


def _chosen(work: Work) -> list[Establishment]:
    """Whom the campaign is about, in a made-up order: the sample, else everybody in its scope."""
    query = select(Establishment).where(Establishment.register_id == work.register.id).order_by(Establishment.code)
    if "sample" in work.spec:
        selected = select(FrameUnit.establishment_id).where(FrameUnit.campaign_id == work.campaign.id)
        query = query.where(Establishment.id.in_(selected.where(FrameUnit.is_selected)))
    scope = work.spec.get("scope", "")
    day = work.campaign.opens_on
    units = [unit for unit in db.session().scalars(query)
             if registers.is_active(unit, day) and (not scope or scope in unit.scopes)]
    work.random.shuffle(units)
    return units


def _deal(table: Mapping[str, int], count: int, random: Random) -> list[str]:
    """`count` names in the proportions of the table, each at least once where there is room."""
    total, order = sum(table.values()), list(table)
    numbers = {name: max(1, weight * count // total) for name, weight in table.items()}
    while sum(numbers.values()) > count:
        numbers[max(order, key=lambda name: (numbers[name], order.index(name)))] -= 1
    numbers[order[0]] += count - sum(numbers.values())
    names = [name for name in order for _ in range(numbers[name])]
    random.shuffle(names)
    return names


def _contact(made: Answering, crew: Crew, work: Work, unit: Establishment, outcome: str, state: str) -> None:
    at = _moment(made, work, state)
    visit = _visit(crew, work, unit, at)
    facts = work.facts.get(unit.id, {})
    contact = Contact(work.campaign, work.register, unit, facts, visit, at, work.campaign.mode)
    random = Random(f"{made.demo['seed']} {work.campaign.name} {unit.code}")  # noqa: S311 - repeatable, not secret
    if outcome in WHOLE:
        versions = work.versions if outcome == "complete" else work.versions[:1]
        for version_id in versions:
            send(made, contact, version_id, state, random, consent=outcome != "refusal")
    if outcome == "refusal":
        campaigns.record_outcome(visit, REFUSED)
    elif outcome.isdigit():
        campaigns.record_outcome(visit, int(outcome))
    if visit.outcome is not None:
        visit.outcome_at = min(at + timedelta(hours=1), made.now)


def _moment(made: Answering, work: Work, state: str) -> datetime:
    """A working hour of a day of the campaign; what still waits for review came in lately."""
    last = min(work.campaign.closes_on, made.now.date() - timedelta(days=1))
    first = work.campaign.opens_on + timedelta(days=3)
    if state in ("submitted", "returned"):
        first = max(first, last - timedelta(days=21))
    elif state:
        last = max(first, last - timedelta(days=15))
    day = first + timedelta(days=work.random.randint(0, (last - first).days))
    zone = programme.pack().timezone
    return datetime(day.year, day.month, day.day, work.random.randint(8, 16), work.random.randint(0, 59), tzinfo=zone)


def _visit(crew: Crew, work: Work, unit: Establishment, at: datetime) -> Visit:
    visit = Visit(campaign_id=work.campaign.id, establishment_id=unit.id, started_at=at, shared={})
    if work.spec.get("mode", "visit") == "self":
        invitation = campaigns.issue_link(work.campaign, unit).invitation
        invitation.created_at = at - timedelta(days=6)
        invitation.first_opened_at = at
        visit.invitation_id = invitation.id
    else:
        visit.assessor_id = crew.assessor(unit).id
        _assign(work, unit, crew.assessor(unit))
    db.session().add(visit)
    db.session().flush()
    return visit


def _assign(work: Work, unit: Establishment, assessor: User) -> None:
    db.session().add(Assignment(
        campaign_id=work.campaign.id, establishment_id=unit.id, assessor_id=assessor.id, due_on=work.campaign.closes_on
    ))


def _leave_work(made: Answering, crew: Crew, work: Work, units: Sequence[Establishment]) -> None:
    """Some assignments nobody has begun, and some interviews broken off in the middle."""
    to_do = work.scaled(work.spec.get("to_do", 0))
    for unit in units[:to_do]:
        _assign(work, unit, crew.assessors[""])
    for unit in units[: min(to_do, work.scaled(work.spec.get("open_drafts", 0)))]:
        _begin_draft(made, crew, work, unit)


def _begin_draft(made: Answering, crew: Crew, work: Work, unit: Establishment) -> None:
    user, at = crew.assessors[""], made.now - timedelta(hours=work.random.randint(2, 60))
    visit = campaigns.open_visit(work.campaign, unit, user=user)
    visit.started_at = at
    version = questionnaires.get_version(work.versions[0])
    draft = submissions.open_draft(work.campaign, unit, version, user=user, visit=visit)
    draft.started_at = at
    contact = Contact(work.campaign, work.register, unit, work.facts.get(unit.id, {}), visit, at, draft.mode)
    interview = answer(made, contact, version.id, work.random)
    given = [node for node in interview.nodes() if node.row is interview.root and node.value is not None]
    changes = [Change(node.address, node.value, at) for node in given[: len(given) // 2]]
    submissions.record_changes(draft, changes, f"user:{user.id}", None, Limits())


__all__ = ["Crew", "make_campaign"]
