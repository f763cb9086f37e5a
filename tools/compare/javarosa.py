"""JavaRosa, the engine of ODK Collect, as it lies inside pyxform's package: compiled to a small program and spoken to."""

from __future__ import annotations

import importlib.resources
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ZONE = "Asia/Ho_Chi_Minh"
SOURCE = Path(__file__).parent / "Engine.java"


class NoJava(Exception):
    """There is no JDK here, or pyxform's package carries no JavaRosa."""


class JavaRosa:
    """A running engine."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def judge(self, xform: str, instances: list[str], media: Path, language: str) -> list[dict[str, Any]]:
        """What it makes of each instance of a form: {"nodes": [...]} or {"error": why it refused}."""
        assert self._process.stdin is not None and self._process.stdout is not None
        job = {"xform": xform, "instances": instances, "media": str(media), "language": language}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"JavaRosa ended: {self._process.wait()}")
        found: list[dict[str, Any]] = json.loads(line)
        return found


def find_jar() -> Path:
    """The library with JavaRosa in it; raises NoJava without a JDK or without the library."""
    if shutil.which("javac") is None or shutil.which("java") is None:
        raise NoJava("no JDK: `javac` is not on the path. Install one (on Debian: default-jdk-headless), then run again.")
    jar = Path(str(importlib.resources.files("pyxform"))) / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
    if not jar.exists():
        raise NoJava(f"pyxform carries no {jar.name} here")
    return jar


@contextmanager
def running(folder: Path) -> Iterator[JavaRosa]:
    """Compile the driver into a folder and run it."""
    jar = find_jar()
    subprocess.run(["javac", "-nowarn", "-cp", jar, "-d", folder, SOURCE], check=True, capture_output=True)
    command = ["java", f"-Duser.timezone={ZONE}", "-Duser.language=en", "-Duser.country=US", "-Xmx512m", "-cp", f"{jar}{os.pathsep}{folder}", "Engine"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    )
    try:
        yield JavaRosa(process)
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
