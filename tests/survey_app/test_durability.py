"""Acknowledged means on disk: shown by the system calls of a real server, and by killing it."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy.orm import Session

from survey_app.access import hash_token
from survey_app.config import Settings
from survey_app.db import Database, TurnLock
from survey_app.models import SignInSession, utc_now
from tests import factories

ROOT = Path(__file__).parents[2]
SERVER = """
import sys
from pathlib import Path
import waitress
from survey_app import create_app
from survey_app.config import Settings
folder, port, durable = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "durable"
settings = Settings.from_environment({}, data_dir=folder, durable=durable, testing=True, secret_key="test")
app = create_app(settings)
app.config["WTF_CSRF_ENABLED"] = False
waitress.serve(app, host="127.0.0.1", port=port, threads=4, _quiet=True)
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux system calls")


class Phone:
    """One assessor with drafts on a server that runs in a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port, self.folder = port, folder
        settings = Settings.from_environment({}, data_dir=folder, testing=True, durable=False)
        self.token = secrets.token_urlsafe(16)
        with Session(Database(settings).engine, expire_on_commit=False) as session:
            user = factories.user(session)
            expires = utc_now() + timedelta(days=1)
            session.add(SignInSession(token_hash=hash_token(self.token), user_id=user.id, expires_at=expires))
            self.drafts = [factories.draft(session, assessor_id=user.id).instance_id for _ in range(12)]
            session.commit()
            session.get_bind().dispose()  # type: ignore[union-attr]

    def put(self, address: str, body: bytes) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": f"session={self.token}", "Content-Type": "application/octet-stream"}
        connection.request("PUT", address, body, headers)
        response = connection.getresponse()
        content = json.loads(response.read())
        connection.close()
        return response.status, content

    def send(self, instance_id: uuid.UUID) -> tuple[int, dict[str, object]]:
        now = utc_now().isoformat()
        body = {
            "answers": {"work": {"staff": 3, "metered": "yes"}}, "finished_at": now, "form_id": "small", "version": "1",
            "instance_id": str(instance_id), "utc_offset_minutes": 420,
        }
        return self.put(f"/api/v1/submissions/{instance_id}", json.dumps(body).encode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    folder: Path, port: int, durable: bool = True, before: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    command = [*before, sys.executable, "-c", SERVER, str(folder), str(port), "durable" if durable else "fast"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, env=environ, cwd=folder, start_new_session=True)
    try:
        _wait_for(port)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise TimeoutError("the server did not start")


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    shutil.copy(empty_database, tmp_path / "survey.sqlite3")
    return tmp_path


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(out, "JPEG")
    return out.getvalue()


# What the system calls say ---------------------------------------------------------------------------------------

SYNCED = re.compile(r"(?:fsync|fdatasync)\(\d+<([^>]*)>")
ANSWERED = re.compile(r"(?:sendto|sendmsg|write)\(\d+<(?:TCP|socket)[^>]*>.*HTTP/1\.1 20")


def traced(folder: Path, durable: bool, act: Callable[[Phone], None]) -> list[str]:
    """The files synced before the answer to `act` was written, by a server under strace."""
    phone, log = Phone(folder, free_port()), folder / "trace"
    calls = "trace=fsync,fdatasync,sendto,sendmsg,write"
    strace = ("strace", "-f", "-y", "-s", "32", "-e", calls, "-e", "signal=none", "-o", str(log))
    with serving(folder, phone.port, durable, strace):
        before = log.stat().st_size
        act(phone)
        time.sleep(0.3)
        lines = log.read_text(errors="replace")[before:].splitlines()
    answered = [index for index, line in enumerate(lines) if ANSWERED.search(line)]
    assert answered, "the trace does not show the answer"
    return [found for line in lines[: answered[0]] for found in SYNCED.findall(line)]


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def send_one(phone: Phone) -> None:
    status, receipt = phone.send(phone.drafts[0])
    assert (status, bool(receipt["number"])) == (201, True)


def store_one(phone: Phone) -> None:
    content = picture()
    assert phone.put(f"/api/v1/attachments/{hashlib.sha256(content).hexdigest()}", content)[0] == 201


@needs_strace
def test_a_receipt_is_written_only_after_the_write_ahead_log_was_synced(folder: Path) -> None:
    synced = traced(folder, True, send_one)
    assert any(file.endswith("survey.sqlite3-wal") for file in synced)


@needs_strace
def test_without_durable_commits_the_same_trace_shows_no_sync_of_the_log(folder: Path) -> None:
    synced = traced(folder, False, send_one)
    assert not any(file.endswith("survey.sqlite3-wal") for file in synced)


@needs_strace
def test_a_file_is_acknowledged_only_after_its_bytes_folder_and_row_were_synced(folder: Path) -> None:
    synced = traced(folder, True, store_one)
    content = hashlib.sha256(picture()).hexdigest()
    assert any("/files/incoming-" in file for file in synced)
    assert any(file.endswith(f"/files/{content[:2]}") for file in synced)
    assert any(file.endswith("/files") for file in synced)
    assert any(file.endswith("survey.sqlite3-wal") for file in synced)


# What is left after a kill ---------------------------------------------------------------------------------------


def test_what_was_acknowledged_is_there_after_the_server_was_killed(folder: Path) -> None:
    phone, content = Phone(folder, free_port()), picture()
    sha256 = hashlib.sha256(content).hexdigest()
    with serving(folder, phone.port) as server:
        assert phone.put(f"/api/v1/attachments/{sha256}", content)[0] == 201
        receipts = [phone.send(instance_id)[1]["number"] for instance_id in phone.drafts[:8]]
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)
    with sqlite3.connect(folder / "survey.sqlite3") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        stored = {number for (number,) in database.execute("select receipt_number from submissions")}
    database.close()
    assert stored == set(receipts)
    assert (folder / "files" / sha256[:2] / sha256).read_bytes() == content


def test_a_submission_cut_off_by_a_kill_is_whole_or_absent_and_can_be_sent_again(folder: Path) -> None:
    phone = Phone(folder, free_port())
    acknowledged: dict[str, object] = {}
    for number, instance_id in enumerate(phone.drafts[:6]):
        with serving(folder, phone.port) as server:
            killer = subprocess.Popen(["sh", "-c", f"sleep 0.0{number}; kill -9 -{server.pid}"])
            with suppress(OSError, http.client.HTTPException):
                acknowledged[str(instance_id)] = phone.send(instance_id)[1]["number"]
            killer.wait(10)
    with serving(folder, phone.port):
        again = {str(instance_id): phone.send(instance_id) for instance_id in phone.drafts[:6]}
    for instance_id, receipt in acknowledged.items():
        # The bytes differ (another finish time), so what was acknowledged is known by its conflict.
        assert again[instance_id][0] == 409, receipt
    with sqlite3.connect(folder / "survey.sqlite3") as database:
        counted = database.execute("select count(*), count(distinct instance_id) from submissions").fetchone()
        orphans = database.execute(
            "select count(*) from records where current_submission_id not in (select id from submissions)"
        ).fetchone()
    database.close()
    assert counted == (6, 6)
    assert orphans == (0,)


# Turns -----------------------------------------------------------------------------------------------------------


def test_writers_are_served_in_the_order_they_came(tmp_path: Path) -> None:
    lock, order = TurnLock(tmp_path / "turn"), []
    lock.acquire()

    def take(number: int) -> None:
        lock.acquire()
        order.append(number)
        lock.release()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=take, args=(number,)))
        threads[-1].start()
        time.sleep(0.02)
    lock.release()
    for thread in threads:
        thread.join(10)
    assert order == list(range(8))
