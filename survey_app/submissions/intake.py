"""The one way in: every door's submission becomes a `RawSubmission` and passes `receive`.

What is received is stored, then flagged: bad content is issues on a submission, never a reason to lose it. The
receipt is given after COMMIT has returned, so it may be believed; the unique instance id decides who was first.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from flask import current_app
from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from forms import MESSAGES, TYPES, Clock, FormDefinition, Issue, Kind, Severity, Validated, validate
from survey_app import db
from survey_app.campaigns import service as campaigns
from survey_app.campaigns.outcomes import REFUSED
from survey_app.json_reader import canonical_json
from survey_app.languages import SOURCE_LANGUAGE, TIME_ZONE, translate_issue
from survey_app.models import (
    Campaign,
    Draft,
    Establishment,
    FormVersion,
    Plan,
    Questionnaire,
    Record,
    RecordValue,
    Submission,
    SubmissionAttachment,
    SubmissionIssue,
    Visit,
    utc_now,
)
from survey_app.problems import Busy, Conflict, Problem
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions import service
from survey_app.submissions.attachments import MOST_FILES, NOT_ANNOUNCED, clean_name
from survey_app.submissions.values import check_issues, values_of

RECEIPT_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is misread on paper
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


class AlreadyApproved(Conflict):
    """The record is settled; a new revision needs a reviewer to return it first."""

    code = "already_approved"
    message = "This record was already approved. Ask the reviewer to return it before you send new answers."


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


@dataclass(frozen=True, slots=True)
class _Judged:
    """Everything that is decided before the write begins."""

    raw: RawSubmission
    context: Context
    sha256: str
    version_id: int
    questionnaire_id: int
    mode: str
    visited_on: date
    is_refusal: bool
    submission: dict[str, Any]
    issues: tuple[Issue, ...]
    issue_rows: list[dict[str, Any]]
    languages: tuple[str, ...]
    value_rows: list[dict[str, Any]]
    files: dict[str, str]
    shared: dict[str, Any]


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
    receipt = _write(_judge(raw, context, hashlib.sha256(raw.body).hexdigest(), received_at))
    if receipt is None:
        raise Busy
    return receipt


def find_receipt(instance_id: uuid.UUID, sha256: str | None = None) -> Receipt | None:
    """The receipt given for an instance id, or None. Raises OtherAnswers when it was given for other bytes."""
    row = db.session().execute(_RECEIPT.where(Submission.instance_id == instance_id)).first()
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
    number: str, instance_id: uuid.UUID, sha256: str, received_at: datetime, *, is_repeat: bool = False,
    issues: tuple[Issue, ...] = (),
) -> Receipt:
    signature = receipt_signature(number, instance_id, sha256, received_at)
    return Receipt(number, instance_id, sha256, received_at, signature, is_repeat, issues)


_RECEIPT = select(Submission.receipt_number, Submission.body_sha256, Submission.received_at)


# Judging, before the write begins -------------------------------------------------------------------------------


def _judge(
    raw: RawSubmission, context: Context, sha256: str, received_at: datetime | None = None
) -> _Judged:
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
    return _Judged(
        raw, context, sha256, version_id, questionnaire_id, _mode(definition, known, context), visited_on, is_refusal,
        submission=_submission_row(raw, context, sha256, version_id, validated, instances, received_at),
        issues=issues, issue_rows=[_issue_row(issue, languages, raw.reasons) for issue in issues], languages=languages,
        value_rows=[] if is_refusal else values_of(validated.interview),
        files=_files(definition, raw, validated.answers),
        shared={n: v for n, v in known.items() if n.startswith(service.SHARED_PREFIX) and v not in (None, "")},
    )


def _find_version(raw: RawSubmission, context: Context) -> tuple[int, int]:
    """(version id, questionnaire id) of what was sent, which must be of the questionnaire that was to be filled."""
    named = (Questionnaire.form_id == raw.form_id) & (FormVersion.version == raw.version)
    query = (
        select(FormVersion.id, FormVersion.questionnaire_id, FormVersion.published_at, Questionnaire.form_id,
               FormVersion.version)
        .join(Questionnaire, FormVersion.questionnaire_id == Questionnaire.id)
        .where(or_(named, FormVersion.id == context.form_version_id))
    )
    rows = db.session().execute(query).all()
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


def _issue_row(issue: Issue, languages: Sequence[str], reasons: Mapping[str, str]) -> dict[str, Any]:
    note = reasons.get(str(issue.parameters.get("name", "")), "") if issue.code == "check" else ""
    return {
        "code": issue.code, "place": issue.where[:1000], "severity": str(issue.severity),
        "message": {language: translate_issue(issue, language) for language in languages}, "answer_note": note[:1000],
    }


def _submission_row(
    raw: RawSubmission, context: Context, sha256: str, version_id: int, validated: Validated,
    instances: Mapping[str, list[dict[str, str]]], received_at: datetime,
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


def _pinned(instances: Mapping[str, list[dict[str, str]]], at: datetime) -> dict[str, Any]:
    """By what the answers were judged: the register's item as it stood, other lists by date and hash."""
    pinned: dict[str, Any] = {"on": at.date().isoformat()}
    for name, items in instances.items():
        pinned[name] = items if name == "register" else hashlib.sha256(canonical_json(items)).hexdigest()
    return pinned


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


