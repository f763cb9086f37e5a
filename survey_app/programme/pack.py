"""A programme pack: one programme as a folder of data, read into frozen dataclasses, every mistake reported with its place.

The folder holds pack.toml, register.toml, plans/*.toml, instruments/*.md, lists/*.csv, texts/*.toml and demo.toml.
A date may be written as a TOML date or relative to the present day, as "today-300d".
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

PACKS: Final = Path(__file__).parent / "packs"
OPEN_END: Final = "9999-12-31"
REGISTER_KINDS: Final = frozenset({"establishment", "unit"})
FIELD_TYPES: Final = frozenset({"text", "integer", "decimal", "date", "choice", "boolean"})
INDICATOR_KINDS: Final = frozenset({"share", "ratio", "count", "survey_coverage", "unit_share"})
COMBINATIONS: Final = frozenset({"first", "all", "any"})
STATUSES: Final = frozenset({"confirmed", "unconfirmed"})
_RELATIVE: Final = re.compile(r"today(?:([+-])(\d+)d)?")

Words = Mapping[str, str]  # language code -> text
T = TypeVar("T")


class PackError(Exception):
    """A pack cannot be used; carries every mistake found as "file: place: what is wrong"."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """A question the programme's owner still has to answer: a default that works, and whether it was confirmed."""

    name: str
    value: str | int | float | bool
    text: Words
    confirmed: bool = False


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
        held = (one for one in self.controllers if one.valid_from <= on and (one.valid_to is None or on <= one.valid_to))
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


# Reading ---------------------------------------------------------------------------------------------------------


def load_pack(folder: Path, today: date) -> Pack:
    """Read a pack; raises PackError with every mistake. Relative dates are counted from `today`."""
    mistakes: list[str] = []
    main = _Table(_read_toml(folder / "pack.toml", mistakes), "pack.toml", mistakes, today)
    languages = main.texts("languages")
    lists = {path.stem: _read_list(path, mistakes) for path in sorted((folder / "lists").glob("*.csv"))}
    register_file = _Table(_read_toml(folder / "register.toml", mistakes), "register.toml", mistakes, today)
    registers = [_register(table, lists) for table in register_file.tables("register")]
    plans = [
        _plan(_Table(_read_toml(path, mistakes), f"plans/{path.name}", mistakes, today))
        for path in sorted((folder / "plans").glob("*.toml"))
    ]
    demo = folder / "demo.toml"
    pack = Pack(
        name=folder.name,
        folder=folder,
        title=main.words("title"),
        languages=languages,
        timezone=_zone(main),
        controllers=tuple(_controller(table) for table in main.tables("controller")),
        contact={key: str(value) for key, value in main.table("contact").values.items()},
        registers={spec.name: spec for spec in registers},
        plans={spec.name: spec for spec in plans},
        lists=MappingProxyType(lists),
        texts={language: _texts(folder, language, mistakes) for language in languages},
        settings=tuple(_setting(table) for table in main.tables("setting")),
        instrument_names=main.texts("instruments"),
        demo=_read_toml(demo, mistakes) if demo.exists() else {},
    )
    _check(pack, mistakes)
    if mistakes:
        raise PackError(mistakes)
    return pack


@dataclass(frozen=True, slots=True)
class _Table:
    """A TOML table that notes what is wrong with it instead of stopping at the first mistake."""

    values: Mapping[str, Any]
    where: str
    mistakes: list[str]
    today: date

    def note(self, key: str, wrong: str) -> None:
        self.mistakes.append(f"{self.where}: {key}: {wrong}")

    def _get(self, key: str, kind: type | tuple[type, ...], default: T | None, empty: T) -> T:
        value = self.values.get(key)
        if value is None:
            if default is None:
                self.note(key, "is missing")
            return empty if default is None else default
        if not isinstance(value, kind):
            self.note(key, f"has the wrong type ({type(value).__name__})")
            return empty
        return value  # type: ignore[return-value]  # checked by isinstance just above

    def text(self, key: str, default: str | None = None) -> str:
        return self._get(key, str, default, "")

    def number(self, key: str, default: float | None = None) -> float:
        return self._get(key, (int, float), default, 0.0)

    def flag(self, key: str) -> bool:
        return self._get(key, bool, False, False)

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(str(value) for value in self._get(key, list, [], []))

    def table(self, key: str) -> _Table:
        return _Table(self._get(key, dict, {}, {}), f"{self.where}: {key}", self.mistakes, self.today)

    def tables(self, key: str) -> list[_Table]:
        found: list[Any] = self._get(key, list, [], [])
        return [
            _Table(value, f"{self.where}: {key} {value.get('name', position)}", self.mistakes, self.today)
            for position, value in enumerate(found, 1)
        ]

    def words(self, key: str, default: Words | None = None) -> Words:
        return {language: str(text) for language, text in self._get(key, dict, default, {}).items()}

    def day(self, key: str) -> date:
        value = self.values.get(key)
        found = _resolve(value, self.today)
        if found is None:
            self.note(key, "needs a date (2016-08-17) or a relative one (today-300d)")
        return found or self.today

    def one_of(self, key: str, allowed: frozenset[str]) -> str:
        value = self.text(key)
        if value and value not in allowed:
            self.note(key, f"must be one of {', '.join(sorted(allowed))}")
        return value


