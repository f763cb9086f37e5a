"""Submissions as tables: XLSX with a sheet per repeat and a codebook, or CSV; only what the person may see.

Rows are written to a file as they are read, so a download of any size takes the same memory. Answers never become
formulas: texts are text cells, and in CSV a quote stands before what a spreadsheet would run.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, load_only

from forms import Answers, Column, FormDefinition, Kind, Table, tabulate
from survey_app import db
from survey_app.access import Permission, audit, visible_records
from survey_app.languages import TIME_ZONE, gettext
from survey_app.models import Campaign, FormVersion, Questionnaire, Record, RecordValue, Submission, User, utc_now
from survey_app.problems import NotFound, TooLarge
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions import codebook
from survey_app.submissions.codebook import UNANSWERED, Figure
from survey_app.submissions.review import Filters, narrowed

MOST_RECORDS: Final = 200_000
MOST_COUNTED: Final = 2_000  # records whose repeats are counted for the page before anything is downloaded
AT_ONCE: Final = 200  # records in memory
ABOUT, FIGURES, CODEBOOK = "about", "figures", "codebook"
FRONT: Final = (
    "record",
    "instance_id",
    "establishment",
    "name",
    "area",
    "area_name",
    "sector",
    "sector_name",
    "size",
    "size_name",
    "campaign",
    "phase",
    "mode",
    "state",
    "is_refusal",
    "visited_on",
    "received_at",
    "receipt",
    "form_version",
)
ROW_FRONT: Final = ("record", "instance_id", "establishment", "_id", "_parent")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Download:
    """A file ready to be given out, open at its beginning and gone when closed; rows of each of its tables."""

    content: BinaryIO
    size: int
    name: str
    kind: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What will be written: the records asked for, the versions they were given to, and the columns of each sheet."""

    form_id: str
    query: Select[Record]
    forms: Mapping[int, FormDefinition]  # by version id, the oldest first
    tables: tuple[Table, ...]
    personal: frozenset[int]  # records whose personal answers the person may see
    figures: tuple[Figure, ...]

    @property
    def columns(self) -> dict[str, Sequence[str]]:
        """Sheet -> the headings of its columns."""
        found: dict[str, Sequence[str]] = {
            table.name: (*_front(table), *(heading for _column, heading in self.asked(table))) for table in self.tables
        }
        found[FIGURES] = ("record", "establishment", *(figure.name for figure in self.figures))
        found[CODEBOOK] = codebook.COLUMNS
        return found

    def asked(self, table: Table) -> list[tuple[Column, str]]:
        """The columns of a table's questions that the person may see, with their headings."""
        front = _front(table)
        columns = (column for column in table.columns if self.personal or not column.is_personal)
        return [(column, f"q.{column.name}" if column.name in front else column.name) for column in columns]


def download(user: User, filters: Filters, kind: str, table: str = "") -> Download:
    """The current revisions of one questionnaire's records the user may export; noted in the audit log.

    `kind` is "xlsx" (everything) or "csv" (one table, by default the form's own). Raises NotFound for other kinds,
    tables and questionnaires.
    """
    plan = _plan(user, filters)
    writers = {"csv": _write_csv, "xlsx": _write_xlsx}
    table = table or plan.tables[0].name if kind == "csv" else ""
    if kind not in writers or (table and table not in plan.columns):
        raise NotFound
    with tempfile.TemporaryDirectory(prefix="survey-export-") as folder:
        path = Path(folder) / f"export.{kind}"
        counts = writers[kind](path, plan, user, table)
        content, size = path.open("rb"), path.stat().st_size  # open, it outlives its folder and nothing is left over
    db.begin_write()
    audit("submissions.export", f"questionnaire:{plan.form_id}", kind=kind, rows=counts)
    stamp = utc_now().astimezone(TIME_ZONE)
    name = "-".join(part for part in (plan.form_id, table, f"{stamp:%Y%m%d-%H%M}") if part)
    return Download(content, size, f"{name}.{kind}", kind, counts)


