"""(a) Submissions a second through the whole intake, against the same server doing only parse and durable insert."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tools.measuring import load, workbooks
from tools.measuring.load import Load
from tools.measuring.serving import Servers, serving
from tools.measuring.world import World

CLIENTS = (1, 8, 32)
MOST = 1_500  # sendings in one run


def measure(world: World, database: str, seconds: float) -> Iterator[dict[str, Any]]:
    """A row per number of processes and clients; the baseline is measured right before each, on the same server."""
    for processes in (1, 2):
        with serving(world, processes) as servers:
            for is_baseline in (True, False):
                load.run(servers.ports, world.requests(24, is_baseline), 2 * processes, 10)  # caches, connections
            for clients in CLIENTS:
                yield {"database": database, "processes": processes, **_pair(world, servers, clients, seconds)}


def measure_beside_upload(world: World, database: str, seconds: float) -> dict[str, Any]:
    """Eight clients while a workbook of 300 questions is uploaded again and again."""
    with serving(world) as servers:
        load.run(servers.ports, world.requests(24, False), 2, 10)
        with _uploading(world, servers) as uploads:
            found = load.run(servers.ports, world.requests(MOST, False), 8, seconds)
        return {"database": database, "processes": 1, "uploads": len(uploads), **_row(found)}


def _pair(world: World, servers: Servers, clients: int, seconds: float) -> dict[str, Any]:
    base = load.run(servers.ports, world.requests(6_000, True), clients, seconds / 2)
    full = load.run(servers.ports, world.requests(MOST, False), clients, seconds)
    again = load.run(servers.ports, world.requests(6_000, True), clients, seconds / 2)
    per_second = (len(base.times) + len(again.times)) / (base.seconds + again.seconds)
    return {
        **_row(full), "baseline_per_second": round(per_second), "ratio": round(full.per_second / per_second, 2),
        "baseline_p99": round(base.percentile(0.99), 1),
    }  # fmt: skip


def _row(found: Load) -> dict[str, Any]:
    assert set(found.statuses) == {201}, found.statuses
    return {
        "clients": found.clients, "sent": len(found.times), "per_second": round(found.per_second),
        "p50": round(found.median, 1), "p95": round(found.percentile(0.95), 1), "p99": round(found.percentile(0.99), 1),
    }  # fmt: skip


@contextmanager
def _uploading(world: World, servers: Servers) -> Iterator[list[int]]:
    done, stop = list[int](), threading.Event()
    body, kind = workbooks.as_upload(workbooks.xlsx())

    def upload() -> None:
        headers = {**world.headers["manager"], "Content-Type": kind}
        while not stop.is_set():
            done.append(servers.call("POST", "/questionnaires/upload", headers, body)[0])

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join(120)
    assert set(done) == {302}, done
