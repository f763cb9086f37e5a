"""Registers: the establishments (or units) a programme knows, found, edited, imported and exported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Select, String, cast, func, select
from sqlalchemy.orm import joinedload

from survey_app import db
from survey_app.access import Permission, areas_of, audit, has_permission, one, visible_establishments, visible_records
from survey_app.config import Settings
from survey_app.files import store
from survey_app.languages import fold
from survey_app.models import Establishment, Invitation, Record, Register, User, Visit, utc_now
from survey_app.problems import Invalid, NotFound
from survey_app.programme.service import RegisterField, RegisterSpec, derive, failed_checks, register_spec
from survey_app.registers.tables import XLSX, Table, TableRow, column_letter, read_table, to_csv, to_xlsx
from survey_app.registers.values import Reason, csv_value, read_value

P = Permission
Row = TypeVar("Row")
PAGE_SIZE = 50
IDLE_DAYS = 365  # suspended for a year or longer counts as not active
DAY_COLUMNS = ("started_on", "suspended_on", "closed_on")
OWN_COLUMNS = ("code", "name", *DAY_COLUMNS)
CLASSIFIERS = ("area", "sector", "size")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A part of a list: its rows, its number (from 1), how many pages and rows there are."""

    rows: Sequence[Row]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of establishments is narrowed to; empty texts narrow nothing."""

    search: str = ""
    area: str = ""
    sector: str = ""
    size: str = ""
    scope: str = ""
    state: str = ""  # active or inactive


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of an import that was not taken, and every reason."""

    number: int
    code: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import would do, or did."""

    register: Register
    name: str
    new: int
    changed: int
    same: int
    refused: tuple[RefusedRow, ...]
    known_columns: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    token: str = ""
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Refusals:
    """Rows of an import that were not taken: their cells as they came, why, and the column letter of each field."""

    register: Register
    header: tuple[str, ...]
    rows: Sequence[tuple[tuple[str, ...], RefusedRow, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class History:
    """What happened with an establishment, as far as the asker may see it."""

    visits: Sequence[Visit] = ()
    records: Sequence[Record] = ()
    invitations: Sequence[Invitation] = ()


# Looking up -----------------------------------------------------------------------------------------------------


def paged(query: Select[Row], number: int, size: int = PAGE_SIZE) -> Page[Row]:
    """One page of a select; a number past the end gives the last page."""
    session = db.session()
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    pages = max(1, -(-total // size))
    number = min(max(number, 1), pages)
    rows = session.scalars(query.limit(size).offset((number - 1) * size)).unique().all()
    return Page(rows, number, pages, total)


def list_registers(user: User) -> list[tuple[Register, int]]:
    """Every register with the number of its rows the user may see."""
    seen = visible_establishments(user).subquery()
    grouped = select(seen.c.register_id, func.count()).group_by(seen.c.register_id)
    counts: dict[int, int] = {row[0]: row[1] for row in db.session().execute(grouped)}
    return [(row, counts.get(row.id, 0)) for row in db.session().scalars(select(Register).order_by(Register.id))]


def get_register(name: str) -> Register:
    """A register by its name in the pack, or NotFound."""
    found = db.session().scalars(select(Register).where(Register.name == name)).first()
    if found is None:
        raise NotFound
    return found


def search(user: User, register: Register, filters: Filters, page: int = 1) -> Page[Establishment]:
    """Establishments whose name or code holds every word searched for, accents aside, narrowed by the filters."""
    return paged(_matching(user, register, filters).order_by(Establishment.name_folded, Establishment.id), page)


def _matching(user: User, register: Register, filters: Filters) -> Select[Establishment]:
    query = visible_establishments(user).where(Establishment.register_id == register.id)
    for word in fold(filters.search).split():
        query = query.where(
            Establishment.name_folded.contains(word, autoescape=True)
            | func.lower(Establishment.code).contains(word, autoescape=True)
        )
    for name in CLASSIFIERS:
        wanted = getattr(filters, name)
        if wanted:
            query = query.where(getattr(Establishment, name) == wanted)
    if filters.scope:
        query = query.where(_in_scope(filters.scope))
    if filters.state:
        inactive = _inactive(utc_now().date())
        query = query.where(inactive if filters.state == "inactive" else ~inactive)
    return query


def _in_scope(scope: str) -> Any:
    """Scopes are a JSON list of names without quotes in them: the name in quotes stands in its text."""
    return cast(Establishment.scopes, String).contains(f'"{scope}"', autoescape=True)


def _inactive(on: date) -> Any:
    closed = func.coalesce(Establishment.closed_on <= on, False)
    return closed | func.coalesce(Establishment.suspended_on <= on - timedelta(days=IDLE_DAYS), False)


def is_active(unit: Establishment, on: date) -> bool:
    """True unless it is closed, or has been idle for a year, on that day."""
    if unit.closed_on and unit.closed_on <= on:
        return False
    return unit.suspended_on is None or unit.suspended_on > on - timedelta(days=IDLE_DAYS)


def get_establishment(user: User, establishment_id: int) -> Establishment:
    """An establishment of the user's areas with its register, or NotFound."""
    query = visible_establishments(user).where(Establishment.id == establishment_id)
    found: Establishment = one(query.options(joinedload(Establishment.register)))
    return found


