"""The question types we run, one record each: how a value of the type reads, stores and compares.

A type missing here is refused when a form is loaded, by its row and name: nothing is ever shown silently wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, Final, TypeAlias

from marshmallow import ValidationError, fields

from forms.model import Question, Value

# A value may be blank, so every field allows None; "" is the same as None everywhere in a form.
TEXT_CHARACTERS: Final = 20_000
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?")
_FILE_NAME: Final = re.compile(r"[^/\\\x00-\x1f]{1,249}")


class Kind(StrEnum):
    """What a value is; controls, storage and analysis go by the kind, never by the type's name."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    CHOICE = "choice"
    CHOICES = "choices"
    RANK = "rank"
    POINT = "point"
    TRACE = "trace"
    SHAPE = "shape"
    FILE = "file"
    NOTE = "note"
    ACKNOWLEDGE = "acknowledge"
    CALCULATE = "calculate"
    METADATA = "metadata"
    RANGE = "range"


FieldFactory: TypeAlias = Callable[[Question], "fields.Field[Value]"]


@dataclass(frozen=True, slots=True)
class QuestionType:
    """One XLSForm type. `xforms` is the type its bind bears, `is_asked` false when it has no control of its own."""

    name: str
    kind: Kind
    field: FieldFactory
    xforms: str = "string"
    is_asked: bool = True


class _Blankable(fields.Field[Value]):
    """A field in which "" means no answer and a wrong value is an error that names the type."""

    def __init__(self) -> None:
        super().__init__(allow_none=True)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Value:
        if value is None or value == "":
            return None
        return self.read(value)

    def read(self, value: Any) -> Value:
        """The value as it is stored, else ValidationError."""
        raise NotImplementedError


class PlainText(_Blankable):
    """Any text of bearable length; a number is taken as its digits."""

    def read(self, value: Any) -> Value:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = _digits(value)
        if not isinstance(value, str) or len(value) > TEXT_CHARACTERS or "\x00" in value:
            raise ValidationError("wrong_type")
        return value


class WholeNumber(_Blankable):
    """A whole number, also written as text."""

    def read(self, value: Any) -> Value:
        number = _number(value)
        if number != int(number) or abs(number) >= 1e18:
            raise ValidationError("wrong_type")
        return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else int(number)


class DecimalNumber(_Blankable):
    """A finite number, also written as text; whole ones are kept as int."""

    def read(self, value: Any) -> Value:
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        number = _number(value)
        return int(number) if number == int(number) and abs(number) < 2**53 else number


class IsoText(_Blankable):
    """A text that an ISO reader accepts: date, time or both."""

    def __init__(self, reader: Callable[[str], object]) -> None:
        super().__init__()
        self._reader = reader

    def read(self, value: Any) -> Value:
        if not isinstance(value, str):
            raise ValidationError("wrong_type")
        try:
            self._reader(value)
        except ValueError:
            raise ValidationError("wrong_type") from None
        return value


class Day(IsoText):
    """A date; of a dateTime that names no offset its day, for that is the day on the device."""

    def __init__(self) -> None:
        super().__init__(read_date)

    def read(self, value: Any) -> Value:
        return super().read(value[:10] if isinstance(value, str) and _is_local_moment(value) else value)


def _is_local_moment(text: str) -> bool:
    if "T" not in text[10:11] or not _OFFSET_MARKS.isdisjoint(text[10:]):
        return False
    try:
        read_datetime(text)
    except ValueError:
        return False
    return True


_OFFSET_MARKS: Final = frozenset("Z+-")


class ChosenNames(_Blankable):
    """Names of choices separated by spaces, or a list of them; each once, in the order chosen."""

    def read(self, value: Any) -> Value:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = _digits(value)
        names = value.split() if isinstance(value, str) else value
        if not isinstance(names, list) or not all(_is_name(name) for name in names):
            raise ValidationError("wrong_type")
        return " ".join(dict.fromkeys(names)) or None


