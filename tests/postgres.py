"""A private PostgreSQL server for the tests: started on a free loopback port, thrown away afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find_program(name: str) -> str | None:
    """A program of PostgreSQL, from the PATH or from where Debian keeps it."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(places[0]) if places else shutil.which(name)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root: step down to its own user where we are root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


@contextmanager
def private_server(*, durable: bool = False) -> Iterator[str]:
    """Run a server and give the URL of its database "postgres"; `durable` leaves fsync on."""
    folder = Path(tempfile.mkdtemp(prefix="survey-postgres-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, port = folder / "data", free_port()
    initdb, postgres = find_program("initdb"), find_program("postgres")
    assert initdb, "PostgreSQL is not installed"
    assert postgres, "PostgreSQL is not installed"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(  # type: ignore[call-overload]
        _as_postgres([initdb, "-D", str(data), "-A", "trust", "-U", "survey", "-E", "UTF8", "--no-sync"]),
        check=True, **quiet,
    )
    options = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    if not durable:
        options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    server = subprocess.Popen(_as_postgres([postgres, "-D", str(data), *options]), **quiet)  # type: ignore[call-overload]
    try:
        _wait_until_ready(port)
        yield f"postgresql+psycopg://survey@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(port: int) -> None:
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(f"postgresql://survey@127.0.0.1:{port}/postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start")