def get_editable(user: User, establishment_id: int) -> Establishment:
    """An establishment the user may change, or NotFound."""
    query = visible_establishments(user, P.EDIT_REGISTER).where(Establishment.id == establishment_id)
    found: Establishment = one(query.options(joinedload(Establishment.register)))
    return found


def may_edit(user: User, unit: Establishment) -> bool:
    """True when the user may change this establishment."""
    query = visible_establishments(user, P.EDIT_REGISTER).where(Establishment.id == unit.id)
    return db.session().scalars(query).first() is not None


def sees_personal(user: User, unit: Establishment) -> bool:
    """True when personal fields of this establishment may be shown to the user."""
    query = visible_establishments(user, P.VIEW_PERSONAL).where(Establishment.id == unit.id)
    return db.session().scalars(query).first() is not None


def history(user: User, unit: Establishment) -> History:
    """Contacts, records and links of an establishment, newest first, by what the user's rights show."""
    session = db.session()
    visits = session.scalars(
        select(Visit)
        .where(Visit.establishment_id == unit.id)
        .options(joinedload(Visit.campaign))
        .order_by(Visit.started_at.desc())
    ).all()
    records = session.scalars(
        visible_records(user)
        .where(Record.establishment_id == unit.id)
        .options(joinedload(Record.campaign), joinedload(Record.questionnaire))
        .order_by(Record.id.desc())
    ).all()
    invitations: Sequence[Invitation] = ()
    if has_permission(user, P.INVITE):
        query = select(Invitation).where(Invitation.establishment_id == unit.id)
        invitations = session.scalars(
            query.options(joinedload(Invitation.campaign)).order_by(Invitation.id.desc())
        ).all()
    return History(visits, records, invitations)


def field_values(unit: Establishment) -> dict[str, Any]:
    """Every field of the pack with its value, own columns included; dates as ISO texts."""
    values = dict(unit.attributes)
    for name in OWN_COLUMNS:
        value = getattr(unit, name)
        values[name] = value.isoformat() if isinstance(value, date) else value
    return values


def register_instance(unit: Establishment) -> list[dict[str, str]]:
    """The establishment as the one item of `instance('register')`: every field as text, blanks left out."""
    values = {**field_values(unit), **{name: getattr(unit, name) for name in (*CLASSIFIERS, "stratum")}}
    return [{name: _as_text(value) for name, value in values.items() if value not in (None, "")}]


def prefill(unit: Establishment, register: Register) -> dict[str, Any]:
    """Question name -> value, for the questions that the pack says a field fills."""
    values = field_values(unit)
    fields = register_spec(register.name).fields
    return {f.question: values[f.name] for f in fields if f.question and values.get(f.name) not in (None, "")}


def _as_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# Adding and changing --------------------------------------------------------------------------------------------


