"""Reading a workbook in a child process of low priority: a large or hostile one slows nobody and cannot stay.

Run as a program it reads the workbook from standard input and writes one JSON object to standard output; imported,
`convert` starts that program and reads its answer.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, cast

from forms import FormDefinition, FormError, Issue, Severity, from_json, load_form, to_json

SECONDS = 60
MEMORY_BYTES = 1_500 * 1024 * 1024


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


class ConversionStopped(Exception):  # noqa: N818 - a state of things, not a mistake
    """The child took too long, too much memory, or died; the workbook cannot be read."""


def convert(source: bytes, name: str, seconds: float = SECONDS) -> Reading:
    """Read a workbook in a child process. Raises ConversionStopped when it does not come back with an answer."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", __name__, name]
    try:
        done = subprocess.run(command, input=source, capture_output=True, timeout=seconds, env=environ, check=True)
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise ConversionStopped(type(error).__name__) from error
    return _from_answer(answer)


def issue_to_json(issue: Issue) -> dict[str, Any]:
    """An issue as stored with a version."""
    return {
        "code": issue.code,
        "where": issue.where,
        "parameters": dict(issue.parameters),
        "severity": str(issue.severity),
        "own_message": dict(issue.own_message),
    }


def issue_from_json(document: dict[str, Any]) -> Issue:
    """An issue as it was before storing."""
    return Issue(
        document["code"],
        document["where"],
        document["parameters"],
        Severity(document["severity"]),
        document["own_message"],
    )


def _from_answer(answer: dict[str, Any]) -> Reading:
    issues = tuple(issue_from_json(issue) for issue in answer["issues"])
    definition = cast(dict[str, Any], answer["definition"])
    return Reading(from_json(definition) if definition else None, definition, answer["xform"], issues)


def _answer(source: bytes, name: str) -> dict[str, Any]:
    try:
        loaded = load_form(source, name)
    except FormError as error:
        return {"definition": {}, "xform": "", "issues": [issue_to_json(issue) for issue in error.issues]}
    warnings = [issue_to_json(issue) for issue in loaded.warnings]
    return {"definition": to_json(loaded.definition), "xform": loaded.xform, "issues": warnings}


def main() -> None:
    """The child: give way to everybody, promise not to grow, read, answer."""
    gc.disable()  # it ends soon: its memory is bounded, and looking for cycles costs a fifth of the time
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    answer = _answer(sys.stdin.buffer.read(), sys.argv[1])
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
