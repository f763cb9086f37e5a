"""What a judged submission changes in the database: SQLAlchemy Core, statements built once, one transaction.

This is the part of intake that holds the write turn, so it does nothing but send rows.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from forms import Issue, Severity
from survey_app import db
from survey_app.campaigns import service as campaigns
from survey_app.campaigns.outcomes import REFUSED
from survey_app.languages import TIME_ZONE, translate_issue
from survey_app.models import (
    Draft,
    Record,
    RecordValue,
    Submission,
    SubmissionAttachment,
    SubmissionIssue,
    Visit,
)
from survey_app.problems import Conflict
from survey_app.submissions.attachments import NOT_ANNOUNCED
from survey_app.submissions.values import Figure

RECEIPT_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is misread on paper


class AlreadyApproved(Conflict):
    """The record is settled; a new revision needs a reviewer to return it first."""

    code = "already_approved"
    message = "This record was already approved. Ask the reviewer to return it before you send new answers."


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that is decided before the write begins, as rows."""

    instance_id: uuid.UUID
    campaign_id: int
    establishment_id: int
    questionnaire_id: int
    mode: str
    replaces: uuid.UUID | None
    visit_id: int | None
    visited_on: date
    is_refusal: bool
    submission: dict[str, Any]
    issues: list[dict[str, Any]]
    values: list[Figure]
    files: Mapping[str, str]
    shared: Mapping[str, Any]
    languages: Sequence[str]
    findings: tuple[Issue, ...] = ()

    @property
    def received_at(self) -> datetime:
        """When it came, by our clock."""
        at: datetime = self.submission["received_at"]
        return at


@dataclass(frozen=True, slots=True)
class _Target:
    """The record a submission belongs to, as it stands in this transaction."""

    id: int
    state: str
    current_id: int | None
    current_instance: uuid.UUID | None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class _Statements:
    """The statements of one engine, built once."""

    record: Any
    record_of_revision: Any
    new_record: Any
    new_submission: Any
    announced_files: Any
    awaited_files: Any


_NEW_ISSUES: Final = insert(SubmissionIssue.__table__)  # type: ignore[arg-type]
_OLD_VALUES: Final = delete(RecordValue).where(RecordValue.record_id == bindparam("of_record"))
_SETTLED: Final = (
    update(Record.__table__)  # type: ignore[arg-type]
    .where(Record.id == bindparam("of_record"))
    .values(
        state="submitted", current_submission_id=bindparam("new_id"), is_refusal=bindparam("refused"),
        visited_on=bindparam("day"),
    )
)
_SENT: Final = (
    update(Draft.__table__)  # type: ignore[arg-type]
    .where(Draft.instance_id == bindparam("of_draft"))
    .values(sent_at=bindparam("at"))
)


@cache
def _statements(is_sqlite: bool) -> _Statements:
    dialect = sqlite if is_sqlite else postgresql
    found = (
        select(Record.id, Record.state, Record.is_refusal, Record.current_submission_id, Submission.instance_id)
        .outerjoin(Submission, Submission.id == Record.current_submission_id)
        .where(
            Record.campaign_id == bindparam("campaign_id"), Record.establishment_id == bindparam("establishment_id"),
            Record.questionnaire_id == bindparam("questionnaire_id"),
        )
    )
    if not is_sqlite:
        found = found.with_for_update(of=Record)
    of_revision = select(Submission.record_id).where(Submission.instance_id == bindparam("replaces"))
    files = dialect.insert(SubmissionAttachment.__table__)
    return _Statements(
        record=found.where(Record.mode == bindparam("mode")),
        record_of_revision=found.where(Record.id == of_revision.scalar_subquery()),
        new_record=dialect.insert(Record.__table__).on_conflict_do_nothing().returning(Record.id),
        new_submission=dialect.insert(Submission.__table__)
        .on_conflict_do_nothing().returning(Submission.id),
        announced_files=files.on_conflict_do_update(
            index_elements=["instance_id", "name"], set_={"sha256": files.excluded.sha256}
        ),
        awaited_files=files.on_conflict_do_nothing(),
    )


def write(judged: Judged) -> str | None:
    """Everything a submission changes, in the open transaction: the receipt's number.

    None when somebody else was faster, by the unique constraints; then the transaction must be rolled back. Raises
    AlreadyApproved.
    """
    connection = db.session().connection()
    statements = _statements(db.database().is_sqlite)
    record = _record_for(connection, statements, judged)
    if record is None:
        return None
    number = new_number(judged.received_at)
    row = {**judged.submission, "record_id": record.id, "replaces_id": record.current_id, "receipt_number": number}
    added = connection.execute(statements.new_submission, row).first()
    if added is None:
        return None
    _insert_findings(connection, judged, record, added.id)
    if judged.files:
        _insert_files(connection, statements, judged)
    _settle(connection, judged, record, added.id)
    return number


