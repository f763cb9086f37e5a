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

STARTS_A_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
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
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise Invalid(UNREADABLE) from error


def to_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV that Vietnamese and English spreadsheets open right: BOM, and no cell that starts a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([inert(name) for name in header])
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def inert(cell: object) -> object:
    """A text that would start a formula, with a quote before it; numbers stay numbers."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(STARTS_A_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell


def to_xlsx(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook of one sheet: texts are text cells whatever they look like, codes keep their leading zeros."""
    import xlsxwriter  # here, for most processes never write a workbook and starting should stay light

    out = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(_sheet_name(title))
        bold = book.add_format({"bold": True, "bg_color": "#E4EFEA", "text_wrap": True, "valign": "top"})
        as_text = book.add_format({"num_format": "@"})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, max(len(header) - 1, 0), 18, as_text)
        for column, name in enumerate(header):
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, (int, float)) and not isinstance(cell, bool):
                    sheet.write_number(number, column, cell)
                elif cell not in (None, ""):
                    sheet.write_string(number, column, str(cell))
    return out.getvalue()


def _sheet_name(title: str) -> str:
    return "".join(" " if letter in "[]:*?/\\'" else letter for letter in title)[:31].strip() or "1"


__all__ = ["XLSX", "Table", "TableRow", "inert", "read_table", "to_csv", "to_xlsx"]
