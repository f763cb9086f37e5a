"""The function table: one entry per XLSForm function, with its signature.

A function gets the scope it stands in and its evaluated arguments. The few that must not evaluate all of them (`if`,
`coalesce`, `once`, `indexed-repeat`) or look at
them as paths (`jr:choice-name`) are entries without `apply`; `evaluate` knows them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import random
import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forms.expressions import geo
from forms.expressions.dates import format_moment
from forms.expressions.nodesets import index_of
from forms.expressions.patterns import matches
from forms.expressions.shuffling import shuffled as shuffled
from forms.expressions.signatures import open_signed
from forms.expressions.values import (
    Nodes,
    Result,
    Scope,
    bounded,
    date_text,
    date_time_text,
    day_number,
    element_text,
    is_date,
    read_time,
    stamp,
    to_bool,
    to_elements,
    to_number,
    to_text,
)

Apply = Callable[[Scope, "list[Result]"], Result]


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function's name and signature; `max_args` None means any number, `cost` is the work of a call in steps."""

    name: str
    min_args: int
    max_args: int | None
    apply: Apply | None = None
    cost: int = 1


# --- truths and choices


def _not(scope: Scope, arguments: list[Result]) -> bool:
    return not to_bool(arguments[0])


def _boolean_from_string(scope: Scope, arguments: list[Result]) -> bool:
    return to_text(arguments[0]) in ("true", "1")


def _checklist(scope: Scope, arguments: list[Result]) -> bool:
    held = sum(1 for element in _flat(arguments[2:]) if _is_positive(element))
    return _within(float(held), arguments)


def _weighted_checklist(scope: Scope, arguments: list[Result]) -> bool:
    total = 0.0
    for value, weight in zip(arguments[2::2], arguments[3::2], strict=False):
        values, weights = _members(value), _members(weight)
        for element, heavy in zip(values, weights, strict=False):
            if _is_positive(element):
                total += to_number(heavy)
    return _within(total, arguments)


def _within(amount: float, arguments: list[Result]) -> bool:
    low, high = to_number(arguments[0]), to_number(arguments[1])
    return (low < 0 or amount >= low) and (high < 0 or amount <= high)


def _is_positive(value: Result) -> bool:
    return to_number(value) > 0


def _members(value: Result) -> list[Result]:
    return [[element] for element in value] if isinstance(value, list) else [value]


def _flat(arguments: Iterable[Result]) -> list[Result]:
    return [member for argument in arguments for member in _members(argument)]


def _selected(scope: Scope, arguments: list[Result]) -> bool:
    wanted = to_text(arguments[1]).strip()
    return wanted != "" and wanted in to_text(arguments[0]).split()


def _selected_at(scope: Scope, arguments: list[Result]) -> str:
    chosen, at = to_text(arguments[0]).split(), to_number(arguments[1])
    return chosen[int(at)] if 0 <= at < len(chosen) else ""


def _count_selected(scope: Scope, arguments: list[Result]) -> float:
    return float(len(to_text(arguments[0]).split()))


# --- texts


def _text_or_here(scope: Scope, arguments: list[Result]) -> str:
    return to_text(arguments[0] if arguments else _here(scope))


def _number_or_here(scope: Scope, arguments: list[Result]) -> float:
    return _days(scope, arguments[0] if arguments else _here(scope))


def _here(scope: Scope) -> Nodes:
    return [] if scope.item is None else [scope.item]


def _concat(scope: Scope, arguments: list[Result]) -> str:
    return bounded("".join(element_text(element) for part in arguments for element in to_elements(part)))


def _join(scope: Scope, arguments: list[Result]) -> str:
    parts = [element_text(element) for part in arguments[1:] for element in to_elements(part)]
    return bounded(to_text(arguments[0]).join(parts))


def _substr(scope: Scope, arguments: list[Result]) -> str:
    text = to_text(arguments[0])
    start = _place(to_number(arguments[1]), len(text))
    end = _place(to_number(arguments[2]), len(text)) if len(arguments) > 2 else len(text)
    return text[start:end]


def _place(number: float, length: int) -> int:
    if number != number:
        return 0
    place = int(max(-length, min(length, number)))
    return place + length if place < 0 else place


