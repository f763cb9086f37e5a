"""How often something may be tried in a window of time; counted in the database, so that a restart forgets nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from survey_app import db
from survey_app.models import RateCount, utc_now
from survey_app.problems import TooMany


def count_try(key: str, limit: int, window: timedelta) -> None:
    """Count one try under `key` (what is tried, and who or where); TooMany past `limit` in the current window.

    The count is committed on its own, so that a request which then fails has been counted all the same.
    """
    start = _window_start(window)
    with db.separate_work() as session:
        tries = _add_one(session, key, start)
    if tries > limit:
        raise TooMany(minutes=max(1, round(window.total_seconds() / 60)))


def forget_tries(key: str) -> None:
    """Start again from zero, after a success."""
    with db.separate_work() as session:
        session.execute(delete(RateCount).where(RateCount.key == key))


def _window_start(window: timedelta) -> datetime:
    seconds = int(window.total_seconds())
    return datetime.fromtimestamp(int(utc_now().timestamp()) // seconds * seconds, UTC)


def _add_one(session: Session, key: str, start: datetime) -> int:
    session.execute(delete(RateCount).where(RateCount.window_start < utc_now() - timedelta(days=2)))
    row = session.scalars(select(RateCount).where(RateCount.key == key, RateCount.window_start == start)).first()
    if row is None:
        row = RateCount(key=key, window_start=start, tries=0)
        session.add(row)
    row.tries += 1
    return row.tries
