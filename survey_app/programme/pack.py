"""Reading a programme pack: a folder of data -> `specs`, every mistake reported with its place.

The folder holds pack.toml, register.toml, plans/*.toml, instruments/*.md, lists/*.csv, texts/*.toml and demo.toml.
A date may be written as a TOML date or relative to the present day, as "today-300d".
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast
from zoneinfo import ZoneInfo

from survey_app.programme.specs import (
    ActionSpec,
    Controller,
    DeadlineSpec,
    FieldSpec,
    Pack,
    PhaseSpec,
    PlanIndicatorSpec,
    PlanSpec,
    ReferenceList,
    RegisterCheck,
    RegisterSpec,
    ScopeSpec,
    SettingSpec,
    Texts,
    Words,
    instance_items,
)

__all__ = [
    "PACKS",
    "ActionSpec",
    "Controller",
    "DeadlineSpec",
    "FieldSpec",
    "Pack",
    "PackError",
    "PhaseSpec",
    "PlanIndicatorSpec",
    "PlanSpec",
    "ReferenceList",
    "RegisterCheck",
    "RegisterSpec",
    "ScopeSpec",
    "SettingSpec",
    "Texts",
    "instance_items",
    "load_pack",
    "plan_from_document",
]

PACKS: Final = Path(__file__).parent / "packs"
REGISTER_KINDS: Final = frozenset({"establishment", "unit"})
FIELD_TYPES: Final = frozenset({"text", "integer", "decimal", "date", "choice", "boolean"})
INDICATOR_KINDS: Final = frozenset({"share", "ratio", "count", "survey_coverage", "unit_share"})
COMBINATIONS: Final = frozenset({"first", "all", "any"})
STATUSES: Final = frozenset({"confirmed", "unconfirmed"})
_RELATIVE: Final = re.compile(r"today(?:([+-])(\d+)d)?")

T = TypeVar("T")


class PackError(Exception):
    """A pack cannot be used; carries every mistake found as "file: place: what is wrong"."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


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
        return cast(T, value)

    def text(self, key: str, default: str | None = None) -> str:
        return self._get(key, str, default, "")

    def number(self, key: str, default: float | None = None) -> float:
        return self._get(key, (int, float), default, 0.0)

    def flag(self, key: str) -> bool:
        return self._get(key, bool, False, False)

    def texts(self, key: str) -> tuple[str, ...]:
        found: list[Any] = self._get(key, list, [], [])
        return tuple(str(value) for value in found)

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
    value, text = table.values.get("value", ""), table.words("text")
    return SettingSpec(table.text("name"), value, text, table.flag("confirmed"), table.words("value_text", {}))


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
        scopes=tuple(
            ScopeSpec(one.text("name"), one.words("label"), one.text("expression")) for one in table.tables("scope")
        ),
        default_scope=table.text("default_scope", ""),
        certain_scope=table.text("certain_scope", ""),
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
        PhaseSpec(one.text("name"), one.words("label"), one.day("start"), one.day("end"))
        for one in table.tables("phase")
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
    spec = _plan(_Table(document, "plan", mistakes, date.today()))  # nothing relative is left in it
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
        parts=table.words("parts", {}),
        results={phase: results.words(phase) for phase in results.values},
    )


def _deadline(table: _Table) -> DeadlineSpec:
    return DeadlineSpec(table.text("name"), table.words("label"), int(table.number("month")), int(table.number("day")))


# What only the whole pack shows ----------------------------------------------------------------------------------


def _check(pack: Pack, mistakes: list[str]) -> None:
    if not pack.languages:
        mistakes.append("pack.toml: languages: name at least one")
    checks: tuple[Callable[[Pack], Iterator[str]], ...] = (
        _repeated_names, _unknown_lists, _unknown_scopes, _plan_mistakes, _text_mistakes, _missing_instruments,
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


def _unknown_scopes(pack: Pack) -> Iterator[str]:
    for register in pack.registers.values():
        scopes = {scope.name for scope in register.scopes}
        for key, name in (("default_scope", register.default_scope), ("certain_scope", register.certain_scope)):
            if name and name not in scopes:
                yield f"register.toml: register {register.name}: {key}: there is no scope {name}"


def _plan_mistakes(pack: Pack) -> Iterator[str]:
    scopes = {scope.name for register in pack.registers.values() for scope in register.scopes}
    for plan in pack.plans.values():
        phases = {phase.name for phase in plan.phases} | {"total", "year"}
        yield from (
            f"plan {plan.name}: phase {one.name}: ends before it starts" for one in plan.phases if one.end < one.start
        )
        for action in plan.actions:
            unknown = {*action.instruments, *action.parts} - set(pack.instrument_names)
            yield from (f"plan {plan.name}: action {action.name}: there is no instrument {name}" for name in unknown)
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
