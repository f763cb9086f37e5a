"""Drafts: open one, add changes, replay them as an interview.

A draft is a list of changes, so that two people can fill one record and a hidden answer comes back. Nothing personal
is cached: each request replays what the database holds.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import joinedload, load_only

from forms import (
    LAST_SAVED,
    Clock,
    FormDefinition,
    Interview,
    Issue,
    Question,
    Repeat,
    instances_read,
    last_saved_items,
)
from survey_app import db
from survey_app.access import one, visible_drafts
from survey_app.campaigns import service as campaigns
from survey_app.config import Limits
from survey_app.languages import TIME_ZONE
from survey_app.models import (
    Campaign,
    Draft,
    DraftChange,
    Establishment,
    FormVersion,
    Invitation,
    Questionnaire,
    Record,
    Register,
    Submission,
    User,
    Visit,
    utc_now,
)
from survey_app.problems import Conflict, Invalid, NotFound, TooLarge
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from survey_app.registers import service as registers

MOST_CHANGES: Final = 2_000  # in one sending
MOST_KEPT: Final = 50_000  # of one draft
ROW_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Which questions the house itself understands; a form may name others in its settings.
ROLES: Final = {"consent_question": "id_consent", "mode_question": "id_mode", "date_question": "id_visit_date"}
PINNED_WHOLE: Final = ("register", "visit")  # small instances that a submission keeps as they stood
SHARED_PREFIX: Final = "id_"  # questions that the instruments of one visit have in common


@dataclass(frozen=True, slots=True)
class Change:
    """One answer given; `path` may end in "/+<row id>" or "/-<row id>" to add or remove a repeat's row."""

    path: str
    value: Any = None
    at: datetime | None = None


# Drafts ---------------------------------------------------------------------------------------------------------


def get_draft(instance_id: uuid.UUID) -> Draft:
    """The caller's draft with campaign and establishment; NotFound when missing or somebody else's."""
    query = visible_drafts().where(Draft.instance_id == instance_id)
    query = query.options(joinedload(Draft.campaign), joinedload(Draft.establishment))
    # Read again after the write has begun, not from what this request saw before.
    found: Draft = one(query.execution_options(populate_existing=True))
    return found


def open_draft(
    campaign: Campaign, establishment: Establishment, form_version: FormVersion, *, user: User | None = None,
    invitation: Invitation | None = None, mode: str = "visit", visit: Visit | None = None,
    replaces: uuid.UUID | None = None, language: str = "vi",
) -> Draft:
    """The person's open draft of this questionnaire for the establishment; a new one where there is none.

    A new one starts with what is known: the register's fields, the visit's shared answers, or, when it corrects a
    returned revision, that revision's answers.
    """
    if (user is None) == (invitation is None):
        raise ValueError("a draft belongs to an assessor or to an invitation")
    whose = Draft.assessor_id == user.id if user else Draft.invitation_id == (invitation.id if invitation else None)
    open_ones = (
        select(Draft).join(FormVersion, Draft.form_version_id == FormVersion.id)
        .where(whose, Draft.sent_at.is_(None), Draft.campaign_id == campaign.id)
        .where(Draft.establishment_id == establishment.id, Draft.mode == mode)
        .where(FormVersion.questionnaire_id == form_version.questionnaire_id)
        .where(Draft.replaces.is_(None) if replaces is None else Draft.replaces == replaces)
        .order_by(Draft.started_at.desc())
    )
    found = db.session().scalars(open_ones).first()
    if found is not None:
        return found
    draft = Draft(
        instance_id=uuid.uuid4(), form_version_id=form_version.id, campaign_id=campaign.id,
        establishment_id=establishment.id, visit_id=visit.id if visit else None,
        assessor_id=user.id if user else None, invitation_id=invitation.id if invitation else None, mode=mode,
        replaces=replaces, language=language, consent={}, started_at=utc_now(), sent_at=None,
    )
    definition = questionnaires.definition(form_version.id)
    draft.prefill = _prefill(definition, draft, establishment, visit)
    db.session().add(draft)
    db.session().flush()
    draft.campaign, draft.establishment, draft.form_version = campaign, establishment, form_version
    return draft


def _prefill(
    definition: FormDefinition, draft: Draft, establishment: Establishment, visit: Visit | None
) -> dict[str, Any]:
    """{"values": by address, "rows": of repeats} known before the interview: defaults, register, visit, revision."""
    clock = Clock(utc_now().astimezone(TIME_ZONE))
    replaced = _answers_replaced(draft.replaces) if draft.replaces is not None else None
    interview = Interview(
        definition, replaced, clock=clock, language=draft.language,
        metadata=_account(draft),
        instances=find_instances(definition, establishment, draft.campaign_id, clock.now, _sender(draft)),
    )
    if replaced is None:
        known: dict[str, Any] = {**registers.prefill(establishment, _register(establishment))}
        known[role_question(definition, "date_question")] = clock.now.date().isoformat()
        known.update(visit.shared if visit else {})
        known[role_question(definition, "mode_question")] = draft.mode
        interview.load(_addressed(definition, known), {})
    return {"values": own_values(interview), "rows": rows_of(interview)}


