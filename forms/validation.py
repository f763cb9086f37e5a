"""Raw answers -> answers and issues. Nothing is lost: what does not fit is kept as it came and flagged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forms.answers import Interview
from forms.expressions.values import Clock
from forms.issues import Issue, Severity
from forms.model import Answers, FormDefinition, Question


@dataclass(frozen=True, slots=True)
class Validated:
    """The answers that count, everything wrong with what came, and the interview they make."""

    answers: Answers
    issues: tuple[Issue, ...]
    interview: Interview


def validate(
    definition: FormDefinition,
    raw: Mapping[str, Any],
    *,
    clock: Clock,
    instances: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    language: str | None = None,
) -> Validated:
    """Read a raw answer tree by a form: types, unknown and hidden questions, required, choices, constraints."""
    interview = Interview(definition, raw, instances=instances, clock=clock, language=language)
    issues = [*interview.strays, *_hidden(interview), *interview.issues()]
    return Validated(interview.answers, tuple(issues), interview)


def _hidden(interview: Interview) -> list[Issue]:
    return [
        Issue("not_relevant", node.address, severity=Severity.NOTE)
        for node in interview.nodes()
        if not node.is_relevant
        and node.is_received
        and type(node.spec.item) is Question
        and node.spec.calculation is None
    ]
