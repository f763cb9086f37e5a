"""Tables as XLSX and CSV that a spreadsheet opens right: Vietnamese intact, numbers as numbers, no live formula."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# A text cell starting with one of these is run as a formula by some spreadsheet (also full-width forms).
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def inert(value: Any) -> Any:
    """Text that a spreadsheet could run, with an apostrophe in front; everything else as it is."""
    if isinstance(value, str) and value.lstrip(" \u00a0").startswith(FORMULA_STARTS):
        return "'" + value
    return value


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """UTF-8 with a byte order mark, so that Excel reads Vietnamese; numbers with a decimal point."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([inert(column) for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(row.get(column)) for column in columns])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf8")


def _csv_cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return inert(value)


def write_xlsx(
    sheets: Mapping[str, tuple[Sequence[str], Sequence[Mapping[str, Any]]]], *, as_text: bool = False
) -> bytes:
    """A workbook with a sheet per entry: name -> (columns, rows). Text is always text, never formula or link.

    as_text formats whole columns as text, for tables that people fill: a code typed later keeps its leading zeros.
    """
    import xlsxwriter

    out = io.BytesIO()
    options = {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E4EFEA"})
        column = book.add_format({"num_format": "@"}) if as_text else None
        for name, (columns, rows) in sheets.items():
            _write_sheet(book.add_worksheet(_sheet_name(name)), columns, rows, head, column)
    return out.getvalue()


def _write_sheet(
    sheet: Any, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], head: Any, column: Any
) -> None:
    sheet.write_row(0, 0, list(columns), head)
    if columns:
        sheet.set_column(0, len(columns) - 1, 16, column)
    for index, row in enumerate(rows, start=1):
        for position, name in enumerate(columns):
            _write_cell(sheet, index, position, row.get(name))
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    if columns:
        sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, str(value)[:32_767])


def _sheet_name(name: str) -> str:
    """Excel's rules: 31 characters, none of []:*?/\\."""
    return "".join("_" if c in "[]:*?/\\" else c for c in name)[:31] or "_"
