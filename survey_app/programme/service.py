"""The programme in use: its pack of data, put into the database once, and asked for lists, labels and texts."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from flask import current_app
from sqlalchemy import select

from survey_app import db
from survey_app.access import audit
from survey_app.json_reader import canonical_json
from survey_app.languages import current_language, fold, text_of
from survey_app.models import Establishment, Plan, ReferenceListVersion, Register, utc_now
from survey_app.problems import NotFound
from survey_app.programme.pack import (
    PACKS,
    FieldSpec,
    Pack,
    PlanSpec,
    ReferenceList,
    RegisterSpec,
    SettingSpec,
    Texts,
    load_pack,
    plan_from_document,
)
from survey_app.programme.pack import (
    instance_items as items_of_list,
)
from survey_app.programme.rules import Lists, evaluate_text, holds
from survey_app.questionnaires import service as questionnaires

log = logging.getLogger("survey")
COLUMN_CLASSIFIERS = ("area", "sector", "size", "stratum")


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check of the pack that a row of a register does not pass."""

    field: str
    message: Mapping[str, str]
    is_error: bool


# The pack -------------------------------------------------------------------------------------------------------


def pack() -> Pack:
    """The pack of this installation, read once a day (its relative dates move with the calendar)."""
    return _pack(current_app.config["SETTINGS"].pack, utc_now().date())


@cache
def _pack(name: str, today: date) -> Pack:
    return load_pack(PACKS / name, today)


def ensure_loaded(demo: bool | None = None) -> None:
    """Put the pack into the database: registers, plans, and its questionnaires published; again changes nothing.

    A plan's text follows the pack; a questionnaire is added when its version is new, through the same door as
    anybody's upload. Plans made up for trying out come only with `demo` (by default the setting).
    """
    demo = current_app.config["SETTINGS"].demo if demo is None else demo
    found = pack()
    waiting = [(name, source) for name, source in found.instruments() if not questionnaires.has_workbook(source)]
    with ThreadPoolExecutor(2) as pool:
        readings = list(pool.map(lambda one: questionnaires.read(one[1], f"{one[0]}.md"), waiting))
    db.begin_write()
    for spec in found.registers.values():
        _ensure_register(spec)
    for plan in found.plans.values():
        if demo or not plan.is_demo:
            _ensure_plan(plan)
    for (name, source), reading in zip(waiting, readings, strict=True):
        _ensure_published(name, source, reading)
    _keep_lists(found)


def _keep_lists(found: Pack) -> None:
    """Keep every state a reference list ever had: answers are judged by the one of their time."""
    session = db.session()
    known = set(session.scalars(select(ReferenceListVersion.sha256)))
    for one in found.lists.values():
        sha256 = _list_hash(one)
        if sha256 not in known:
            rows = [dict(row) for row in one.rows]
            session.add(ReferenceListVersion(sha256=sha256, name=one.name, columns=list(one.columns), rows=rows))
    session.flush()


def _list_hash(one: ReferenceList) -> str:
    return hashlib.sha256(canonical_json([one.columns, [dict(row) for row in one.rows]])).hexdigest()


def _ensure_published(name: str, source: bytes, reading: questionnaires.Reading) -> None:
    """Add and publish an instrument; one changed without a new version number keeps its published self."""
    try:
        version = questionnaires.add_reading(reading, source, f"{name}.md")
    except questionnaires.AlreadyPublished:
        # A published version never changes, and a start must not fail for it: whoever edits a pack sees this line.
        log.warning("instrument %s was changed without a new version; the published one stays in use", name)
        return
    if not version.is_published:
        questionnaires.publish(version)


def _ensure_register(spec: RegisterSpec) -> None:
    session = db.session()
    register = session.scalars(select(Register).where(Register.name == spec.name)).first()
    if register is None:
        register = Register(name=spec.name, kind=spec.kind, title=dict(spec.title))
        session.add(register)
        session.flush()
    register.title = dict(spec.title)
    known = set(session.scalars(select(Establishment.code).where(Establishment.register_id == register.id)))
    for row in spec.units:
        code = row.get("code") or row["name"]
        if code not in known:
            session.add(_unit(register, spec, code, row))
    session.flush()


def _unit(register: Register, spec: RegisterSpec, code: str, row: Mapping[str, str]) -> Establishment:
    """A unit the pack itself names, such as a district."""
    name = row.get("vi") or row.get("label") or row.get("name") or code
    values = {key: row[key] for key in spec.names if row.get(key)} | {"code": code, "name": name}
    derived = derive(spec, values)
    return Establishment(
        register_id=register.id,
        code=code,
        name=name,
        name_folded=fold(name),
        area=derived["area"] or code,
        sector=derived["sector"],
        size=derived["size"],
        stratum=derived["stratum"],
        scopes=derived["scopes"],
        attributes={key: value for key, value in values.items() if key not in ("code", "name")},
    )