# Storing, in one transaction ------------------------------------------------------------------------------------


def _store(judged: _Judged) -> Receipt | None:
    """One attempt: the receipt, or None when somebody else was faster and the state must be looked at again."""
    db.begin_write()
    raw = judged.raw
    first = find_receipt(raw.instance_id, judged.sha256)
    if first is not None:
        return first
    receipt = _write(judged)
    if receipt is None:
        db.rollback()
        return None
    db.commit()
    return receipt


def _write(judged: _Judged) -> Receipt | None:
    """Everything a submission changes, in the open transaction; None when somebody else was faster."""
    connection = db.session().connection()
    record = _record_for(connection, judged)
    if record is None:
        return None
    submission_id, number = _insert_submission(connection, judged, record)
    if submission_id is None:
        return None
    _insert_findings(connection, judged, record, submission_id)
    _settle(connection, judged, record, submission_id)
    received_at = judged.submission["received_at"]
    return _receipt(number, judged.raw.instance_id, judged.sha256, received_at, issues=judged.issues)


@dataclass(frozen=True, slots=True)
class _Target:
    """The record a submission belongs to, as it stands in this transaction."""

    id: int
    state: str
    current_id: int | None
    current_instance: uuid.UUID | None
    is_new: bool = False


_RECORD = (
    select(Record.id, Record.state, Record.is_refusal, Record.current_submission_id, Submission.instance_id)
    .outerjoin(Submission, Submission.id == Record.current_submission_id)
)


def _record_for(connection: Connection, judged: _Judged) -> _Target | None:
    context, questionnaire_id = judged.context, judged.questionnaire_id
    mine = {
        "campaign_id": context.campaign.id, "establishment_id": context.establishment.id,
        "questionnaire_id": questionnaire_id,
    }
    found = _find_record(connection, judged, mine)
    if found is not None:
        if found.state == "approved" and not found.is_refusal:
            db.rollback()
            raise AlreadyApproved
        return _Target(found.id, found.state, found.current_submission_id, found.instance_id)
    row = {**mine, "mode": judged.mode, "state": "submitted", "is_refusal": judged.is_refusal,
           "visited_on": judged.visited_on, "review_comment": "", "created_at": judged.submission["received_at"]}
    added = connection.execute(_insert_new(Record), row).first()
    return _Target(added.id, "submitted", None, None, is_new=True) if added else None


def _find_record(connection: Connection, judged: _Judged, mine: Mapping[str, int]) -> Any:
    """The record of the revision being corrected, else of this establishment, campaign, instrument and mode."""
    query = _RECORD.where(
        Record.campaign_id == mine["campaign_id"], Record.establishment_id == mine["establishment_id"],
        Record.questionnaire_id == mine["questionnaire_id"],
    )
    if not db.database().is_sqlite:
        query = query.with_for_update(of=Record)
    replaces = judged.raw.replaces or judged.context.replaces
    if replaces is not None:
        of_replaced = select(Submission.record_id).where(Submission.instance_id == replaces).scalar_subquery()
        found = connection.execute(query.where(Record.id == of_replaced)).first()
        if found is not None:
            return found
    return connection.execute(query.where(Record.mode == judged.mode)).first()