def _answers_replaced(instance_id: uuid.UUID) -> dict[str, Any]:
    answers = db.session().scalars(select(Submission.answers).where(Submission.instance_id == instance_id)).first()
    if answers is None:
        raise NotFound
    return answers


def own_values(interview: Interview) -> dict[str, Any]:
    """Every answer by address, asked now or not, without those that the form calculates."""
    return {
        node.address: node.content for node in interview.nodes()
        if node.spec.calculation is None and node.content is not None
    }


def rows_of(interview: Interview) -> dict[str, list[str]]:
    """Repeat address -> ids of its rows, in order."""
    return {
        node.address: [row.id for row in node.rows] for node in interview.nodes() if isinstance(node.spec.item, Repeat)
    }


def _register(establishment: Establishment) -> Register:
    return db.session().get_one(Register, establishment.register_id)


def _addressed(definition: FormDefinition, known: Mapping[str, Any]) -> dict[str, Any]:
    """Known values by question name, at the address of these questions where they stand outside of repeats."""
    return {
        "/".join(question.path): known[question.name] for question in definition.questions()
        if known.get(question.name) not in (None, "") and not repeat_of(definition, question.path)
    }


def repeat_of(definition: FormDefinition, path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The schema path of the innermost repeat around a path, or None."""
    above = (path[:end] for end in range(len(path) - 1, 0, -1))
    return next((steps for steps in above if isinstance(definition.find(steps), Repeat)), None)


def role_question(definition: FormDefinition, role: str) -> str:
    """The name of the question that plays a role for the house: consent, mode or date of the visit."""
    return definition.settings.get(role) or ROLES[role]


def _mine(user: User | None, invitation: Invitation | None) -> Select[Draft]:
    query = select(Draft).options(
        joinedload(Draft.campaign), joinedload(Draft.establishment),
        joinedload(Draft.form_version).options(
            load_only(FormVersion.version, FormVersion.questionnaire_id), joinedload(FormVersion.questionnaire)
        ),
    )
    if user is not None:
        return query.where(Draft.assessor_id == user.id)
    return query.where(Draft.invitation_id == (invitation.id if invitation else None))


def list_drafts(user: User | None = None, invitation: Invitation | None = None, limit: int = 200) -> list[Draft]:
    """Open drafts of a person, the newest first."""
    query = _mine(user, invitation).where(Draft.sent_at.is_(None)).order_by(Draft.started_at.desc())
    return list(db.session().scalars(query.limit(limit)))


def list_sent(
    user: User | None = None, invitation: Invitation | None = None, limit: int = 200
) -> list[tuple[Submission, Record]]:
    """What a person has sent, the newest first, each with its record (state, review comment)."""
    query = select(Submission, Record).join(Record, Submission.record_id == Record.id)
    if user is not None:
        query = query.where(Submission.assessor_id == user.id)
    else:
        query = query.where(Submission.invitation_id == (invitation.id if invitation else None))
    query = query.options(
        joinedload(Submission.record).joinedload(Record.establishment),
        joinedload(Submission.record).joinedload(Record.questionnaire),
        joinedload(Submission.record).joinedload(Record.campaign),
    )
    rows = db.session().execute(query.order_by(Submission.received_at.desc()).limit(limit))
    return [(submission, record) for submission, record in rows]


def list_returned(user: User | None = None, invitation: Invitation | None = None) -> list[tuple[Submission, Record]]:
    """What was returned to a person and still waits for a correction."""
    return [
        (submission, record) for submission, record in list_sent(user, invitation)
        if record.state == "returned" and record.current_submission_id == submission.id
    ]


# Changes --------------------------------------------------------------------------------------------------------


def record_changes(draft: Draft, changes: Iterable[Change], by: str, device_id: str | None, limits: Limits) -> int:
    """Append answers to a draft in their order and return the id of the last change the draft has.

    The same changes sent twice do no harm. Raises Conflict once the draft was sent, Invalid for a path the form does
    not have or a value that is not text, number or blank.
    """
    if draft.sent_at is not None:
        raise Conflict("These answers were already sent. Reload to see the receipt.")
    definition, rows = questionnaires.definition(draft.form_version_id), []
    issues: list[Issue] = []
    for change in changes:
        problem = _problem_of(definition, change, limits)
        if problem is not None:
            issues.append(problem)
        rows.append({
            "instance_id": draft.instance_id, "path": change.path, "value": change.value,
            "at": change.at or utc_now(), "by": by[:100], "device_id": device_id,
        })
    if issues:
        raise Invalid(issues=issues[:50])
    if len(rows) > MOST_CHANGES:
        raise TooLarge("There are too many changes at once: at most {limit}.", limit=MOST_CHANGES)
    if rows:
        _require_room(draft)
        db.session().execute(insert(DraftChange), rows)
    return last_change(draft)


def last_change(draft: Draft) -> int:
    """The id of the newest change of a draft, 0 for none."""
    query = select(DraftChange.id).where(DraftChange.instance_id == draft.instance_id)
    return db.session().scalars(query.order_by(DraftChange.id.desc()).limit(1)).first() or 0


def _require_room(draft: Draft) -> None:
    query = select(DraftChange.id).where(DraftChange.instance_id == draft.instance_id)
    if db.session().scalars(query.order_by(DraftChange.id).offset(MOST_KEPT).limit(1)).first() is not None:
        raise TooLarge("This draft has been changed too often. Please send it or begin a new one.")


def _problem_of(definition: FormDefinition, change: Change, limits: Limits) -> Issue | None:
    schema, row = split_path(definition, change.path)
    item = definition.find(schema) if schema else None
    fits = isinstance(item, Repeat) if row else isinstance(item, Question)
    if not fits or len(change.path) > 1000:
        return Issue("unknown_question", change.path[:200], {"name": change.path[-100:]})
    value = change.value
    if isinstance(value, bool) or not isinstance(value, (str, int, float, type(None))):
        return Issue("wrong_type", change.path, {"value": type(value).__name__, "type": "text"})
    if isinstance(value, str) and len(value) > limits.text_characters:
        return Issue("wrong_type", change.path, {"value": value[:20] + "…", "type": "text"})
    return None


def split_path(definition: FormDefinition, address: str) -> tuple[tuple[str, ...], str]:
    """(schema path, "+id" or "-id" or "") of a change's path; an empty schema path for one the form does not have."""
    schema: list[str] = []
    steps = iter(address.split("/"))
    for step in steps:
        if step[:1] in ("+", "-") and schema:
            valid = ROW_ID.fullmatch(step[1:]) and next(steps, None) is None
            return (tuple(schema), step) if valid else ((), "")
        schema.append(step)
        if isinstance(definition.find(tuple(schema)), Repeat):
            row = next(steps, "")
            if row[:1] in ("+", "-") and ROW_ID.fullmatch(row[1:]) and next(steps, None) is None:
                return tuple(schema), row
            if not ROW_ID.fullmatch(row):
                return (), ""
    return tuple(schema), ""


# Replay ---------------------------------------------------------------------------------------------------------


def interview_of(draft: Draft, language: str | None = None, now: datetime | None = None) -> Interview:
    """The draft as an interview: what was known before, then every change in order."""
    definition = questionnaires.definition(draft.form_version_id)
    clock = Clock(now or utc_now().astimezone(TIME_ZONE))
    instances = find_instances(definition, draft.establishment, draft.campaign_id, clock.now, _sender(draft))
    interview = Interview(definition, {}, instances=instances, clock=clock, language=language or draft.language)
    interview.load(draft.prefill.get("values", {}), draft.prefill.get("rows", {}))
    for path, value in _last_changes(draft).items():
        _replay(definition, interview, path, value)
    return interview


def _last_changes(draft: Draft) -> dict[str, Any]:
    """The newest value of each path, in the order of these newest changes."""
    query = select(DraftChange.path, DraftChange.value).where(DraftChange.instance_id == draft.instance_id)
    found: dict[str, Any] = {}
    for path, value in db.session().execute(query.order_by(DraftChange.id)):
        if _row_depth(path)[0]:
            found.pop(path, None)
        found[path] = value
    # Rows first, outer ones before inner ones, in the order they were first added however often that was sent.
    return dict(sorted(found.items(), key=lambda change: _row_depth(change[0])))


def _row_depth(path: str) -> tuple[int, int]:
    last = path.rpartition("/")[2]
    return (0, path.count("/")) if last[:1] == "+" else (1, 0)


def _replay(definition: FormDefinition, interview: Interview, path: str, value: Any) -> None:
    _schema, row = split_path(definition, path)
    try:
        if not row:
            interview.set(path, value)
        elif row[0] == "-":
            interview.remove_row(path.rpartition("/")[0], row[1:])
        else:
            interview.add_row(path.rpartition("/")[0], row[1:])
    except KeyError:
        return  # an answer in a row that another device has removed meanwhile


def instances_of(draft: Draft) -> dict[str, Sequence[dict[str, str]]]:
    """The secondary instances that the draft's expressions read, for a phone that evaluates them itself."""
    definition = questionnaires.definition(draft.form_version_id)
    now = utc_now().astimezone(TIME_ZONE)
    return find_instances(definition, draft.establishment, draft.campaign_id, now, _sender(draft))


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose records an interview may look back at: an assessor's own, or those of an invited establishment."""

    assessor_id: int | None
    before: datetime  # when the interview began


def _sender(draft: Draft) -> Sender:
    return Sender(draft.assessor_id, draft.started_at)


def _account(draft: Draft) -> dict[str, str]:
    """What a form may preset of the account: nothing where a respondent came by a link."""
    user = db.session().get(User, draft.assessor_id) if draft.assessor_id is not None else None
    return {} if user is None else {"username": user.email, "email": user.email}


def find_instances(
    definition: FormDefinition,
    establishment: Establishment,
    campaign_id: int,
    now: datetime,
    sender: Sender | None = None,
) -> dict[str, Sequence[dict[str, str]]]:
    """Items of each declared external instance: register, previous answers, the visit's part, dated prices, limits."""
    found: dict[str, Sequence[dict[str, str]]] = {}
    for name in definition.settings.get("external_instances", "").split():
        if name == "register":
            found[name] = registers.register_instance(establishment)
        elif name == "previous":
            found[name] = _previous_answers(definition, establishment, campaign_id)
        elif name == "visit":
            found[name] = campaigns.visit_items(campaign_id, definition.form_id)
        else:
            found[name] = programme.instance_items(name, now.date())
    if LAST_SAVED in instances_read(definition):
        found[LAST_SAVED] = last_saved_items(_last_sent(definition, establishment, sender) if sender else None)
    return found


def _last_sent(definition: FormDefinition, establishment: Establishment, sender: Sender) -> Mapping[str, Any] | None:
    """The answers sent last with this questionnaire, by the same assessor or through the establishment's own link."""
    own = Submission.assessor_id == sender.assessor_id
    by_link = (Submission.assessor_id.is_(None)) & (Record.establishment_id == establishment.id)
    query = (
        select(Submission.answers).join(Record, Submission.record_id == Record.id)
        .where(Record.questionnaire_id.in_(_questionnaire(definition)), Submission.received_at < sender.before)
        .where(own if sender.assessor_id is not None else by_link)
        .order_by(Submission.received_at.desc()).limit(1)
    )
    return db.session().scalars(query).first()


def stored_instances(
    submission: Submission, definition: FormDefinition, establishment: Establishment, campaign_id: int, now: datetime
) -> dict[str, Sequence[dict[str, str]]]:
    """The external instances a submission was judged by when it came, whatever has changed since."""
    sender = Sender(submission.assessor_id, submission.started_at or submission.received_at)
    found = find_instances(definition, establishment, campaign_id, now, sender)
    context = submission.context or {}
    found.update({name: context[name] for name in PINNED_WHOLE if name in context and name in found})
    for name, sha256 in context.get("lists", {}).items():
        if name in found:
            found[name] = programme.pinned_items(name, sha256, now.date())
    return found


def _previous_answers(
    definition: FormDefinition, establishment: Establishment, campaign_id: int
) -> list[dict[str, str]]:
    query = (
        select(Submission.answers).join(Record, Submission.id == Record.current_submission_id)
        .join(FormVersion, Submission.form_version_id == FormVersion.id)
        .where(Record.establishment_id == establishment.id, Record.campaign_id != campaign_id)
        .where(Record.state == "approved", Record.questionnaire_id.in_(_questionnaire(definition)))
        .order_by(Submission.received_at.desc()).limit(1)
    )
    answers = db.session().scalars(query).first()
    return [flat_answers(answers)] if answers else []


def _questionnaire(definition: FormDefinition) -> Select[int]:
    return select(Questionnaire.id).where(Questionnaire.form_id == definition.form_id)


def flat_answers(answers: Mapping[str, Any]) -> dict[str, str]:
    """Answers outside of repeats by question name, as texts."""
    flat: dict[str, str] = {}
    for name, value in answers.items():
        if isinstance(value, Mapping):
            flat.update(flat_answers(value))
        elif value is not None and not isinstance(value, list):
            flat[name] = str(value)
    return flat


def skew_of(sent_at: datetime | None, received_at: datetime) -> timedelta | None:
    """How far the device's clock is behind ours, including the time on the way."""
    return received_at - sent_at if sent_at else None
