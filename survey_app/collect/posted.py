"""What a posted screen says: the controls of each question type -> the values an interview holds. For plain pages.

Nothing typed is lost: what cannot be read is kept as it was typed, and flagged where it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict

from forms import FormDefinition, Interview, Item, Question, Repeat, Value, read_number
from survey_app.collect.pages import NUMBERS, TEMPLATES, UNSURE, plain_number, shown_value

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
        if TEMPLATES.get(question.type) in ("image", "media"):
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
    template = TEMPLATES.get(question.type, "text")
    if template == "rank":
        return _read_rank(address, form)
    if template == "geopoint":
        return _read_point(address, form)
    if template == "note" or address not in form:
        return _UNCHANGED
    if template in ("select_multiple", "acknowledge"):
        return " ".join(name for name in form.getlist(address) if name) or None
    text = unicodedata.normalize("NFC", form[address]).replace("\r\n", "\n").strip()
    if text == shown_value(question, current) and f"{address}.reading" not in form:
        return _UNCHANGED
    if not text:
        return None
    if question.type in NUMBERS:
        return _read_number(text, form.get(f"{address}.reading", ""), language)
    return _read_text(question, template, text, offset)


def _read_text(question: Question, template: str, text: str, offset: str) -> str:
    if template == "date":
        return text + {4: "-01-01", 7: "-01"}.get(len(text), "")
    if template == "time":
        return f"{text}:00" if len(text) == 5 else text
    if template == "datetime":
        return f"{text}:00.000{offset}" if len(text) == 16 else text
    if template == "geotrace":
        return ";".join(_point_line(line) for line in text.splitlines() if line.strip())
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
    return int(number) if number == int(number) else float(number)


def _read_rank(address: str, form: MultiDict[str, str]) -> Any:
    prefix = f"{address}.rank."
    places = {name.removeprefix(prefix): place for name, place in form.items() if name.startswith(prefix)}
    if not places:
        return _UNCHANGED
    placed = sorted((int(place), name) for name, place in places.items() if place.isdigit())
    return " ".join(name for _, name in placed) or None


def _read_point(address: str, form: MultiDict[str, str]) -> Any:
    parts = [form.get(f"{address}.{part}", "").strip().replace(",", ".") for part in ("lat", "lon")]
    if f"{address}.lat" not in form:
        return _UNCHANGED
    return f"{' '.join(parts)} 0 0".strip() if any(parts) else None


def _point_line(line: str) -> str:
    numbers = line.replace(";", " ").replace(",", ".").split()
    return " ".join([*numbers, "0", "0"][: max(4, len(numbers))])


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


__all__ = ["Posted", "is_phone", "plain_number", "question_at", "read_screen", "tidy_phone"]
