"""A network that fails: a TCP proxy on loopback that refuses, cuts, stalls and loses what passes, by a seed."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

FAULTS = ("refused", "half_upload", "lost_answer", "cut", "stall")
LONGEST = 20.0  # seconds one exchange may take


class FlakyNetwork:
    """Listens on `port` and passes each connection on to `target`, one exchange a connection, some of them broken."""

    def __init__(self, target: int, seed: int, share_of_faults: float) -> None:
        self.target, self.share = target, share_of_faults
        self.happened: Counter[str] = Counter()
        self._chance, self._guard = random.Random(seed), threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def heal(self) -> None:
        """From now on everything passes."""
        self.share = 0.0

    def close(self) -> None:
        """Take no more connections."""
        self._door.close()

    def _draw(self) -> tuple[str, float]:
        with self._guard:
            fault = self._chance.choice(FAULTS) if self._chance.random() < self.share else "passed"
            self.happened[fault] += 1
            return fault, self._chance.random()

    def _listen(self) -> None:
        while True:
            try:
                phone, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._exchange, args=(phone, *self._draw()), daemon=True).start()

    def _exchange(self, phone: socket.socket, fault: str, part: float) -> None:
        with phone, suppress(OSError):
            if fault == "refused":
                return
            phone.settimeout(LONGEST)
            request = _read_message(phone)
            if fault == "stall":
                time.sleep(1 + part)
                request = request[: int(len(request) * part)] if part < 0.5 else request
            with socket.create_connection(("127.0.0.1", self.target), LONGEST) as server:
                if fault == "half_upload":
                    server.sendall(request[: int(len(request) * part)])
                    return
                server.sendall(request)
                answer = _read_message(server)
                if fault != "lost_answer":
                    phone.sendall(answer[: int(len(answer) * part)] if fault == "cut" else answer)


def _read_message(connection: socket.socket) -> bytes:
    """One HTTP message with a Content-Length, whole; shorter where the other side hung up."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65_536)
        if not chunk:
            return received
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = (int(lengths[0][15:]) if lengths else 0) - len(body)
    while missing > 0 and (chunk := connection.recv(65_536)):
        received, missing = received + chunk, missing - len(chunk)
    return received