def suggest_code(register: Register) -> str:
    """The highest code of the register that ends in digits, plus one; "" when there is none."""
    query = select(Establishment.code).where(
        Establishment.register_id == register.id, Establishment.is_provisional.is_(False)
    )
    found = [match for code in db.session().scalars(query) if (match := re.fullmatch(r"(.*?)(\d+)", code))]
    if not found:
        return ""
    last = max(found, key=lambda match: int(match[2]))
    return f"{last[1]}{int(last[2]) + 1:0{len(last[2])}d}"


def read_fields(
    spec: RegisterSpec, texts: Mapping[str, str], *, typed: bool = False
) -> tuple[dict[str, Any], tuple[Reason, ...]]:
    """Texts to values by each field's type, then the pack's own checks; reasons for everything refused."""
    values: dict[str, Any] = {}
    reasons: list[Reason] = []
    for spec_field in spec.fields:
        if spec_field.name not in texts:
            continue
        value, reason = read_value(spec_field, texts[spec_field.name], typed=typed)
        values[spec_field.name] = value
        if reason:
            reasons.append(reason)
    return values, tuple(reasons)


def add_establishment(user: User, register: Register, texts: Mapping[str, str]) -> Establishment | tuple[Reason, ...]:
    """A new establishment, or every reason why not."""
    unit = Establishment(register_id=register.id, code="", name="", name_folded="", attributes={}, scopes=[])
    return _save(user, register, unit, texts)


def change_establishment(
    user: User, unit: Establishment, texts: Mapping[str, str]
) -> Establishment | tuple[Reason, ...]:
    """Change the fields given, or every reason why not; fields that were not shown stay as they are."""
    return _save(user, unit.register, unit, texts)


def _save(
    user: User, register: Register, unit: Establishment, texts: Mapping[str, str]
) -> Establishment | tuple[Reason, ...]:
    spec = register_spec(register.name)
    values, reasons = read_fields(spec, texts)
    whole = {**(field_values(unit) if unit.id else {}), **values}
    reasons = reasons or spec_reasons(spec, whole)
    if not reasons and _code_is_taken(register, str(whole.get("code")), unit.id):
        reasons = (Reason("code", "Another row of the register has this code.", {}),)
    if reasons:
        return reasons
    before = field_values(unit) if unit.id else {}
    derived = derive(spec, whole)
    _check_area(areas_of(user, P.EDIT_REGISTER), derived["area"])
    apply_values(unit, whole, derived)
    db.session().add(unit)
    db.session().flush()
    names = sorted(name for name in whole if whole[name] != before.get(name))
    audit("establishment_saved", f"establishment:{unit.id}", fields=names)
    return unit


def _check_area(areas: frozenset[str] | None, area: str | None) -> None:
    if areas is not None and area not in areas:
        raise Invalid("Your account covers another area. Check the district of this establishment.")


def _code_is_taken(register: Register, code: str, own_id: int | None) -> bool:
    query = select(Establishment.id).where(Establishment.register_id == register.id, Establishment.code == code)
    found = db.session().scalar(query)
    return found is not None and found != own_id


def spec_reasons(spec: RegisterSpec, values: Mapping[str, Any]) -> tuple[Reason, ...]:
    """What the pack's own checks say of a whole row."""
    missing = [
        Reason(f.name, "This must be filled in.", {})
        for f in spec.fields
        if f.required and values.get(f.name) in (None, "")
    ]
    failed = [check for check in failed_checks(spec, values) if check.is_error]
    return (*missing, *(Reason(check.field, "", {}, check.message) for check in failed))


def apply_values(unit: Establishment, values: Mapping[str, Any], derived: Mapping[str, Any]) -> None:
    """Put values into columns and attributes, with what the pack derives from them."""
    unit.code, unit.name = str(values["code"]), str(values["name"])
    unit.name_folded = fold(unit.name)
    for name in DAY_COLUMNS:
        value = values.get(name)
        setattr(unit, name, date.fromisoformat(value) if value else None)
    unit.attributes = {k: v for k, v in values.items() if k not in OWN_COLUMNS and v is not None}
    for name in (*CLASSIFIERS, "stratum"):
        setattr(unit, name, derived[name])
    unit.scopes = list(derived["scopes"])


