"""Reads a questionnaire's file into sheets whose rows know their cell; the format is told by content, not by name.

Every guard against hostile files (zip bombs, sheets with one value in the last cell) runs before any parser does.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from python_calamine import CalamineWorkbook

from forms.issues import FormError, Issue

SHEETS: Final = (
    "survey",
    "choices",
    "settings",
    "scores",
    "indicators",
    "resources",
    "measures",
    "checks",
    "entities",
    "external_choices",
    "osm",
)
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A cell with something in it: one that is only a format has no value, and no parser keeps it.
_ADDRESS: Final = re.compile(rb'r="([A-Z]{1,4})([0-9]{1,8})"[^<>]*+>\s*<(?:[a-z]+:)?(?:v|is|f)[ >/]')
_CHUNK: Final = 4 * 1024 * 1024
_LONGEST_CELL: Final = 1_000
_DASHES: Final = re.compile(r":?-+:?")
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_INVISIBLE: Final = dict.fromkeys(map(ord, "\ufeff\u200b\u2060"))


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Upper bounds on a file; the caller has its own settings."""

    workbook_bytes: int = 20 * 1024 * 1024
    unpacked_bytes: int = 160 * 1024 * 1024  # a million rows that hold a format and nothing else come to half of it
    archive_entries: int = 2_000
    archive_ratio: int = 100
    cells: int = 4_000_000  # of the rectangle that holds every value of a sheet
    rows: int = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row that holds something: header -> text, blanks left out."""

    sheet: str
    number: int
    cells: Mapping[str, str]
    letters: Mapping[str, str]  # header -> column letters, shared by the rows of a sheet

    def get(self, header: str) -> str:
        """The text under a header, "" when blank."""
        return self.cells.get(header, "")

    def cell(self, header: str = "") -> str:
        """Where this row, or its cell under `header`, stands: "survey!C14"."""
        return f"{self.sheet}!{self.letters.get(header, 'A')}{self.number}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's rows in order, and its headers with their columns."""

    name: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...]