def tables_of(user: User, filters: Filters) -> tuple[str, dict[str, int | None]]:
    """(form id, rows by table) of what a download would hold; None where counting would mean reading too much."""
    plan = _plan(user, filters)
    total = db.session().scalar(select(func.count()).select_from(plan.query.with_only_columns(Record.id).subquery()))
    counts: dict[str, int | None] = dict.fromkeys((table.name for table in plan.tables), None)
    if (total or 0) <= MOST_COUNTED:
        found = Counter(sheet for sheet, _row in _answers(plan))
        counts = {table.name: found[table.name] for table in plan.tables}
    return plan.form_id, counts | {plan.tables[0].name: total or 0}


def _plan(user: User, filters: Filters) -> _Plan:
    questionnaire = db.session().get(Questionnaire, filters.questionnaire_id or 0)
    if questionnaire is None:
        raise NotFound("Choose a questionnaire to download.")
    query = narrowed(visible_records(user, Permission.EXPORT), filters).join(
        Submission, Submission.id == Record.current_submission_id
    )
    ids = query.with_only_columns(Record.id)
    if db.session().scalar(ids.offset(MOST_RECORDS).limit(1)) is not None:
        raise TooLarge("There are more than {limit} records. Choose a campaign or a state first.", limit=MOST_RECORDS)
    versions = db.session().scalars(query.with_only_columns(Submission.form_version_id).distinct())
    forms = {version: questionnaires.definition(version) for version in sorted(versions)}
    personal = visible_records(user, Permission.VIEW_PERSONAL).with_only_columns(Record.id)
    seen = frozenset(db.session().scalars(personal.where(Record.questionnaire_id == questionnaire.id)))
    values = select(RecordValue.name, func.min(RecordValue.kind)).where(RecordValue.record_id.in_(ids))
    kinds = values.group_by(RecordValue.name).order_by(func.min(RecordValue.kind), RecordValue.name)
    figures = tuple(Figure(name, kind) for name, kind in db.session().execute(kinds))
    return _Plan(questionnaire.form_id, query, forms, tabulate((form, {}) for form in forms.values()), seen, figures)


# Reading --------------------------------------------------------------------------------------------------------


def _chunks(plan: _Plan) -> Iterator[list[tuple[Record, Submission, FormVersion]]]:
    """The records in order of version and number, a few at a time."""
    query = (
        plan.query.join(FormVersion, FormVersion.id == Submission.form_version_id)
        .add_columns(Submission, FormVersion)
        .options(
            joinedload(Record.establishment),
            joinedload(Record.campaign).load_only(Campaign.name, Campaign.phase),
            load_only(Submission.instance_id, Submission.answers, Submission.received_at, Submission.receipt_number),
            load_only(FormVersion.version),
        )
        .order_by(FormVersion.id, Record.id)
        .execution_options(yield_per=AT_ONCE)
    )
    for rows in db.session().execute(query).partitions():
        yield [(record, submission, version) for record, submission, version in rows]


def _answers(plan: _Plan) -> Iterator[tuple[str, Row]]:
    """(sheet, row) of every record and of every row of its repeats."""
    names = {classifier: programme.names_of(classifier) for classifier in codebook.CLASSIFIERS}
    asked = {table.name: plan.asked(table) for table in plan.tables}
    for records in _chunks(plan):
        yield from _answers_of(plan, records, asked, names)


def _answers_of(
    plan: _Plan,
    records: Sequence[tuple[Record, Submission, FormVersion]],
    asked: Mapping[str, Sequence[tuple[Column, str]]],
    names: Mapping[str, Mapping[str, str]],
) -> Iterator[tuple[str, Row]]:
    # Every version stands before the answers, so that a column is called the same in every part of the file.
    before: list[tuple[FormDefinition, Answers]] = [(form, {}) for form in plan.forms.values()]
    given = [(plan.forms[version.id], submission.answers) for _record, submission, version in records]
    for table in tabulate([*before, *given]):
        for row in table.rows:
            number = int(row["_record"] or 0) - len(before)
            if number >= 0:
                yield table.name, _row(plan, table, row, records[number], asked[table.name], names)


def _row(
    plan: _Plan,
    table: Table,
    row: Row,
    found: tuple[Record, Submission, FormVersion],
    asked: Sequence[tuple[Column, str]],
    names: Mapping[str, Mapping[str, str]],
) -> Row:
    record = found[0]
    facts = {**_facts(*found, names), "_id": row.get("_id"), "_parent": row.get("_parent")}
    cells = {name: facts[name] for name in _front(table)}
    sees_personal = record.id in plan.personal
    for column, heading in asked:
        if column.name in row and (sees_personal or not column.is_personal):
            cells[heading] = _cell(row[column.name], column.kind)
    return cells