def _ensure_plan(spec: PlanSpec) -> None:
    session = db.session()
    plan = session.scalars(select(Plan).where(Plan.name == spec.name)).first()
    if plan is None:
        plan = Plan(name=spec.name, title=dict(spec.title), document=dict(spec.document), is_demo=spec.is_demo)
        session.add(plan)
        audit("plan_loaded", f"plan:{spec.name}")
    if not spec.is_demo:
        # A demo plan's dates are relative to the day it was loaded and stay as they were then.
        plan.title, plan.document = dict(spec.title), dict(spec.document)
    session.flush()


# Lists and labels -----------------------------------------------------------------------------------------------


def instance_items(name: str, on: date | None = None) -> tuple[dict[str, str], ...]:
    """The items of `instance(name)`: a reference list of the pack as known on a day; none for an unknown list.

    The same tuple for the same day, shared by all: nobody may change its items.
    """
    return _items(current_app.config["SETTINGS"].pack, utc_now().date(), name, on)


@lru_cache(maxsize=512)
def _items(name: str, today: date, list_name: str, on: date | None) -> tuple[dict[str, str], ...]:
    reference = _pack(name, today).lists.get(list_name)
    return items_of_list(reference, on) if reference else ()


def list_pins(names: Iterable[str]) -> dict[str, str]:
    """Name -> SHA-256 of a reference list as it stands, for those of the names that are lists of the pack."""
    hashes = _hashes(current_app.config["SETTINGS"].pack, utc_now().date())
    return {name: hashes[name] for name in names if name in hashes}


@lru_cache(maxsize=8)
def _hashes(name: str, today: date) -> Mapping[str, str]:
    return {one.name: _list_hash(one) for one in _pack(name, today).lists.values()}


def pinned_items(name: str, sha256: str, on: date | None) -> tuple[dict[str, str], ...]:
    """The items of a list as it stood when something was judged by it; of the list of today where that was not kept."""
    if list_pins([name]).get(name) == sha256:
        return instance_items(name, on)
    row = db.session().get(ReferenceListVersion, sha256)
    if row is None:
        return instance_items(name, on)
    return items_of_list(ReferenceList(row.name, tuple(row.columns), tuple(row.rows)), on)


def choices_of(name: str) -> dict[str, dict[str, str]]:
    """Code -> labels by language, of a reference list or of a part of the list `choices`, rows in force today."""
    return _choices(pack(), name, utc_now().date())


def spellings_of(name: str) -> dict[str, str]:
    """Folded spelling -> code, of a list: its codes, official codes and labels; spellings of two codes are left out."""
    found: dict[str, set[str]] = {}
    for row in _rows(pack(), name, utc_now().date()):
        code = row.get("code") or row["name"]
        words = (
            row[key] for key in row if key in (*pack().languages, "name", "code", "label") or key.endswith("_code")
        )
        for word in words:
            found.setdefault(fold(word), set()).add(code)
    return {word: codes.pop() for word, codes in found.items() if word and len(codes) == 1}


def names_of(classifier: str) -> dict[str, str]:
    """Code -> label in the request's language, of a classifier: "area", "sector", "size"."""
    for spec in pack().registers.values():
        if spec.classifier_lists.get(classifier):
            choices = choices_of(spec.classifier_lists[classifier])
            return {code: text_of(labels) for code, labels in choices.items()}
    return {}


def name_of(classifier: str, code: str | None) -> str:
    """The label of one code of a classifier, the code itself where the pack has none."""
    return names_of(classifier).get(code or "", code or "")


def stratum_name(stratum: str) -> str:
    """A stratum in words: its parts, joined by “|” in the pack's rule, are codes of classifiers."""
    lists = (spec.classifier_lists.values() for spec in pack().registers.values())
    labels = {code: text_of(words) for names in lists for name in names for code, words in choices_of(name).items()}
    return " · ".join(labels.get(part, part) for part in stratum.split("|"))


def _rows(found: Pack, name: str, on: date) -> Sequence[Mapping[str, str]]:
    if name in found.lists:
        return found.lists[name].in_force(on)
    return [row for one in found.lists.values() if "list" in one.columns for row in one.rows if row["list"] == name]


def _choices(found: Pack, name: str, on: date) -> dict[str, dict[str, str]]:
    choices: dict[str, dict[str, str]] = {}
    for row in _rows(found, name, on):
        labels = {language: row[language] for language in found.languages if row.get(language)}
        code = row.get("code") or row["name"]
        choices.setdefault(code, labels or {found.languages[0]: row.get("label") or row.get("name") or code})
    return choices


def scopes_of(register: str) -> list[tuple[str, str]]:
    """(name, label) of a register's scopes in the request's language."""
    spec = pack().registers.get(register)
    return [(scope.name, text_of(dict(scope.label))) for scope in spec.scopes] if spec else []


def texts(language: str | None = None) -> Texts:
    """The pack's own texts, by default in the request's language."""
    return pack().in_language(language or current_language())


def site_name() -> str:
    """The short name of the programme, shown at the head of every page."""
    return texts().text("programme.short")


def list_name(name: str) -> str:
    """What people call a reference list; its short name where the pack gives none."""
    return str(texts().find(f"lists.{name}") or name)


