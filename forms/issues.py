"""One thing wrong with a form or a set of answers: a stable code, an exact place, and words that say what to do.

Messages are English msgids with named parameters; who shows them translates them (`Issue.message` is the English).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """error: the form cannot be used / the answer breaks a rule; warning: look at it; note: for your information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Issue:
    """`where` is "survey!C14" in a workbook, "group/repeat/<row id>/question" in answers."""

    code: str
    where: str
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    severity: Severity = Severity.ERROR
    # Texts of the form's own author (a constraint message), language -> text; they win over the catalogue's.
    own_message: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The catalogue's English message with its parameters filled in."""
        return MESSAGES[self.code].format_map(dict(self.parameters))


class FormError(Exception):
    """A form cannot be used; carries every issue found, not the first."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__(f"{len(issues)} issue(s), first: {issues[0].where}: {issues[0].message}" if issues else "")
        self.issues = issues


# code -> English message; `forms` modules add theirs here, one catalogue for all.
MESSAGES: dict[str, str] = {
    "required": "This question needs an answer.",
    "constraint": "This answer is not allowed here.",
    "wrong_type": "“{value}” does not fit a question of type {type}.",
    "unknown_choice": "“{value}” is not one of the choices.",
    "unknown_question": "The form has no question “{name}”.",
    "not_relevant": "An answer was given to a question that is not asked here.",
    "check": "Please look at this answer again.",
}
