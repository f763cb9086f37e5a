"""Submissions as tables: XLSX with a sheet per repeat and a codebook, or CSV; only what the person may see.

Answers never become formulas: texts are text cells, and in CSV a quote stands before what a spreadsheet would run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import joinedload, load_only

from forms import Column, Kind, Table, tabulate
from survey_app import db
from survey_app.access import Permission, audit, visible_records
from survey_app.languages import TIME_ZONE, current_language, gettext
from survey_app.models import Campaign, FormVersion, Questionnaire, Record, RecordValue, Submission, User, utc_now
from survey_app.problems import NotFound, TooLarge
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions.review import Filters, narrowed

MOST_RECORDS: Final = 20_000
ABOUT, FIGURES, CODEBOOK = "about", "figures", "codebook"
FRONT: Final = (
    "record", "instance_id", "establishment", "name", "area", "sector", "size", "campaign", "phase", "mode", "state",
    "is_refusal", "visited_on", "received_at", "receipt", "form_version",
)
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Download:
    """A file ready to be given out, and how many rows each of its tables has."""

    content: bytes
    name: str
    kind: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Data:
    form_id: str
    tables: tuple[Table, ...]
    records: Sequence[tuple[Record, Submission, FormVersion]]
    personal: frozenset[int]  # records whose personal answers the person may see


def download(user: User, filters: Filters, kind: str, table: str = "") -> Download:
    """The current revisions of one questionnaire's records the user may export; noted in the audit log.

    `kind` is "xlsx" (everything) or "csv" (one table, by default the form's own). Raises NotFound for other kinds,
    tables and questionnaires.
    """
    from analysis import write_csv, write_xlsx  # pandas and all: only who downloads pays for it

    data = _collect(user, filters)
    sheets = _sheets(data)
    if kind == "csv":
        table = table or data.tables[0].name
        if table not in sheets:
            raise NotFound
        sheets = {table: sheets[table]}
        content = write_csv(*sheets[table])
    elif kind == "xlsx":
        content = write_xlsx({ABOUT: _about(user, sheets), **sheets})
    else:
        raise NotFound
    counts = {name: len(rows) for name, (_columns, rows) in sheets.items()}
    audit("submissions.export", f"questionnaire:{data.form_id}", kind=kind, rows=counts)
    stamp = utc_now().astimezone(TIME_ZONE)
    name = "-".join(part for part in (data.form_id, table, f"{stamp:%Y%m%d-%H%M}") if part)
    return Download(content, f"{name}.{kind}", kind, counts)


def tables_of(user: User, filters: Filters) -> tuple[str, dict[str, int]]:
    """(form id, rows by table) of what a download would hold."""
    data = _collect(user, filters)
    return data.form_id, {table.name: len(table.rows) for table in data.tables}


def _collect(user: User, filters: Filters) -> _Data:
    questionnaire = db.session().get(Questionnaire, filters.questionnaire_id or 0)
    if questionnaire is None:
        raise NotFound("Choose a questionnaire to download.")
    query = (
        narrowed(visible_records(user, Permission.EXPORT), filters)
        .join(Submission, Submission.id == Record.current_submission_id)
        .join(FormVersion, FormVersion.id == Submission.form_version_id)
        .add_columns(Submission, FormVersion)
        .options(
            joinedload(Record.establishment), joinedload(Record.campaign).load_only(Campaign.name, Campaign.phase),
            load_only(Submission.instance_id, Submission.answers, Submission.received_at, Submission.receipt_number),
            load_only(FormVersion.version),
        )
        .order_by(FormVersion.id, Record.id).limit(MOST_RECORDS + 1)
    )
    rows = [(record, submission, version) for record, submission, version in db.session().execute(query)]
    if len(rows) > MOST_RECORDS:
        raise TooLarge("There are more than {limit} records. Choose a campaign or a state first.", limit=MOST_RECORDS)
    forms = {version.id: questionnaires.definition(version.id) for _record, _submission, version in rows}
    tables = tabulate((forms[version.id], submission.answers) for _record, submission, version in rows)
    personal = visible_records(user, Permission.VIEW_PERSONAL).with_only_columns(Record.id)
    seen = frozenset(db.session().scalars(personal.where(Record.questionnaire_id == questionnaire.id)))
    return _Data(questionnaire.form_id, tables, rows, seen)


def _sheets(data: _Data) -> dict[str, tuple[list[str], Rows]]:
    sheets: dict[str, tuple[list[str], Rows]] = {}
    for table in data.tables:
        columns = [column for column in table.columns if data.personal or not column.is_personal]
        front = FRONT if not table.path else ("record", "instance_id", "establishment", "_id", "_parent")
        own = [_header(column, front) for column in columns]
        rows = [_row(data, row, columns, front) for row in table.rows]
        sheets[table.name] = ([*front, *own], rows)
    sheets[FIGURES] = _figures(data)
    sheets[CODEBOOK] = _codebook(data)
    return sheets


def _header(column: Column, front: Iterable[str]) -> str:
    return f"q.{column.name}" if column.name in front else column.name


def _row(data: _Data, row: Mapping[str, Any], columns: Sequence[Column], front: Sequence[str]) -> dict[str, Any]:
    record, submission, version = data.records[int(row["_record"])]
    facts = {**_facts(record, submission, version), "_id": row.get("_id"), "_parent": row.get("_parent")}
    found = {name: facts[name] for name in front}
    sees_personal = record.id in data.personal
    for column in columns:
        if sees_personal or not column.is_personal:
            found[_header(column, front)] = _cell(row.get(column.name))
    return found


def _cell(value: Any) -> Any:
    # A whole number too long for a spreadsheet's 15 digits would be shown rounded: it is written as text.
    return str(value) if isinstance(value, int) and abs(value) >= 10**15 else value


def _facts(record: Record, submission: Submission, version: FormVersion) -> dict[str, Any]:
    unit = record.establishment
    return {
        "record": record.id, "instance_id": str(submission.instance_id), "establishment": unit.code, "name": unit.name,
        "area": unit.area, "sector": unit.sector, "size": unit.size, "campaign": record.campaign.name,
        "phase": record.campaign.phase, "mode": record.mode, "state": record.state, "is_refusal": record.is_refusal,
        "visited_on": record.visited_on.isoformat() if record.visited_on else None,
        "received_at": submission.received_at.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
        "receipt": submission.receipt_number, "form_version": version.version,
    }


def _figures(data: _Data) -> tuple[list[str], Rows]:
    """Indicators, scores and measures as kept for the coverage figures, a row per record."""
    ids = [record.id for record, _submission, _version in data.records]
    by_record: dict[int, dict[str, Any]] = {
        record.id: {"record": record.id, "establishment": record.establishment.code} for record, *_ in data.records
    }
    names: dict[str, None] = {}
    for start in range(0, len(ids), 500):
        query = select(RecordValue).where(RecordValue.record_id.in_(ids[start : start + 500]))
        for value in db.session().scalars(query.order_by(RecordValue.kind, RecordValue.name)):
            names[value.name] = None
            figures = (value.number, value.text, value.truth)
            by_record[value.record_id][value.name] = next((one for one in figures if one is not None), None)
    return ["record", "establishment", *names], list(by_record.values())


def _codebook(data: _Data) -> tuple[list[str], Rows]:
    columns = ["table", "column", "path", "kind", "label_vi", "label_en", "choices", "personal"]
    rows: Rows = []
    for table in data.tables:
        front = FRONT if not table.path else ("record", "instance_id", "establishment", "_id", "_parent")
        rows.extend(_described(table, column, front) for column in table.columns)
    return columns, rows


def _described(table: Table, column: Column, front: Sequence[str]) -> dict[str, Any]:
    return {
        "table": table.name, "column": _header(column, front), "path": "/".join(column.path),
        "kind": str(Kind(column.kind)), "label_vi": column.label.plain("vi"), "label_en": column.label.plain("en"),
        "choices": "; ".join(f"{name} = {text.plain(current_language())}" for name, text in column.choices.items()),
        "personal": column.is_personal,
    }


def _about(user: User, sheets: Mapping[str, tuple[list[str], Rows]]) -> tuple[list[str], Rows]:
    lines: list[tuple[str, Any]] = [
        (gettext("Made on"), utc_now().astimezone(TIME_ZONE).isoformat(timespec="minutes")),
        (gettext("Made by"), user.name),
    ]
    lines += [(gettext("Rows of the sheet {name}", name=name), len(rows)) for name, (_columns, rows) in sheets.items()]
    what, value = gettext("What"), gettext("Value")
    return [what, value], [{what: name, value: number} for name, number in lines]


__all__ = ["Download", "download", "tables_of"]
