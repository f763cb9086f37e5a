"""The database: SQLite or PostgreSQL, one session per request, writers in fair turns, durable at commit.

Hides which engine runs. On SQLite a request that writes takes its turn before `BEGIN IMMEDIATE`: first in, first
out inside the process, `flock` between processes, because SQLite's own sleep-and-retry lets late comers overtake.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from flask import Flask, g, has_app_context
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from survey_app.config import Settings

# SQLite 3.7.0 to 3.51.2 can corrupt a database when two connections checkpoint and write at once (WAL-reset bug,
# fixed in 3.51.3): https://www.sqlite.org/wal.html
FIRST_SAFE_SQLITE = (3, 51, 3)


class DatabaseTooOld(Exception):
    """The SQLite library found on this machine may corrupt data; the message says what to install."""


class TurnLock:
    """A lock that serves waiters in the order they came, inside this process and (by flock) between processes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Wait for our turn; must be followed by release in the same unit of work."""
        with self._guard:
            turn = None
            if self._held:
                turn = threading.Event()
                self._waiting.append(turn)
            self._held = True
        if turn is not None:
            turn.wait()
        try:
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except BaseException:  # no descriptor left, or an interrupt: those who wait must not wait for ever
            self.release()
            raise

    def release(self) -> None:
        """Hand the turn to whoever has waited longest."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False


class SampleCovariance:
    """SQL's covar_samp for SQLite, by Welford's update: central, so that sums of 1e12 lose no digits."""

    def __init__(self) -> None:
        self._n = 0
        self._mean_y = self._mean_x = self._moment = 0.0

    def step(self, y: float | None, x: float | None) -> None:
        """Take one row; a row with a null counts for nothing."""
        if y is None or x is None:
            return
        self._n += 1
        off_y = y - self._mean_y
        self._mean_y += off_y / self._n
        self._mean_x += (x - self._mean_x) / self._n
        self._moment += off_y * (x - self._mean_x)

    def finalize(self) -> float | None:
        """The value, or null for fewer than two rows, as SQL has it."""
        return self._moment / (self._n - 1) if self._n > 1 else None


class SampleVariance(SampleCovariance):
    """SQL's var_samp for SQLite."""

    def step(self, y: float | None, x: float | None = None) -> None:
        """Take one row."""
        super().step(y, y)


class Database:
    """An engine with its sessions; `session()` is the one of the current request or command."""

    def __init__(self, settings: Settings) -> None:
        self.is_sqlite = settings.database_url.startswith("sqlite")
        self._durable = settings.durable
        if self.is_sqlite:
            self._file = Path(settings.database_url.removeprefix("sqlite:///"))
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._turns = TurnLock(self._file.with_suffix(".lock"))
        self.engine = self._make_engine(settings.database_url)

    def _make_engine(self, url: str) -> Engine:
        if not self.is_sqlite:
            return create_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True)
        module = sqlite_module()
        engine = create_engine(
            url, module=module, poolclass=QueuePool, pool_size=16, max_overflow=32,
            connect_args={"check_same_thread": False, "timeout": 30, "isolation_level": None},
        )
        event.listen(engine, "connect", self._prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _prepare_sqlite(self, connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if self._durable else 'OFF'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.close()
        connection.create_aggregate("var_samp", 1, SampleVariance)
        connection.create_aggregate("covar_samp", 2, SampleCovariance)

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """A session of its own, outside any request: committed at the end, rolled back on an error."""
        session = Session(self.engine, expire_on_commit=False)
        try:
            self.begin_write(session)
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            self.finish(session)

    def begin_write(self, session: Session) -> None:
        """Make this session a writing one: on SQLite, take our turn before the first read of the transaction."""
        if not self.is_sqlite or session.info.get("writing"):
            return
        if session.in_transaction():
            session.commit()  # ends the read snapshot; a write must not be built on what may have changed since
        self._turns.acquire()
        session.info["writing"] = True
        session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})

    def finish(self, session: Session) -> None:
        """Close the session and give up the turn it held."""
        try:
            session.close()
        finally:
            if session.info.pop("writing", False):
                self._turns.release()


def sqlite_module() -> ModuleType:
    """The DB-API module whose SQLite is free of the WAL-reset bug.

    Raises DatabaseTooOld when neither pysqlite3 nor the standard library brings one.
    """
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        dbapi2 = sqlite3
    if tuple(dbapi2.sqlite_version_info) < FIRST_SAFE_SQLITE:
        raise DatabaseTooOld(
            f"SQLite {dbapi2.sqlite_version} may corrupt a database; install pysqlite3 0.6.1 or later, "
            "or set SURVEY_DATABASE_URL to a PostgreSQL server."
        )
    return cast(ModuleType, dbapi2)


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("sqlite_begin") == "IMMEDIATE":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # takes no lock yet, so nothing can go wrong that would have to be told
        cast(Any, connection.connection.dbapi_connection).execute("BEGIN DEFERRED")


def database() -> Database:
    """The database of the running application."""
    from flask import current_app

    return cast(Database, current_app.extensions["survey_db"])


def session() -> Session:
    """The session of the current request or command; opened when first used, closed by the application."""
    if "db_session" not in g:
        g.db_session = Session(database().engine, expire_on_commit=False)
    return cast(Session, g.db_session)


def begin_write() -> None:
    """Declare that the current request writes; call it before the first read that the write rests on."""
    database().begin_write(session())


def commit() -> None:
    """Make the current request's work durable; only the edge of the application and `intake` call this."""
    if "db_session" in g:
        current = g.pop("db_session")
        try:
            current.commit()
        finally:
            database().finish(current)
    for action in g.pop("after_commit", []):
        action()


def rollback() -> None:
    """Undo what the current request has not committed and give up its turn; rows already read stay readable."""
    if "db_session" in g:
        current = g.pop("db_session")
        current.expunge_all()
        try:
            current.rollback()
        finally:
            database().finish(current)
    g.pop("after_commit", None)


@contextmanager
def separate_work() -> Iterator[Session]:
    """Work committed whatever becomes of the rest of the request; call it before the request has changed anything."""
    current = session()
    if not current.info.get("writing"):
        with database().unit_of_work() as separate:
            yield separate
        return
    yield current
    current.commit()
    # The turn is still ours; the next transaction must again start as a writing one.
    current.connection(execution_options={"sqlite_begin": "IMMEDIATE"})


def after_commit(action: Callable[[], None]) -> None:
    """Run `action` once the current request has committed (mail, cache); it is dropped on a rollback."""
    g.setdefault("after_commit", []).append(action)


def close_request_session(error: BaseException | None = None) -> None:
    """Roll back what was not committed and give up the turn; registered as a teardown."""
    if has_app_context() and "db_session" in g:
        current = g.pop("db_session")
        current.rollback()
        database().finish(current)


def init_app(app: Flask, settings: Settings) -> None:
    """Open the database for `app` and close each context's session."""
    app.extensions["survey_db"] = Database(settings)
    app.teardown_appcontext(close_request_session)


__all__ = [
    "Database", "DatabaseTooOld", "TurnLock", "after_commit", "begin_write", "commit", "database",
    "init_app", "rollback", "separate_work", "session", "sqlite_module",
]
