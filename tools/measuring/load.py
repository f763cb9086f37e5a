"""A load client: many kept-alive connections in one thread, each sending the next request when it has its answer.

One `select` loop over plain sockets costs the machine little, so that two cores measure the server and not the client.
"""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Load:
    """What one run measured: answers by status, and each answer's time in milliseconds."""

    clients: int
    seconds: float
    statuses: dict[int, int]
    times: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The time within which this share of the answers came."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.times) if self.times else 0.0


@dataclass
class _Line:
    connection: socket.socket
    asked_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def ask(self, request: bytes) -> None:
        self.asked_at = time.perf_counter()
        self.connection.sendall(request)

    def hear(self) -> int | None:
        """The status once the whole answer is here."""
        chunk = self.connection.recv(65_536)
        if not chunk:
            raise ConnectionError("the server closed a kept-alive connection")
        self.received += chunk
        head, separator, rest = self.received.partition(b"\r\n\r\n")
        if not separator:
            return None
        lines = head.decode("latin1").split("\r\n")
        length = next(int(line[15:]) for line in lines if line.lower().startswith("content-length:"))
        if len(rest) < length:
            return None
        self.received.clear()
        return int(lines[0].split()[1])


def run(ports: Sequence[int], requests: deque[bytes], clients: int, seconds: float) -> Load:
    """Send `requests` by so many clients, for so long at most; every request is sent once."""
    selector, times, statuses = selectors.DefaultSelector(), [], dict[int, int]()
    lines = [_Line(socket.create_connection(("127.0.0.1", ports[n % len(ports)]), 30)) for n in range(clients)]
    started = time.perf_counter()
    for line in lines:
        line.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if requests:
            selector.register(line.connection, selectors.EVENT_READ, line)
            line.ask(requests.popleft())
    while selector.get_map():
        for key, _ in selector.select(30):
            status = key.data.hear()
            if status is None:
                continue
            now = time.perf_counter()
            times.append((now - key.data.asked_at) * 1000)
            statuses[status] = statuses.get(status, 0) + 1
            if requests and now - started < seconds:
                key.data.ask(requests.popleft())
            else:
                selector.unregister(key.fileobj)
    elapsed = time.perf_counter() - started
    for line in lines:
        line.connection.close()
    return Load(clients, elapsed, statuses, tuple(times))
