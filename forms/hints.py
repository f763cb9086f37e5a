"""What an author most likely meant by what cannot be read: the message then names the right way to write it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

from forms.columns import is_unsupported, read_type
from forms.expressions.syntax import ExpressionError
from forms.types import TYPES

# Operators of spreadsheets and programming languages -> what they are called here, longest first.
_OPERATORS: Final = (
    ("==", "="),
    ("&&", "and"),
    ("||", "or"),
    ("<>", "!="),
    ("=>", ">="),
    ("=<", "<="),
    ("&", "concat()"),
    ("%", "mod"),
    ("/", "div"),
    ("!", "not()"),
)
_WORD: Final = re.compile(r"[A-Za-z]+")
_WORDS: Final = frozenset({"and", "or", "div", "mod"})
_UNREADABLE: Final = frozenset({"expression_character", "expression_unexpected"})
# Functions that only SurveyCTO has, so that its forms are told whose they are.
_SURVEYCTO: Final = frozenset(
    [
        "duration",
        "device-info",
        "index",
        "rank-index",
        "rank-value",
        "choice-label",
        "count-if",
        "sum-if",
        "min-if",
        "max-if",
        "join-if",
        "rank-index-if",
        "de-duplicate",
        "format-number",
        "hash",
        "plug-in-metadata",
        "geo-scatter",
        "distance-between",
        "linebreak",
        "collect-is-phone-app",
        "phone-call-log",
        "phone-call-duration",
    ]
)
_FUNCTIONS: Final = frozenset({"expression_unknown_function", "expression_unknown_function_near"})


def explained(error: ExpressionError, text: str) -> tuple[str, Mapping[str, str | int]]:
    """The code and parameters to tell of an error, with the right spelling where a foreign one is recognised."""
    if error.code in _UNREADABLE:
        meant = _meant(text, int(error.parameters.get("position", 0)) - 1)
        if meant is not None:
            found, instead, position = meant
            return "expression_operator", {"found": found, "instead": instead, "position": position + 1}
    name = str(error.parameters.get("name", ""))
    if error.code in _FUNCTIONS and name in _SURVEYCTO:
        position = text.find(name + "(") + 1
        return "expression_foreign_function", {"name": name, "owner": "SurveyCTO", "position": max(position, 1)}
    return error.code, error.parameters


def _meant(text: str, at: int) -> tuple[str, str, int] | None:
    """An operator of another language that covers, or ends just before, the character at which reading stopped."""
    if not 0 <= at < len(text):
        return None
    word = _WORD.match(text, at)
    if word and word.group() not in _WORDS and word.group().lower() in _WORDS:
        return word.group(), word.group().lower(), at
    before = len(text[:at].rstrip())
    for found, instead in _OPERATORS:
        for start in (at, at - 1, before - 1):
            if start >= 0 and text.startswith(found, start) and (len(found) == 2 or start == at or found == "/"):
                return found, instead, start
    return None


def type_issue(text: str) -> tuple[str, Mapping[str, str]] | None:
    """Why a type cell cannot be used, None when it can."""
    if is_unsupported(text):
        return "unsupported_type", {"name": text}
    if read_type(text) is not None:
        return None
    bare = " ".join(text.lower().split())
    if bare in ("select_one", "select_multiple", "rank", "select one", "select multiple"):
        return "missing_list_name", {"name": text}
    verb, _, rest = " ".join(text.split()).partition(" ")
    if verb.lower() in ("select_one", "select_multiple", "rank") and " " in rest:
        return "list_name_space", {"name": rest}
    known = [name.lower() for name in (*TYPES, "begin_group", "end_group", "begin_repeat", "end_repeat")]
    near = difflib.get_close_matches(verb.lower() if rest else bare, known, 1, 0.75)
    if near:
        return "unknown_type_near", {"name": text, "near": f"{near[0]} {rest}".strip()}
    return "unknown_type", {"name": text}
