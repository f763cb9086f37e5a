"""The one way in: every door's submission becomes a `RawSubmission` and passes `receive`.

What is received is stored, then flagged: bad content is issues on a submission, never a reason to lose it. The
receipt is given after COMMIT has returned, so it may be believed; the unique instance id decides who was first.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final, TypeVar

from flask import current_app
from sqlalchemy import ColumnElement, bindparam, select

from forms import MESSAGES, TYPES, Clock, FormDefinition, Issue, Kind, Severity, Validated, validate
from survey_app import db
from survey_app.access import OWN_DRAFT, own_draft
from survey_app.json_reader import canonical_json
from survey_app.languages import SOURCE_LANGUAGE, TIME_ZONE
from survey_app.models import (
    Campaign,
    Draft,
    Establishment,
    FormVersion,
    Plan,
    Questionnaire,
    Submission,
    utc_now,
)
from survey_app.problems import Busy, Conflict, NotFound, Problem
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions import service, storing
from survey_app.submissions.attachments import MOST_FILES, NOT_ANNOUNCED, clean_name
from survey_app.submissions.storing import AlreadyApproved, Judged, new_number
from survey_app.submissions.values import check_issues, values_of

LARGEST_SKEW: Final = timedelta(hours=1)
MOST_ISSUES: Final = 2_000
MESSAGES.update({
    "visit_outside_phase": "The date of the visit is outside the phase of the campaign.",
    "campaign_closed": "The answers came after the campaign had ended.",
    "clock_wrong": "The clock of the device was wrong by {minutes} minutes.",
    "second_sending": "These answers replace others that nobody had reviewed yet.",
    "bad_field": "This entry of the request is not as expected: {reason}",
    "too_many_issues": "There are more problems than we list.",
})


class UnknownVersion(Problem):
    """The form version is not one of ours, or not published; the sender keeps its copy."""

    status, code = 422, "unknown_version"
    message = (
        "The server does not know version {version} of the questionnaire {form_id}. Your answers stay on this device."
    )


class OtherAnswers(Conflict):
    """The same instance id came before with other bytes."""

    code = "other_answers"
    message = "Other answers were already received under this number. Nothing was changed; your answers stay here."


@dataclass(frozen=True, slots=True)
class RawSubmission:
    """A finished interview as a door read it; `body` is the bytes received, hashed and kept as they are."""

    form_id: str
    version: str
    instance_id: uuid.UUID
    answers: Mapping[str, Any]
    door: str  # page, api, openrosa
    body: bytes
    finished_at: datetime
    utc_offset: timedelta = timedelta(hours=7)
    started_at: datetime | None = None
    sent_at: datetime | None = None
    device_id: str | None = None
    replaces: uuid.UUID | None = None
    attachments: Mapping[str, str] = field(default_factory=dict)  # name -> SHA-256
    reasons: Mapping[str, str] = field(default_factory=dict)  # soft check -> why the answer stands


@dataclass(frozen=True, slots=True)
class Version:
    """A form version as intake asks for it."""

    id: int
    questionnaire_id: int
    form_id: str
    name: str
    definition_sha256: str
    is_published: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What the server knows of the interview, and the sender cannot claim otherwise."""

    form_version_id: int
    campaign: Campaign
    establishment: Establishment
    mode: str
    visit_id: int | None = None
    assessor_id: int | None = None
    invitation_id: int | None = None
    replaces: uuid.UUID | None = None
    consent: Mapping[str, Any] = field(default_factory=dict)
    version: Version | None = None  # the one of `form_version_id`, where it was read already
    first: Receipt | None = None  # given for this interview before, where that was read already


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender may keep: the number, the hash of what we hold, when, and our signature over them."""

    number: str
    instance_id: uuid.UUID
    sha256: str
    received_at: datetime
    signature: str
    is_repeat: bool = False
    issues: tuple[Issue, ...] = ()


def context_of(draft: Draft) -> Context:
    """The context of a draft that was read with its campaign and establishment."""
    return Context(
        draft.form_version_id, draft.campaign, draft.establishment, draft.mode, draft.visit_id, draft.assessor_id,
        draft.invitation_id, draft.replaces, draft.consent,
    )


def get_context(instance_id: uuid.UUID) -> Context:
    """The context of the caller's draft in one statement; NotFound when it is missing or somebody else's."""
    row: Any = db.session().connection().execute(_CONTEXT, {"instance": instance_id, **own_draft()}).first()
    if row is None:
        raise NotFound
    version = Version(
        row.form_version_id, row.questionnaire_id, row.form_id, row.version, row.definition_sha256,
        row.published_at is not None,
    )
    return Context(
        row.form_version_id, _entity(Campaign, _OF_CAMPAIGN, row), _entity(Establishment, _OF_ESTABLISHMENT, row),
        row.mode, row.visit_id, row.assessor_id, row.invitation_id, row.replaces, row.consent, version,
        _first_receipt(instance_id, row),
    )


_Entity = TypeVar("_Entity", Campaign, Establishment)
_OF_CAMPAIGN: Final = ("id", "plan_id", "phase", "opens_on", "closes_on", "closed_at")
_OF_ESTABLISHMENT: Final = (
    "id", "register_id", "code", "name", "area", "sector", "size", "stratum", "attributes", "started_on",
    "suspended_on", "closed_on",
)
_RECEIPT_COLUMNS: Final = (Submission.receipt_number, Submission.body_sha256, Submission.received_at)
# Built once, for each sending runs it. Rows and not entities of the session: reading them costs a third.
_CONTEXT = (
    select(
        Draft.form_version_id, Draft.mode, Draft.visit_id, Draft.assessor_id, Draft.invitation_id, Draft.replaces,
        Draft.consent, FormVersion.questionnaire_id, FormVersion.version, FormVersion.definition_sha256,
        FormVersion.published_at, Questionnaire.form_id, *_RECEIPT_COLUMNS,
        *(getattr(Campaign, name).label(f"campaigns_{name}") for name in _OF_CAMPAIGN),
        *(getattr(Establishment, name).label(f"establishments_{name}") for name in _OF_ESTABLISHMENT),
    )
    .join(Campaign, Campaign.id == Draft.campaign_id)
    .join(Establishment, Establishment.id == Draft.establishment_id)
    .join(FormVersion, FormVersion.id == Draft.form_version_id)
    .join(Questionnaire, Questionnaire.id == FormVersion.questionnaire_id)
    .outerjoin(Submission, Submission.instance_id == Draft.instance_id)
    .where(Draft.instance_id == bindparam("instance"), OWN_DRAFT)
)


def _entity(model: type[_Entity], names: tuple[str, ...], row: Any) -> _Entity:
    """A copy that belongs to no session."""
    return model(**{name: getattr(row, f"{model.__tablename__}_{name}") for name in names})


def receive(raw: RawSubmission, context: Context) -> Receipt:
    """Store a submission durably and return its receipt; the same bytes again get the first receipt.

    Commits itself: when this returns, the submission is on disk. Raises UnknownVersion, OtherAnswers or
    AlreadyApproved, and then nothing was changed.
    """
    sha256 = hashlib.sha256(raw.body).hexdigest()
    if context.first is not None:
        return _same(context.first, sha256)
    judged = _judge(raw, context, sha256)
    for _attempt in range(4):
        receipt = _store(judged) or find_receipt(raw.instance_id, sha256)
        if receipt is not None:
            return receipt
    raise Busy


def receive_earlier(raw: RawSubmission, context: Context, received_at: datetime) -> Receipt:
    """Judge and store what was received at an earlier time, within the caller's own transaction.

    For bringing in many at once, where the caller commits and nobody waits for a receipt to be durable.
    """
    judged = _judge(raw, context, hashlib.sha256(raw.body).hexdigest(), received_at)
    number = storing.write(judged)
    if number is None:
        raise Busy
    return _receipt_of(judged, number)


def find_receipt(instance_id: uuid.UUID, sha256: str | None = None) -> Receipt | None:
    """The receipt given for an instance id, or None. Raises OtherAnswers when it was given for other bytes."""
    row = db.session().connection().execute(_RECEIPT, {"instance": instance_id}).first()
    found = None if row is None else _first_receipt(instance_id, row)
    return found if found is None or sha256 is None else _same(found, sha256)


def _first_receipt(instance_id: uuid.UUID, row: Any) -> Receipt | None:
    if row.receipt_number is None:
        return None
    return _receipt(row.receipt_number, instance_id, row.body_sha256, row.received_at, is_repeat=True)


def _same(first: Receipt, sha256: str) -> Receipt:
    if first.sha256 != sha256:
        raise OtherAnswers
    return first


def send_draft(draft: Draft, reasons: Mapping[str, str] | None = None) -> Receipt:
    """Finish a draft on the server (the page's door); sending again gives the first receipt."""
    first = find_receipt(draft.instance_id)
    if first is not None:
        return first
    raw = raw_of(draft, reasons or {})
    try:
        return receive(raw, context_of(draft))
    except OtherAnswers:  # the button was pressed twice at once; the other press was first
        first = find_receipt(draft.instance_id)
        if first is None:
            raise
        return first


def raw_of(draft: Draft, reasons: Mapping[str, str]) -> RawSubmission:
    """A draft as the submission a phone would send, in canonical bytes."""
    now = utc_now().astimezone(TIME_ZONE)
    definition, interview = questionnaires.definition(draft.form_version_id), service.interview_of(draft, now=now)
    offset = now.utcoffset() or timedelta()
    answers, replaces = dict(interview.answers), draft.replaces
    body = canonical_json({
        "answers": answers, "attachments": {}, "device_id": None, "finished_at": now.isoformat(),
        "form_id": definition.form_id, "instance_id": str(draft.instance_id), "reasons": dict(reasons),
        "replaces": str(replaces) if replaces else None, "sent_at": now.isoformat(),
        "started_at": draft.started_at.isoformat(), "utc_offset_minutes": int(offset.total_seconds() // 60),
        "version": definition.version,
    })
    return RawSubmission(
        definition.form_id, definition.version, draft.instance_id, answers, "page", body, now, offset,
        started_at=draft.started_at, replaces=replaces, reasons=reasons,
    )


def receipt_signature(number: str, instance_id: uuid.UUID, sha256: str, received_at: datetime) -> str:
    """HMAC-SHA256 by this server's key, so that a receipt shown later can be told from an invented one."""
    text = f"{number}|{instance_id}|{sha256}|{received_at.isoformat()}"
    return hmac.new(str(current_app.config["SECRET_KEY"]).encode(), text.encode(), hashlib.sha256).hexdigest()


def _receipt(
    number: str, instance_id: uuid.UUID, sha256: str, received_at: datetime, *, is_repeat: bool = False
) -> Receipt:
    signature = receipt_signature(number, instance_id, sha256, received_at)
    return Receipt(number, instance_id, sha256, received_at, signature, is_repeat)


_RECEIPT = select(*_RECEIPT_COLUMNS).where(Submission.instance_id == bindparam("instance"))


# Judging, before the write begins -------------------------------------------------------------------------------


def _judge(
    raw: RawSubmission, context: Context, sha256: str, received_at: datetime | None = None
) -> Judged:
    version = _find_version(raw, context)
    definition = questionnaires.definition_of(version.id, version.definition_sha256)
    clock = Clock(raw.finished_at.astimezone(timezone(raw.utc_offset)))
    sender = service.Sender(context.assessor_id, raw.started_at or clock.now)
    instances = service.find_instances(definition, context.establishment, context.campaign.id, clock.now, sender)
    validated = validate(definition, raw.answers, clock=clock, instances=instances)
    known = _outside_repeats(validated.answers)
    is_refusal = _is_refusal(definition, known, context)
    visited_on = _date_of(known.get(service.role_question(definition, "date_question"))) or clock.now.date()
    received_at = received_at or utc_now()
    issues = (*_issues(validated, is_refusal), *_timing_issues(raw, context, visited_on, received_at))[:MOST_ISSUES]
    languages = definition.languages or (SOURCE_LANGUAGE,)
    return Judged(
        raw.instance_id, context.campaign.id, context.establishment.id, version.questionnaire_id,
        _mode(definition, known, context), raw.replaces or context.replaces, context.visit_id, visited_on, is_refusal,
        submission=_submission_row(raw, context, sha256, version.id, validated, instances, received_at),
        issues=[storing.issue_row(issue, languages, _reason(issue, raw)) for issue in issues],
        values=[] if is_refusal else values_of(validated.interview),
        files=_files(raw, validated.answers, _file_questions(version.id, version.definition_sha256)),
        shared={n: v for n, v in known.items() if n.startswith(service.SHARED_PREFIX) and v not in (None, "")},
        languages=languages, findings=issues,
    )


def _reason(issue: Issue, raw: RawSubmission) -> str:
    return raw.reasons.get(str(issue.parameters.get("name", "")), "") if issue.code == "check" else ""


_VERSIONS = select(
    FormVersion.id, FormVersion.questionnaire_id, Questionnaire.form_id, FormVersion.version,
    FormVersion.definition_sha256, FormVersion.published_at.is_not(None),
).join(Questionnaire, FormVersion.questionnaire_id == Questionnaire.id)


def _find_version(raw: RawSubmission, context: Context) -> Version:
    """The version sent, which must be published and of the questionnaire that was to be filled."""
    asked = context.version or _version(FormVersion.id == context.form_version_id)
    sent = asked
    if sent is None or (sent.form_id, sent.name) != (raw.form_id, raw.version):
        sent = _version(Questionnaire.form_id == raw.form_id, FormVersion.version == raw.version)
    if sent is None or asked is None or not sent.is_published or sent.questionnaire_id != asked.questionnaire_id:
        raise UnknownVersion(version=raw.version[:40], form_id=raw.form_id[:60])
    return sent


def _version(*conditions: ColumnElement[bool]) -> Version | None:
    row = db.session().connection().execute(_VERSIONS.where(*conditions)).first()
    return None if row is None else Version(*row)


def _outside_repeats(answers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in answers.items():
        if type(value) is dict:  # what an interview gives is never another mapping, and to ask for one is slow
            found.update(_outside_repeats(value))
        elif type(value) is not list:
            found[name] = value
    return found


def _is_refusal(definition: FormDefinition, known: Mapping[str, Any], context: Context) -> bool:
    answer = known.get(service.role_question(definition, "consent_question"), context.consent.get("answer"))
    return answer in ("no", False)


def _mode(definition: FormDefinition, known: Mapping[str, Any], context: Context) -> str:
    """How it was collected; one who came by a link cannot claim a visit."""
    said = known.get(service.role_question(definition, "mode_question"))
    if context.invitation_id is not None or not isinstance(said, str) or not 0 < len(said) <= 16:
        return context.mode
    return said


def _date_of(value: Any) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def _issues(validated: Validated, is_refusal: bool) -> Iterator[Issue]:
    yield from validated.issues
    if not is_refusal:
        yield from check_issues(validated.interview)
    if len(validated.issues) >= MOST_ISSUES:
        yield Issue("too_many_issues", "", severity=Severity.WARNING)


def _timing_issues(
    raw: RawSubmission, context: Context, visited_on: date, received_at: datetime
) -> Iterator[Issue]:
    skew = service.skew_of(raw.sent_at, received_at)
    if skew is not None and abs(skew) > LARGEST_SKEW:
        minutes = round(skew.total_seconds() / 60)
        yield Issue("clock_wrong", "", {"minutes": minutes}, Severity.WARNING)
    campaign = context.campaign
    if campaign.closed_at is not None or received_at.astimezone(TIME_ZONE).date() > campaign.closes_on:
        yield Issue("campaign_closed", "", severity=Severity.WARNING)
    if not campaign.opens_on <= visited_on <= campaign.closes_on and not _in_phase(campaign, visited_on):
        yield Issue("visit_outside_phase", "", severity=Severity.WARNING)


def _in_phase(campaign: Campaign, day: date) -> bool:
    document = db.session().scalar(select(Plan.document).where(Plan.id == campaign.plan_id)) or {}
    phases = [phase for phase in document.get("phases", []) if phase.get("name") == campaign.phase]
    return any(str(phase.get("start", "")) <= day.isoformat() <= str(phase.get("end", "")) for phase in phases)


def _submission_row(
    raw: RawSubmission, context: Context, sha256: str, version_id: int, validated: Validated,
    instances: Mapping[str, Sequence[dict[str, str]]], received_at: datetime,
) -> dict[str, Any]:
    skew = service.skew_of(raw.sent_at, received_at)
    return {
        "instance_id": raw.instance_id, "form_version_id": version_id, "visit_id": context.visit_id,
        "assessor_id": context.assessor_id, "invitation_id": context.invitation_id, "door": raw.door,
        "answers": validated.answers, "body": raw.body, "body_sha256": sha256, "received_at": received_at,
        "started_at": raw.started_at, "finished_at": raw.finished_at,
        "utc_offset_minutes": int(raw.utc_offset.total_seconds() // 60),
        "clock_skew_seconds": skew.total_seconds() if skew else None, "device_id": raw.device_id,
        "context": _pinned(instances, raw.finished_at),
    }


def _pinned(instances: Mapping[str, Sequence[dict[str, str]]], at: datetime) -> dict[str, Any]:
    """By what the answers were judged: the register's item and the visit's part as they stood, the day, and by hash
    the lists of prices, limits and factors."""
    own = {name: instances[name] for name in service.PINNED_WHOLE if name in instances}
    return {"on": at.date().isoformat(), "lists": programme.list_pins(instances), **own}


def _files(raw: RawSubmission, answers: Mapping[str, Any], names: frozenset[str]) -> dict[str, str]:
    """name -> SHA-256 of the files sent; a file that an answer names and nobody announced is waited for."""
    files = {clean_name(name): sha256 for name, sha256 in raw.attachments.items()}
    for name in named_files(answers, names) if names else ():
        files.setdefault(clean_name(name), NOT_ANNOUNCED)
    return dict(list(files.items())[:MOST_FILES])


@lru_cache(maxsize=64)
def _file_questions(version_id: int, definition_sha256: str) -> frozenset[str]:
    questions = questionnaires.definition_of(version_id, definition_sha256).questions()
    return frozenset(question.name for question in questions if TYPES[question.type].kind is Kind.FILE)


def named_files(answers: Any, names: frozenset[str]) -> Iterator[str]:
    """File names that answers give, through groups and rows."""
    for key, value in answers.items():
        if type(value) is dict:
            yield from named_files(value, names)
        elif type(value) is list:
            for row in value:
                if type(row) is dict:
                    yield from named_files(row, names)
        elif key in names and type(value) is str and value:
            yield value


# Storing --------------------------------------------------------------------------------------------------------


def _store(judged: Judged) -> Receipt | None:
    """One attempt: the receipt, or None when somebody else was faster and the state must be looked at again."""
    db.begin_write()
    try:
        number = storing.write(judged)
    except AlreadyApproved:
        db.rollback()
        if find_receipt(judged.instance_id) is None:
            raise
        return None  # approved meanwhile is what these very answers say
    if number is None:
        db.rollback()
        return None
    db.commit()
    return _receipt_of(judged, number)


def _receipt_of(judged: Judged, number: str) -> Receipt:
    receipt = _receipt(number, judged.instance_id, judged.submission["body_sha256"], judged.received_at)
    return replace(receipt, issues=judged.findings)


__all__ = [
    "AlreadyApproved", "Context", "OtherAnswers", "RawSubmission", "Receipt", "UnknownVersion", "context_of",
    "find_receipt", "get_context", "new_number", "raw_of", "receipt_signature", "receive", "receive_earlier",
    "send_draft",
]
