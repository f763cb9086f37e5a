"""Which row of the decision table (docs/decisions/0006-dialect.md) explains a difference, if any."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tools.compare.judging import Difference


@dataclass(frozen=True, slots=True)
class Explanation:
    """A row of the table, and how a difference that it explains looks."""

    row: str
    explains: Callable[[Difference], bool]


def explain(differences: Sequence[Difference]) -> Iterator[tuple[Difference, str | None]]:
    """Each difference with the row that explains it; what follows from an explained one has the same row."""
    rows = {_place(difference): row for difference in differences if (row := _row_of(difference)) is not None}
    for _ in range(len(differences)):
        found = {
            _place(difference): rows[source]
            for difference in differences
            if _place(difference) not in rows and (source := _source(difference, rows)) is not None
        }
        if not found:
            break
        rows |= found
    for difference in differences:
        yield difference, rows.get(_place(difference))


_Place = tuple[str, int, str, str]


def _place(difference: Difference) -> _Place:
    return difference.form, difference.instance, difference.path, difference.what


def _row_of(difference: Difference) -> str | None:
    return next((each.row for each in EXPLANATIONS if each.explains(difference)), None)


def _source(difference: Difference, rows: dict[_Place, str]) -> _Place | None:
    """An explained difference that this one reads, or stands below."""
    for place in rows:
        form, instance, path, what = place
        if (form, instance) != (difference.form, difference.instance):
            continue
        name = re.sub(r"\[\d+\]$", "", path).rpartition("/")[2]
        is_read = re.search(rf"\b{re.escape(name)}\b", difference.rule) is not None
        is_above = (
            what == "relevant" and difference.path.startswith(f"{path}/") and difference.what in ("relevant", "node")
        )
        if is_read or is_above:
            return place
    return None


# The rows ------------------------------------------------------------------------------------------------------------

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_DATED: Final = r"(?:today\(\)|date\([^()]*\)|\$\{d\d+\})"
_SHIFTED: Final = re.compile(rf"decimal-date-time\(|{_DATED} [-+]|[-+] {_DATED}|number\((?:\$\{{d\d+|format-date)")
_MOMENTS: Final = re.compile(r"(?<![-\w])date-time\(|\$\{m\d+\} [<>=!]|[<>=] \$\{m\d+\}")
_LOWEST: Final = re.compile(r"\b(?:max|min)\(")


def _is_truth_text(difference: Difference) -> bool:
    return difference.what == "value" and (difference.ours, difference.theirs) in (("true", "1"), ("false", "0"))


def _is_date_text(difference: Difference) -> bool:
    ours, theirs = difference.ours, difference.theirs
    return isinstance(ours, str) and _DAY.fullmatch(ours) is not None and str(theirs).startswith(f"{ours}T00:00:00")


def _is_infinite(difference: Difference) -> bool:
    return difference.ours is None and str(difference.theirs) in ("Infinity", "-Infinity", "NaN")


def _is_number_of_a_date(difference: Difference) -> bool:
    """A text that reads as a date is a number of days to us, and none to JavaRosa."""
    return difference.theirs is None and isinstance(difference.ours, int | float) and "number(" in difference.rule


def _is_large(difference: Difference) -> bool:
    return isinstance(difference.ours, int) and abs(difference.ours) >= 2**31 and difference.theirs is None


EXPLANATIONS: Final = (
    Explanation("not-a-number", _is_infinite),
    Explanation("integer-size", _is_large),
    Explanation("number-text", lambda difference: re.search(r"\d\.\d+E-?\d", str(difference.theirs)) is not None),
    Explanation("whole-days", _is_number_of_a_date),
    Explanation("indexed-place", lambda difference: "[position() = " in difference.rule),
    Explanation("boolean-from-string", lambda difference: "boolean-from-string('TRUE')" in difference.rule),
    Explanation("missing", lambda difference: "join(" in difference.rule),
    Explanation("truth-text", _is_truth_text),
    Explanation("date-text", _is_date_text),
    Explanation("whole-days", lambda difference: _SHIFTED.search(difference.rule) is not None),
    Explanation("whole-days", lambda difference: _MOMENTS.search(difference.rule) is not None),
    Explanation("max-min", lambda difference: _LOWEST.search(difference.rule) is not None),
    Explanation("checklist", lambda difference: "weighted-checklist(" in difference.rule and "-1" in difference.rule),
    Explanation("round-half", lambda difference: re.search(r"\bround\(.*, -\d", difference.rule) is not None),
    Explanation("distance", lambda difference: "distance(" in difference.rule),
)