def _front(table: Table) -> Sequence[str]:
    return ROW_FRONT if table.path else FRONT


def _cell(value: Any, kind: Kind) -> Any:
    if value is None:
        return UNANSWERED
    # A whole number too long for a spreadsheet's 15 digits would be shown rounded: it is written as text.
    if isinstance(value, int) and abs(value) >= 10**15:
        return str(value)
    return _moment(value, kind) if isinstance(value, str) and kind in (Kind.DATE, Kind.DATETIME) else value


def _moment(text: str, kind: Kind) -> date | str:
    try:
        if kind is Kind.DATE:
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError:
        return text  # not what the form asked for: shown as it came
    return found.astimezone(TIME_ZONE) if found.tzinfo else found


def _facts(
    record: Record, submission: Submission, version: FormVersion, names: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    unit = record.establishment
    codes = {"area": unit.area, "sector": unit.sector, "size": unit.size}
    return {
        "record": record.id,
        "instance_id": str(submission.instance_id),
        "establishment": unit.code,
        "name": unit.name,
        **codes,
        **{f"{name}_name": names[name].get(code or "") for name, code in codes.items()},
        "campaign": record.campaign.name,
        "phase": record.campaign.phase,
        "mode": record.mode,
        "state": record.state,
        "is_refusal": record.is_refusal,
        "visited_on": record.visited_on,
        "received_at": submission.received_at.astimezone(TIME_ZONE).replace(microsecond=0),
        "receipt": submission.receipt_number,
        "form_version": version.version,
    }


def _figures(plan: _Plan) -> Iterator[tuple[str, Row]]:
    """Indicators, scores and measures as kept for the coverage figures, a row per record."""
    for records in _chunks(plan):
        rows: dict[int, dict[str, Any]] = {
            record.id: {"record": record.id, "establishment": record.establishment.code} for record, *_rest in records
        }
        query = select(RecordValue).where(RecordValue.record_id.in_(rows))
        for value in db.session().scalars(query):
            figures = (value.number, value.text, value.truth)
            rows[value.record_id][value.name] = next((one for one in figures if one is not None), None)
        yield from ((FIGURES, row) for row in rows.values())


def _codebook(plan: _Plan) -> Iterator[tuple[str, Row]]:
    tables = [(table, _front(table), plan.asked(table)) for table in plan.tables]
    for entry in codebook.entries(tables, (FIGURES, plan.figures), list(plan.forms.values())):
        yield CODEBOOK, entry


# Writing --------------------------------------------------------------------------------------------------------


def _write_csv(path: Path, plan: _Plan, _user: User, table: str) -> dict[str, int]:
    from analysis import CsvTable  # only who downloads pays for it

    sources = {FIGURES: _figures, CODEBOOK: _codebook}
    count = 0
    with path.open("w", encoding="utf8", newline="") as out:
        written = CsvTable(out, plan.columns[table])
        for sheet, row in sources.get(table, _answers)(plan):
            if sheet == table:
                written.add(row)
                count += 1
    return {table: count}


def _write_xlsx(path: Path, plan: _Plan, user: User, _table: str) -> dict[str, int]:
    from analysis import open_xlsx

    what, value = gettext("What"), gettext("Value")
    with open_xlsx(path) as book:
        about = book.sheet(ABOUT, [what, value])
        sheets = {name: book.sheet(name, columns) for name, columns in plan.columns.items()}
        for source in (_answers, _figures, _codebook):
            for name, row in source(plan):
                sheets[name].add(row)
        counts = {name: sheet.rows for name, sheet in sheets.items()}
        for name, said in _about(user, counts):
            about.add({what: name, value: said})
    return counts


def _about(user: User, counts: Mapping[str, int]) -> Iterable[tuple[str, Any]]:
    yield gettext("Made on"), utc_now().astimezone(TIME_ZONE).replace(microsecond=0)
    yield gettext("Made by"), user.name
    yield from ((gettext("Rows of the sheet {name}", name=name), count) for name, count in counts.items())
    yield gettext("Empty cell"), gettext("the question was not asked")
    yield gettext("The sign {sign}", sign=UNANSWERED), gettext("asked and left blank")


__all__ = ["Download", "download", "tables_of"]
