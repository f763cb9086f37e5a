"""Tables as files: reading a workbook or CSV into rows that know their number, writing them with formulas inert."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath

from python_calamine import CalamineError, CalamineWorkbook

from survey_app.config import Limits
from survey_app.problems import Invalid, TooLarge

COLUMNS = 200
UNREADABLE = "This file could not be read. Check that it opens in your spreadsheet program, save it again and retry."
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row with its number as the spreadsheet shows it; cells are texts, numbers as a person would type them."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The first row of a sheet, and the others that hold something."""

    header: tuple[str, ...]
    rows: tuple[TableRow, ...]


def read_table(source: bytes, name: str, limits: Limits) -> Table:
    """The first sheet of a workbook, or a CSV. Raises Invalid for what cannot be read, TooLarge past the limits."""
    suffix = PurePath(name).suffix.lower()
    if suffix == ".csv":
        grid: Iterable[Sequence[object]] = _read_csv(source)
    elif suffix in {".xlsx", ".xls"}:
        grid = _read_workbook(source, limits)
    else:
        raise Invalid("Choose a table: .xlsx, .xls or .csv.")
    return _table(grid, limits)


def _table(grid: Iterable[Sequence[object]], limits: Limits) -> Table:
    header: tuple[str, ...] = ()
    rows: list[TableRow] = []
    for number, raw in enumerate(grid, 1):
        cells = tuple(_text(cell) for cell in raw[:COLUMNS])
        if not any(cells):
            continue
        if not header:
            header = cells
        elif len(rows) >= limits.register_rows:
            raise TooLarge(limit=f"{limits.register_rows:,}")
        else:
            rows.append(TableRow(number, cells))
    if not header:
        raise Invalid("The table is empty. Put the column names in the first row.")
    return Table(header, tuple(rows))


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell).replace("\0", "").strip()


def _read_workbook(source: bytes, limits: Limits) -> Iterable[Sequence[object]]:
    if source[:2] == b"PK":
        _check_archive(source, limits)
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(source)).get_sheet_by_index(0)
        if sheet.height > limits.register_rows + 1:
            raise TooLarge(limit=f"{limits.register_rows:,}")
        top = sheet.start[0] if sheet.start else 0
        return [[] for _ in range(top)] + sheet.to_python(skip_empty_area=True)
    except (CalamineError, IndexError, ValueError, OSError) as error:
        raise Invalid(UNREADABLE) from error


def _check_archive(source: bytes, limits: Limits) -> None:
    """Refuse a workbook that unpacks to far more than it is, before any parser sees it."""
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Invalid(UNREADABLE) from error
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > limits.archive_entries or unpacked > limits.unpacked_bytes:
        raise TooLarge(limit=f"{limits.unpacked_bytes // 1024 // 1024} MB")
    if unpacked > limits.archive_ratio * max(len(source), 1):
        raise TooLarge(limit=f"{limits.unpacked_bytes // 1024 // 1024} MB")


def _read_csv(source: bytes) -> Iterable[Sequence[object]]:
    try:
        text = source.decode("utf-16" if source[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("The CSV is not in UTF-8. Save it as “CSV UTF-8”, or as .xlsx.") from error
    first = text.partition("\n")[0]
    delimiter = max((";", ",", "\t"), key=first.count)
    try:
        return [[_unquoted(cell) for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as error:
        raise Invalid(UNREADABLE) from error


def _unquoted(cell: str) -> str:
    """Without the apostrophe that our own CSV puts before what a spreadsheet would run."""
    return cell[1:] if cell[:1] == "'" and cell[1:].lstrip()[:1] in ("=", "+", "-", "@") else cell


def column_letter(number: int) -> str:
    """A column's name in spreadsheets: 0 is A, 26 is AA."""
    letters = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        letters, number = chr(ord("A") + rest) + letters, number - 1
    return letters


def to_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV that Vietnamese and English spreadsheets open right, formulas inert."""
    from analysis import write_csv

    return write_csv(header, [dict(zip(header, row, strict=True)) for row in rows])


def to_xlsx(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook of one sheet whose columns are texts, so that codes typed into it keep their leading zeros."""
    from analysis import write_xlsx

    return write_xlsx({title: (header, [dict(zip(header, row, strict=True)) for row in rows])}, as_text=True)


__all__ = ["XLSX", "Table", "TableRow", "column_letter", "read_table", "to_csv", "to_xlsx"]
