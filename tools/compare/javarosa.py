"""JavaRosa, the engine of ODK Collect, from inside pyxform's package: a small program of ours that drives it."""

from __future__ import annotations

import importlib.resources
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

HOURS = 7  # the device is that far ahead of Greenwich, always: an interview knows its offset, not a zone with a history
SOURCE = Path(__file__).parent / "Engine.java"


class NoJava(Exception):
    """There is no JDK here, or pyxform's package carries no JavaRosa."""


class JavaRosa:
    """A running engine."""

    def __init__(self, into: IO[str], out_of: IO[str]) -> None:
        self._into, self._out_of = into, out_of

    def judge(self, xform: str, instances: list[str], media: Path, language: str) -> list[dict[str, Any]]:
        """What it makes of each instance of a form: {"nodes": [...]} or {"error": why it refused}."""
        job = {"xform": xform, "instances": instances, "media": str(media), "language": language}
        self._into.write(json.dumps(job) + "\n")
        self._into.flush()
        line = self._out_of.readline()
        if not line:
            raise RuntimeError("JavaRosa ended")
        found: list[dict[str, Any]] = json.loads(line)
        return found


def find_jar() -> Path:
    """The library with JavaRosa in it; raises NoJava without a JDK or without the library."""
    if shutil.which("javac") is None or shutil.which("java") is None:
        raise NoJava("`javac` is not on the path. Install a JDK (on Debian: default-jdk-headless), then run again.")
    jar = Path(str(importlib.resources.files("pyxform"))) / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
    if not jar.exists():
        raise NoJava(f"pyxform carries no {jar.name} here")
    return jar


@contextmanager
def running(folder: Path) -> Iterator[JavaRosa]:
    """Compile the driver into a folder and run it."""
    jar = find_jar()
    subprocess.run(["javac", "-nowarn", "-cp", jar, "-d", folder, SOURCE], check=True, capture_output=True)
    settings = [f"-Duser.timezone=GMT+{HOURS:02d}:00", "-Duser.language=en", "-Duser.country=US", "-Xmx512m"]
    command = ["java", *settings, "-cp", f"{jar}{os.pathsep}{folder}", "Engine"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    )
    try:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes to JavaRosa")
        yield JavaRosa(process.stdin, process.stdout)
    finally:
        process.communicate(timeout=20)
