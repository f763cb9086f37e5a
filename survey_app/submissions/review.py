"""Reviewing: the list of records a person may see, one record with its revisions, approving and returning.

Approving and returning change a record only as the reviewer saw it: the state and the revision stand in the WHERE of
the update, so two reviewers, or a correction arriving meanwhile, cannot overtake each other unseen.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, update
from sqlalchemy.orm import aliased, defer, joinedload

from forms import Clock, Interview, Recommendations, Scores, compute_scores, entity_changes, recommend_measures
from survey_app import db
from survey_app.access import Permission, audit, one, visible_records, visible_submissions
from survey_app.languages import current_language, fold, text_of
from survey_app.models import (
    Attachment,
    AuditEvent,
    Campaign,
    Establishment,
    Questionnaire,
    Record,
    Submission,
    SubmissionAttachment,
    SubmissionIssue,
    User,
    utc_now,
)
from survey_app.problems import Conflict, Invalid, NotFound
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from survey_app.registers import proposals
from survey_app.registers.service import Page, paged
from survey_app.submissions import attachments, reading, service
from survey_app.submissions.attachments import Shown
from survey_app.submissions.interview_log import InterviewLog, read_log

STATES: Final = ("submitted", "returned", "approved", "superseded")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to; blanks narrow nothing."""

    state: str = ""
    campaign_id: int | None = None
    questionnaire_id: int | None = None
    area: str = ""
    issues: str = ""  # error, none or incomplete
    search: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A record in the list with its newest revision."""

    record: Record
    received_at: datetime | None
    revisions: int
    errors: int
    warnings: int
    waiting_files: int


@dataclass(frozen=True, slots=True)
class RecordView:
    """Everything the page of one record shows."""

    record: Record
    submission: Submission
    is_current: bool
    revisions: Sequence[Submission]
    sections: list[reading.Section]
    general: list[reading.Problem]
    differences: list[reading.Difference]
    files: list[tuple[str, bool]]  # name, and whether its bytes have arrived
    scores: Scores | None
    measures: Recommendations | None
    log: InterviewLog | None
    history: list[tuple[datetime, str, str]]  # when, action, who
    may_review: bool
    sees_personal: bool


# The list -------------------------------------------------------------------------------------------------------


def list_records(user: User, filters: Filters, page: int = 1) -> Page[Row]:
    """Records the user may see, those waiting for review and the newest first."""
    query = narrowed(visible_records(user), filters).options(
        joinedload(Record.establishment), joinedload(Record.campaign), joinedload(Record.questionnaire)
    )
    newest = select(Submission.received_at).where(Submission.id == Record.current_submission_id).scalar_subquery()
    found = paged(query.order_by((Record.state != "submitted"), newest.desc(), Record.id.desc()), page)
    return Page(_rows(found.rows), found.number, found.pages, found.total)


def narrowed(query: Select[Record], filters: Filters) -> Select[Record]:
    """The select narrowed by the filters; Establishment is joined already."""
    if filters.state:
        query = query.where(Record.state == filters.state)
    if filters.campaign_id is not None:
        query = query.where(Record.campaign_id == filters.campaign_id)
    if filters.questionnaire_id is not None:
        query = query.where(Record.questionnaire_id == filters.questionnaire_id)
    if filters.area:
        query = query.where(Establishment.area == filters.area)
    if filters.search.strip():
        query = query.where(or_(_in_name(filters.search), _in_code(filters.search)))
    if filters.issues:
        query = query.where(_by_issues(filters.issues))
    return query


def _in_name(search: str) -> ColumnElement[bool]:
    words = fold(search[:200]).split()
    found = [Establishment.name_folded.contains(word, autoescape=True) for word in words]
    return and_(*found) if found else false()


def _in_code(search: str) -> ColumnElement[bool]:
    return Establishment.code.icontains(search.strip(), autoescape=True)


def _by_issues(wish: str) -> ColumnElement[bool]:
    issue = exists().where(SubmissionIssue.submission_id == Record.current_submission_id)
    if wish == "incomplete":
        return exists(_waiting_files().where(Submission.id == Record.current_submission_id))
    if wish == "none":
        return ~issue.where(SubmissionIssue.severity != "note")
    return issue.where(SubmissionIssue.severity == "error")


def _waiting_files() -> Select[str]:
    return (
        select(SubmissionAttachment.name)
        .join(Submission, Submission.instance_id == SubmissionAttachment.instance_id)
        .outerjoin(Attachment, Attachment.sha256 == SubmissionAttachment.sha256)
        .where(Attachment.sha256.is_(None))
    )


def _rows(records: Sequence[Record]) -> list[Row]:
    session, ids = db.session(), [record.current_submission_id or 0 for record in records]
    when = session.execute(select(Submission.id, Submission.received_at).where(Submission.id.in_(ids)))
    received = {row.id: row.received_at for row in when}
    sent = select(Submission.record_id, func.count()).where(Submission.record_id.in_([r.id for r in records]))
    revisions = dict(iter(session.execute(sent.group_by(Submission.record_id))))
    counts = {
        (submission_id, severity): number for submission_id, severity, number in session.execute(
            select(SubmissionIssue.submission_id, SubmissionIssue.severity, func.count())
            .where(SubmissionIssue.submission_id.in_(ids))
            .group_by(SubmissionIssue.submission_id, SubmissionIssue.severity)
        )
    }
    waiting = _waiting_files().with_only_columns(Submission.id, func.count()).where(Submission.id.in_(ids))
    files = dict(iter(session.execute(waiting.group_by(Submission.id))))
    return [
        Row(record, received.get(key), revisions.get(record.id, 0), counts.get((key, "error"), 0),
            counts.get((key, "warning"), 0), files.get(key, 0))
        for record, key in zip(records, ids, strict=True)
    ]


def choices(user: User, permission: Permission = Permission.VIEW_SUBMISSIONS) -> dict[str, list[tuple[str, str]]]:
    """What the list can be narrowed to: campaigns, questionnaires and areas that have records the user may see."""
    seen = visible_records(user, permission).with_only_columns(Record.id)
    session = db.session()

    def titled(model: type[Campaign] | type[Questionnaire], column: Any, fallback: Any) -> list[tuple[str, str]]:
        query = select(model.id, model.title, fallback).where(model.id.in_(select(column).where(Record.id.in_(seen))))
        return [(str(key), text_of(title) or name) for key, title, name in session.execute(query.order_by(fallback))]

    areas = select(Establishment.area).join(Record, Record.establishment_id == Establishment.id)
    found = session.scalars(areas.where(Record.id.in_(seen), Establishment.area.is_not(None)).distinct())
    return {
        "campaigns": titled(Campaign, Record.campaign_id, Campaign.name),
        "questionnaires": titled(Questionnaire, Record.questionnaire_id, Questionnaire.form_id),
        "areas": [(area, programme.name_of("area", area)) for area in sorted(area for area in found if area)],
    }


# One record -----------------------------------------------------------------------------------------------------


def get_record(user: User, record_id: int, permission: Permission = Permission.VIEW_SUBMISSIONS) -> Record:
    """A record the user may see with what it belongs to, or NotFound."""
    found: Record = one(visible_records(user, permission).where(Record.id == record_id).options(
        joinedload(Record.establishment), joinedload(Record.campaign), joinedload(Record.questionnaire)
    ))
    return found


def view(user: User, record_id: int, revision: uuid.UUID | None = None) -> RecordView:
    """One record with the revision asked for, else its current one."""
    record = get_record(user, record_id)
    revisions = db.session().scalars(
        select(Submission).where(Submission.record_id == record.id).order_by(Submission.id.desc())
        .options(defer(Submission.body))
    ).all()
    current = record.current_submission_id
    submission = next((s for s in revisions if (s.instance_id == revision if revision else s.id == current)), None)
    if submission is None:
        raise NotFound
    sees_personal = may(user, record, Permission.VIEW_PERSONAL)
    may_review = may(user, record, Permission.REVIEW)
    interview = interview_of(submission, record)
    problems, general = _problems(submission)
    links = attachments.links_of(submission.instance_id)
    missing = set(attachments.missing(links))
    hidden = frozenset() if sees_personal else reading.personal_files(interview)
    definition = interview.definition
    before = next((s for s in revisions if s.id == submission.replaces_id), None)
    return RecordView(
        record, submission, submission.id == record.current_submission_id, revisions,
        reading.sections(interview, sees_personal, problems), general,
        reading.differences(interview_of(before, record), interview, sees_personal) if before else [],
        [(name, name not in missing) for name in links if name not in hidden],
        compute_scores(interview) if definition.scores and not record.is_refusal else None,
        recommend_measures(interview) if definition.measures and not record.is_refusal else None,
        read_log(submission, interview) if may_review else None,
        _history(record), may_review, sees_personal,
    )


def may(user: User, record: Record, permission: Permission) -> bool:
    """True when one of the user's grants with the permission covers this record."""
    query = visible_records(user, permission).where(Record.id == record.id).with_only_columns(Record.id)
    return db.session().scalar(query) is not None


