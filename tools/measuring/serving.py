"""Start the servers that are measured, and read what they cost."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import free_port
from tools.measuring.world import World

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Servers:
    """Server processes on one installation."""

    ports: tuple[int, ...]
    pids: tuple[int, ...]
    start_seconds: float

    def memory(self) -> float:
        """Resident megabytes of the first process."""
        lines = Path(f"/proc/{self.pids[0]}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000

    def call(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
        """One request to the first process."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.ports[0], timeout=120)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()


@contextmanager
def serving(world: World, processes: int = 1) -> Iterator[Servers]:
    """Server processes of an installation, ready to answer; killed at the end."""
    ports, started = tuple(free_port() for _ in range(processes)), time.monotonic()
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tools.measuring.server", str(world.folder), world.database_url, str(port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for port in ports
    ]  # fmt: skip
    try:
        for port in ports:
            _wait(port)
        yield Servers(ports, tuple(one.pid for one in running), time.monotonic() - started)
    finally:
        for one in running:
            one.kill()
            one.wait(20)


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("a server did not start")
