"""The appearances of questions and groups, one record each: on which kinds they stand and what we do with them.

Sources of the names: the XLSForm table of appearances (https://xlsform.org/en/ref-table/) and the ODK documentation
(https://docs.getodk.org/form-question-types/). An upload tells of every appearance that is not run, by its cell; the
page of supported types is made from this table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from forms.issues import Issue, Severity
from forms.types import TYPES, Kind

# Appearances also stand on what holds questions, and on the form itself (its setting "style").
GROUP: Final = "group"
REPEAT: Final = "repeat"
FORM: Final = "form"


class Support(StrEnum):
    """What becomes of an appearance here."""

    RUN = "run"
    ACCEPTED = "accepted"  # without effect, or with a lesser one: the question works as it does without the appearance
    REFUSED = "refused"  # the question would not be what its author meant


@dataclass(frozen=True, slots=True)
class Appearance:
    """One appearance. `name` is what the author writes, "*" standing for a number or a word; `note` is a msgid."""

    name: str
    kinds: frozenset[str]
    support: Support
    note: str

    def matches(self, token: str) -> bool:
        """True when the author's word is this appearance."""
        pattern = re.escape(self.name).replace(r"\*", r"[0-9]+" if self.name in _NUMBERED else r".+")
        return re.fullmatch(pattern, token) is not None


_NUMBERED: Final = frozenset({"columns-*", "compact-*", "w*"})
_TEXT: Final = frozenset({Kind.TEXT})
_NUMBER: Final = frozenset({Kind.INTEGER, Kind.DECIMAL})
_ONE: Final = frozenset({Kind.CHOICE})
_SELECT: Final = frozenset({Kind.CHOICE, Kind.CHOICES})
_RANGE: Final = frozenset({Kind.RANGE})
_DATE: Final = frozenset({Kind.DATE})
_DAY: Final = frozenset({Kind.DATE, Kind.DATETIME})
_GEO: Final = frozenset({Kind.POINT, Kind.TRACE, Kind.SHAPE})
_FILE: Final = frozenset({Kind.FILE})
_ANY: Final = frozenset(kind.value for kind in Kind)


def _run(name: str, kinds: frozenset[str], note: str) -> Appearance:
    return Appearance(name, kinds, Support.RUN, note)


def _accepted(name: str, kinds: frozenset[str], note: str) -> Appearance:
    return Appearance(name, kinds, Support.ACCEPTED, note)


def _refused(name: str, kinds: frozenset[str], note: str) -> Appearance:
    return Appearance(name, kinds, Support.REFUSED, note)


_CALENDAR: Final = "The date is asked for in the Gregorian calendar, in which it is stored everywhere."