def _resolve(value: object, today: date) -> date | None:
    if isinstance(value, date):
        return value
    match = _RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return date.fromisoformat(value) if isinstance(value, str) and _is_date(value) else None
    days = int(match[2] or 0)
    return today + timedelta(days=-days if match[1] == "-" else days)


def _read_toml(path: Path, mistakes: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        mistakes.append(f"{path.name}: the file is missing")
    except tomllib.TOMLDecodeError as error:
        mistakes.append(f"{path.name}: {error}")
    return {}


def _read_list(path: Path, mistakes: list[str]) -> ReferenceList:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        columns = tuple(reader.fieldnames or ())
        rows: list[Mapping[str, str]] = []
        for row in reader:
            if None in row or None in row.values():
                mistakes.append(f"lists/{path.name}: line {reader.line_num}: has not {len(columns)} cells")
                continue
            rows.append(MappingProxyType(row))
    mistakes.extend(f"lists/{path.name}: {wrong}" for wrong in _row_mistakes(columns, rows))
    return ReferenceList(path.stem, columns, tuple(rows))


def _row_mistakes(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    yield from (f"column {name} is missing" for name in ("source", "status") if name not in columns)
    for line, row in enumerate(rows, 2):
        if row.get("status") not in STATUSES:
            yield f"line {line}: status must be confirmed or unconfirmed"
        if not row.get("source"):
            yield f"line {line}: source is missing"
        for name in ("valid_from", "valid_to"):
            if row.get(name) and not _is_date(row[name]):
                yield f"line {line}: {name} is not a date"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _zone(main: _Table) -> ZoneInfo:
    try:
        return ZoneInfo(main.text("timezone"))
    except (ValueError, KeyError):
        main.note("timezone", "is not a known time zone")
        return ZoneInfo("UTC")


def _texts(folder: Path, language: str, mistakes: list[str]) -> Texts:
    return Texts(language, _read_toml(folder / "texts" / f"{language}.toml", mistakes))


def _controller(table: _Table) -> Controller:
    ends = table.day("valid_to") if "valid_to" in table.values else None
    return Controller(table.words("name"), table.day("valid_from"), ends)


def _setting(table: _Table) -> SettingSpec:
    return SettingSpec(
        table.text("name"), table.values.get("value", ""), table.words("text"), confirmed=table.flag("confirmed")
    )


def _register(table: _Table, lists: Mapping[str, ReferenceList]) -> RegisterSpec:
    return RegisterSpec(
        name=table.text("name"),
        kind=table.one_of("kind", REGISTER_KINDS),
        title=table.words("title"),
        fields=tuple(_field(one) for one in table.tables("field")),
        code_pattern=table.text("code_pattern", ".+"),
        provisional_pattern=table.text("provisional_pattern", ""),
        code_prefix=table.text("code_prefix", ""),
        code_digits=int(table.number("code_digits", 0)),
        classifiers=table.words("classifiers", {}),
        classifier_lists=table.words("classifier_lists", {}),
        scopes=tuple(ScopeSpec(one.text("name"), one.words("label"), one.text("expression")) for one in table.tables("scope")),
        default_scope=table.text("default_scope", ""),
        checks=tuple(_register_check(one) for one in table.tables("check")),
        units=_units(table, lists),
    )


def _units(table: _Table, lists: Mapping[str, ReferenceList]) -> tuple[Mapping[str, str], ...]:
    """The units a register is made of: `units = "list:part"` names rows of the list `choices`."""
    name, _, part = table.text("units", "").partition(":")
    if not name:
        return ()
    if name not in lists:
        table.note("units", f"there is no list {name}")
        return ()
    return tuple(row for row in lists[name].rows if row.get("list", part) == part)


def _field(table: _Table) -> FieldSpec:
    return FieldSpec(
        name=table.text("name"),
        type=table.one_of("type", FIELD_TYPES),
        label=table.words("label"),
        list=table.text("list", ""),
        required=table.flag("required"),
        is_personal=table.flag("personal"),
        question=table.text("question", ""),
        aliases=table.texts("aliases"),
    )


def _register_check(table: _Table) -> RegisterCheck:
    return RegisterCheck(
        name=table.text("name"),
        field=table.text("field"),
        expression=table.text("expression"),
        message=table.words("message"),
        relevant=table.text("relevant", ""),
        is_error=table.text("grade", "error") == "error",
    )


def _plan(table: _Table) -> PlanSpec:
    phases = tuple(
        PhaseSpec(one.text("name"), one.words("label"), one.day("start"), one.day("end")) for one in table.tables("phase")
    )
    return PlanSpec(
        name=table.text("name"),
        title=table.words("title"),
        decision=table.words("decision", {}),
        phases=phases,
        indicators=tuple(_plan_indicator(one) for one in table.tables("plan_indicator")),
        actions=tuple(_action(one) for one in table.tables("action")),
        deadlines=tuple(_deadline(one) for one in table.tables("deadline")),
        register=table.text("register", ""),
        is_demo=table.flag("demo"),
        document=_json_ready(table.values, table.today),
    )


def plan_from_document(document: Mapping[str, Any]) -> PlanSpec:
    """The plan kept as a document (`PlanSpec.document`); raises PackError when it is no plan."""
    mistakes: list[str] = []
    spec = _plan(_Table(document, "plan", mistakes, date.today()))  # noqa: DTZ011 - nothing relative is left in it
    if mistakes:
        raise PackError(mistakes)
    return spec


def _json_ready(value: Any, today: date) -> Any:
    if isinstance(value, Mapping):
        return {key: _json_ready(one, today) for key, one in value.items()}
    if isinstance(value, list):
        return [_json_ready(one, today) for one in value]
    resolved = _resolve(value, today)
    return value if resolved is None else resolved.isoformat()


def _plan_indicator(table: _Table) -> PlanIndicatorSpec:
    return PlanIndicatorSpec(
        name=table.text("name"),
        label=table.words("label"),
        definition=table.words("definition"),
        kind=table.one_of("kind", INDICATOR_KINDS),
        sources=table.texts("sources"),
        scope=table.text("scope", ""),
        denominator=table.text("denominator", ""),
        targets={phase: float(target) for phase, target in table.table("targets").values.items()},
        unit=table.text("unit", "percent"),
        counts_modes=table.texts("counts_modes"),
        action=table.text("action", ""),
        is_headline=table.flag("headline"),
        excluded_by=table.text("excluded_by", ""),
        setting=table.text("setting", ""),
        combine=table.one_of("combine", COMBINATIONS) if "combine" in table.values else "first",
    )


def _action(table: _Table) -> ActionSpec:
    results = table.table("results")
    return ActionSpec(
        name=table.text("name"),
        label=table.words("label"),
        lead=table.words("lead", {}),
        group=table.text("group", ""),
        instruments=table.texts("instruments"),
        results={phase: results.words(phase) for phase in results.values},
    )


def _deadline(table: _Table) -> DeadlineSpec:
    return DeadlineSpec(table.text("name"), table.words("label"), int(table.number("month")), int(table.number("day")))


# What only the whole pack shows ----------------------------------------------------------------------------------


def _check(pack: Pack, mistakes: list[str]) -> None:
    if not pack.languages:
        mistakes.append("pack.toml: languages: name at least one")
    checks: tuple[Callable[[Pack], Iterator[str]], ...] = (
        _repeated_names, _unknown_lists, _plan_mistakes, _text_mistakes, _missing_instruments,
    )  # fmt: skip
    for check in checks:
        mistakes.extend(check(pack))


def _repeated_names(pack: Pack) -> Iterator[str]:
    for register in pack.registers.values():
        seen: dict[str, str] = {}
        for spec in register.fields:
            for heading in (spec.name, *spec.aliases):
                other = seen.setdefault(heading.casefold(), spec.name)
                if other != spec.name:
                    yield f"register.toml: register {register.name}: “{heading}” stands for {other} and {spec.name}"
    names = [spec.name for spec in pack.settings]
    yield from (f"pack.toml: setting {name}: stands twice" for name in sorted(set(names)) if names.count(name) > 1)


def _unknown_lists(pack: Pack) -> Iterator[str]:
    parts = {row["list"] for reference in pack.lists.values() if "list" in reference.columns for row in reference.rows}
    for register in pack.registers.values():
        for spec in register.fields:
            if spec.list and spec.list not in parts and spec.list not in pack.lists:
                yield f"register.toml: register {register.name}: field {spec.name}: there is no list {spec.list}"


def _plan_mistakes(pack: Pack) -> Iterator[str]:
    scopes = {scope.name for register in pack.registers.values() for scope in register.scopes}
    for plan in pack.plans.values():
        phases = {phase.name for phase in plan.phases} | {"total", "year"}
        yield from (f"plan {plan.name}: phase {one.name}: ends before it starts" for one in plan.phases if one.end < one.start)
        for indicator in plan.indicators:
            place = f"plan {plan.name}: indicator {indicator.name}"
            if indicator.scope and indicator.scope not in scopes:
                yield f"{place}: there is no scope {indicator.scope}"
            yield from (f"{place}: there is no phase {name}" for name in indicator.targets if name not in phases)
            for source in indicator.sources:
                if source.partition(":")[0] not in pack.instrument_names:
                    yield f"{place}: there is no instrument {source.partition(':')[0]}"


def _text_mistakes(pack: Pack) -> Iterator[str]:
    if not pack.languages:
        return
    first = set(_keys(pack.texts[pack.languages[0]].values))
    for language in pack.languages[1:]:
        keys = set(_keys(pack.texts[language].values))
        yield from (f"texts/{language}.toml: {key}: is missing" for key in sorted(first - keys))
        yield from (f"texts/{pack.languages[0]}.toml: {key}: is missing" for key in sorted(keys - first))


def _keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def _missing_instruments(pack: Pack) -> Iterator[str]:
    for name in pack.instrument_names:
        if not (pack.folder / "instruments" / f"{name}.md").exists():
            yield f"instruments/{name}.md: the file is missing"
