"""Help for authors: a form tried out with made-up respondents, and shown as respondents will see it.

Nothing here is stored as data: a preview lives in the browser that shows it, a run in this process's memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from random import Random
from threading import Lock
from typing import Any, Final

from forms import (
    TYPES,
    Clock,
    FormDefinition,
    Interview,
    Kind,
    Question,
    RandomRun,
    respond,
    run_from_json,
    to_json,
)
from survey_app.problems import Conflict, Invalid
from survey_app.programme import service as programme
from survey_app.submissions import service as submissions

RESPONDENTS: Final = 1_000
SECONDS: Final = 20.0
MOST_RESPONDENTS: Final = 20_000
_KEPT: Final = 64
_EXAMPLES: Final[Mapping[str, str]] = {"integer": "10", "decimal": "10", "boolean": "1", "date": "2020-01-01"}


class RunStopped(Invalid):
    """The child did not come back with an answer."""

    code, message = "run_stopped", "The run was stopped: the form asks for too much time or memory."


class RunUnderWay(Conflict):
    """One run at a time, so that authors do not take the machine from those who collect."""

    code, message = "run_under_way", "Another run is under way. Please try again in half a minute."


# What forms read besides answers --------------------------------------------------------------------------------


def sample_instances(form: FormDefinition) -> dict[str, Sequence[Mapping[str, str]]]:
    """Items for the lists the product fills when a form runs: a made-up unit, no previous answers, today's lists."""
    found: dict[str, Sequence[Mapping[str, str]]] = {}
    for name in form.settings.get("external_instances", "").split():
        if name == "register":
            found[name] = [sample_unit()]
        elif name == "previous":
            found[name] = []
        else:
            found[name] = programme.instance_items(name, programme.now_here().date())
    return found


def sample_unit() -> dict[str, str]:
    """An establishment nobody has: every field of the pack's first register of establishments with an example."""
    specs = [spec for spec in programme.pack().registers.values() if spec.kind == "establishment"]
    unit: dict[str, str] = {}
    for field in specs[0].fields if specs else ():
        choices = programme.choices_of(field.list) if field.list else {}
        label = field.label.get("vi") or next(iter(field.label.values()), field.name)
        unit[field.name] = next(iter(choices), "") or _EXAMPLES.get(field.type, label)
    return unit


# Random respondents ---------------------------------------------------------------------------------------------


class _Runs:
    """The last runs by (hash of the definition, respondents, seed), and the turn for the next."""

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, int, int], RandomRun] = OrderedDict()
        self.turn = Lock()


_runs = _Runs()


def find_run(sha256: str, respondents: int = RESPONDENTS, seed: int = 1) -> RandomRun | None:
    """A run made before in this process, or None."""
    return _runs.kept.get((sha256, respondents, seed))


def run(form: FormDefinition, sha256: str, respondents: int = RESPONDENTS, seed: int = 1) -> RandomRun:
    """Let random respondents fill the form in a child process; RunUnderWay while another run lasts."""
    if not _runs.turn.acquire(blocking=False):
        raise RunUnderWay
    try:
        found = rehearse(form, respondents, seed)
    finally:
        _runs.turn.release()
    _runs.kept[sha256, respondents, seed] = found
    while len(_runs.kept) > _KEPT:
        _runs.kept.popitem(last=False)
    return found


def rehearse(form: FormDefinition, respondents: int, seed: int = 1, seconds: float = SECONDS) -> RandomRun:
    """A run in a child process of low priority, bounded in time; RunStopped when it gives no answer."""
    wish = {
        "definition": to_json(form), "instances": {k: list(v) for k, v in sample_instances(form).items()},
        "respondents": min(max(respondents, 1), MOST_RESPONDENTS), "seed": seed, "seconds": seconds,
    }  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "forms.trial"], input=json.dumps(wish).encode(), capture_output=True,
            timeout=seconds + 30, env=environ, check=True,
        )  # fmt: skip
        return run_from_json(json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        raise RunStopped from error


# Preview --------------------------------------------------------------------------------------------------------


def interview_previewed(form: FormDefinition, language: str, seed: int) -> Interview:
    """A form as it begins: empty but for what it presets, or as random respondent `seed` fills it."""
    clock = Clock(programme.now_here())
    interview = Interview(form, instances=sample_instances(form), clock=clock, language=language, seed=seed or 1)
    if seed:
        # Somebody who declines sees two pages: an author wants to see the others.
        wishes = {submissions.role_question(form, "consent_question"): "yes"}
        respond(interview, Random(f"preview:{seed}"), wishes)  # noqa: S311  # not a secret
    return interview


def previewed(form: FormDefinition, language: str, seed: int) -> dict[str, Any]:
    """The same as a page's script is given it: values by address, rows of repeats, lists."""
    interview = interview_previewed(form, language, seed)
    values = {
        node.address: node.content for node in interview.nodes()
        if isinstance(node.spec.item, Question) and node.spec.calculation is None and node.content is not None
        and TYPES[node.spec.item.type].kind is not Kind.FILE  # there is no file behind a made-up name
    }  # fmt: skip
    instances = {name: list(items) for name, items in sample_instances(form).items()}
    return {"values": values, "rows": submissions.rows_of(interview), "instances": instances}


__all__ = [
    "MOST_RESPONDENTS",
    "RESPONDENTS",
    "SECONDS",
    "RunStopped",
    "RunUnderWay",
    "find_run",
    "interview_previewed",
    "previewed",
    "rehearse",
    "run",
    "sample_instances",
    "sample_unit",
]
