"""What a programme pack holds: its registers, plans, lists, texts and open questions, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

OPEN_END: Final = "9999-12-31"

Words = Mapping[str, str]  # language code -> text


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """A question the programme's owner still has to answer: a default that works, and whether it was confirmed."""

    name: str
    value: str | int | float | bool
    text: Words
    confirmed: bool = False
    value_text: Words = field(default_factory=dict)  # the value in words, where it is a code


@dataclass(frozen=True, slots=True)
class Controller:
    """Who is responsible for the data, from when to when."""

    name: Words
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a register and the question it prefills."""

    name: str
    type: str
    label: Words
    list: str = ""  # the reference list (or the part of the list `choices`) a choice comes from
    required: bool = False
    is_personal: bool = False
    question: str = ""
    aliases: tuple[str, ...] = ()  # column headings understood on import


@dataclass(frozen=True, slots=True)
class ScopeSpec:
    """A set of units that shares may refer to."""

    name: str
    label: Words
    expression: str


@dataclass(frozen=True, slots=True)
class RegisterCheck:
    """A rule for one field: true means fine."""

    name: str
    field: str
    expression: str
    message: Words
    relevant: str = ""
    is_error: bool = True


@dataclass(frozen=True, slots=True)
class RegisterSpec:
    """A sampling frame: its fields and what is derived from them, as expressions over `${field}`."""

    name: str
    kind: str
    title: Words
    fields: tuple[FieldSpec, ...]
    code_pattern: str = ".+"
    provisional_pattern: str = ""
    code_prefix: str = ""
    code_digits: int = 0
    classifiers: Mapping[str, str] = field(default_factory=dict)  # area, sector, size, stratum, ... -> expression
    classifier_lists: Mapping[str, str] = field(default_factory=dict)  # classifier -> list holding its labels
    scopes: tuple[ScopeSpec, ...] = ()
    default_scope: str = ""
    certain_scope: str = ""  # the units that every sample takes whole
    checks: tuple[RegisterCheck, ...] = ()
    units: tuple[Mapping[str, str], ...] = ()  # the units themselves, where the pack fixes them

    def field(self, name: str) -> FieldSpec:
        """The field of this name; KeyError when there is none."""
        return next(spec for spec in self.fields if spec.name == name) if name in self.names else _missing(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields in the pack's order."""
        return tuple(spec.name for spec in self.fields)


@dataclass(frozen=True, slots=True)
class PhaseSpec:
    """A part of a plan; a record counts in the phase of its campaign."""

    name: str
    label: Words
    start: date
    end: date

    def holds(self, day: date) -> bool:
        """True on a day of the phase, both ends included."""
        return self.start <= day <= self.end


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """Something the plan does, with who leads it and what shows that it was done."""

    name: str
    label: Words
    lead: Words = field(default_factory=dict)
    group: str = ""
    instruments: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)  # form id -> the part of it that a visit carries
    results: Mapping[str, Words] = field(default_factory=dict)  # phase -> what the plan expects


@dataclass(frozen=True, slots=True)
class PlanIndicatorSpec:
    """A figure of the plan: which answers make it true, over which units, and the targets."""

    name: str
    label: Words
    definition: Words
    kind: str
    sources: tuple[str, ...] = ()  # "form_id:indicator", the first one present decides
    scope: str = ""
    denominator: str = ""
    targets: Mapping[str, float] = field(default_factory=dict)  # phase name or "total" -> target
    unit: str = "percent"
    counts_modes: tuple[str, ...] = ()
    action: str = ""
    is_headline: bool = False
    excluded_by: str = ""  # "form_id:indicator": records for which it is true wait for a review
    setting: str = ""  # the open question that decides how to read it
    combine: str = "first"  # first: the first source present decides; all, any: of the sources


@dataclass(frozen=True, slots=True)
class DeadlineSpec:
    """A yearly date: received on it or before counts as on time."""

    name: str
    label: Words
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """A plan with its phases, actions, indicators and deadlines."""

    name: str
    title: Words
    decision: Words
    phases: tuple[PhaseSpec, ...]
    indicators: tuple[PlanIndicatorSpec, ...]
    actions: tuple[ActionSpec, ...] = ()
    deadlines: tuple[DeadlineSpec, ...] = ()
    register: str = ""
    is_demo: bool = False
    document: Mapping[str, Any] = field(default_factory=dict)  # as read, relative dates resolved; JSON-ready

    def phase_on(self, day: date) -> PhaseSpec | None:
        """The phase a day lies in, or None."""
        return next((phase for phase in self.phases if phase.holds(day)), None)


