"""Phones on a network that fails and a server that is killed: every acknowledged submission is there exactly once."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy.orm import Session

from survey_app.access import hash_token
from survey_app.config import Settings
from survey_app.db import Database
from survey_app.models import SignInSession, utc_now
from tests import factories
from tests.flaky_network import FAULTS, FlakyNetwork
from tests.postgres import free_port

ROOT = Path(__file__).parents[2]
SERVER = """
import sys
from pathlib import Path
from survey_app import cli, create_app
from survey_app.config import Settings
settings = Settings.from_environment({}, data_dir=Path(sys.argv[1]), port=int(sys.argv[2]), secret_key="test")
app = create_app(settings)
app.config["WTF_CSRF_ENABLED"] = False
cli.serve_app(app, settings, threads=4)
"""
PHOTO_FORM = """
    | survey   |            |         |             |
    |          | type       | name    | label       |
    |          | integer    | staff   | Workers     |
    |          | text       | remark  | Remark      |
    |          | image      | photo   | Photo       |
    | settings |            |         |             |
    |          | form_id    | version | form_title  |
    |          | photographed | 1     | Photo form  |
"""


def picture(number: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (number % 256, number // 256, 90)).save(out, "JPEG")
    return out.getvalue()


@dataclass
class Phone:
    """One assessor's outbox: it sends until it holds a receipt, and forgets nothing before."""

    port: int
    token: str
    outbox: list[tuple[str, bytes, bytes]]  # instance id, body, photo
    receipts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refusals: list[tuple[str, int, str]] = field(default_factory=list)
    attempts: int = 0

    def deliver(self, until: float) -> None:
        for instance_id, body, photo in self.outbox:
            self._insist(f"/api/v1/attachments/{hashlib.sha256(photo).hexdigest()}", photo, until)
            receipt = self._insist(f"/api/v1/submissions/{instance_id}", body, until)
            if receipt is not None:
                self.receipts.setdefault(instance_id, []).append(receipt)

    def _insist(self, path: str, body: bytes, until: float) -> dict[str, Any] | None:
        while time.monotonic() < until:
            self.attempts += 1
            try:
                status, content = self.put(path, body)
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)
                continue
            if status in (200, 201):
                return content
            if status not in (500, 503):
                self.refusals.append((path, status, str(content)[:200]))
                return None
            time.sleep(0.1)
        return None

    def put(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        headers = {"Cookie": f"session={self.token}", "Content-Type": "application/octet-stream"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=4)) as connection:
            connection.request("PUT", path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())


def make_phones(folder: Path, port: int, phones: int, each: int) -> list[Phone]:
    database = Database(Settings.from_environment({}, data_dir=folder, durable=False))
    made = []
    with Session(database.engine, expire_on_commit=False) as session:
        version = factories.form_version(session, PHOTO_FORM)
        for number in range(phones):
            user, token = factories.user(session), secrets.token_urlsafe(16)
            expires = utc_now() + timedelta(days=1)
            session.add(SignInSession(token_hash=hash_token(token), user_id=user.id, expires_at=expires))
            campaign = factories.campaign(session, version)
            drafts = [
                factories.draft(session, campaign, version=version, assessor_id=user.id).instance_id
                for _ in range(each)
            ]
            made.append(Phone(port, token, [written(one, number * each + n) for n, one in enumerate(drafts)]))
        session.commit()
    database.engine.dispose()
    return made


def written(instance_id: uuid.UUID, number: int) -> tuple[str, bytes, bytes]:
    """A finished interview; every third photo is the same picture."""
    photo, now = picture(0 if number % 3 == 0 else number), utc_now().isoformat()
    body = {
        "answers": {"staff": number, "remark": f"Ghi chú số {number} " * 20, "photo": "anh.jpg"},
        "attachments": {"anh.jpg": hashlib.sha256(photo).hexdigest()}, "finished_at": now, "form_id": "photographed",
        "instance_id": str(instance_id), "utc_offset_minutes": 420, "version": "1",
    }  # fmt: skip
    return str(instance_id), json.dumps(body, ensure_ascii=False).encode(), photo


