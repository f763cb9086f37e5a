"""The client's engine in a child of node: a TypeScript entry is bundled, then spoken to in lines of JSON."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
_NODE = ["sh", str(ROOT / "tools/node.sh")]  # the node of the machine, or the one installed beside Python


class NodeChild:
    """One request a line, one answer a line."""

    def __init__(self, entry: Path) -> None:
        self._folder = tempfile.TemporaryDirectory()
        bundle = Path(self._folder.name) / "engine.mjs"
        try:
            subprocess.run(
                [*_NODE, "node", "node_modules/esbuild/bin/esbuild", str(entry), "--bundle", "--platform=node", "--format=esm",
                 f"--outfile={bundle}", "--log-level=warning"],
                check=True, cwd=ROOT,
            )  # fmt: skip
        except subprocess.CalledProcessError:
            self._folder.cleanup()
            raise
        self._child = subprocess.Popen(
            [*_NODE, "node", str(bundle)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            cwd=ROOT,
        )  # fmt: skip

    def ask(self, request: Any) -> Any:
        """What the child answers; RuntimeError when it has ended."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"node ended with {self._child.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End the child."""
        self._child.communicate(timeout=10)
        self._folder.cleanup()
