"""A light log of an interview for the staff who review it: when it was filled and what was changed, never where.

It is read from the changes of the draft and kept nowhere else. An assessor is told of it once and it starts then; of a
respondent's link nothing is shown unless the programme's notice says so (`notice.interview_log` in the pack's texts).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import select

from forms import FormDefinition, Interview, Question
from survey_app import db
from survey_app.languages import current_language
from survey_app.models import Draft, DraftChange, Submission, User
from survey_app.programme import service as programme

PAUSE: Final = timedelta(minutes=10)  # a longer gap between two answers is a pause, not work
MOST_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class SectionTime:
    """The time spent on one section of the questionnaire."""

    label: str
    minutes: float
    changes: int


@dataclass(frozen=True, slots=True)
class InterviewLog:
    """How an interview went; minutes leave out pauses of more than ten minutes."""

    first: datetime
    last: datetime
    minutes: float
    sittings: int
    devices: int
    sections: tuple[SectionTime, ...]
    corrected: tuple[tuple[str, int], ...]  # question, and how often an answer was replaced by another


@dataclass(frozen=True, slots=True)
class _Step:
    at: datetime
    path: str
    value: Any
    device_id: str | None


def read_log(submission: Submission, interview: Interview) -> InterviewLog | None:
    """The log of the draft this submission came from; None when there is none or nobody was told of it."""
    session = db.session()
    draft = session.get(Draft, submission.instance_id)
    if draft is None or not _is_declared(draft):
        return None
    columns = (DraftChange.at, DraftChange.path, DraftChange.value, DraftChange.device_id)
    query = select(*columns).where(DraftChange.instance_id == draft.instance_id).order_by(DraftChange.id)
    steps = [_Step(*row) for row in session.execute(query)]
    return _log(steps, interview) if steps else None


def _is_declared(draft: Draft) -> bool:
    if draft.invitation_id is not None:
        return programme.pack().in_language(current_language()).find("notice.interview_log") is True
    user = db.session().get(User, draft.assessor_id) if draft.assessor_id is not None else None
    return user is not None and user.told_of_log_at is not None and user.told_of_log_at <= draft.started_at


def _log(steps: Sequence[_Step], interview: Interview) -> InterviewLog:
    times = sorted(step.at for step in steps)
    gaps = [after - before for before, after in pairwise(times)]
    return InterviewLog(
        first=times[0],
        last=times[-1],
        minutes=_minutes(gap for gap in gaps if gap <= PAUSE),
        sittings=1 + sum(gap > PAUSE for gap in gaps),
        devices=len({step.device_id for step in steps if step.device_id}) or 1,
        sections=tuple(_sections(steps, interview.definition)),
        corrected=tuple(_corrected(steps, interview))[:MOST_SHOWN],
    )


def _minutes(gaps: Iterable[timedelta]) -> float:
    return sum(gaps, timedelta()).total_seconds() / 60


def _sections(steps: Sequence[_Step], definition: FormDefinition) -> list[SectionTime]:
    """The gap before an answer counts for the section the answer stands in."""
    spent: dict[str, timedelta] = {}
    changes: Counter[str] = Counter()
    before: datetime | None = None
    for step in sorted(steps, key=lambda step: step.at):
        name = step.path.partition("/")[0]
        gap = step.at - before if before is not None else timedelta()
        spent[name] = spent.get(name, timedelta()) + (gap if gap <= PAUSE else timedelta())
        changes[name] += 1
        before = step.at
    shown = [item for item in definition.items if item.name in spent]
    language = current_language()
    return [
        SectionTime(item.label.plain(language) or item.name, spent[item.name].total_seconds() / 60, changes[item.name])
        for item in shown
    ]


def _corrected(steps: Sequence[_Step], interview: Interview) -> list[tuple[str, int]]:
    """Questions whose answer was replaced by another one, the most often corrected first."""
    values: dict[str, Any] = {}
    times: Counter[str] = Counter()
    for step in steps:
        earlier = values.get(step.path)
        times[step.path] += earlier not in (None, "") and step.value != earlier
        values[step.path] = step.value
    found = [(path, count) for path, count in times.most_common() if count]
    return [(label, count) for path, count in found if (label := _label(path, interview))]


def _label(path: str, interview: Interview) -> str:
    item = interview.definition.find(interview.schema_path(path))
    return item.label.plain(current_language()) or item.name if isinstance(item, Question) else ""