APPEARANCES: Final[tuple[Appearance, ...]] = (
    # text
    _run("multiline", _TEXT, "A field of several lines; the parameter rows says how many."),
    _run("numbers", _TEXT, "Digits kept as text, typed on the keyboard of numbers."),
    _run("masked", _TEXT, "What is typed is covered by dots; a button shows it."),
    _run("url", _TEXT, "A web address, typed on the keyboard for addresses."),
    _run("tel", _TEXT, "A telephone number; spaces, dots and dashes are taken out."),
    _run("phone", _TEXT, "A telephone number; spaces, dots and dashes are taken out."),
    _run("email", _TEXT, "An e-mail address, typed on the keyboard for addresses."),
    _run("thousands-sep", _NUMBER, "The number is repeated below the field with separators between thousands."),
    _accepted("thousands-sep", _TEXT, "A text is shown as it is typed; ask for an integer or decimal instead."),
    _run("year", _NUMBER | _DATE, "Only the year is asked for; a date is stored as the first day of the year."),
    _run("month-year", _DATE, "Month and year are asked for; the date is stored as the first day of the month."),
    _run("no-calendar", _DATE, "The date is typed or chosen as day, month and year, without a calendar."),
    _accepted("no-calendar", frozenset({Kind.DATETIME}), "Date and time are asked for in the device's own way."),
    _run("counter", frozenset({Kind.INTEGER}), "Buttons beside the number take one away or add one."),
    _accepted("bearing", frozenset({Kind.DECIMAL}), "The direction is typed in degrees; the compass is not read."),
    _accepted("printer", _TEXT, "Nothing is printed; the text is asked for as usual."),
    _accepted("hidden-answer", _TEXT, "The code that was read stays visible."),
    *(
        _accepted(name, _DAY, _CALENDAR)
        for name in ("bikram-sambat", "buddhist", "coptic", "ethiopian", "islamic", "myanmar", "persian")
    ),
    # range
    _run("rating", _RANGE, "Stars, each a button to choose; the number is stored."),
    _run("picker", _RANGE, "A list of the steps to choose from."),
    _run("vertical", _RANGE, "The steps stand one under the other."),
    _run("no-ticks", _RANGE, "No marks at the steps: a number to type and a slider."),
    # selects
    _run("minimal", _SELECT, "The choices fold away behind one field."),
    _run("spinner", _SELECT, "The choices fold away behind one field."),
    _run("autocomplete", _SELECT, "A field to search in the choices; Vietnamese is found without its marks."),
    _run("search", _SELECT, "A field to search in the choices; Vietnamese is found without its marks."),
    _run("quick", _ONE, "Choosing moves on: to the next question, and from the last one to the next page."),
    _run("quickcompact", _ONE, "As quick, with the choices side by side."),
    _run("columns", _SELECT, "Choices side by side: two columns on a phone where they fit, more on a wide screen."),
    _run("columns-*", _SELECT, "Choices in so many columns on a wide screen, fewer where they do not fit."),
    _run("columns-pack", _SELECT, "Choices side by side, each as wide as its text."),
    _run("horizontal", _SELECT, "Choices side by side, each as wide as its text."),
    _run("compact", _SELECT, "Choices side by side, each as wide as its text."),
    _run("compact-*", _SELECT, "Choices in so many columns on a wide screen, fewer where they do not fit."),
    _run("no-buttons", _SELECT, "Choices as cards or pictures, without the round or square button."),
    _run("likert", _ONE, "Choices as a scale in one row; one under the other on a phone."),
    _run(
        "label", _SELECT, "The headings of a table: the choices without buttons; a phone repeats them at each question."
    ),
    _run("list-nolabel", _SELECT, "A row of a table under the headings; on a phone the choices bear their labels."),
    _run("list", _SELECT, "A row of a table: the choices in one line with their labels."),
    _run("image-map", _SELECT, "Areas of an SVG picture are the choices; the same choices stand below as buttons."),
    _run(
        "map",
        _ONE,
        "The choices as places on a map from their column geometry; the same choices stand below as buttons.",
    ),
    _refused("search(*", _SELECT, "Write select_one_from_file with the file and a choice filter instead."),
    # places
    _run("placement-map", _GEO, "A map on which the place is set by hand, by buttons or by typed coordinates."),
    _run("maps", _GEO, "A map that shows the place; it can be measured by GPS or typed."),
    _run("hide-input", _GEO, "The fields for coordinates stay folded away."),
    # files
    _run("signature", _FILE, "A field to sign in; typing the name and confirming it is the equal way."),
    _run("draw", _FILE, "A field to draw in; a picture can be chosen instead."),
    _run("annotate", _FILE, "A photo on which one can draw and write."),
    _run("new", _FILE, "The camera opens, not the gallery."),
    _run("new-front", _FILE, "The front camera opens, not the gallery."),
    _run("selfie", _FILE, "The front camera opens, not the gallery."),
    _accepted("front", frozenset({Kind.TEXT}), "The camera of the back reads the code."),
    # any question
    *(
        _run(f"w{number}", _ANY | {GROUP}, "So many twelfths of the row where the style is theme-grid.")
        for number in range(1, 13)
    ),
    _refused("ex:*", _ANY | {GROUP}, "Other applications cannot be opened from a web page. Ask for the value itself."),
    _refused(
        "intent:*", frozenset({GROUP}), "Other applications cannot be opened from a web page. Ask for the value itself."
    ),
    # groups, repeats, the form
    _run("field-list", frozenset({GROUP, REPEAT}), "All questions of the group stand on one page."),
    _run(
        "table-list", frozenset({GROUP}), "Questions with the same choices as a table; on a phone one under the other."
    ),
    _accepted("no-collapse", frozenset({GROUP, REPEAT}), "Groups never fold away here."),
    _accepted("compact", frozenset({GROUP, REPEAT}), "Groups are drawn as usual."),
    _accepted("summary", frozenset({GROUP, REPEAT}), "Every interview ends with a page of all answers."),
    _run("pages", frozenset({FORM}), "Each group is a page of its own."),
    _run("theme-grid", frozenset({FORM}), "Questions stand in rows of twelve parts; on a phone one under the other."),
    _accepted("theme-*", frozenset({FORM}), "Pages keep their own look."),
    _accepted("no-text-transform", frozenset({FORM}), "Pages keep their own look."),
)


def find_appearance(token: str, kind: str) -> Appearance | None:
    """The appearance that this word is on this kind of question, or None where it is not known there."""
    return next((one for one in APPEARANCES if kind in one.kinds and one.matches(token)), None)


def kind_of(type_name: str) -> str:
    """What appearances go by: the kind of a question type; "group", "repeat" and "form" stand for themselves."""
    known = TYPES.get(type_name)
    return type_name if known is None else known.kind.value


def tokens(appearance: str) -> list[str]:
    """The words of an appearance cell; a call such as search('a', 'b') is one word."""
    return re.findall(r"[^\s(]+\([^)]*\)|ex:\S.*|\S+", appearance)


def appearance_issues(appearance: str, type_name: str, where: str) -> Iterator[Issue]:
    """What an author should know of the appearances in a cell: refused ones, unknown ones, those without effect."""
    kind = kind_of(type_name)
    for token in tokens(appearance):
        found = find_appearance(token, kind)
        if found is None:
            elsewhere = any(one.matches(token) for one in APPEARANCES)
            code = "appearance_misplaced" if elsewhere else "appearance_unknown"
            yield Issue(code, where, {"name": token, "type": type_name}, Severity.WARNING)
        elif found.support is Support.REFUSED:
            yield Issue("appearance_refused", where, {"name": token, "reason": found.note})
        elif found.support is Support.ACCEPTED:
            yield Issue("appearance_no_effect", where, {"name": token, "reason": found.note}, Severity.NOTE)