def _substring(scope: Scope, arguments: list[Result]) -> str:
    text, start = to_text(arguments[0]), _half_up(to_number(arguments[1]))
    end = start + _half_up(to_number(arguments[2])) if len(arguments) > 2 else math.inf
    return "".join(letter for place, letter in enumerate(text, 1) if start <= place < end)


def _substring_before(scope: Scope, arguments: list[Result]) -> str:
    before, found, _ = _split(arguments)
    return before if found else ""


def _substring_after(scope: Scope, arguments: list[Result]) -> str:
    _, found, after = _split(arguments)
    return after if found else ""


def _split(arguments: list[Result]) -> tuple[str, bool, str]:
    text, mark = to_text(arguments[0]), to_text(arguments[1])
    at = text.find(mark)
    return text[: max(at, 0)], at >= 0, text[at + len(mark) :]


def _translate(scope: Scope, arguments: list[Result]) -> str:
    text, old, new = (to_text(argument) for argument in arguments)
    table: dict[str, str] = {}
    for place, letter in enumerate(old):
        table.setdefault(letter, new[place] if place < len(new) else "")
    return "".join(table.get(letter, letter) for letter in text)


def _normalize_space(scope: Scope, arguments: list[Result]) -> str:
    text = _text_or_here(scope, arguments)
    for blank in "\t\r\n":
        text = text.replace(blank, " ")
    return " ".join(part for part in text.split(" ") if part)


def _contains(scope: Scope, arguments: list[Result]) -> bool:
    return to_text(arguments[1]) in to_text(arguments[0])


def _starts_with(scope: Scope, arguments: list[Result]) -> bool:
    return to_text(arguments[0]).startswith(to_text(arguments[1]))


def _ends_with(scope: Scope, arguments: list[Result]) -> bool:
    return to_text(arguments[0]).endswith(to_text(arguments[1]))


def _string_length(scope: Scope, arguments: list[Result]) -> float:
    return float(len(_text_or_here(scope, arguments)))


def _regex(scope: Scope, arguments: list[Result]) -> bool:
    return matches(to_text(arguments[0]), to_text(arguments[1]))


_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _uuid(scope: Scope, arguments: list[Result]) -> str:
    if not arguments:
        return str(uuid.uuid4())
    length = to_number(arguments[0])
    return "".join(secrets.choice(_LETTERS) for _ in range(int(length))) if 0 < length <= 1000 else ""


_DIGESTS = {"md5": "md5", "sha-1": "sha1", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}


def _digest(scope: Scope, arguments: list[Result]) -> str:
    name = _DIGESTS.get(to_text(arguments[1]).lower())
    encoding = to_text(arguments[2]).lower() if len(arguments) > 2 else "base64"
    if name is None or encoding not in ("base64", "hex"):
        return ""
    found = hashlib.new(name, to_text(arguments[0]).encode(), usedforsecurity=False).digest()
    return found.hex() if encoding == "hex" else base64.b64encode(found).decode()