def interview_of(submission: Submission, record: Record, language: str | None = None) -> Interview:
    """A submission's answers as an interview, judged by what was pinned when it came."""
    definition = questionnaires.definition(submission.form_version_id)
    offset = timezone(timedelta(minutes=submission.utc_offset_minutes or 0))
    clock = Clock((submission.finished_at or submission.received_at or utc_now()).astimezone(UTC).astimezone(offset))
    instances = service.stored_instances(
        submission, definition, record.establishment, record.campaign_id, clock.now
    )
    wish = language or current_language()
    return Interview(
        definition, submission.answers, instances=instances, clock=clock,
        language=wish if wish in definition.languages else None,
    )


def _problems(submission: Submission) -> tuple[dict[str, list[reading.Problem]], list[reading.Problem]]:
    """(by address, of the whole submission) in the reader's language."""
    by_place: dict[str, list[reading.Problem]] = {}
    general: list[reading.Problem] = []
    query = select(SubmissionIssue).where(SubmissionIssue.submission_id == submission.id).order_by(SubmissionIssue.id)
    for issue in db.session().scalars(query):
        problem = reading.Problem(issue.severity, text_of(issue.message), issue.answer_note)
        (by_place.setdefault(issue.place, []) if issue.place else general).append(problem)
    return by_place, general