# Import ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Import:
    """An import under way: what is known, what was seen, what will be written."""

    register: Register
    spec: RegisterSpec
    areas: frozenset[str] | None
    known: dict[str, Establishment]
    seen: dict[str, int] = field(default_factory=dict)
    new: int = 0
    changed: int = 0
    same: int = 0
    refused: list[RefusedRow] = field(default_factory=list)


def check_import(user: User, register: Register, source: bytes, name: str) -> ImportReport:
    """What importing this table would do, row by row; nothing is changed. The file is kept for `import_checked`."""
    settings: Settings = current_app.config["SETTINGS"]
    table = read_table(source, name, settings.limits)
    sha256, _ = store().store([source], settings.limits.workbook_bytes)
    token = _signer().dumps([sha256, name, register.name, user.id])
    return _run(user, register, table, name, token=token, write=False)


def import_checked(user: User, token: str) -> ImportReport:
    """Import the table that was checked: accepted rows are added or changed by code, refused ones left out."""
    register, source, name = _checked_file(user, token)
    table = read_table(source, name, current_app.config["SETTINGS"].limits)
    report = _run(user, register, table, name, token=token, write=True)
    audit(
        "register_imported",
        f"register:{register.id}",
        new=report.new,
        changed=report.changed,
        refused=len(report.refused),
    )
    return report


def refused_of(user: User, token: str) -> Refusals:
    """The refused rows of a table checked before, as they came, to be corrected and imported again."""
    register, source, name = _checked_file(user, token)
    table = read_table(source, name, current_app.config["SETTINGS"].limits)
    report = _run(user, register, table, name, token=token, write=False)
    columns, _unknown = _match_columns(register_spec(register.name), table.header)
    letters = {field_name: column_letter(number) for number, field_name in columns.items()}
    rows = {row.number: row.cells for row in table.rows}
    return Refusals(register, table.header, [(rows[one.number], one, letters) for one in report.refused])


def import_register(user: User, register: Register, source: bytes, name: str) -> ImportReport:
    """Check and import in one go, for commands."""
    return import_checked(user, check_import(user, register, source, name).token)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="register-import")


def _checked_file(user: User, token: str) -> tuple[Register, bytes, str]:
    try:
        sha256, name, register_name, user_id = _signer().loads(token)
    except BadSignature as error:
        raise NotFound from error
    if user_id != user.id or not store().has(sha256):
        raise NotFound
    return get_register(register_name), store().read(sha256), name


def _run(user: User, register: Register, table: Table, name: str, *, token: str, write: bool) -> ImportReport:
    spec = register_spec(register.name)
    columns, unknown = _match_columns(spec, table.header)
    if "code" not in columns.values():
        raise Invalid("No column holds the code. Download the template to see the column names.")
    query = select(Establishment).where(Establishment.register_id == register.id)
    work = _Import(register, spec, areas_of(user, P.EDIT_REGISTER), {u.code: u for u in db.session().scalars(query)})
    typed = not name.lower().endswith(".csv")
    with db.session().no_autoflush:
        for row in table.rows:
            _take(work, row, columns, typed=typed, write=write)
    if write:
        db.session().flush()
    return ImportReport(
        register,
        name,
        work.new,
        work.changed,
        work.same,
        tuple(work.refused),
        tuple(dict.fromkeys(columns.values())),
        unknown,
        token,
        is_done=write,
    )


def _match_columns(spec: RegisterSpec, header: Sequence[str]) -> tuple[dict[int, str], tuple[str, ...]]:
    """Column number -> field, by name, label or alias, accents and case aside; and the columns nobody knows."""
    known: dict[str, str] = {}
    for spec_field in spec.fields:
        for word in (spec_field.name, *spec_field.label.values(), *spec_field.aliases):
            known.setdefault(fold(word), spec_field.name)
    # A field's own name wins over a column that only looks like it.
    columns = {number: title for number, title in reversed(list(enumerate(header))) if title in spec.names}
    for number, title in enumerate(header):
        found = known.get(fold(title))
        if found and found not in columns.values():
            columns[number] = found
    return columns, tuple(title for number, title in enumerate(header) if title and number not in columns)


