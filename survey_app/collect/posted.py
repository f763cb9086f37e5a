"""What a posted screen says: the controls of each question type -> the values an interview holds. For plain pages.

Nothing typed is lost: what cannot be read is kept as it was typed, and flagged where it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict

from forms import FormDefinition, Interview, Item, Question, Repeat, Value, read_number
from survey_app.collect import shown
from survey_app.collect.shown import FILES, NUMBERS, UNSURE, plain_number, shown_value

_SEPARATORS = re.compile(r"[\s.\-()]")
# A page knows no clock of the respondent's device; the interview's own offset stands behind a typed date and time.
_UNCHANGED = object()


@dataclass(slots=True)
class Posted:
    """Values to save by address, and files and typed signatures that become attachments first."""

    values: dict[str, Value] = field(default_factory=dict)
    files: dict[str, FileStorage] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)


def question_at(definition: FormDefinition, address: str) -> Question | None:
    """The question an address belongs to, row ids left out; None for an address the form does not have."""
    items: tuple[Item, ...] = definition.items
    found: Item | None = None
    parts = iter(address.split("/"))
    for name in parts:
        found = next((item for item in items if item.name == name), None)
        if found is None:
            return None
        if isinstance(found, Repeat) and next(parts, None) is None:
            return None
        items = () if isinstance(found, Question) else found.children
    return found if isinstance(found, Question) else None


def read_screen(
    interview: Interview,
    definition: FormDefinition,
    drawn: list[str],
    form: MultiDict[str, str],
    files: Mapping[str, FileStorage],
    language: str,
    offset: str,
) -> Posted:
    """The values of the questions that were drawn, as posted; those that did not change are left out."""
    posted = Posted()
    for address in drawn:
        question = question_at(definition, address)
        if question is None or interview.is_read_only(address):
            continue
        if question.type in FILES:
            _read_file(posted, question, address, form, files)
            continue
        current = interview.value(address)
        value = _read(question, address, current, form, language, offset)
        if value is not _UNCHANGED and value != current:
            posted.values[address] = value
    return posted


def _read(
    question: Question, address: str, current: Value, form: MultiDict[str, str], language: str, offset: str
) -> Any:
    reader = _READERS.get(question.type)
    if reader is not None:
        return reader(question, address, form)
    if shown.is_in_parts(question):
        return _read_parts(question, address, form)
    if question.type == "note" or address not in form:
        return _UNCHANGED
    text = unicodedata.normalize("NFC", form[address]).replace("\r\n", "\n").strip()
    if text == shown_value(question, current) and f"{address}.reading" not in form:
        return _UNCHANGED
    if not text:
        return None
    if question.type in NUMBERS:
        is_step = question.type == "range" and text in shown.steps_of(question)
        return _number(text) if is_step else _read_number(text, form.get(f"{address}.reading", ""), language)
    return _read_text(question, text, offset)


def _read_text(question: Question, text: str, offset: str) -> str:
    if question.type == "time":
        return f"{text}:00" if len(text) == 5 else text
    if question.type == "dateTime":
        return f"{text}:00.000{offset}" if len(text) == 16 else text
    if question.type in ("geotrace", "geoshape"):
        return read_points(text, is_closed=question.type == "geoshape")
    return tidy_phone(text) if is_phone(question) else text


def is_phone(question: Question) -> bool:
    """True for a text question that asks for a telephone number, by its name or appearance."""
    return question.type == "text" and (
        question.name.rpartition("_")[2].lower() in ("phone", "tel", "telephone", "mobile")
        or bool({"tel", "phone"} & set(question.appearance.split()))
    )


def tidy_phone(text: str) -> str:
    """A telephone number without spaces, dots and dashes; the country's own prefix becomes 0 again."""
    bare = _SEPARATORS.sub("", text)
    return re.sub(r"^(\+84|0084|84(?=\d{9,10}$))", "0", bare)