def _history(record: Record) -> list[tuple[datetime, str, str]]:
    query = (
        select(AuditEvent.at, AuditEvent.action, User.name).outerjoin(User, User.id == AuditEvent.user_id)
        .where(AuditEvent.subject == f"record:{record.id}").order_by(AuditEvent.id)
    )
    return [(at, action, name or "") for at, action, name in db.session().execute(query)]


def get_file(user: User, instance_id: uuid.UUID, name: str, original: bool = False) -> Shown:
    """A file of a submission the user may see; personal ones and originals need the right to personal data."""
    submission = one(visible_submissions(user).where(Submission.instance_id == instance_id).options(
        defer(Submission.body), joinedload(Submission.record).joinedload(Record.establishment)
    ))
    sees_personal = may(user, submission.record, Permission.VIEW_PERSONAL)
    if not sees_personal and (original or _is_personal(submission, name)):
        raise NotFound
    return attachments.show(instance_id, name, original)


def _is_personal(submission: Submission, name: str) -> bool:
    return name in reading.personal_files(interview_of(submission, submission.record))


# Deciding -------------------------------------------------------------------------------------------------------


def approve(user: User, record_id: int, revision: uuid.UUID) -> Record:
    """Approve the revision the reviewer saw; doing it twice is doing it once. Only approved records count."""
    return _decide(user, record_id, revision, "approved", "")


def return_to_sender(user: User, record_id: int, revision: uuid.UUID, comment: str) -> Record:
    """Give the revision back with a comment that says what to correct; also an approved one may be returned."""
    comment = comment.strip()
    if not comment:
        raise Invalid("Write what should be corrected.")
    return _decide(user, record_id, revision, "returned", comment[:4000])


FROM: Final[Mapping[str, tuple[str, ...]]] = {"approved": ("submitted",), "returned": ("submitted", "approved")}


def _decide(user: User, record_id: int, revision: uuid.UUID, state: str, comment: str) -> Record:
    record = get_record(user, record_id, Permission.REVIEW)
    seen = select(Submission.id).where(Submission.instance_id == revision).scalar_subquery()
    changed = db.session().execute(
        update(Record).where(Record.id == record.id, Record.state.in_(FROM[state]))
        .where(Record.current_submission_id == seen)
        .values(state=state, reviewed_at=utc_now(), reviewed_by_id=user.id, review_comment=comment)
        .returning(Record.id)
    ).first()
    db.session().refresh(record)
    if changed is None:
        current = aliased(Submission)
        instance = db.session().scalar(select(current.instance_id).where(current.id == record.current_submission_id))
        if record.state == state and instance == revision:
            return record
        raise Conflict("This record has changed since you opened it. Look at it again before you decide.")
    audit(f"record.{state}", f"record:{record.id}", revision=str(revision))
    _propose(record) if state == "approved" else proposals.withdraw(record)
    return record


def _propose(record: Record) -> None:
    """What the approved answers would write into a register waits there for its manager."""
    submission = one(select(Submission).where(Submission.id == record.current_submission_id))
    if questionnaires.definition(submission.form_version_id).entities:
        found = entity_changes(interview_of(submission, record), submission.instance_id)
        proposals.propose(record, submission.instance_id, found)