class MortalServer:
    """A server on one port that is killed without warning and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.kills = folder, free_port(), 0
        self.start()

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(self.folder), str(self.port)], cwd=ROOT, stdout=log, stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        for _ in range(600):
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as connection:
                    connection.request("GET", "/healthz")
                    if connection.getresponse().status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError((self.folder / "server.log").read_text())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.kills += 1


def simulate(folder: Path, seed: int, phones: int, each: int, seconds: float, kill_every: float) -> None:
    """Run it all and hold what is stored against what was acknowledged."""
    server = MortalServer(folder)
    network = FlakyNetwork(server.port, seed, share_of_faults=0.4)
    everybody = make_phones(folder, network.port, phones, each)
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=phone.deliver, args=(until,)) for phone in everybody]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(kill_every)
            if time.monotonic() > until - seconds / 4:
                network.heal()  # what is acknowledged late must still arrive
            elif any(thread.is_alive() for thread in threads) or server.kills < 2:
                server.kill()
                server.start()
        send_again(everybody, server.port)
    finally:
        for thread in threads:
            thread.join(10)
        server.kill()
        network.close()
    attempts = sum(phone.attempts for phone in everybody)
    print(f"seed {seed}: {attempts} attempts, {dict(network.happened)}, {server.kills - 1} kills")
    assert server.kills - 1 >= 2
    assert set(FAULTS) <= set(network.happened)
    compare(folder, everybody)


def send_again(everybody: list[Phone], port: int) -> None:
    """After all of it each phone asks once more, as after a lost answer: it gets the first receipt."""
    for phone in everybody:
        phone.port = port
        for instance_id, body, _ in phone.outbox:
            status, receipt = phone.put(f"/api/v1/submissions/{instance_id}", body)
            assert (status, receipt["is_repeat"]) == (200, True), (status, receipt)
            phone.receipts[instance_id].append(receipt)


def compare(folder: Path, everybody: list[Phone]) -> None:
    sent = {one[0]: one for phone in everybody for one in phone.outbox}
    receipts = {key: found for phone in everybody for key, found in phone.receipts.items()}
    assert [refusal for phone in everybody for refusal in phone.refusals] == []
    assert set(receipts) == set(sent), "not everything was acknowledged"
    assert all(len({receipt["number"] for receipt in found}) == 1 for found in receipts.values())
    with closing(sqlite3.connect(folder / "survey.sqlite3")) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        rows = database.execute("select instance_id, receipt_number, body, record_id from submissions").fetchall()
        files = database.execute("select instance_id, name, sha256 from submission_attachments").fetchall()
        (records,) = database.execute("select count(*) from records").fetchone()
    assert len(rows) == len(sent) == records == len({row[3] for row in rows})
    for instance_id, number, body, _ in rows:
        key = str(uuid.UUID(instance_id))
        assert number == receipts[key][0]["number"]
        assert bytes(body) == sent[key][1]
    assert len(files) == len(sent)
    for instance_id, name, sha256 in files:
        photo = sent[str(uuid.UUID(instance_id))][2]
        assert (name, sha256) == ("anh.jpg", hashlib.sha256(photo).hexdigest())
        assert (folder / "files" / sha256[:2] / sha256).read_bytes() == photo


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    (tmp_path / "survey.sqlite3").write_bytes(empty_database.read_bytes())
    return tmp_path


def test_eighty_submissions_arrive_exactly_once_through_faults_and_kills(folder: Path) -> None:
    simulate(folder, seed=20261123, phones=8, each=10, seconds=60, kill_every=2.5)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thousands_of_submissions_arrive_exactly_once_through_faults_and_kills(folder: Path, seed: int) -> None:
    simulate(folder, seed=seed, phones=40, each=50, seconds=1200, kill_every=3)
