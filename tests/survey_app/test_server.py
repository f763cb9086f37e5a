"""The server as people start it: refusals, first and second start, and phones that stall in the middle of an upload."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.postgres import free_port

ROOT = Path(__file__).parents[2]
SURVEY = [sys.executable, "-c", "from survey_app.cli import main; main()"]
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi", "survey"]
STALLED = 60


def environ(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SURVEY_")}
    return {**kept, "SURVEY_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1", "HOST": "127.0.0.1", **more}


def run(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=environ(folder, **more), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


class Server:
    """`survey serve` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.log = free_port(), folder.parent / "server.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [*SURVEY, "serve"], cwd=ROOT, env=environ(folder, PORT=str(self.port)), stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        for _ in range(900):
            assert self.process.poll() is None, self.log.read_text()
            try:
                assert self.get("/healthz")[0] == 200
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError(self.log.read_text())

    def get(self, path: str, timeout: float = 5) -> tuple[int, float]:
        """Status, and the seconds until it was here."""
        started = time.monotonic()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
        return answer.status, time.monotonic() - started

    def stall(self, path: str) -> socket.socket:
        """A phone that announces a megabyte, sends three bytes and falls silent."""
        connection = socket.create_connection(("127.0.0.1", self.port), 5)
        head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nabc"
        connection.sendall(head.encode())
        return connection

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an administrator, as an operator makes it."""
    folder = tmp_path_factory.mktemp("production") / "data"
    assert run([*FLASK, "migrate"], folder).returncode == 0
    made = ["create-admin", "--email", "admin@example.invalid", "--name", "Quản trị", "--password", "Mật-khẩu-dài-27"]
    done = run([*FLASK, *made], folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def server(installed: Path) -> Iterator[Server]:
    running = Server(installed)
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.wait(10)


def content(folder: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "survey.sqlite3")) as database:
        return [
            *database.execute("select id, email, created_at from users order by id"),
            *database.execute("select id, definition_sha256, published_at from form_versions order by id"),
            *database.execute("select id, name from plans order by id"),
        ]


@pytest.mark.xdist_group("server")
def test_the_server_keeps_answering_while_sixty_uploads_hang_half_sent(server: Server) -> None:
    with ExitStack() as phones:
        for number in range(STALLED):
            path = "/api/v1/attachments/" + "0" * 64 if number % 2 else "/api/v1/submissions/" + "0" * 8
            phones.enter_context(server.stall(path))
        answers = [server.get(path) for _ in range(5) for path in ("/healthz", "/sign-in")]
    assert [status for status, _ in answers] == [200] * 10
    assert max(seconds for _, seconds in answers) < 1, answers


@pytest.mark.xdist_group("server")
def test_a_second_start_finds_everything_as_it_was(server: Server, installed: Path) -> None:
    before = content(installed)
    assert len(before) > 7  # the administrator, six questionnaires, the plans
    server.stop()
    again = Server(installed)
    try:
        assert again.get("/sign-in")[0] == 200
        assert content(installed) == before
    finally:
        again.stop()


def test_production_refuses_the_folder_of_the_demonstration(tmp_path: Path) -> None:
    (tmp_path / "DEMO").write_text("demonstration")
    done = run([*SURVEY, "serve"], tmp_path, PORT=str(free_port()))
    assert done.returncode == 1
    assert "holds demo data" in done.stderr
    assert not (tmp_path / "survey.sqlite3").exists()


def test_production_refuses_demo_accounts_even_where_the_environment_asks_for_them(tmp_path: Path) -> None:
    done = run([*FLASK, "migrate"], tmp_path, SURVEY_DEMO="1", SURVEY_PRODUCTION="1")
    assert done.returncode != 0
    assert "Demo accounts must not run in production" in done.stderr


def test_production_without_an_administrator_and_without_anybody_to_ask_says_what_to_run(tmp_path: Path) -> None:
    done = run([*SURVEY, "serve"], tmp_path, PORT=str(free_port()))
    assert done.returncode == 1
    assert "create-admin" in done.stderr


def test_the_demonstration_does_not_listen_to_other_machines_unless_told_so(tmp_path: Path) -> None:
    done = run([*SURVEY, "demo"], tmp_path, HOST="0.0.0.0", PORT=str(free_port()))  # noqa: S104
    assert done.returncode == 1
    assert "SURVEY_DEMO_OPEN" in done.stderr
