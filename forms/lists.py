"""Lists that lie beside a form as files of their own: CSV, XML and GeoJSON -> the items of a secondary instance.

Items are flat. A column `label::English (en)` is kept as `label::en`, and `in_language` makes it the label of who reads
English. GeoJSON becomes what ODK makes of it: its properties, its `id`, and `geometry` as "lat lon 0 0" points.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final
from xml.etree.ElementTree import Element

from forms.issues import FormError, Issue
from forms.languages import language_code
from forms.workbook import clean
from forms.xform import read_xml

SUFFIXES: Final = (".csv", ".xml", ".geojson")
MOST_ROWS: Final = 50_000
MOST_CELLS: Final = 1_000_000
MOST_ISSUES: Final = 20  # told of one file: the rest is like them
_CELL_CHARACTERS: Final = 20_000
_Item = dict[str, str]


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list as read; with issues it cannot be used."""

    name: str
    items: tuple[_Item, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()  # where each item stands in the file
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class ListUse:
    """How a question takes its choices from a list."""

    cell: str
    value: str = "name"
    label: str = "label"
    is_multiple: bool = False  # names are stored separated by spaces
    may_repeat: bool = False


class _Broken(Exception):
    """The file cannot be read on from `row`; `code` says why."""

    def __init__(self, code: str, row: int = 0, **parameters: str | int) -> None:
        super().__init__(code)
        self.code, self.row, self.parameters = code, row, parameters


@dataclass(slots=True)
class _Reading:
    """Items and rows as they come; stops a file that holds too much."""

    items: list[_Item] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)
    cells: int = 0

    def add(self, item: _Item, row: int) -> None:
        self.cells += len(item)
        if len(self.items) >= MOST_ROWS or self.cells > MOST_CELLS:
            raise _Broken("list_too_long", row, most=MOST_ROWS)
        if any(len(text) > _CELL_CHARACTERS for text in item.values()):
            raise _Broken("list_long_text", row, most=_CELL_CHARACTERS)
        self.columns.update(dict.fromkeys(item))
        self.items.append(item)
        self.rows.append(row)


def is_list(name: str) -> bool:
    """True for a file name that can be an external list."""
    return PurePath(name).suffix.lower() in SUFFIXES


def instance_of(name: str) -> str:
    """The secondary instance that a list of this name fills."""
    return PurePath(name).stem


def read_list(name: str, content: bytes) -> ListFile:
    """The items of a list, or the issues that stand in the way, each with its row in the file."""
    found = _Reading()
    try:
        suffix = PurePath(name).suffix.lower()
        {".csv": _read_csv, ".xml": _read_xml, ".geojson": _read_geojson}[suffix](content, found)
        if not found.items:
            raise _Broken("list_empty")
    except _Broken as broken:
        return ListFile(name, issues=(Issue(broken.code, _at(name, broken.row), {"name": name, **broken.parameters}),))
    return ListFile(name, tuple(found.items), tuple(found.columns), tuple(found.rows))


def _at(name: str, row: int) -> str:
    return f"{name}:{row}" if row else name


def check_use(list_: ListFile, use: ListUse) -> list[Issue]:
    """What keeps a list from giving a question its choices: missing columns, blank or repeated names."""
    if use.value not in list_.columns:
        return [Issue("list_no_column", use.cell, {"name": list_.name, "column": use.value})]
    issues: list[Issue] = []
    if not any(column == use.label or column.startswith(f"{use.label}::") for column in list_.columns):
        issues.append(Issue("list_no_column", use.cell, {"name": list_.name, "column": use.label}))
    seen: dict[str, int] = {}
    for item, row in zip(list_.items, list_.rows, strict=True):
        value = item.get(use.value, "")
        fault = _fault(value, use, seen)
        if fault:
            other = _at(list_.name, seen.get(value, 0))
            issues.append(Issue(fault, _at(list_.name, row), {"name": value, "column": use.value, "other": other}))
        seen.setdefault(value, row)
        if len(issues) >= MOST_ISSUES:
            break
    return issues


def _fault(value: str, use: ListUse, seen: Mapping[str, int]) -> str:
    if not value:
        return "list_blank_name"
    if any(letter.isspace() for letter in value):
        return "choice_name_space"
    return "duplicate_choice" if value in seen and not use.may_repeat else ""


# -- languages --------------------------------------------------------------------------------------------------------


