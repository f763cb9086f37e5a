"""The run of random respondents as a program: a form on standard input, what the run showed on standard output.

The server and the command start it as a child of low priority, so that a slow form holds up nobody and cannot stay.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from typing import Any, Final

from forms.expressions.values import Clock
from forms.rehearsal import DeadEnd, RandomRun, random_run
from forms.serial import from_json

MEMORY_BYTES: Final = 1_500 * 1024 * 1024


def main() -> None:
    """Give way to everybody, promise not to grow, run, answer."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    wish = json.load(sys.stdin)
    seconds = float(wish["seconds"])
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 10, int(seconds) + 15))
    run = random_run(
        from_json(wish["definition"]), int(wish["respondents"]), int(wish["seed"]), instances=wish["instances"],
        clock=Clock.utc(), seconds=seconds,
    )  # fmt: skip
    json.dump(run_to_json(run), sys.stdout)


def run_to_json(run: RandomRun) -> dict[str, Any]:
    """A run as JSON."""
    return asdict(run) | {"scores": dict(run.scores)}


def run_from_json(found: dict[str, Any]) -> RandomRun:
    """The run that `run_to_json` wrote."""
    return RandomRun(
        **{
            **found,
            "dead_ends": tuple(DeadEnd(**end) for end in found["dead_ends"]),
            "never_asked": tuple(found["never_asked"]),
            "questions_range": tuple(found["questions_range"]) if found["questions_range"] else None,
            "scores": {name: tuple(values) for name, values in found["scores"].items()},
        }
    )


if __name__ == "__main__":
    main()
