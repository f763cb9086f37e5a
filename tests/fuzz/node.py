"""The TypeScript engine in one Node process, spoken to in JSON lines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NODE = ["sh", ROOT / "tools/node.sh", "node"]  # the node of the machine, or the one installed beside Python
ESBUILD = ROOT / "node_modules/esbuild/bin/esbuild"


class Node:
    """A running engine. `send` and `receive` in turn: it may work while Python does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def send(self, request: dict[str, Any]) -> None:
        """Hand over a request and go on."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        """Wait for the answer to the oldest request; raises what the engine raised."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        # JavaScript has one kind of number: what it writes without a point may be too large to be exact.
        reply = json.loads(line, parse_int=_number) if line else {"error": f"node ended: {self._process.wait()}"}
        if isinstance(reply, dict) and "error" in reply:
            raise RuntimeError(reply["error"])
        return reply

    def ask(self, request: dict[str, Any]) -> Any:
        """Send and receive."""
        self.send(request)
        return self.receive()


def _number(digits: str) -> int | float:
    return int(digits) if abs(int(digits)) < 2**53 else float(digits)


@contextmanager
def running(folder: Path) -> Iterator[Node]:
    """Build the driver into a folder and run it."""
    program = folder / "driver.mjs"
    subprocess.run(
        [*NODE, ESBUILD, Path(__file__).parent / "driver.ts", "--bundle", "--platform=node", "--format=esm", "--log-level=error",
         "--target=es2020", f"--outfile={program}"],
        check=True, cwd=ROOT,
    )  # fmt: skip
    process = subprocess.Popen(
        [*NODE, program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield Node(process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