def _insert_new(model: type[Record] | type[Submission]) -> Any:
    dialect = sqlite if db.database().is_sqlite else postgresql
    return dialect.insert(model).on_conflict_do_nothing().returning(model.id)


def _insert_submission(connection: Connection, judged: _Judged, record: _Target) -> tuple[int | None, str]:
    number = new_number(judged.submission["received_at"])
    row = {**judged.submission, "record_id": record.id, "replaces_id": record.current_id, "receipt_number": number}
    added = connection.execute(_insert_new(Submission), row).first()
    return (added.id if added else None), number


def new_number(at: datetime) -> str:
    """A receipt's number: the day on the province's clock and six letters that tell nothing."""
    return f"{at.astimezone(TIME_ZONE):%Y%m%d}-{''.join(secrets.choice(RECEIPT_LETTERS) for _ in range(6))}"


def _insert_findings(connection: Connection, judged: _Judged, record: _Target, submission_id: int) -> None:
    rows = [{**row, "submission_id": submission_id} for row in judged.issue_rows]
    if record.state == "submitted" and not record.is_new and _replaces_unasked(judged, record):
        issue = Issue("second_sending", "", severity=Severity.WARNING)
        rows.append({**_issue_row(issue, judged.languages, {}), "submission_id": submission_id})
    if rows:
        connection.execute(insert(SubmissionIssue), rows)
    if not record.is_new:
        connection.execute(delete(RecordValue).where(RecordValue.record_id == record.id))
    if judged.value_rows:
        connection.execute(insert(RecordValue), [{**row, "record_id": record.id} for row in judged.value_rows])
    if judged.files:
        _insert_files(connection, judged)


def _replaces_unasked(judged: _Judged, record: _Target) -> bool:
    return (judged.raw.replaces or judged.context.replaces) != record.current_instance


def _insert_files(connection: Connection, judged: _Judged) -> None:
    """The hashes sent win over those linked while it was a draft; a file nobody announced keeps its link."""
    statement = (sqlite if db.database().is_sqlite else postgresql).insert(SubmissionAttachment)
    at, instance_id = judged.submission["received_at"], judged.raw.instance_id
    rows = [
        {"instance_id": instance_id, "name": name, "sha256": sha256, "added_at": at}
        for name, sha256 in judged.files.items()
    ]
    announced = [row for row in rows if row["sha256"] != NOT_ANNOUNCED]
    waited_for = [row for row in rows if row["sha256"] == NOT_ANNOUNCED]
    keys = ["instance_id", "name"]
    if announced:
        connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_={"sha256": statement.excluded.sha256}), announced
        )
    if waited_for:
        connection.execute(statement.on_conflict_do_nothing(), waited_for)


def _settle(connection: Connection, judged: _Judged, record: _Target, submission_id: int) -> None:
    """Make it the record's current revision, close the draft, and tell the visit."""
    changes = {
        "state": "submitted", "current_submission_id": submission_id, "is_refusal": judged.is_refusal,
        "visited_on": judged.visited_on,
    }
    connection.execute(update(Record).where(Record.id == record.id).values(changes))
    at = judged.submission["received_at"]
    connection.execute(update(Draft).where(Draft.instance_id == judged.raw.instance_id).values(sent_at=at))
    if judged.context.visit_id is not None:
        _tell_visit(judged, at)


def _tell_visit(judged: _Judged, at: datetime) -> None:
    visit = db.session().get(Visit, judged.context.visit_id)
    if visit is None:
        return
    visit.shared = {**visit.shared, **judged.shared}
    if judged.is_refusal and visit.outcome is None:
        visit.outcome, visit.outcome_at = REFUSED, at
    elif not judged.is_refusal:
        campaigns.settle_visit(visit)
    db.session().flush()


__all__ = [
    "AlreadyApproved", "Context", "OtherAnswers", "RawSubmission", "Receipt", "UnknownVersion", "context_of",
    "find_receipt", "new_number", "raw_of", "receipt_signature", "receive", "receive_earlier", "send_draft",
]
