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
from typing import Any, Final

from flask import current_app
from sqlalchemy import and_, bindparam, or_, select

from forms import MESSAGES, TYPES, Clock, FormDefinition, Issue, Kind, Severity, Validated, validate
from survey_app import db
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
from survey_app.problems import Busy, Conflict, Problem
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


def receive(raw: RawSubmission, context: Context) -> Receipt:
    """Store a submission durably and return its receipt; the same bytes again get the first receipt.

    Commits itself: when this returns, the submission is on disk. Raises UnknownVersion, OtherAnswers or
    AlreadyApproved, and then nothing was changed.
    """
    sha256 = hashlib.sha256(raw.body).hexdigest()
    first = find_receipt(raw.instance_id, sha256)
    if first is not None:
        return first
    judged = _judge(raw, context, sha256)
    for _attempt in range(4):
        receipt = _store(judged)
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
    row = db.session().execute(_RECEIPT, {"instance": instance_id}).first()
    if row is None:
        return None
    if sha256 is not None and row.body_sha256 != sha256:
        raise OtherAnswers
    return _receipt(row.receipt_number, instance_id, row.body_sha256, row.received_at, is_repeat=True)


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


_RECEIPT = select(Submission.receipt_number, Submission.body_sha256, Submission.received_at).where(
    Submission.instance_id == bindparam("instance")
)


# Judging, before the write begins -------------------------------------------------------------------------------


def _judge(
    raw: RawSubmission, context: Context, sha256: str, received_at: datetime | None = None
) -> Judged:
    version_id, questionnaire_id = _find_version(raw, context)
    definition = questionnaires.definition(version_id)
    clock = Clock(raw.finished_at.astimezone(timezone(raw.utc_offset)))
    instances = service.find_instances(definition, context.establishment, context.campaign.id, clock.now)
    validated = validate(definition, raw.answers, clock=clock, instances=instances)
    known = _outside_repeats(validated.answers)
    is_refusal = _is_refusal(definition, known, context)
    visited_on = _date_of(known.get(service.role_question(definition, "date_question"))) or clock.now.date()
    received_at = received_at or utc_now()
    issues = (*_issues(validated, is_refusal), *_timing_issues(raw, context, visited_on, received_at))[:MOST_ISSUES]
    languages = definition.languages or (SOURCE_LANGUAGE,)
    return Judged(
        raw.instance_id, context.campaign.id, context.establishment.id, questionnaire_id,
        _mode(definition, known, context), raw.replaces or context.replaces, context.visit_id, visited_on, is_refusal,
        submission=_submission_row(raw, context, sha256, version_id, validated, instances, received_at),
        issues=[storing.issue_row(issue, languages, _reason(issue, raw)) for issue in issues],
        values=[] if is_refusal else values_of(validated.interview),
        files=_files(definition, raw, validated.answers),
        shared={n: v for n, v in known.items() if n.startswith(service.SHARED_PREFIX) and v not in (None, "")},
        languages=languages, findings=issues,
    )


def _reason(issue: Issue, raw: RawSubmission) -> str:
    return raw.reasons.get(str(issue.parameters.get("name", "")), "") if issue.code == "check" else ""


_VERSIONS = (
    select(
        FormVersion.id, FormVersion.questionnaire_id, FormVersion.published_at, FormVersion.version,
        Questionnaire.form_id,
    )
    .join(Questionnaire, FormVersion.questionnaire_id == Questionnaire.id)
    .where(or_(
        and_(Questionnaire.form_id == bindparam("form_id"), FormVersion.version == bindparam("version")),
        FormVersion.id == bindparam("asked"),
    ))
)


def _find_version(raw: RawSubmission, context: Context) -> tuple[int, int]:
    """(version id, questionnaire id) of what was sent, which must be of the questionnaire that was to be filled."""
    named = {"form_id": raw.form_id, "version": raw.version, "asked": context.form_version_id}
    rows = db.session().execute(_VERSIONS, named).all()
    sent = next((row for row in rows if (row.form_id, row.version) == (raw.form_id, raw.version)), None)
    asked = next((row for row in rows if row.id == context.form_version_id), None)
    if sent is None or asked is None or sent.published_at is None or sent.questionnaire_id != asked.questionnaire_id:
        raise UnknownVersion(version=raw.version[:40], form_id=raw.form_id[:60])
    return sent.id, sent.questionnaire_id


def _outside_repeats(answers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in answers.items():
        if isinstance(value, Mapping):
            found.update(_outside_repeats(value))
        elif not isinstance(value, list):
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
    """By what the answers were judged: the register's item as it stood; dated lists are known by the day."""
    register = {"register": instances["register"]} if "register" in instances else {}
    return {"on": at.date().isoformat(), **register}


def _files(definition: FormDefinition, raw: RawSubmission, answers: Mapping[str, Any]) -> dict[str, str]:
    """name -> SHA-256 of the files sent; a file that an answer names and nobody announced is waited for."""
    files = {clean_name(name): sha256 for name, sha256 in raw.attachments.items()}
    names = frozenset(q.name for q in definition.questions() if TYPES[q.type].kind is Kind.FILE)
    if names:
        for name in named_files(answers, names):
            files.setdefault(clean_name(name), NOT_ANNOUNCED)
    return dict(list(files.items())[:MOST_FILES])


def named_files(answers: Any, names: frozenset[str]) -> Iterator[str]:
    """File names that answers give, through groups and rows."""
    for key, value in answers.items():
        if isinstance(value, Mapping):
            yield from named_files(value, names)
        elif isinstance(value, list):
            for row in value:
                if isinstance(row, Mapping):
                    yield from named_files(row, names)
        elif key in names and isinstance(value, str) and value:
            yield value


# Storing --------------------------------------------------------------------------------------------------------


def _store(judged: Judged) -> Receipt | None:
    """One attempt: the receipt, or None when somebody else was faster and the state must be looked at again."""
    db.begin_write()
    first = find_receipt(judged.instance_id, judged.submission["body_sha256"])
    if first is not None:
        return first
    number = storing.write(judged)
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
    "find_receipt", "new_number", "raw_of", "receipt_signature", "receive", "receive_earlier", "send_draft",
]
