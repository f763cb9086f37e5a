"""Made-up interviews sent through intake, as an assessor or a respondent would have sent them on a past day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select

from forms import Clock, FormDefinition, Interview, respond
from survey_app import db
from survey_app.access import audit
from survey_app.demo.units import Facts
from survey_app.demo.wishes import wishes_for
from survey_app.json_reader import canonical_json
from survey_app.languages import TIME_ZONE
from survey_app.models import Campaign, Establishment, Record, Register, Submission, User, Visit
from survey_app.questionnaires import service as questionnaires
from survey_app.registers import service as registers
from survey_app.submissions import intake
from survey_app.submissions import service as submissions


@dataclass(frozen=True, slots=True)
class Contact:
    """One establishment reached in a campaign: when, by whom, and what is known of it."""

    campaign: Campaign
    register: Register
    unit: Establishment
    facts: Facts
    visit: Visit
    at: datetime
    mode: str


@dataclass(frozen=True, slots=True)
class Answering:
    """How answers are made up in this province."""

    demo: Mapping[str, Any]
    reviewer: User
    now: datetime


def answer(made: Answering, contact: Contact, version_id: int, random: Random, *, consent: bool = True) -> Interview:
    """The interview of one form, answered by the facts of the establishment."""
    form = questionnaires.definition(version_id)
    instances = submissions.find_instances(form, contact.unit, contact.campaign.id, contact.at)
    interview = Interview(form, clock=Clock(contact.at), instances=instances, language="vi")
    known = {**contact.facts, "today": contact.at.date().isoformat(), "year": contact.at.year}
    answers = made.demo.get("answers", {})
    specs = {**answers.get("shared", {}), **answers.get(form.form_id, {})}
    wishes: dict[str, Any] = dict(wishes_for(form, specs, made.demo.get("lists", {}), known))
    wishes |= registers.prefill(contact.unit, contact.register)
    wishes |= {name: value for name, value in contact.visit.shared.items() if name in _names(form)}
    wishes[submissions.role_question(form, "mode_question")] = contact.mode
    if not consent:
        wishes[submissions.role_question(form, "consent_question")] = "no"
    respond(interview, random, wishes)
    return interview


def _names(form: FormDefinition) -> set[str]:
    return {question.name for question in form.questions()}


def send(
    made: Answering, contact: Contact, version_id: int, state: str, random: Random, *, consent: bool = True
) -> None:
    """Send one form and bring its record into a state; "corrected" is returned once and sent again."""
    interview = answer(made, contact, version_id, random, consent=consent)
    wrong = state in ("returned", "corrected") or random.random() < made.demo.get("errors", {}).get("share", 0)
    answers = interview.answers
    if wrong and consent:
        _spoil(made, answers, random)
    first = _receive(made, contact, version_id, answers, random, contact.at + timedelta(minutes=55))
    if state in ("returned", "corrected"):
        comment = random.choice(made.demo["comments"]["returned"])
        _decide(made, first, "returned", contact.at + timedelta(days=2), comment)
    if state == "corrected":
        later = min(contact.at + timedelta(days=4), made.now - timedelta(hours=1))
        again = _receive(made, contact, version_id, interview.answers, random, later, replaces=first)
        _decide(made, again, "approved", later + timedelta(hours=20))
    elif state in ("approved", "superseded"):
        _decide(made, first, state, contact.at + timedelta(days=random.randint(2, 12)))


def _spoil(made: Answering, answers: dict[str, Any], random: Random) -> None:
    """Put a mistake people make into the answers, where the form has the question."""
    mistakes = list(made.demo.get("errors", {}).get("kind", ()))
    random.shuffle(mistakes)
    for mistake in mistakes:
        tree = _holding(answers, mistake["question"])
        if tree is None or random.random() > mistake.get("chance", 1):
            continue
        before = tree[mistake["question"]]
        if "times" in mistake and isinstance(before, (int, float)):
            tree[mistake["question"]] = before * mistake["times"]
        else:
            tree[mistake["question"]] = mistake.get("set")
        return


def _holding(tree: dict[str, Any], name: str) -> dict[str, Any] | None:
    if name in tree:
        return tree
    below = (_holding(part, name) for part in tree.values() if isinstance(part, dict))
    return next((found for found in below if found is not None), None)


def _receive(
    made: Answering, contact: Contact, version_id: int, answers: dict[str, Any], random: Random, at: datetime,
    replaces: UUID | None = None,
) -> UUID:
    form, instance_id = questionnaires.definition(version_id), UUID(int=random.getrandbits(128), version=4)
    finished, visit = min(at, made.now).astimezone(TIME_ZONE), contact.visit
    started = finished - timedelta(minutes=random.randint(12, 50))
    offset = finished.utcoffset() or timedelta()
    body = canonical_json({
        "answers": answers, "attachments": {}, "device_id": None, "finished_at": finished.isoformat(),
        "form_id": form.form_id, "instance_id": str(instance_id), "reasons": {},
        "replaces": str(replaces) if replaces else None, "sent_at": finished.isoformat(),
        "started_at": started.isoformat(), "utc_offset_minutes": int(offset.total_seconds() // 60),
        "version": form.version,
    })
    raw = intake.RawSubmission(
        form.form_id, form.version, instance_id, answers, "page", body, finished, offset, started_at=started,
        sent_at=finished, replaces=replaces,
    )
    context = intake.Context(
        version_id, contact.campaign, contact.unit, contact.mode, visit.id, visit.assessor_id, visit.invitation_id,
        replaces,
    )
    intake.receive_earlier(raw, context, finished)
    return instance_id


def _decide(made: Answering, instance_id: UUID, state: str, at: datetime, comment: str = "") -> None:
    query = select(Record).join(Submission, Submission.record_id == Record.id)
    record = db.session().scalars(query.where(Submission.instance_id == instance_id)).one()
    db.session().refresh(record)
    record.state, record.review_comment = state, comment
    record.reviewed_at, record.reviewed_by_id = min(at, made.now), made.reviewer.id
    audit(f"record.{state}", f"record:{record.id}", revision=str(instance_id))


__all__ = ["Answering", "Contact", "answer", "send"]
