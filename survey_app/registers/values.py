"""One cell or form field of a register to its value: what a person wrote, read by the field's type.

A value that cannot be read comes back as a reason (an English msgid with parameters), never as an exception, so that
an import can say everything that is wrong with a row at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from forms import read_number
from survey_app.languages import fold
from survey_app.programme.service import RegisterField, choices_of, spellings_of

YES = frozenset({"yes", "y", "co", "true", "1", "x"})
NO = frozenset({"no", "n", "khong", "false", "0"})
DAY_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
LONGEST = 500
PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
# One point before four digits or more groups nothing: only a decimal point stands there, as in 20.0211.
ONLY_DECIMAL = re.compile(r"-?\d+\.\d{4,}")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value is refused: the field's name, an English msgid with parameters, or the pack's own words."""

    field: str
    message: str
    parameters: Mapping[str, object]
    own_message: Mapping[str, str] | None = None


def read_value(field: RegisterField, text: str, *, typed: bool = False) -> tuple[Any, Reason | None]:
    """(value, None), or (None, reason). `typed`: numbers come from a spreadsheet's cells, with a decimal point."""
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        reason = Reason(field.name, "This must be filled in.", {}) if field.required else None
        return None, reason
    reader = _READERS.get(field.type, _read_text)
    return reader(field, text, typed)


def _read_text(field: RegisterField, text: str, _typed: bool) -> tuple[Any, Reason | None]:
    limit = 300 if field.name == "name" else 32 if field.name == "code" else LONGEST
    if len(text) > limit:
        return None, Reason(field.name, "This is longer than {limit} characters.", {"limit": limit})
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        return None, Reason(field.name, "This holds characters that cannot be kept.", {})
    return text, None


def _read_number(field: RegisterField, text: str, typed: bool) -> tuple[Any, Reason | None]:
    if (typed and PLAIN_NUMBER.fullmatch(text.lower())) or ONLY_DECIMAL.fullmatch(text):
        number = float(text)
    else:
        reading = read_number(text, "vi")
        if reading.candidates and reading.value is None:
            return None, Reason(
                field.name, "“{value}” can be read in two ways. Write it without separators.", {"value": text}
            )
        if reading.value is None:
            return None, Reason(field.name, "“{value}” is not a number.", {"value": text})
        number = float(reading.value)
    if abs(number) > 1e15:
        return None, Reason(field.name, "“{value}” is too large.", {"value": text})
    if field.type == "integer":
        if not number.is_integer():
            return None, Reason(field.name, "“{value}” is not a whole number.", {"value": text})
        return int(number), None
    return number, None


def _read_date(field: RegisterField, text: str, _typed: bool) -> tuple[Any, Reason | None]:
    for form in DAY_FORMATS:
        try:
            day: date = datetime.strptime(text, form).date()
        except ValueError:
            continue
        if 1900 <= day.year <= 2200:
            return day.isoformat(), None
    return None, Reason(field.name, "“{value}” is not a date. Write day/month/year.", {"value": text})


def _read_boolean(field: RegisterField, text: str, _typed: bool) -> tuple[Any, Reason | None]:
    word = fold(text)
    if word in YES or word in NO:
        return "yes" if word in YES else "no", None
    return None, Reason(field.name, "“{value}” is neither yes nor no.", {"value": text})


def _read_choice(field: RegisterField, text: str, _typed: bool) -> tuple[Any, Reason | None]:
    code = text if text in choices_of(field.list) else spellings_of(field.list).get(fold(text))
    if code is not None:
        return code, None
    return None, Reason(field.name, "“{value}” is not in the list.", {"value": text})


_READERS = {
    "integer": _read_number,
    "decimal": _read_number,
    "date": _read_date,
    "boolean": _read_boolean,
    "choice": _read_choice,
}


def csv_value(value: Any) -> Any:
    """A value as a CSV carries it, so that importing the CSV reads the same: 123.125 as 123.1250, not thousands."""
    if not isinstance(value, float):
        return value
    text = format(value, ".15g")
    return f"{text}0" if re.fullmatch(r"-?\d+\.\d{3}", text) else text


__all__ = ["Reason", "csv_value", "read_value"]
