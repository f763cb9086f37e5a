"""The order of a shuffle by a seed: the same on every engine of the field."""

from __future__ import annotations

import hashlib
import math
from typing import TypeVar

from forms.expressions.values import Result, to_number, to_text

_Element = TypeVar("_Element")
_PRIME = 2147483647


def shuffled(elements: list[_Element], seed: Result) -> list[_Element]:
    """The elements in the order of JavaRosa's seeded shuffle: Fisher-Yates inside out, Park-Miller numbers."""
    state = _seed(seed)
    state = state if state > 0 else state + _PRIME - 1
    result: list[_Element] = []
    for place, element in enumerate(elements):
        state = state * 16807 % _PRIME
        other = math.floor((state - 1) / (_PRIME - 1) * (place + 1))
        result.append(element)
        if other != place:
            result[place] = result[other]
        result[other] = element
    return result


def _seed(seed: Result) -> int:
    """A number without its fraction; another text by the first 64 bits of its SHA-256, as a signed number."""
    number = to_number(seed)
    if math.isfinite(number):
        return int(math.fmod(int(number), _PRIME))
    text = to_text(seed)
    whole = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True) if text else 0
    return whole % _PRIME if whole >= 0 else -(-whole % _PRIME)