def _base64_decode(scope: Scope, arguments: list[Result]) -> str:
    try:
        return base64.b64decode(to_text(arguments[0]), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _extract_signed(scope: Scope, arguments: list[Result]) -> str:
    return open_signed(to_text(arguments[0]), to_text(arguments[1]))


# --- items


def _pulldata(scope: Scope, arguments: list[Result]) -> str:
    name, column, key, value = (to_text(argument) for argument in arguments)
    found = index_of(scope.environment, name, (key,)).get((value,), ())
    return next((item.get(column, "") for item in found if key in item), "")


def _randomize(scope: Scope, arguments: list[Result]) -> Nodes:
    elements = list(to_elements(arguments[0]))
    return shuffled(elements, arguments[1] if len(arguments) > 1 else float(scope.environment.seed))


def _sum(scope: Scope, arguments: list[Result]) -> float:
    total = 0.0
    for member in _members(arguments[0]):
        if to_text(member) != "":
            total += to_number(member)
    return total


def _max(scope: Scope, arguments: list[Result]) -> float:
    return _extreme(arguments, lambda one, other: one if one > other else other)


def _min(scope: Scope, arguments: list[Result]) -> float:
    return _extreme(arguments, lambda one, other: one if one < other else other)


def _extreme(arguments: list[Result], choose: Callable[[float, float], float]) -> float:
    numbers = [to_number(member) for member in _flat(arguments)]
    if not numbers or any(number != number for number in numbers):
        return math.nan
    best = numbers[0]
    for number in numbers[1:]:
        best = choose(best, number)
    return best


def _count(scope: Scope, arguments: list[Result]) -> float:
    value = arguments[0]
    return float(len(value)) if isinstance(value, list) else 1.0


def _count_non_empty(scope: Scope, arguments: list[Result]) -> float:
    return float(sum(1 for element in to_elements(arguments[0]) if element_text(element) != ""))


def _position(scope: Scope, arguments: list[Result]) -> float:
    if not arguments:
        return float(scope.place)
    value = arguments[0]
    return float(value[0].position()) if isinstance(value, list) and value and hasattr(value[0], "position") else 1.0


# --- numbers


def _numeric(calculate: Callable[[float], float]) -> Apply:
    def apply(scope: Scope, arguments: list[Result]) -> float:
        return _safely(calculate, to_number(arguments[0]))

    return apply


def _numeric_pair(calculate: Callable[[float, float], float]) -> Apply:
    def apply(scope: Scope, arguments: list[Result]) -> float:
        return _safely(calculate, to_number(arguments[0]), to_number(arguments[1]))

    return apply


def _safely(calculate: Callable[..., float], *numbers: float) -> float:
    if any(number != number for number in numbers):
        return math.nan
    try:
        result = calculate(*numbers)
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        return math.nan
    return result if isinstance(result, float) else math.nan


def _power(base: float, exponent: float) -> float:
    """A power; one of a whole exponent by squaring, for the engines' own functions differ in the last digit."""
    if math.isinf(exponent):
        return math.nan if abs(base) == 1 else math.inf if (abs(base) > 1) is (exponent > 0) else 0.0
    if exponent != math.floor(exponent) or abs(exponent) > 1024:
        if base == 0:
            return math.inf if exponent < 0 else 0.0
        return math.pow(base, exponent) if base > 0 or exponent == math.floor(exponent) else math.nan
    result, square, left = 1.0, base, abs(int(exponent))
    while left > 0:
        if left & 1:
            result *= square
        square *= square
        left >>= 1
    if exponent >= 0:
        return result
    return math.inf if result == 0 else 1 / result


def _logarithm(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf if number == 0 else math.nan


def _logarithm_10(number: float) -> float:
    return math.log10(number) if number > 0 else -math.inf if number == 0 else math.nan


def _floor(number: float) -> float:
    return float(math.floor(number)) if math.isfinite(number) else number


def _ceiling(number: float) -> float:
    return float(math.ceil(number)) if math.isfinite(number) else number


def _truncated(number: float) -> float:
    return float(math.trunc(number)) if math.isfinite(number) else number


def _half_up(number: float) -> float:
    return float(math.floor(number + 0.5)) if math.isfinite(number) else number


def _round(scope: Scope, arguments: list[Result]) -> float:
    number = to_number(arguments[0])
    return rounded(number, to_number(arguments[1]) if len(arguments) > 1 else 0.0)


def rounded(number: float, decimals: float) -> float:
    """A number rounded to decimals, halves upwards; negative decimals round to tens, hundreds and so on."""
    if decimals != decimals or not math.isfinite(number):
        return number if decimals == decimals else math.nan
    places = int(max(-20.0, min(20.0, decimals)))
    power = float(10 ** abs(places))
    return _half_up(number * power) / power if places >= 0 else _half_up(number / power) * power


# --- dates


def _days(scope: Scope, value: Result) -> float:
    text = to_text(value) if isinstance(value, list | str) else ""
    days = day_number(text.strip(), scope.environment.clock.offset) if len(text) >= 10 else None
    return to_number(value) if days is None else days


def _today(scope: Scope, arguments: list[Result]) -> str:
    return scope.environment.clock.now.date().isoformat()


def _now(scope: Scope, arguments: list[Result]) -> str:
    return stamp(scope.environment.clock.now)


def _date(scope: Scope, arguments: list[Result]) -> str:
    value = arguments[0]
    if isinstance(value, list | str):
        text = to_text(value).strip()
        if day_number(text) is not None:
            return text[:10]
        short = _SHORT_DATE.fullmatch(text)
        if short is not None:
            padded = f"{short[1]}-{short[2]:0>2}-{short[3]:0>2}"
            return padded if day_number(padded) is not None else ""
    return date_text(math.nan if isinstance(value, bool) else to_number(value))


_SHORT_DATE = re.compile("([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")  # as people type it: 2026-1-2


def _date_time(scope: Scope, arguments: list[Result]) -> str:
    value = arguments[0]
    if isinstance(value, list | str):
        text = to_text(value).strip()
        if day_number(text) is not None:
            return text
    return date_time_text(math.nan if isinstance(value, bool) else to_number(value), scope.environment.clock.offset)


def _decimal_date_time(scope: Scope, arguments: list[Result]) -> float:
    return _days(scope, arguments[0])


def _decimal_time(scope: Scope, arguments: list[Result]) -> float:
    text = to_text(arguments[0])
    parts = read_time(text[11:] if len(text) > 11 and text[10] == "T" else text)
    if parts is None:
        return math.nan
    seconds, zone = parts
    offset = scope.environment.clock.offset
    return (seconds + (offset - (offset if zone is None else zone)) * 60) % 86400 / 86400


def _format_date(scope: Scope, arguments: list[Result]) -> str:
    moment = _local_moment(scope, arguments[0])
    return "" if moment is None else bounded(format_moment(moment, to_text(arguments[1]), scope.environment.language))


def _local_moment(scope: Scope, value: Result) -> datetime | None:
    days = math.nan if isinstance(value, bool) else _days(scope, value)
    text = to_text(value).strip() if isinstance(value, list | str) else ""
    if text == "" and not isinstance(value, float | int):
        return None
    if not math.isfinite(days) or not -719_000 < days < 2_932_000:
        return None
    if (not is_date(text) and days != math.floor(days)) or len(text) > 10:
        days += scope.environment.clock.offset / 1440
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=math.floor(days * 86_400_000 + 0.5))


# --- places


def _area(scope: Scope, arguments: list[Result]) -> float:
    points = geo.read_points(_texts(arguments))
    return math.nan if points is None else geo.area(points)


def _distance(scope: Scope, arguments: list[Result]) -> float:
    points = geo.read_points(_texts(arguments))
    return math.nan if points is None else geo.distance(points)


def _geofence(scope: Scope, arguments: list[Result]) -> bool:
    point, shape = geo.read_points([to_text(arguments[0])]), geo.read_points([to_text(arguments[1])])
    return point is not None and len(point) == 1 and shape is not None and geo.is_inside(point[0], shape)


def _intersects(scope: Scope, arguments: list[Result]) -> bool:
    points = geo.read_points(_texts(arguments))
    if points is None or len(points) > _MOST_CROSSED:
        return False
    scope.environment.spend(len(points) ** 2 // 20)
    return geo.crosses_itself(points)


_MOST_CROSSED = 2000  # points of a trace whose lines are held against each other


def _texts(arguments: list[Result]) -> list[str]:
    return [element_text(element) for argument in arguments for element in to_elements(argument)]


FUNCTIONS: Mapping[str, FunctionSpec] = {
    spec.name: spec
    for spec in (
        FunctionSpec("true", 0, 0, lambda scope, arguments: True),
        FunctionSpec("false", 0, 0, lambda scope, arguments: False),
        FunctionSpec("not", 1, 1, _not),
        FunctionSpec("boolean", 1, 1, lambda scope, arguments: to_bool(arguments[0])),
        FunctionSpec("boolean-from-string", 1, 1, _boolean_from_string),
        FunctionSpec("if", 3, 3),
        FunctionSpec("coalesce", 2, 2),
        FunctionSpec("once", 1, 1),
        FunctionSpec("checklist", 3, None, _checklist),
        FunctionSpec("weighted-checklist", 4, None, _weighted_checklist),
        FunctionSpec("selected", 2, 2, _selected),
        FunctionSpec("selected-at", 2, 2, _selected_at),
        FunctionSpec("count-selected", 1, 1, _count_selected),
        FunctionSpec("jr:choice-name", 2, 2),
        FunctionSpec("jr:itext", 1, 1, lambda scope, arguments: scope.environment.itext(to_text(arguments[0]))),
        FunctionSpec("string", 0, 1, _text_or_here),
        FunctionSpec("concat", 0, None, _concat),
        FunctionSpec("join", 1, None, _join),
        FunctionSpec("substr", 2, 3, _substr),
        FunctionSpec("substring", 2, 3, _substring),
        FunctionSpec("substring-before", 2, 2, _substring_before),
        FunctionSpec("substring-after", 2, 2, _substring_after),
        FunctionSpec("translate", 3, 3, _translate),
        FunctionSpec("normalize-space", 0, 1, _normalize_space),
        FunctionSpec("contains", 2, 2, _contains),
        FunctionSpec("starts-with", 2, 2, _starts_with),
        FunctionSpec("ends-with", 2, 2, _ends_with),
        FunctionSpec("string-length", 0, 1, _string_length),
        FunctionSpec("regex", 2, 2, _regex),
        FunctionSpec("uuid", 0, 1, _uuid),
        FunctionSpec("digest", 2, 3, _digest, 500),
        FunctionSpec("base64-decode", 1, 1, _base64_decode),
        FunctionSpec("extract-signed", 2, 2, _extract_signed, 20_000),
        FunctionSpec("pulldata", 4, 4, _pulldata),
        FunctionSpec("instance", 1, 1, lambda scope, arguments: _items(scope, arguments[0])),
        FunctionSpec("current", 0, 0, lambda scope, arguments: [] if scope.node is None else [scope.node]),
        FunctionSpec("indexed-repeat", 3, 7),
        FunctionSpec("randomize", 1, 2, _randomize),
        FunctionSpec("sum", 1, 1, _sum),
        FunctionSpec("max", 1, None, _max),
        FunctionSpec("min", 1, None, _min),
        FunctionSpec("count", 1, 1, _count),
        FunctionSpec("count-non-empty", 1, 1, _count_non_empty),
        FunctionSpec("position", 0, 1, _position),
        FunctionSpec("last", 0, 0, lambda scope, arguments: float(scope.last)),
        FunctionSpec("number", 0, 1, _number_or_here),
        FunctionSpec("int", 1, 1, _numeric(_truncated)),
        FunctionSpec("round", 1, 2, _round),
        FunctionSpec("floor", 1, 1, _numeric(_floor)),
        FunctionSpec("ceiling", 1, 1, _numeric(_ceiling)),
        FunctionSpec("abs", 1, 1, _numeric(abs)),
        FunctionSpec("pow", 2, 2, _numeric_pair(_power)),
        FunctionSpec("sqrt", 1, 1, _numeric(math.sqrt)),
        FunctionSpec("exp", 1, 1, _numeric(math.exp)),
        FunctionSpec("exp10", 1, 1, _numeric(lambda number: _power(10.0, number))),
        FunctionSpec("log", 1, 1, _numeric(_logarithm)),
        FunctionSpec("log10", 1, 1, _numeric(_logarithm_10)),
        FunctionSpec("pi", 0, 0, lambda scope, arguments: math.pi),
        FunctionSpec("sin", 1, 1, _numeric(math.sin)),
        FunctionSpec("cos", 1, 1, _numeric(math.cos)),
        FunctionSpec("tan", 1, 1, _numeric(math.tan)),
        FunctionSpec("asin", 1, 1, _numeric(math.asin)),
        FunctionSpec("acos", 1, 1, _numeric(math.acos)),
        FunctionSpec("atan", 1, 1, _numeric(math.atan)),
        FunctionSpec("atan2", 2, 2, _numeric_pair(math.atan2)),
        FunctionSpec("random", 0, 0, lambda scope, arguments: random.random()),  # noqa: S311 - a form's dice
        FunctionSpec("today", 0, 0, _today),
        FunctionSpec("now", 0, 0, _now),
        FunctionSpec("date", 1, 1, _date),
        FunctionSpec("date-time", 1, 1, _date_time),
        FunctionSpec("decimal-date-time", 1, 1, _decimal_date_time),
        FunctionSpec("decimal-time", 1, 1, _decimal_time),
        FunctionSpec("format-date", 2, 2, _format_date),
        FunctionSpec("format-date-time", 2, 2, _format_date),
        FunctionSpec("area", 1, None, _area),
        FunctionSpec("distance", 1, None, _distance),
        FunctionSpec("geofence", 2, 2, _geofence),
        FunctionSpec("intersects", 1, 1, _intersects),
        FunctionSpec("version", 0, 0, lambda scope, arguments: scope.environment.version),
    )
}


def _items(scope: Scope, name: Result) -> Nodes:
    return list(scope.environment.instances.get(to_text(name), ()))