class ChosenName(_Blankable):
    """The name of one choice."""

    def read(self, value: Any) -> Value:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = _digits(value)
        if not _is_name(value):
            raise ValidationError("wrong_type")
        return str(value)


class Points(_Blankable):
    """ "lat lon alt acc" points joined by ";": at least `least`, the last equal to the first when `is_closed`."""

    def __init__(self, least: int, most: int, is_closed: bool = False) -> None:
        super().__init__()
        self._least, self._most, self._is_closed = least, most, is_closed

    def read(self, value: Any) -> Value:
        if not isinstance(value, str):
            raise ValidationError("wrong_type")
        points = [part.split() for part in value.split(";") if part.strip()]
        if not self._least <= len(points) <= self._most or not all(_is_point(point) for point in points):
            raise ValidationError("wrong_type")
        if self._is_closed and points[0][:2] != points[-1][:2]:
            raise ValidationError("wrong_type")
        return value


class FileName(_Blankable):
    """The name of an attachment, never a path."""

    def read(self, value: Any) -> Value:
        if not isinstance(value, str) or not _FILE_NAME.fullmatch(value) or value in (".", ".."):
            raise ValidationError("wrong_type")
        return value


class Acknowledged(_Blankable):
    """ "OK" or blank."""

    def read(self, value: Any) -> Value:
        if value is True or value == "OK":
            return "OK"
        if value is False:
            return None
        raise ValidationError("wrong_type")


class Computed(_Blankable):
    """What a calculation gave: text or a finite number, as it came."""

    def read(self, value: Any) -> Value:
        if isinstance(value, str) and len(value) <= TEXT_CHARACTERS:
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return value
        raise ValidationError("wrong_type")


def range_field(question: Question) -> fields.Field[Value]:
    """Whole numbers when start, end and step are whole, else decimals."""
    numbers = [question.parameters.get(name, "1") for name in ("start", "end", "step")]
    is_whole = all(_WHOLE.fullmatch(number) for number in numbers)
    return WholeNumber() if is_whole else DecimalNumber()


def read_date(text: str) -> date:
    """A calendar date written YYYY-MM-DD, else ValueError."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def read_time(text: str) -> time:
    """A time of day with or without seconds and offset, else ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    return time.fromisoformat(text)


def read_datetime(text: str) -> datetime:
    """A date, "T" and a time, else ValueError."""
    day, separator, clock = text.partition("T")
    if not separator:
        raise ValueError(text)
    return datetime.combine(read_date(day), read_time(clock))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValidationError("wrong_type")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValidationError("wrong_type")
    try:
        number = float(value)
    except OverflowError:
        raise ValidationError("wrong_type") from None
    if not math.isfinite(number):
        raise ValidationError("wrong_type")
    return number