def in_language(items: Iterable[Mapping[str, str]], language: str) -> Iterator[_Item]:
    """The items as somebody reads them: `label::en` becomes `label`, the other languages are left out."""
    for item in items:
        if not any("::" in column for column in item):
            yield dict(item)
            continue
        plain = {column: text for column, text in item.items() if "::" not in column}
        for column, text in item.items():
            base, separator, code = column.partition("::")
            if separator and text and (code == language or not plain.get(base)):
                plain[base] = text
        yield plain


def _column(header: str) -> str:
    """A header as a column: "label::Tiếng Việt (vi)" is "label::vi"."""
    base, separator, language = clean(header).partition("::")
    return f"{base.strip()}::{language_code(language.strip())}" if separator and language.strip() else base.strip()


# -- CSV --------------------------------------------------------------------------------------------------------------


def _read_csv(content: bytes, found: _Reading) -> None:
    text = _decoded(content)
    first = text.lstrip("\n").partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        rows = ((reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells))
        headers = [_column(cell) for cell in next(rows, (1, []))[1]]
        _check_headers(headers)
        for row, cells in rows:
            if any(cell.strip() for cell in cells[len(headers) :]):
                raise _Broken("list_row_longer", row)
            padded = [*cells, *[""] * (len(headers) - len(cells))]
            found.add({header: clean(cell) for header, cell in zip(headers, padded, strict=False) if header}, row)
    except csv.Error:
        raise _Broken("list_broken", reader.line_num) from None


def _check_headers(headers: Sequence[str]) -> None:
    seen: set[str] = set()
    for header in headers:
        if header and header in seen:
            raise _Broken("list_column_twice", 1, column=header)
        seen.add(header)


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise _Broken("not_utf8") from None


# -- XML --------------------------------------------------------------------------------------------------------------


def _read_xml(content: bytes, found: _Reading) -> None:
    try:
        root = read_xml(content)
    except FormError:
        raise _Broken("not_xml") from None
    kinds = {_local(child) for child in root}
    if len(kinds) > 1:
        raise _Broken("list_mixed", columns=", ".join(sorted(kinds)[:5]))
    for number, element in enumerate(root, 1):
        item: _Item = {}
        for child in element:
            if len(child):
                raise _Broken("list_nested", number, column=_local(child))
            item[_column(_local(child))] = clean(child.text or "")
        if not item:
            raise _Broken("list_nested", number, column=_local(element))
        found.add(item, number)


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


# -- GeoJSON ----------------------------------------------------------------------------------------------------------


def _read_geojson(content: bytes, found: _Reading) -> None:
    try:
        document = json.loads(_decoded(content))
    except (ValueError, RecursionError):
        raise _Broken("list_not_json") from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise _Broken("list_not_geojson")
    for number, feature in enumerate(features, 1):
        if not isinstance(feature, dict):
            raise _Broken("list_not_geojson", number)
        found.add(_feature(feature, number), number)


def _feature(feature: Mapping[str, Any], number: int) -> _Item:
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise _Broken("list_not_geojson", number)
    item = {_column(str(name)): _text_of(value, number, str(name)) for name, value in properties.items()}
    if feature.get("id") is not None:
        item["id"] = _text_of(feature["id"], number, "id")
    geometry = feature.get("geometry")
    if geometry is not None:
        item["geometry"] = _geometry(geometry, number)
    return item


def _text_of(value: object, number: int, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (str, int, float)):
        return clean(str(value))
    if value is None:
        return ""
    raise _Broken("list_nested", number, column=name)


def _geometry(geometry: object, number: int) -> str:
    """A point as "lat lon 0 0", a line or the outer ring of an area as such points; GeoJSON puts longitude first."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    try:
        points = _points(str(kind), coordinates)
        return "; ".join(f"{_degrees(point[1], 90)} {_degrees(point[0], 180)} 0 0" for point in points)
    except (KeyError, IndexError, TypeError, ValueError):
        raise _Broken("list_geometry", number, column=str(kind)) from None


def _points(kind: str, coordinates: Any) -> list[Any]:
    if kind not in ("Point", "LineString", "Polygon"):
        raise KeyError(kind)
    return [coordinates] if kind == "Point" else list(coordinates[0] if kind == "Polygon" else coordinates)


def _degrees(value: object, most: int) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= most:
        raise ValueError(value)
    return str(value)
