"""Values as people see them: in a field, in words, as the steps of a range or the parts of a date."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from forms import Choice, Question, Value, read_number
from survey_app.collect.drawing import Drawing

NUMBERS = frozenset({"integer", "decimal", "range"})
CHOOSING = frozenset({"select_one", "select_multiple", "rank"})
FILES = frozenset({"image", "audio", "video", "file"})
# Behind a number that can be read in two ways, so that it stays as typed and is flagged until somebody chooses.
UNSURE = " ?"
MOST_STEPS = 200
FEW_STEPS = 11  # 0 to 10


def plain_number(value: Value) -> str:
    """A value as text with a decimal point and without an exponent; what forms and files carry."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(value, ".15g")
    return "" if value is None else str(value)


def shown_value(question: Question, value: Value) -> str:
    """A value as people type it: a decimal comma, no zone behind a date and time, a point a line."""
    text = plain_number(value)
    if question.type in NUMBERS and isinstance(value, (int, float)):
        return text.replace(".", ",")
    if question.type in NUMBERS:
        return text.removesuffix(UNSURE)
    if question.type in ("geotrace", "geoshape"):
        return shown_points(text, is_closed=question.type == "geoshape")
    return text[: {"dateTime": 16, "time": 5}.get(question.type, len(text))]


def shown_points(text: str, *, is_closed: bool) -> str:
    """Points one a line; the last one of an area, which only repeats the first, is left out."""
    points = [point.strip() for point in text.split(";") if point.strip()]
    if is_closed and len(points) > 3 and points[0].split()[:2] == points[-1].split()[:2]:
        points.pop()
    return "\n".join(points)


def number_words(value: float, language: str) -> str:
    """1234.5 as "1.234,5" in Vietnamese."""
    from babel.numbers import format_decimal

    from survey_app.languages import locale_of

    return str(format_decimal(value, format="#,##0.######", locale=locale_of(language)))


def readings(drawing: Drawing, question: Question, value: Value) -> tuple[tuple[str, str], ...]:
    """The two numbers that what was typed may mean; none where it is clear."""
    if question.type not in NUMBERS or not isinstance(value, str):
        return ()
    candidates = read_number(value.removesuffix(UNSURE), drawing.language).candidates
    return tuple((str(number), number_words(float(number), drawing.language)) for number in candidates)


def unit_of(drawing: Drawing, question: Question, address: str) -> str:
    """The unit in words, as the answers make it."""
    if drawing.interview is not None:
        return drawing.interview.unit(address)
    return question.unit.plain(drawing.language)


def echo(drawing: Drawing, question: Question, value: Value, address: str) -> str:
    """How a number was understood: "= 1.234 kWh"."""
    if not isinstance(value, (int, float)) or question.type not in ("integer", "decimal") or is_year(question):
        return ""
    return f"= {number_words(value, drawing.language)} {unit_of(drawing, question, address)}".strip()


def is_year(question: Question) -> bool:
    """True for a number that names a year: it is never grouped and needs no unit behind it."""
    return "year" in question.appearance.split()


def answer_words(drawing: Drawing, question: Question, address: str) -> str:
    """An answer in words: labels of choices, numbers with their unit, days as dd/mm/yyyy; "" for none."""
    interview = drawing.interview
    value = interview.value(address) if interview else None
    if interview is None or value is None or value == "":
        return ""
    if question.type in CHOOSING:
        return _choice_words(drawing, question, address, str(value))
    if isinstance(value, (int, float)):
        if is_year(question):
            return plain_number(value)
        return f"{number_words(value, drawing.language)} {unit_of(drawing, question, address)}".strip()
    return _words(question, str(value))


def _words(question: Question, text: str) -> str:
    if question.type == "date":
        return date_words(question, text)
    if question.type == "dateTime" and len(text) >= 16:
        return f"{date_words(question, text[:10])} {text[11:16]}"
    if question.type == "time":
        return text[:5]
    if question.type == "geopoint":
        return _place_words(text)
    if question.type in ("geotrace", "geoshape"):
        return "; ".join(" ".join(point.split()[:2]) for point in text.split(";") if point.strip())
    return "•••" if "masked" in question.appearance.split() else text


def _place_words(point: str) -> str:
    """ "20.25, 105.97 (± 12 m)": latitude, longitude and how exact they are; text that is no point as it came."""
    match = re.fullmatch(r"(-?[\d.]+) (-?[\d.]+)(?: \S+(?: ([\d.]+))?)?", point)
    if match is None:
        return point
    accuracy = round(float(match[3] or 0))
    return f"{match[1]}, {match[2]}" + (f" (± {accuracy} m)" if accuracy else "")


def date_words(question: Question, text: str) -> str:
    """2026-11-24 as 24/11/2026; only the month or the year where only that was asked for."""
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
    if match is None:
        return text
    year, month, day = match.groups()
    appearance = question.appearance.split()
    if "year" in appearance:
        return year
    return f"{month}/{year}" if "month-year" in appearance else f"{day}/{month}/{year}"


def _choice_words(drawing: Drawing, question: Question, address: str, value: str) -> str:
    names = [value] if question.type == "select_one" else value.split()
    labels = {c.name: c.label.plain(drawing.language) for c in all_choices(drawing, question, address)}
    return "; ".join(labels.get(name) or name for name in names)


def all_choices(drawing: Drawing, question: Question, address: str) -> Sequence[Choice]:
    """The choices of a question's list; of a list that comes from a file, those that are offered now."""
    found = drawing.definition.choice_lists.get(question.choices or "")
    if found is not None:
        return found.choices
    return drawing.interview.choices(address) if drawing.interview is not None and question.choices else ()


# Ranges and dates -----------------------------------------------------------------------------------------------


def steps_of(question: Question) -> tuple[str, ...]:
    """Every value of a range as plain numbers, from its start to its end; none when there are too many to list."""
    try:
        start, end, step = (Decimal(question.parameters.get(name) or default) for name, default in _BOUNDS.items())
    except InvalidOperation:
        return ()
    step = abs(step) if end >= start else -abs(step)
    if not step or abs((end - start) / step) > MOST_STEPS:
        return ()
    return tuple(_plain(start + step * number) for number in range(int((end - start) / step) + 1))


_BOUNDS: Mapping[str, str] = {"start": "1", "end": "10", "step": "1"}


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_in_parts(question: Question) -> bool:
    """True for a date that is asked for by its parts instead of a calendar."""
    return question.type == "date" and bool({"year", "month-year", "no-calendar"} & set(question.appearance.split()))


def date_parts(question: Question, value: str) -> tuple[tuple[str, str], ...]:
    """(part, its value) of a date asked for by its parts: day, month and year, as far as they are asked for."""
    appearance = question.appearance.split()
    asked = ("year",) if "year" in appearance else ("month", "year")
    if not {"year", "month-year"} & set(appearance):
        asked = ("day", *asked)
    year, month, day = (*value.split("-"), "", "", "")[:3]
    whole = {"year": year, "month": month.lstrip("0"), "day": day.lstrip("0")}
    return tuple((part, whole[part]) for part in asked)


__all__ = [
    "CHOOSING",
    "FEW_STEPS",
    "FILES",
    "NUMBERS",
    "UNSURE",
    "all_choices",
    "answer_words",
    "date_parts",
    "date_words",
    "echo",
    "is_in_parts",
    "is_year",
    "number_words",
    "plain_number",
    "readings",
    "shown_points",
    "shown_value",
    "steps_of",
    "unit_of",
]
