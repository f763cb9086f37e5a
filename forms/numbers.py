"""Numbers as people type them: decimal comma and thousands dot in Vietnamese, the other way round in English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]")
_SHAPE = re.compile(r"([+-]?)([0-9.,]+)")
_PLAIN = re.compile(r"[0-9]+[.,][0-9]+")
_ASK = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")
_CLEARLY_DECIMAL = re.compile(r"[0-9]+\.[0-9]{1,2}|0\.[0-9]+")
_GROUPED = {mark: re.compile(rf"[1-9][0-9]{{0,2}}(?:\{mark}[0-9]{{3}})+") for mark in ".,"}
_SWAPPED = str.maketrans(".,", ",.")
MAX_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class NumberReading:
    """`value` when there is one reading; two `candidates` when people must be asked; neither when it is no number."""

    value: Decimal | None = None
    candidates: tuple[Decimal, ...] = ()


def read_number(text: str, language: str) -> NumberReading:
    """What a typed number means by the habits of the language; never a guess between two readings."""
    bare = _SPACES.sub("", text).replace("\u2212", "-").replace("\u2013", "-")
    match = _SHAPE.fullmatch(bare)
    if match is None or len(bare) > MAX_CHARACTERS or not any(letter.isdigit() for letter in bare):
        return NumberReading()
    # From here on "," is the decimal sign and "." groups thousands.
    digits = match[2] if language == "vi" else match[2].translate(_SWAPPED)
    reading = _unsigned(digits)
    return reading if match[1] != "-" else _negative(reading)


def _negative(reading: NumberReading) -> NumberReading:
    value = None if reading.value is None else -reading.value if reading.value else reading.value
    return NumberReading(value, tuple(-candidate for candidate in reading.candidates))


def _unsigned(text: str) -> NumberReading:
    dots, commas = text.count("."), text.count(",")
    if not dots and not commas:
        return NumberReading(Decimal(text))
    if dots and commas:
        return _both(text)
    if commas:
        return _only_commas(text) if commas == 1 else _several(text, ",")
    return _several(text, ".") if dots > 1 or _GROUPED["."].fullmatch(text) else _one_dot(text)


def _both(text: str) -> NumberReading:
    """The last sign is the decimal one."""
    mark, other = (",", ".") if text.rfind(",") > text.rfind(".") else (".", ",")
    before, _, after = text.rpartition(mark)
    if mark in before or not after or not _GROUPED[other].fullmatch(before):
        return NumberReading()
    return NumberReading(Decimal(f"{before.replace(other, '')}.{after}"))


def _several(text: str, mark: str) -> NumberReading:
    return NumberReading(_whole(text)) if _GROUPED[mark].fullmatch(text) else NumberReading()


def _only_commas(text: str) -> NumberReading:
    if not _PLAIN.fullmatch(text):
        return NumberReading()
    value = Decimal(text.replace(",", "."))
    return NumberReading(None, (value, _whole(text))) if _ASK.fullmatch(text) else NumberReading(value)


def _one_dot(text: str) -> NumberReading:
    if not _PLAIN.fullmatch(text):
        return NumberReading()
    if _CLEARLY_DECIMAL.fullmatch(text):
        return NumberReading(Decimal(text))
    return NumberReading(None, (Decimal(text), _whole(text)))


def _whole(text: str) -> Decimal:
    return Decimal(re.sub("[.,]", "", text))
