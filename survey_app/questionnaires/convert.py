"""Reading a workbook in a child process of low priority: a large or hostile one slows nobody and cannot stay.

`convert` starts the package `forms` as a program and reads its answer; the child loads nothing of the server.
What it is given: a line of JSON with the sizes, the workbook, then the lists that lie beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from forms import FormDefinition, Issue, Severity, from_json, issue_from_json, issue_to_json

SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a workbook: a form with its XForm, or the issues that stand in the way; warnings with either."""

    form: FormDefinition | None
    definition: dict[str, Any]
    xform: str
    issues: tuple[Issue, ...] = ()

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues that must be corrected before the form can be used."""
        return tuple(issue for issue in self.issues if issue.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Issue, ...]:
        """The issues that an author should look at."""
        return tuple(issue for issue in self.issues if issue.severity is not Severity.ERROR)


class ConversionStopped(Exception):
    """The child took too long, too much memory, or died; the workbook cannot be read."""


def convert(
    source: bytes, name: str, files: Mapping[str, bytes | None] | None = None, seconds: float = SECONDS
) -> Reading:
    """Read a workbook and the lists beside it (None: a file of another kind) in a child process.

    Raises ConversionStopped when it does not come back with an answer.
    """
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "forms", name]
    try:
        given = b"".join(_given(source, files or {}))
        done = subprocess.run(command, input=given, capture_output=True, timeout=seconds, env=environ, check=True)
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise ConversionStopped(type(error).__name__) from error
    return _from_answer(answer)


def _given(source: bytes, files: Mapping[str, bytes | None]) -> Iterator[bytes]:
    sizes = [[name, None if content is None else len(content)] for name, content in files.items()]
    yield json.dumps({"workbook": len(source), "files": sizes}).encode() + b"\n"
    yield source
    yield from (content for content in files.values() if content is not None)


def _from_answer(answer: dict[str, Any]) -> Reading:
    issues = tuple(issue_from_json(issue) for issue in answer["issues"])
    definition = cast(dict[str, Any], answer["definition"])
    return Reading(from_json(definition) if definition else None, definition, answer["xform"], issues)


__all__ = ["SECONDS", "ConversionStopped", "Reading", "convert", "issue_from_json", "issue_to_json"]