def read_workbook(source: bytes, name: str = "", limits: ReadLimits | None = None) -> dict[str, Sheet]:
    """The known sheets of an .xlsx, .xls, .csv or Markdown file by lower-case name; raises FormError."""
    limits = limits or ReadLimits()
    if len(source) > limits.workbook_bytes:
        raise _refusal("workbook_too_large", name, megabytes=limits.workbook_bytes // 1024 // 1024)
    if source.startswith(_ZIP):
        _guard_archive(source, name, limits)
        return _read_binary(source, name, limits)
    if source.startswith(_OLE):
        return _read_binary(source, name, limits)
    text = _decode(source, name)
    lines = text.splitlines()
    if any(line.lstrip().startswith("|") for line in lines):
        return read_markdown(text)
    if text.lstrip()[:1] in ("<", "{", "") or "," not in text:
        raise _refusal("not_a_workbook", name, name=name)
    return _read_csv(text, name)


def read_markdown(text: str) -> dict[str, Sheet]:
    """Tables whose first column names their sheet; a row's number is its line, prose around tables is ignored."""
    grid: list[tuple[int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("|"):
            grid.append((number, []))
            continue
        cells = [clean(cell) for cell in _split(line.strip())]
        if not all(_DASHES.fullmatch(cell) for cell in cells if cell) or not any(cells):
            grid.append((number, cells))
    return _sheets_in(grid)


def _read_csv(text: str, name: str) -> dict[str, Sheet]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        raise _refusal("not_a_workbook", name, name=name) from None
    return _sheets_in(list(enumerate(rows, 1)))


def _sheets_in(grid: Sequence[tuple[int, Sequence[str]]]) -> dict[str, Sheet]:
    """Sheets from rows whose first column names a sheet, in that row or in the one before its headers."""
    parts: dict[str, list[Sheet]] = {}
    name, header, body = "", None, list[tuple[int, Sequence[str]]]()
    for number, cells in [*grid, (0, ["-"])]:
        first = clean(cells[0]).lower() if cells else ""
        if not cells or first:
            if name and header is not None:
                parts.setdefault(name, []).append(_sheet(name, header, body))
            name, header, body = first if first in SHEETS else "", None, []
        if not name:
            continue
        rest = [clean(cell) for cell in cells[1:]]
        if header is None:
            header = rest if any(rest) else None
        else:
            body.append((number, rest))
    return {name: _joined(sheets) for name, sheets in parts.items()}


def _joined(sheets: list[Sheet]) -> Sheet:
    headers = dict.fromkeys(header for sheet in sheets for header in sheet.headers)
    return Sheet(sheets[0].name, tuple(headers), tuple(row for sheet in sheets for row in sheet.rows))


def _split(line: str) -> list[str]:
    r"""The cells of a Markdown row; "\|" is a bar inside a cell."""
    parts = line.replace("\\|", "\x00").split("|")[1:]
    if parts and not parts[-1].strip():
        parts.pop()
    return [part.replace("\x00", "|") for part in parts]


def _sheet(name: str, header: Sequence[str], body: Iterable[tuple[int, Sequence[str]]], offset: int = 0) -> Sheet:
    letters = {text: _letters(offset + index) for index, text in reversed(list(enumerate(header))) if text}
    rows = []
    for number, cells in body:
        filled = {}
        for text, cell in zip(header, cells, strict=False):
            if text and cell and text not in filled:
                filled[text] = cell
        if filled:
            rows.append(Row(name, number, filled, letters))
    return Sheet(name, tuple(text for text in header if text), tuple(rows))


def _read_binary(source: bytes, name: str, limits: ReadLimits) -> dict[str, Sheet]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(source))
        names = {title: title.strip().lower() for title in book.sheet_names}
        known = {title: known for title, known in names.items() if known in SHEETS}
        return {known: _read_sheet(book.get_sheet_by_name(title), known, limits) for title, known in known.items()}
    except FormError:
        raise
    except Exception as error:  # calamine has no common base for its errors, and a broken file can raise any of them
        raise _refusal("not_a_workbook", name, name=name) from error


def _read_sheet(sheet: Any, name: str, limits: ReadLimits) -> Sheet:
    if sheet.start is None:
        return Sheet(name, (), ())
    header: list[str] | None = None
    body: list[tuple[int, list[str]]] = []
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts = [_cell_text(cell) for cell in cells]
        if not any(texts):
            continue
        if header is None:
            header = texts
        elif len(body) >= limits.rows:
            raise _refusal("too_many_rows", f"{name}!A{number}", rows=limits.rows)
        else:
            body.append((number, texts))
    return _sheet(name, header or [], body, offset=sheet.start[1])


def _cell_text(value: object) -> str:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (int, timedelta)) else ""


def clean(text: str) -> str:
    """The text as we keep it: composed letters, no space around, nothing invisible that XML or a name cannot hold."""
    if text.isascii() and text.isprintable():
        return text.strip()
    text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return _UNPRINTABLE.sub("", text.replace("\xa0", " ").replace("\r\n", "\n")).strip()


def _guard_archive(source: bytes, name: str, limits: ReadLimits) -> None:
    """Refuse what unpacks too far, before anything is unpacked; then sheets whose rectangle would not fit in memory."""
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            entries = archive.infolist()
            total = sum(entry.file_size for entry in entries)
            if len(entries) > limits.archive_entries or total > limits.unpacked_bytes:
                raise _refusal("workbook_bomb", name)
            if total > 1024 * 1024 and total > limits.archive_ratio * len(source):
                raise _refusal("workbook_bomb", name)
            if any(entry.flag_bits & 1 for entry in entries):
                raise _refusal("workbook_encrypted", name)
            if "xl/workbook.xml" not in archive.namelist():
                raise _refusal("not_a_workbook", name, name=name)
            for entry in entries:
                _guard_entry(archive, entry, name, limits)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError):
        raise _refusal("not_a_workbook", name, name=name) from None


def _guard_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, limits: ReadLimits) -> None:
    # What the directory says of sizes can be a lie: zipfile stops at the declared size and checks the CRC.
    if entry.filename == "xl/sharedStrings.xml" or not entry.filename.endswith(".xml"):
        return
    last_row = last_column = 0
    rest = b""
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK):
            chunk = rest + chunk
            for letters, digits in _ADDRESS.findall(chunk):
                last_row = max(last_row, int(digits))
                last_column = max(last_column, _column(letters))
            rest = chunk[-_LONGEST_CELL:]  # a cell may lie across two chunks; seen twice it changes nothing
    if last_row * last_column > limits.cells:
        raise _refusal("sheet_too_wide", f"{entry.filename.split('/')[-1]}!{_letters(last_column - 1)}{last_row}")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _letters(index: int) -> str:
    return (_letters(index // 26 - 1) if index >= 26 else "") + chr(65 + index % 26)


def _decode(source: bytes, name: str) -> str:
    encoding = "utf-16" if source[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return source.decode(encoding)
    except UnicodeDecodeError:
        raise _refusal("not_utf8", name, name=name) from None


def _refusal(code: str, where: str, **parameters: str | int) -> FormError:
    return FormError([Issue(code, where, parameters)])


def iter_rows(sheets: Mapping[str, Sheet], name: str) -> Iterator[Row]:
    """The rows of a sheet, none when the workbook has no such sheet."""
    sheet = sheets.get(name)
    return iter(sheet.rows if sheet else ())
