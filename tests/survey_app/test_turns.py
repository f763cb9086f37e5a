"""Turns of writers on SQLite: first come, first served; none lost to an error, a kill or a second process."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from survey_app.config import Settings
from survey_app.db import Database, TurnLock

ROOT = Path(__file__).parents[2]
COUNTING = """
import sys
from pathlib import Path
from sqlalchemy import text
from survey_app.config import Settings
from survey_app.db import Database
database = Database(Settings.from_environment({}, data_dir=Path(sys.argv[1]), durable=False))
for _ in range(int(sys.argv[2])):
    with database.unit_of_work() as session:
        seen = session.execute(text("select value from counters")).scalar()
        session.execute(text("update counters set value = :value"), {"value": seen + 1})
"""
HOLDING = """
import sys, time
from pathlib import Path
from survey_app.db import TurnLock
TurnLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


def run_all(*actions: Callable[[], None]) -> None:
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads), "somebody still waits for a turn"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(Settings.from_environment({}, data_dir=tmp_path, durable=False))
    with made.unit_of_work() as session:
        session.execute(text("create table counters (value integer not null)"))
        session.execute(text("insert into counters values (0)"))
    return made


def counted(database: Database) -> int:
    with database.unit_of_work() as session:
        found: int = session.execute(text("select value from counters")).scalar_one()
    return found


def add_one(database: Database) -> None:
    with database.unit_of_work() as session:
        seen = session.execute(text("select value from counters")).scalar_one()
        session.execute(text("update counters set value = :value"), {"value": seen + 1})


def add(database: Database, times: int) -> None:
    for _ in range(times):
        add_one(database)


def write_and_fail(database: Database) -> None:
    with database.unit_of_work() as session:
        session.execute(text("update counters set value = 1000"))
        raise ZeroDivisionError


def test_threads_that_read_and_then_write_lose_no_update(database: Database) -> None:
    run_all(*[lambda: add(database, 25)] * 8)
    assert counted(database) == 200


def test_a_late_comer_does_not_overtake_those_who_wait(tmp_path: Path) -> None:
    lock, order = TurnLock(tmp_path / "turns"), list[int]()

    def take(number: int) -> None:
        lock.acquire()
        order.append(number)
        if number == 0:  # comes again while the others wait: it is now the last
            lock.release()
            lock.acquire()
            order.append(9)
        lock.release()

    lock.acquire()
    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=take, args=(number,)))
        threads[-1].start()
        while len(lock._waiting) <= number:
            time.sleep(0.001)
    lock.release()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4, 5, 9]


def test_an_error_in_the_middle_of_a_write_gives_the_turn_back_and_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with pytest.raises(ZeroDivisionError):
            write_and_fail(database)

    run_all(fail, fail, lambda: add_one(database))
    assert counted(database) == 1


def test_a_turn_that_cannot_be_taken_is_passed_on(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    lock = TurnLock(folder / "turns")
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            lock.acquire()
    folder.mkdir()

    def take() -> None:
        lock.acquire()
        lock.release()

    run_all(take)


def test_two_processes_and_threads_that_read_and_then_write_lose_no_update(database: Database, tmp_path: Path) -> None:
    others = [start(COUNTING, tmp_path, 60) for _ in range(2)]
    run_all(*[lambda: add(database, 30)] * 2)
    for other in others:
        other.communicate(timeout=60)
        assert other.returncode == 0
    assert counted(database) == 180


def test_another_process_waits_until_the_turn_is_given_back(tmp_path: Path) -> None:
    lock = TurnLock(tmp_path / "turns")
    lock.acquire()
    with (tmp_path / "turns").open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.release()
    with (tmp_path / "turns").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_turn_of_a_process_that_was_killed_comes_free(tmp_path: Path) -> None:
    other = start(HOLDING, tmp_path / "turns")
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    lock, taken = TurnLock(tmp_path / "turns"), threading.Event()

    def take() -> None:
        lock.acquire()
        taken.set()
        lock.release()

    waiting = threading.Thread(target=take)
    waiting.start()
    assert not taken.wait(0.3)
    other.send_signal(signal.SIGKILL)
    other.communicate(timeout=10)
    waiting.join(10)
    assert taken.is_set()