def source_text(source: str) -> str:
    """A source of a figure ("form:indicator") in words, from the newest published version; the codes without one."""
    form_id, _, name = source.partition(":")
    version = questionnaires.find_published(form_id)
    if version is None:
        return source
    form, language = questionnaires.definition(version.id), current_language()
    label = next((row.label.plain(language) for row in form.indicators if row.name == name), name)
    return f"{form.title.plain(language)}: {label}"


def open_questions() -> tuple[SettingSpec, ...]:
    """What the programme's owner has not confirmed yet."""
    return pack().unconfirmed()


def unconfirmed_lists() -> list[tuple[str, int, int]]:
    """Reference lists with rows nobody has confirmed: (what it is called, how many, of how many)."""
    found = [(list_name(one.name), len(one.unconfirmed()), len(one.rows)) for one in pack().lists.values()]
    return [row for row in found if row[1]]


# Registers ------------------------------------------------------------------------------------------------------


def register_spec(name: str) -> RegisterSpec:
    """What the pack says of a register, or NotFound."""
    spec = pack().registers.get(name)
    if spec is None:
        raise NotFound
    return spec


def derive(spec: RegisterSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Area, sector, size, stratum (text or None) and scopes (names) of a row, by the pack's expressions."""
    lists = _lists()
    row = dict(values)
    derived: dict[str, Any] = dict.fromkeys(COLUMN_CLASSIFIERS)
    for name, rule in spec.classifiers.items():
        # A later classifier may use an earlier one.
        row[name] = derived[name] = evaluate_text(rule, row, lists) or None
    derived["scopes"] = [scope.name for scope in spec.scopes if holds(scope.expression, row, lists)]
    return derived


def failed_checks(spec: RegisterSpec, values: Mapping[str, Any]) -> list[FailedCheck]:
    """The pack's checks that a row does not pass; a check of a blank field is passed."""
    lists = _lists()
    return [
        FailedCheck(check.field, check.message, check.is_error)
        for check in spec.checks
        if values.get(check.field) not in (None, "")
        and (not check.relevant or holds(check.relevant, values, lists))
        and not holds(check.expression, values, lists)
    ]


def _lists() -> Lists:
    return _lists_of(current_app.config["SETTINGS"].pack, utc_now().date())


@cache
def _lists_of(name: str, today: date) -> Lists:
    return {list_name: list(items_of_list(reference)) for list_name, reference in _pack(name, today).lists.items()}


# Plans ----------------------------------------------------------------------------------------------------------


def list_plans() -> Sequence[Plan]:
    """Every plan, the oldest first."""
    return db.session().scalars(select(Plan).order_by(Plan.id)).all()


def get_plan(name: str) -> Plan:
    """A plan by name, or NotFound."""
    found = db.session().scalars(select(Plan).where(Plan.name == name)).first()
    if found is None:
        raise NotFound
    return found


def plan_spec(plan: Plan) -> PlanSpec:
    """A stored plan as typed data: phases, actions, indicators, deadlines."""
    return plan_from_document(plan.document)


def part_of(document: Mapping[str, Any], action: str, form_id: str) -> str:
    """The part of an instrument that a visit of the plan's action carries; blank for the whole of it."""
    found: Mapping[str, Any] = next((one for one in document.get("action", ()) if one.get("name") == action), {})
    return str(found.get("parts", {}).get(form_id, ""))


def part_label(name: str) -> str:
    """What people call a part of an instrument; its name where the pack gives none, blank for the whole."""
    return str(texts().find(f"parts.{name}") or name) if name else ""


def phase_label(plan: Plan, name: str) -> str:
    """A phase's label in the request's language, its name where the plan does not know it."""
    phase = next((one for one in plan_spec(plan).phases if one.name == name), None)
    return text_of(dict(phase.label)) if phase else name


def next_deadlines(spec: PlanSpec, today: date) -> list[tuple[str, date]]:
    """Each yearly deadline's label and its next day."""
    found = []
    for one in spec.deadlines:
        day = date(today.year, one.month, one.day)
        found.append((text_of(dict(one.label)), day if day >= today else day.replace(year=today.year + 1)))
    return sorted(found, key=lambda pair: pair[1])


def now_here() -> datetime:
    """The present moment on the programme's clock."""
    return utc_now().astimezone(pack().timezone)


RegisterField = FieldSpec

__all__ = [
    "FailedCheck",
    "FieldSpec",
    "Pack",
    "PlanSpec",
    "RegisterField",
    "RegisterSpec",
    "choices_of",
    "derive",
    "ensure_loaded",
    "failed_checks",
    "get_plan",
    "instance_items",
    "list_name",
    "list_pins",
    "list_plans",
    "name_of",
    "names_of",
    "next_deadlines",
    "now_here",
    "open_questions",
    "pack",
    "part_label",
    "part_of",
    "phase_label",
    "pinned_items",
    "plan_spec",
    "register_spec",
    "scopes_of",
    "site_name",
    "source_text",
    "spellings_of",
    "stratum_name",
    "texts",
    "unconfirmed_lists",
]