def _record_for(connection: Connection, statements: _Statements, judged: Judged) -> _Target | None:
    mine = {
        "campaign_id": judged.campaign_id, "establishment_id": judged.establishment_id,
        "questionnaire_id": judged.questionnaire_id,
    }
    found = None
    if judged.replaces is not None:
        found = connection.execute(statements.record_of_revision, {**mine, "replaces": judged.replaces}).first()
    if found is None:
        row = {
            **mine, "mode": judged.mode, "state": "submitted", "is_refusal": judged.is_refusal,
            "visited_on": judged.visited_on, "review_comment": "", "created_at": judged.received_at,
        }
        added = connection.execute(statements.new_record, row).first()
        if added is not None:
            return _Target(added.id, "submitted", None, None, is_new=True)
        found = connection.execute(statements.record, {**mine, "mode": judged.mode}).first()
    if found is None:
        return None
    if found.state == "approved" and not found.is_refusal:
        raise AlreadyApproved
    return _Target(found.id, found.state, found.current_submission_id, found.instance_id)


def new_number(at: datetime) -> str:
    """A receipt's number: the day on the province's clock and six letters that tell nothing."""
    return f"{at.astimezone(TIME_ZONE):%Y%m%d}-{''.join(secrets.choice(RECEIPT_LETTERS) for _ in range(6))}"


def issue_row(issue: Issue, languages: Sequence[str], note: str = "") -> dict[str, Any]:
    """An issue as it is kept: in every language of the form, with the reason given for it."""
    return {
        "code": issue.code, "place": issue.where[:1000], "severity": str(issue.severity),
        "message": {language: translate_issue(issue, language) for language in languages}, "answer_note": note[:1000],
    }


def _insert_findings(connection: Connection, judged: Judged, record: _Target, submission_id: int) -> None:
    rows = [{**row, "submission_id": submission_id} for row in judged.issues]
    if record.state == "submitted" and not record.is_new and judged.replaces != record.current_instance:
        issue = Issue("second_sending", "", severity=Severity.WARNING)
        rows.append({**issue_row(issue, judged.languages), "submission_id": submission_id})
    if rows:
        connection.execute(_NEW_ISSUES, rows)
    if not record.is_new:
        connection.execute(_OLD_VALUES, {"of_record": record.id})
    if judged.values:
        _insert_values(connection, record.id, judged.values)


def _insert_values(connection: Connection, record_id: int, values: Sequence[Figure]) -> None:
    """All figures of a record in one statement, in the driver's own words: a third of what sending each would cost."""
    if db.database().is_sqlite:
        cells = [cell for figure in values for cell in (record_id, *figure)]
        connection.exec_driver_sql(_values_by_row(len(values)), tuple(cells))
    else:
        connection.exec_driver_sql(_VALUES_BY_COLUMN, (record_id, *map(list, zip(*values, strict=True))))


_NEW_VALUES: Final = f"INSERT INTO {RecordValue.__tablename__} (record_id, {', '.join(Figure._fields)}) "
_VALUES_BY_COLUMN: Final = (
    f"{_NEW_VALUES} SELECT %s, * FROM unnest(%s::varchar[], %s::varchar[], %s::float8[], %s::text[], %s::boolean[])"  # noqa: S608
)


@cache
def _values_by_row(count: int) -> str:
    return f"{_NEW_VALUES} VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * count)}"


def _insert_files(connection: Connection, statements: _Statements, judged: Judged) -> None:
    """The hashes sent win over those linked while it was a draft; a file nobody announced keeps its link."""
    rows = [
        {"instance_id": judged.instance_id, "name": name, "sha256": sha256, "added_at": judged.received_at}
        for name, sha256 in judged.files.items()
    ]
    announced = [row for row in rows if row["sha256"] != NOT_ANNOUNCED]
    awaited = [row for row in rows if row["sha256"] == NOT_ANNOUNCED]
    if announced:
        connection.execute(statements.announced_files, announced)
    if awaited:
        connection.execute(statements.awaited_files, awaited)


def _settle(connection: Connection, judged: Judged, record: _Target, submission_id: int) -> None:
    """Make it the record's current revision, close the draft, and tell the visit."""
    connection.execute(_SETTLED, {
        "of_record": record.id, "new_id": submission_id, "refused": judged.is_refusal, "day": judged.visited_on,
    })
    connection.execute(_SENT, {"of_draft": judged.instance_id, "at": judged.received_at})
    if judged.visit_id is not None:
        _tell_visit(judged)


def _tell_visit(judged: Judged) -> None:
    visit = db.session().get(Visit, judged.visit_id)
    if visit is None:
        return
    visit.shared = {**visit.shared, **judged.shared}
    if judged.is_refusal and visit.outcome is None:
        visit.outcome, visit.outcome_at = REFUSED, judged.received_at
    elif not judged.is_refusal:
        campaigns.settle_visit(visit)
    db.session().flush()