def _digits(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 250 and value.split() == [value]


def _is_point(numbers: list[str]) -> bool:
    if not 2 <= len(numbers) <= 4 or not all(_NUMBER.fullmatch(number) for number in numbers):
        return False
    return abs(float(numbers[0])) <= 90 and abs(float(numbers[1])) <= 180


def _date_field(_: Question) -> fields.Field[Value]:
    return Day()


def _time_field(_: Question) -> fields.Field[Value]:
    return IsoText(read_time)


def _datetime_field(_: Question) -> fields.Field[Value]:
    return IsoText(read_datetime)


def _text(name: str, kind: Kind = Kind.TEXT, xforms: str = "string") -> QuestionType:
    return QuestionType(name, kind, lambda _: PlainText(), xforms)


def _file(name: str, is_asked: bool = True) -> QuestionType:
    return QuestionType(name, Kind.FILE, lambda _: FileName(), "binary", is_asked)


def _point(name: str, is_asked: bool = True) -> QuestionType:
    return QuestionType(name, Kind.POINT, lambda _: Points(1, 1), "geopoint", is_asked)


def _metadata(name: str, xforms: str = "string") -> QuestionType:
    return QuestionType(name, Kind.METADATA, lambda _: PlainText(), xforms, is_asked=False)


TYPES: Final[Mapping[str, QuestionType]] = {
    type_.name: type_
    for type_ in (
        _text("text"),
        _text("barcode", xforms="barcode"),
        QuestionType("integer", Kind.INTEGER, lambda _: WholeNumber(), "int"),
        QuestionType("decimal", Kind.DECIMAL, lambda _: DecimalNumber(), "decimal"),
        QuestionType("range", Kind.RANGE, range_field, "int"),
        QuestionType("date", Kind.DATE, _date_field, "date"),
        QuestionType("time", Kind.TIME, _time_field, "time"),
        QuestionType("dateTime", Kind.DATETIME, _datetime_field, "dateTime"),
        QuestionType("select_one", Kind.CHOICE, lambda _: ChosenName()),
        QuestionType("select_multiple", Kind.CHOICES, lambda _: ChosenNames()),
        QuestionType("rank", Kind.RANK, lambda _: ChosenNames(), "odk:rank"),
        QuestionType("note", Kind.NOTE, lambda _: Computed()),
        QuestionType("acknowledge", Kind.ACKNOWLEDGE, lambda _: Acknowledged()),
        _point("geopoint"),
        QuestionType("geotrace", Kind.TRACE, lambda _: Points(2, 10_000), "geotrace"),
        QuestionType("geoshape", Kind.SHAPE, lambda _: Points(4, 10_000, is_closed=True), "geoshape"),
        _file("image"),
        _file("audio"),
        _file("video"),
        _file("file"),
        QuestionType("calculate", Kind.CALCULATE, lambda _: Computed(), is_asked=False),
        QuestionType("hidden", Kind.CALCULATE, lambda _: Computed(), is_asked=False),
        _point("start-geopoint", is_asked=False),
        QuestionType("start", Kind.METADATA, _datetime_field, "dateTime", is_asked=False),
        QuestionType("end", Kind.METADATA, _datetime_field, "dateTime", is_asked=False),
        QuestionType("today", Kind.METADATA, _date_field, "date", is_asked=False),
        _metadata("deviceid"),
        _metadata("username"),
        _metadata("email"),
        _metadata("phonenumber"),
    )
}

# Other spellings that authors use, as pyxform reads them -> our name.
ALIASES: Final[Mapping[str, str]] = {
    "string": "text",
    "int": "integer",
    "datetime": "dateTime",
    "date time": "dateTime",
    "gps": "geopoint",
    "location": "geopoint",
    "photo": "image",
    "trigger": "acknowledge",
    "imei": "deviceid",
    "select one": "select_one",
    "select one from": "select_one",
    "select1": "select_one",
    "select multiple": "select_multiple",
    "select multiple from": "select_multiple",
    "select all that apply": "select_multiple",
    "select all that apply from": "select_multiple",
    "select_one_from_file": "select_one",
    "select one from file": "select_one",
    "select_multiple_from_file": "select_multiple",
    "select multiple from file": "select_multiple",
    "device id": "deviceid",
    "start time": "start",
    "end time": "end",
    "phone number": "text",
    "picture": "image",
    "percentage": "integer",
    "number of days in last month": "integer",
    "number of days in last six months": "integer",
    "number of days in last year": "integer",
}

# Types we know of and do not run, so that the message can say so rather than "unknown".
UNSUPPORTED: Final = frozenset(
    {
        "background-audio",
        "background-geopoint",
        "osm",
        "begin loop",
        "begin_loop",
        "end loop",
        "end_loop",
        "include",
        "cascading_select",
        # SurveyCTO's own
        "audio audit",
        "text audit",
        "sensor_statistic",
        "sensor_stream",
        "speed violations count",
        "speed violations list",
        "speed violations audit",
        "calculate_here",
        "caseid",
        "comments",
        "enumerator",
        # of the Community Health Toolkit
        "db:person",
        "db:clinic",
        "db:health_center",
        "db:district_hospital",
    }
)