def _read_number(text: str, chosen: str, language: str) -> Value:
    reading = read_number(text, language)
    candidates = {str(number): number for number in reading.candidates}
    number = candidates.get(chosen, reading.value)
    if number is None:
        return f"{text}{UNSURE}" if candidates else text
    return _number(number)


def _number(number: Decimal | str) -> Value:
    number = Decimal(number)
    return int(number) if number == int(number) else float(number)


def _read_names(question: Question, address: str, form: MultiDict[str, str]) -> Any:
    if address not in form:
        return _UNCHANGED
    return " ".join(name for name in form.getlist(address) if name) or None


def _read_rank(question: Question, address: str, form: MultiDict[str, str]) -> Any:
    """Every choice in order; those that got no place follow in the order in which they stood."""
    prefix = f"{address}.rank."
    places = {name.removeprefix(prefix): place for name, place in form.items() if name.startswith(prefix)}
    if not places:
        return _UNCHANGED
    if not any(place.isdigit() for place in places.values()):
        return None
    last = len(places) + 1
    return " ".join(sorted(places, key=lambda name: int(places[name]) if places[name].isdigit() else last))


def _read_parts(question: Question, address: str, form: MultiDict[str, str]) -> Any:
    asked = [part for part, _ in shown.date_parts(question, "")]
    if f"{address}.year" not in form:
        return _UNCHANGED
    typed = {part: form.get(f"{address}.{part}", "").strip() for part in asked}
    return date_of(typed)


def date_of(typed: Mapping[str, str]) -> str | None:
    """The date that typed parts make, parts not asked for being the first; what is no date is kept as it was typed."""
    if not any(typed.values()):
        return None
    if all(part.isdigit() for part in typed.values()) and len(typed["year"]) == 4:
        return f"{typed['year']}-{int(typed.get('month', '1')):02d}-{int(typed.get('day', '1')):02d}"
    return "-".join(typed.get(part) or "?" for part in ("year", "month", "day") if part in typed)


def _read_point(question: Question, address: str, form: MultiDict[str, str]) -> Any:
    parts = [form.get(f"{address}.{part}", "").strip().replace(",", ".") for part in ("lat", "lon")]
    if f"{address}.lat" not in form:
        return _UNCHANGED
    known = form.get(address, "").split()
    if known[:2] == parts:  # measured: altitude and accuracy stay
        return " ".join(known)
    return " ".join([part or "?" for part in parts] + ["0", "0"]) if any(parts) else None


def read_points(text: str, *, is_closed: bool) -> str:
    """Points typed one a line as they are stored; an area is closed by its first point."""
    points = [point_line(line) for line in re.split(r"[\n;]", text) if line.strip()]
    if is_closed and len(points) > 2 and points[0].split()[:2] != points[-1].split()[:2]:
        points.append(points[0])
    return ";".join(points)


def point_line(line: str) -> str:
    """A typed point: latitude and longitude with a dot or a comma before the decimals, then height and accuracy."""
    numbers = line.replace(",", " " if "." in line else ".").split()
    padding = ["0", "0"][len(numbers) - 2 :] if len(numbers) > 1 else []
    return " ".join([number.rstrip(".") for number in numbers] + padding)


def _read_file(
    posted: Posted, question: Question, address: str, form: MultiDict[str, str], files: Mapping[str, FileStorage]
) -> None:
    upload = files.get(address)
    if upload is not None and upload.filename:
        posted.files[address] = upload
    elif form.get(f"{address}.clear"):
        posted.values[address] = None
    elif "signature" in question.appearance and form.get(f"{address}.confirm"):
        name = unicodedata.normalize("NFC", form.get(f"{address}.name", "")).strip()
        if name:
            posted.signatures[address] = name[:200]


_READERS: Mapping[str, Callable[[Question, str, MultiDict[str, str]], Any]] = {
    "rank": _read_rank,
    "geopoint": _read_point,
    "select_multiple": _read_names,
    "acknowledge": _read_names,
}

__all__ = [
    "Posted",
    "date_of",
    "is_phone",
    "plain_number",
    "point_line",
    "question_at",
    "read_points",
    "read_screen",
    "tidy_phone",
]
