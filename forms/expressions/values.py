"""What an expression yields and how it converts: XPath 1.0 with the decisions of the ODK dialect.

A result is a number (float), a text, a truth or a node-set. A node-set is a list of answer nodes, of items of a
secondary instance (dicts) or of their texts; an empty one counts as a blank. ISO dates stand as text and turn into
days since 1970-01-01 where a number is wanted: whole days for a date, a fraction (UTC) for a dateTime.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

MAX_TEXT = 100_000  # characters; longer results would let a form eat the memory
STEPS = 1_000_000  # work one change of an answer may cause, in evaluated nodes

_EPOCH = date(1970, 1, 1).toordinal()
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?\Z")
_SPACE = " \t\r\n"


class Node(Protocol):
    """An answer, group or row of an interview, as expressions see it."""

    @property
    def name(self) -> str:
        """Its name in the form."""

    @property
    def content(self) -> str | int | float | None:
        """The answer as it is kept; None for a blank."""

    def text(self) -> str:
        """The answer as text; a blank is empty."""

    def position(self) -> int:
        """Its place among its like-named siblings, from 1."""

    def below(self, name: str) -> list[Any]:
        """The relevant nodes of that name directly below; ".." is the node above, "*" means any name."""

    def family(self) -> object:
        """The same for all nodes that stand below one node."""

    def order(self) -> tuple[int, ...]:
        """Sorts nodes as they stand in the form."""


Element: TypeAlias = "Node | str | dict[str, str]"
Nodes: TypeAlias = "list[Any]"
Result: TypeAlias = "float | str | bool | Nodes"
Index: TypeAlias = "dict[tuple[str, ...], list[dict[str, str]]]"  # items by the texts of some fields


class TooMuchWork(Exception):
    """An expression exceeded the steps or the text length a form may use."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The time an interview goes by: aware, with the offset of the device."""

    now: datetime

    @classmethod
    def utc(cls) -> Clock:
        """The present time at offset zero."""
        return cls(datetime.now(UTC))

    @property
    def offset(self) -> int:
        """Minutes the device is ahead of UTC."""
        delta = self.now.utcoffset() or timedelta(0)
        return int(delta.total_seconds() // 60)


@dataclass(slots=True)
class Environment:
    """What all expressions of one interview share."""

    clock: Clock
    root: Any = None  # the top node
    language: str = ""
    instances: Mapping[str, Sequence[dict[str, str]]] = field(default_factory=dict)
    choice_name: Callable[[str, str, Scope], str] = lambda value, reference, scope: value
    itext: Callable[[str], Nodes | str] = lambda id_: id_  # a text of the form in the interview's language
    seed: int = 1
    version: str = ""
    steps: int = STEPS
    indexes: dict[tuple[str, tuple[str, ...]], Index] = field(default_factory=dict)  # of instances, by their fields

    def spend(self, amount: int = 1) -> None:
        """Count work done, and stop a form that would hang."""
        self.steps -= amount
        if self.steps < 0:
            raise TooMuchWork


class Scope:
    """Where an expression stands: its node and rows, and inside a predicate the item tested."""

    __slots__ = ("environment", "item", "last", "node", "place", "rows")

    def __init__(self, environment: Environment, rows: Sequence[Any] = (), node: Any = None) -> None:
        self.environment = environment
        self.rows = rows
        self.node = node
        self.item: Any = node
        self.place = 1
        self.last = 1


def to_text(value: Result) -> str:
    """XPath string(): the first node's text, numbers by the one formatter."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]
    if kind is list:
        return element_text(value[0]) if value else ""  # type: ignore[index]
    if kind is bool:
        return "true" if value else "false"
    return format_number(value)  # type: ignore[arg-type]


def element_text(element: Element) -> str:
    """The text of one member of a node-set."""
    if type(element) is str:
        return element
    if type(element) is dict:
        return "".join(element.values())
    return element.text()  # type: ignore[union-attr]


def to_number(value: Result) -> float:
    """XPath number(), where an ISO date counts as days since 1970; NaN for what is no number."""
    kind = type(value)
    if kind is float or kind is int or kind is bool:
        return float(value)  # type: ignore[arg-type]
    if kind is list:
        if not value:
            return math.nan
        element: Any = value[0]  # type: ignore[index]
        if type(element) is not str and type(element) is not dict:
            content = element.content
            if type(content) is int or type(content) is float:
                return float(content)
        return read_number_text(element_text(element))
    return read_number_text(value)  # type: ignore[arg-type]


def to_bool(value: Result) -> bool:
    """XPath boolean(), where a blank node or a node holding the number zero is false."""
    kind = type(value)
    if kind is bool:
        return value  # type: ignore[return-value]
    if kind is list:
        return any(_node_truth(element) for element in value)  # type: ignore[union-attr]
    if kind is str:
        return value != ""
    return value != 0 and value == value


def _node_truth(element: Any) -> bool:
    if type(element) is str:
        return element != ""
    if type(element) is dict:
        return bool(element)
    content = element.content
    return (content is not None and content != "" and content != 0) or bool(content is None and element.text())


def read_number_text(text: str) -> float:
    """A text as a number, an ISO date or dateTime as days, a time as a part of a day; else NaN."""
    text = text.strip(_SPACE)
    if text.isascii() and text.isdigit():
        return float(text)
    if _NUMBER.match(text):
        return float(text)
    if len(text) >= 5 and text[0].isdigit():
        days = day_number(text)
        return time_fraction(text) if days is None else days
    return math.nan


def is_date(value: object) -> bool:
    """True for the text of an ISO date without time."""
    return type(value) is str and len(value) == 10 and value[4] == "-" and _DATE.match(value) is not None


def is_date_time(value: object) -> bool:
    """True for the text of an ISO date with a time."""
    return type(value) is str and len(value) > 15 and value[4] == "-" and value[10] in "T "


def day_number(text: str, offset: int = 0) -> float | None:
    """Days since 1970 of an ISO date or dateTime; `offset` minutes where the text names no zone."""
    match = _DATE.match(text[:10])
    if match is None:
        return None
    try:
        days = date(int(match[1]), int(match[2]), int(match[3])).toordinal() - _EPOCH
    except ValueError:
        return None
    if len(text) == 10:
        return float(days)
    parts = _read_time(text[11:]) if text[10] in "T " else None
    if parts is None:
        return None
    seconds, zone = parts
    return days + (seconds - (offset if zone is None else zone) * 60) / 86400


def time_fraction(text: str) -> float:
    """A time of day as a part of the day, by the clock it was read from; NaN for anything else."""
    parts = _read_time(text)
    return math.nan if parts is None else parts[0] / 86400


def read_time(text: str) -> tuple[float, int | None] | None:
    """Seconds since midnight and minutes ahead of UTC of an ISO time, or None."""
    return _read_time(text)


def _read_time(text: str) -> tuple[float, int | None] | None:
    match = _TIME.match(text)
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    zone = _read_zone(match[5])
    if zone is not None and abs(zone) >= 24 * 60:
        return None
    return hours * 3600 + minutes * 60 + seconds + float(match[4] or 0), zone


def _read_zone(text: str | None) -> int | None:
    if text is None or text == "Z":
        return None if text is None else 0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return -minutes if text[0] == "-" else minutes


def date_text(days: float) -> str:
    """The ISO date of a number of days since 1970; empty outside the years 1 to 9999."""
    if not math.isfinite(days):
        return ""
    ordinal = math.floor(days) + _EPOCH
    return date.fromordinal(ordinal).isoformat() if 1 <= ordinal <= 3_652_059 else ""


def date_time_text(days: float, offset: int) -> str:
    """The ISO dateTime, in the device's zone, of days since 1970 in UTC."""
    if not math.isfinite(days) or not -719_000 < days < 2_932_000:
        return ""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=math.floor(days * 86_400_000 + 0.5))
    return stamp(moment.astimezone(timezone(timedelta(minutes=offset))))


def stamp(moment: datetime) -> str:
    """An aware time as XForms write it: milliseconds and offset."""
    return moment.isoformat(timespec="milliseconds")


def format_number(value: float) -> str:
    """The shortest digits that read back the same; no exponent from 1e-7 down or below 1e21."""
    if type(value) is int and -(2**53) < value < 2**53:
        return str(value)
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if abs(value) >= 1e21:
        return repr(float(value))
    if value == int(value):
        text = repr(float(value))
        return str(int(Decimal(text))) if "e" in text else text[:-2]
    text = repr(float(value))
    return format(Decimal(text), "f") if "e" in text else text


def format_number_value(value: float) -> str:
    """A number as a calculation stores it: like `format_number`, but nothing for what is no number."""
    return "" if not math.isfinite(value) else format_number(value)


def bounded(text: str) -> str:
    """The text itself, unless it grew beyond what a form may hold."""
    if len(text) > MAX_TEXT:
        raise TooMuchWork
    return text


def to_elements(value: Result) -> Nodes:
    """The members of a node-set; a single value as a set of one text."""
    return value if isinstance(value, list) else [to_text(value)]
