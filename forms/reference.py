"""What can be asked and how it may look: the registries of types and appearances as a page, in the order of the kinds.

`docs/question-types.md` is written by `to_markdown`, the page for authors is drawn from the same rows; so neither can
say something that the product does not do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from forms.appearances import APPEARANCES, FORM, GROUP, REPEAT, Appearance, Support
from forms.types import ALIASES, TYPES, UNSUPPORTED

# What is stored, and how it is given without pointer or sight: one msgid for each type.
NOTES: Final[Mapping[str, str]] = {
    "text": "Text.",
    "barcode": "Text: read by the camera, or typed.",
    "integer": "A whole number; typed with or without separators between thousands.",
    "decimal": "A number; typed with a comma or a point, read back in words so that a slip is seen.",
    "range": "A number of a scale (parameters start, end, step): chosen, or typed.",
    "date": "A day, stored as YYYY-MM-DD.",
    "time": "A time of day, stored as HH:MM:SS.",
    "dateTime": "A day and a time with the offset of the device.",
    "select_one": "The name of one choice.",
    "select_multiple": "Names of choices, separated by spaces in the order they were chosen.",
    "rank": "All choices in order: moved up and down by buttons.",
    "note": "Nothing: a text to read, or a value to show.",
    "acknowledge": "“OK” when it was confirmed.",
    "geopoint": "“latitude longitude altitude accuracy”: measured by the device, or typed.",
    "geotrace": "Points of a line: measured, set on a map, or typed one a line.",
    "geoshape": "Points around an area, the last one equal to the first: measured, set on a map, or typed.",
    "image": "A picture: taken, chosen, drawn or signed, by its appearance.",
    "audio": "A sound: recorded, or chosen as a file.",
    "video": "A film: recorded, or chosen as a file.",
    "file": "Any file of a kind that is allowed.",
    "calculate": "What its calculation gives; nothing is shown.",
    "hidden": "A value nobody sees: a default, or what an expression sets.",
    "start-geopoint": "Where the device was when the interview began; asked for once, and only with consent.",
    "start": "When the interview began.",
    "end": "When it was finished.",
    "today": "The day of the interview.",
    "deviceid": "A number by which this browser is known again.",
    "username": "Who is signed in; blank for a respondent with a link.",
    "email": "The e-mail address of who is signed in; blank for a respondent with a link.",
    "phonenumber": "Stays blank: a browser does not know it.",
}
_UNNOTED: Final = "See the questions of its kind."
_STRUCTURE: Final[Mapping[str, str]] = {GROUP: "begin_group", REPEAT: "begin_repeat", FORM: "settings: style"}
_WORDS: Final[Mapping[Support, str]] = {
    Support.RUN: "run",
    Support.ACCEPTED: "accepted, without effect",
    Support.REFUSED: "refused",
}


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One question type: what an author may call it, what it stores, which appearances it takes."""

    name: str
    kind: str
    spellings: tuple[str, ...]
    note: str  # a msgid
    is_asked: bool
    appearances: tuple[Appearance, ...]


@dataclass(frozen=True, slots=True)
class AppearanceRow:
    """One appearance with the types it stands on."""

    appearance: Appearance
    types: tuple[str, ...]


def type_rows() -> tuple[TypeRow, ...]:
    """Every type that runs, in the order of the registry."""
    spellings: dict[str, list[str]] = {}
    for spelling, name in ALIASES.items():
        spellings.setdefault(name, []).append(spelling)
    return tuple(
        TypeRow(
            type_.name,
            type_.kind,
            tuple(spellings.get(type_.name, ())),
            NOTES.get(type_.name, _UNNOTED),
            type_.is_asked,
            tuple(one for one in APPEARANCES if type_.kind in one.kinds and type_.is_asked and not _is_width(one)),
        )
        for type_ in TYPES.values()
    )


def _is_width(one: Appearance) -> bool:
    """w1 to w12 stand on everything: they are said once."""
    return re.fullmatch(r"w([0-9]+|\*)", one.name) is not None


def appearance_rows() -> tuple[AppearanceRow, ...]:
    """Every appearance we know, run or not, in the order of the registry; the twelve widths as one."""
    rows = []
    for one in APPEARANCES:
        if _is_width(one) and one.name not in ("w1", "w*"):
            continue
        types = [type_.name for type_ in TYPES.values() if type_.kind in one.kinds and type_.is_asked]
        types += [_STRUCTURE[kind] for kind in (GROUP, REPEAT, FORM) if kind in one.kinds]
        rows.append(
            AppearanceRow(replace(one, name="w1 … w12"), ()) if _is_width(one) else AppearanceRow(one, tuple(types))
        )
    return tuple(rows)


def refused_types() -> tuple[str, ...]:
    """Types that XLSForm or Kobo have and that are refused by row and name."""
    return tuple(sorted(UNSUPPORTED))


def support_words(support: Support) -> str:
    """A msgid for what becomes of an appearance."""
    return _WORDS[support]


def to_markdown(translate: Callable[[str], str] = str) -> str:
    """The page as Markdown, as docs/question-types.md holds it."""
    lines = [
        "# Question types and appearances",
        "",
        "Generated from `forms/types.py` and `forms/appearances.py` by `python tools/question_types.py`; a test keeps",
        "it up to date. Signed-in authors find the same page under *Questionnaires*, *Types and appearances*.",
        "",
        "## Question types",
        "",
        "| type | also written | stored, and how it is given | appearances that are run |",
        "|---|---|---|---|",
    ]
    for row in type_rows():
        run = ", ".join(f"`{_cell(one.name)}`" for one in row.appearances if one.support is Support.RUN)
        also = ", ".join(f"`{name}`" for name in row.spellings)
        lines.append(f"| `{row.name}` | {also} | {_cell(translate(row.note))} | {run} |")
    lines += [
        "",
        "`begin_group` and `begin_repeat` hold questions; a repeat may stand in a repeat.",
        "",
        "Refused at upload, by row and name: " + ", ".join(f"`{name}`" for name in refused_types()) + ".",
        "",
        "## Appearances",
        "",
        "| appearance | on | here | what it does |",
        "|---|---|---|---|",
    ]
    for appearance in appearance_rows():
        one, types = appearance.appearance, ", ".join(f"`{name}`" for name in appearance.types)
        words = translate(support_words(one.support))
        lines.append(
            f"| `{_cell(one.name)}` | {types or translate('everything')} | {words} | {_cell(translate(one.note))} |"
        )
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