@dataclass(frozen=True, slots=True)
class ReferenceList:
    """A table of the pack; rows are dated when the list has the columns valid_from and valid_to."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]

    @property
    def is_dated(self) -> bool:
        """True when its rows hold from a date on."""
        return "valid_from" in self.columns

    def in_force(self, on: date) -> tuple[Mapping[str, str], ...]:
        """The rows that hold on a day; every row of an undated list."""
        day = on.isoformat()
        return tuple(row for row in self.rows if _starts(row) <= day <= _ends(row))

    def unconfirmed(self) -> tuple[Mapping[str, str], ...]:
        """The rows nobody has confirmed yet."""
        return tuple(row for row in self.rows if row.get("status") == "unconfirmed")


@dataclass(frozen=True, slots=True)
class Texts:
    """The pack's texts in one language, by dotted key: "landing.why"."""

    language: str
    values: Mapping[str, Any]

    def find(self, key: str) -> Any:
        """The text, list or table at a dotted key, or None."""
        found: Any = self.values
        for step in key.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    def text(self, key: str) -> str:
        """The text at a dotted key; KeyError when the pack has none."""
        found = self.find(key)
        return found if isinstance(found, str) else _missing(key)


@dataclass(frozen=True, slots=True)
class Pack:
    """One programme as data."""

    name: str
    folder: Path
    title: Words
    languages: tuple[str, ...]
    timezone: ZoneInfo
    controllers: tuple[Controller, ...]
    contact: Mapping[str, str]
    registers: Mapping[str, RegisterSpec]
    plans: Mapping[str, PlanSpec]
    lists: Mapping[str, ReferenceList]
    texts: Mapping[str, Texts]
    settings: tuple[SettingSpec, ...] = ()
    instrument_names: tuple[str, ...] = ()
    demo: Mapping[str, Any] = field(default_factory=dict)

    def instruments(self) -> Iterator[tuple[str, bytes]]:
        """Each instrument as one Markdown workbook: its questions, then the sheets of its scores file."""
        for name in self.instrument_names:
            files = [self.folder / "instruments" / f"{name}{end}" for end in (".md", ".scores.md")]
            yield name, b"\n\n".join(file.read_bytes() for file in files if file.exists())

    def setting(self, name: str) -> SettingSpec:
        """The open question of this name; KeyError when there is none."""
        return next((spec for spec in self.settings if spec.name == name), None) or _missing(name)

    def unconfirmed(self) -> tuple[SettingSpec, ...]:
        """The questions nobody has answered yet."""
        return tuple(spec for spec in self.settings if not spec.confirmed)

    def controller(self, on: date) -> Controller | None:
        """Who is responsible for the data on a day."""
        held = (
            one for one in self.controllers if one.valid_from <= on and (one.valid_to is None or on <= one.valid_to)
        )
        return next(held, None)

    def in_language(self, language: str) -> Texts:
        """The texts in a language, else in the pack's first one."""
        return self.texts.get(language) or self.texts[self.languages[0]]


def instance_items(reference: ReferenceList, on: date | None = None) -> tuple[dict[str, str], ...]:
    """The items of a list as expressions see them: what is known on a day, history included.

    A sample is judged by the rule of its own day and a saving by the prices of its base year, so the earlier rows
    stay. `valid_to` is never blank; `first_year` and `last_year` name the years on whose 1 July the row is in force,
    and a name's first row reaches back to the beginning.
    """
    known = [row for row in reference.rows if on is None or _starts(row) <= on.isoformat()] or list(reference.rows)
    earliest: dict[tuple[str, ...], str] = {}
    for row in known:
        key = _subject(row)
        earliest[key] = min(earliest.get(key, OPEN_END), _starts(row))
    return tuple(_dated_item(row, is_first=_starts(row) == earliest[_subject(row)]) for row in known)


def _dated_item(row: Mapping[str, str], *, is_first: bool) -> dict[str, str]:
    if "valid_from" not in row:
        return dict(row)
    start, end = _starts(row), _ends(row)
    first = int(start[:4]) + (start[5:] > "07-01")
    last = int(end[:4]) - (end[5:] < "07-01")
    return {**row, "valid_to": end, "first_year": "0" if is_first else str(first), "last_year": str(last)}


def _subject(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row.get(column, "") for column in ("area", "name", "column", "low"))


def _starts(row: Mapping[str, str]) -> str:
    return row.get("valid_from") or "0001-01-01"


def _ends(row: Mapping[str, str]) -> str:
    return row.get("valid_to") or OPEN_END


def _missing(name: str) -> Any:
    raise KeyError(name)