def _take(work: _Import, row: TableRow, columns: Mapping[int, str], *, typed: bool, write: bool) -> None:
    texts = {name: row.cells[number] if number < len(row.cells) else "" for number, name in columns.items()}
    code = texts.get("code", "").strip()
    unit = work.known.get(code)
    values, reasons = read_fields(work.spec, texts, typed=typed)
    before = field_values(unit) if unit else {}
    whole = {**before, **values}
    reasons = reasons or spec_reasons(work.spec, whole)
    if code in work.seen:
        reasons = (*reasons, Reason("code", "Row {row} has the same code.", {"row": work.seen[code]}))
    derived = derive(work.spec, whole) if not reasons else {}
    if (
        derived
        and work.areas is not None
        and not {derived["area"], unit.area if unit else derived["area"]} <= work.areas
    ):
        reasons = (Reason("code", "This row belongs to an area your account does not cover.", {}),)
    if reasons:
        work.refused.append(RefusedRow(row.number, code, reasons))
        return
    work.seen[code] = row.number
    _count(work, unit, whole, before)
    if write:
        if unit is None:
            unit = Establishment(register_id=work.register.id)
            db.session().add(unit)
        apply_values(unit, whole, derived)


def _count(work: _Import, unit: Establishment | None, whole: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    if unit is None:
        work.new += 1
    elif any(whole[name] != before.get(name) for name in whole):
        work.changed += 1
    else:
        work.same += 1


def refresh_derived(register: Register) -> int:
    """Derive area, sector, size, stratum and scopes again after the pack's rules changed; returns how many rows."""
    spec = register_spec(register.name)
    count = 0
    for unit in db.session().scalars(select(Establishment).where(Establishment.register_id == register.id)):
        values = field_values(unit)
        apply_values(unit, values, derive(spec, values))
        count += 1
    db.session().flush()
    return count


# Files ----------------------------------------------------------------------------------------------------------


def template_file(register: Register, kind: str) -> bytes:
    """An empty table with the column names an import knows."""
    header = [f.name for f in register_spec(register.name).fields]
    return to_xlsx(register.name, header, []) if kind == "xlsx" else to_csv(header, [])


def export_file(user: User, register: Register, filters: Filters, kind: str) -> tuple[bytes, int]:
    """The rows the user sees, narrowed by the filters, as a table that can be imported again; and how many."""
    spec = register_spec(register.name)
    fields = [f for f in spec.fields if not f.is_personal or has_permission(user, P.VIEW_PERSONAL)]
    header = [*(f.name for f in fields), *CLASSIFIERS, "stratum", "scopes"]
    allowed = set(
        db.session().scalars(visible_establishments(user, P.VIEW_PERSONAL).with_only_columns(Establishment.id))
    )
    query = _matching(user, register, filters).order_by(Establishment.code)
    rows = list(_export_rows(fields, db.session().scalars(query), allowed))
    audit("register_exported", f"register:{register.id}", rows=len(rows), kind=kind)
    if kind == "xlsx":
        return to_xlsx(register.name, header, rows), len(rows)
    return to_csv(header, [[csv_value(value) for value in row] for row in rows]), len(rows)


def _export_rows(
    fields: Sequence[RegisterField], units: Iterator[Establishment] | Any, allowed: set[int]
) -> Iterator[list[object]]:
    for unit in units:
        values = field_values(unit)
        own = [values.get(f.name) if not f.is_personal or unit.id in allowed else "" for f in fields]
        yield [*own, unit.area, unit.sector, unit.size, unit.stratum, " ".join(unit.scopes)]


__all__ = [
    "CLASSIFIERS",
    "XLSX",
    "Filters",
    "History",
    "ImportReport",
    "Page",
    "Refusals",
    "RefusedRow",
    "add_establishment",
    "apply_values",
    "change_establishment",
    "check_import",
    "export_file",
    "field_values",
    "get_editable",
    "get_establishment",
    "get_register",
    "history",
    "import_checked",
    "import_register",
    "is_active",
    "list_registers",
    "may_edit",
    "paged",
    "prefill",
    "refresh_derived",
    "refused_of",
    "register_instance",
    "search",
    "sees_personal",
    "suggest_code",
    "template_file",
    "to_csv",
    "to_xlsx",
]
