"""Tables as XLSX and CSV that a spreadsheet opens right: Vietnamese intact, numbers as numbers, no live formula."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, TextIO

# A text cell starting with one of these is run as a formula by some spreadsheet (also full-width forms).
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
DATE_FORMAT, TIME_FORMAT = "dd/mm/yyyy", "dd/mm/yyyy hh:mm:ss"
FIRST_DAY = date(1900, 3, 1)  # a spreadsheet's calendar is wrong before this day
_TEXT_ONLY = {
    "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "nan_inf_to_errors": False,
}  # fmt: skip


def inert(value: Any) -> Any:
    """Text that a spreadsheet could run, with an apostrophe in front; everything else as it is."""
    if isinstance(value, str) and value.lstrip(" \u00a0").startswith(FORMULA_STARTS):
        return "'" + value
    return value


# CSV ------------------------------------------------------------------------------------------------------------


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """UTF-8 with a byte order mark, so that Excel reads Vietnamese; numbers with a decimal point, dates as ISO."""
    out = io.StringIO(newline="")
    table = CsvTable(out, columns)
    for row in rows:
        table.add(row)
    return out.getvalue().encode("utf8")


class CsvTable:
    """A CSV table written row by row to an open text file (newline=""), byte order mark first."""

    def __init__(self, out: TextIO, columns: Sequence[str]) -> None:
        out.write("\ufeff")
        self._writer = csv.writer(out)
        self._columns = tuple(columns)
        self._writer.writerow([inert(column) for column in columns])

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row; columns it lacks stay empty."""
        self._writer.writerow([_csv_cell(row.get(column)) for column in self._columns])


def _csv_cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else inert(value)


# XLSX -----------------------------------------------------------------------------------------------------------


def write_xlsx(
    sheets: Mapping[str, tuple[Sequence[str], Iterable[Mapping[str, Any]]]], *, as_text: bool = False
) -> bytes:
    """A workbook with a sheet per entry: name -> (columns, rows). Text is always text, never formula or link.

    as_text formats whole columns as text, for tables that people fill: a code typed later keeps its leading zeros.
    """
    out = io.BytesIO()
    with _book(out, {"in_memory": True}) as book:
        for name, (columns, rows) in sheets.items():
            sheet = book.sheet(name, columns, as_text=as_text)
            for row in rows:
                sheet.add(row)
    return out.getvalue()


@contextmanager
def open_xlsx(path: Path) -> Iterator[XlsxBook]:
    """A workbook written to a file row by row: however many rows there are, one of each sheet is in memory."""
    with _book(str(path), {"constant_memory": True, "tmpdir": str(path.parent)}) as book:
        yield book


@contextmanager
def _book(target: Any, options: Mapping[str, Any]) -> Iterator[XlsxBook]:
    import xlsxwriter

    with xlsxwriter.Workbook(target, {**options, **_TEXT_ONLY}) as book:
        found = XlsxBook(book)
        yield found
        found.finish()


class XlsxBook:
    """A workbook being written; its sheets stand in the order they were asked for and fill in any order."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E4EFEA"})
        self._text = book.add_format({"num_format": "@"})
        self._days = book.add_format({"num_format": DATE_FORMAT}), book.add_format({"num_format": TIME_FORMAT})
        self._sheets: list[XlsxTable] = []

    def sheet(self, name: str, columns: Sequence[str], *, as_text: bool = False) -> XlsxTable:
        """A new sheet with its heading, ready for rows."""
        sheet = self._book.add_worksheet(_sheet_name(name))
        table = XlsxTable(sheet, columns, self._head, self._text if as_text else None, self._days)
        self._sheets.append(table)
        return table

    def finish(self) -> None:
        """Put filters over every table; before closing."""
        for sheet in self._sheets:
            sheet.finish()


class XlsxTable:
    """A sheet being filled from top to bottom."""

    def __init__(self, sheet: Any, columns: Sequence[str], head: Any, column: Any, days: tuple[Any, Any]) -> None:
        self._sheet, self._columns, self._days, self.rows = sheet, tuple(columns), days, 0
        if columns:
            sheet.set_column(0, len(columns) - 1, 16, column)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.write_row(0, 0, list(columns), head)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row; columns it lacks stay empty."""
        self.rows += 1
        for position, name in enumerate(self._columns):
            _write_cell(self._sheet, self.rows, position, row.get(name), self._days)

    def finish(self) -> None:
        """Put a filter over the table."""
        if self._columns:
            self._sheet.autofilter(0, 0, max(self.rows, 1), len(self._columns) - 1)


def _write_cell(sheet: Any, row: int, column: int, value: Any, days: tuple[Any, Any]) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif isinstance(value, date) and _day_of(value) >= FIRST_DAY:
        is_time = isinstance(value, datetime)
        # A cell knows no zone: the clock shown is the one the value was given on.
        moment = value.replace(tzinfo=None) if isinstance(value, datetime) else datetime.combine(value, time())
        sheet.write_datetime(row, column, moment, days[is_time])
    else:
        sheet.write_string(row, column, str(value)[:32_767])


def _day_of(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _sheet_name(name: str) -> str:
    """Excel's rules: 31 characters, none of []:*?/\\."""
    return "".join("_" if c in "[]:*?/\\" else c for c in name)[:31] or "_"
