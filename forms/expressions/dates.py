"""Dates as people read them: the codes of format-date() in the languages we speak."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

_MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "vi": [f"thg {number}" for number in range(1, 13)],
}
_WEEKDAYS = {
    "en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "vi": ["Th 2", "Th 3", "Th 4", "Th 5", "Th 6", "Th 7", "CN"],
}
_PARTS: dict[str, Callable[[datetime, str], str]] = {
    "Y": lambda moment, language: f"{moment.year:04}",
    "y": lambda moment, language: f"{moment.year % 100:02}",
    "m": lambda moment, language: f"{moment.month:02}",
    "n": lambda moment, language: str(moment.month),
    "b": lambda moment, language: _MONTHS.get(language, _MONTHS["en"])[moment.month - 1],
    "d": lambda moment, language: f"{moment.day:02}",
    "e": lambda moment, language: str(moment.day),
    "a": lambda moment, language: _WEEKDAYS.get(language, _WEEKDAYS["en"])[moment.weekday()],
    "H": lambda moment, language: f"{moment.hour:02}",
    "h": lambda moment, language: str(moment.hour),
    "M": lambda moment, language: f"{moment.minute:02}",
    "S": lambda moment, language: f"{moment.second:02}",
    "3": lambda moment, language: f"{moment.microsecond // 1000:03}",
}


def format_moment(moment: datetime, pattern: str, language: str) -> str:
    """The pattern with its codes (%Y, %b, ...) filled in; codes nobody knows stay as they are."""
    result, letters = [], iter(pattern)
    for letter in letters:
        if letter != "%":
            result.append(letter)
            continue
        code = next(letters, "")
        part = _PARTS.get(code)
        result.append(part(moment, language) if part else letter + code)
    return "".join(result)
