"""What an author is told of a workbook, in the order he will work through it: sheet by sheet, row by row."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from forms import FormDefinition, Inspection, Issue, Severity, inspect, is_list_file
from survey_app.config import Limits
from survey_app.questionnaires.beside import Upload, sort_uploads
from survey_app.questionnaires.convert import Reading, convert

SHEETS: Final = (
    "settings", "survey", "choices", "entities", "scores", "indicators", "resources", "measures", "checks",
)  # fmt: skip
_PLACE: Final = re.compile(r"(?P<sheet>[^!]+)(?:!(?P<column>[A-Z]*)(?P<row>[0-9]*))?")
_PORTABLE: Final = "portable_"
_KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class Remark:
    """An issue with its place taken apart, and the text of the cell it stands in."""

    issue: Issue
    sheet: str
    cell: str  # "C14", "" for a remark on a whole sheet
    text: str

    @property
    def anchor(self) -> str:
        """The id of its line on a page, so that one can point a colleague to it."""
        return f"{self.sheet}-{self.cell}-{self.issue.code}"


@dataclass(frozen=True, slots=True)
class Remarks:
    """Issues by what the author has to do about them."""

    errors: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    notes: tuple[Remark, ...] = ()
    portable: tuple[Remark, ...] = ()  # other clients run it otherwise
    translations: tuple[tuple[str, tuple[Remark, ...]], ...] = ()  # texts missing, by language

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to say."""
        return not (self.errors or self.warnings or self.notes or self.portable or self.translations)


def remarks_of(issues: Iterable[Issue]) -> Remarks:
    """The issues sorted by sheet, row and column, and grouped."""
    remarks = sorted((_remark(issue) for issue in issues), key=_order)
    missing: dict[str, list[Remark]] = {}
    rest: list[Remark] = []
    for remark in remarks:
        if remark.issue.code == "missing_translation":
            missing.setdefault(str(remark.issue.parameters.get("language", "")), []).append(remark)
        else:
            rest.append(remark)
    portable = tuple(remark for remark in rest if remark.issue.code.startswith(_PORTABLE))
    rest = [remark for remark in rest if remark not in portable]
    return Remarks(
        errors=_of(rest, Severity.ERROR),
        warnings=_of(rest, Severity.WARNING),
        notes=_of(rest, Severity.NOTE),
        portable=portable,
        translations=tuple((language, tuple(found)) for language, found in missing.items()),
    )


def _of(remarks: Sequence[Remark], severity: Severity) -> tuple[Remark, ...]:
    return tuple(remark for remark in remarks if remark.issue.severity is severity)


def _remark(issue: Issue) -> Remark:
    sheet, _, cell = issue.where.partition("!")
    return Remark(issue, sheet, cell, str(issue.parameters.get("cell_text", "")))


def _order(remark: Remark) -> tuple[int, str, int, int, str]:
    found = _PLACE.fullmatch(remark.issue.where)
    column, row = (found["column"] or "", found["row"] or "0") if found else ("", "0")
    known = SHEETS.index(remark.sheet) if remark.sheet in SHEETS else len(SHEETS)
    return known, remark.sheet, int(row), len(column), column


def read_with_neighbours(name: str, content: bytes, neighbours: Mapping[str, bytes]) -> Reading | None:
    """A workbook (or a zip of one with its files) read with what lies beside it; None where there is no workbook.

    For a look that stores nothing: a file that the form does not name is not remarked on.
    """
    uploads = [Upload(file, bytes_) for file, bytes_ in neighbours.items()]
    given = sort_uploads(Upload(name, content), uploads, Limits())
    if given.workbook is None:
        return None
    files = {one.name: one.content if is_list_file(one.name) else None for one in given.files}
    reading = convert(given.workbook.content, given.workbook.name, files)
    kept = tuple(issue for issue in reading.issues if issue.code != "file_unused")
    return replace(reading, issues=kept)


class _Inspections:
    """The last inspections, by the hash of the definition they are of."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Inspection] = OrderedDict()
        self._guard = Lock()

    def of(self, sha256: str, form: FormDefinition) -> Inspection:
        with self._guard:
            found = self._kept.pop(sha256, None)
        found = found or inspect(form)
        with self._guard:
            self._kept[sha256] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


_inspections = _Inspections()


def inspection_of(sha256: str, form: FormDefinition) -> Inspection:
    """What looking the form through shows; `sha256` is of its definition."""
    return _inspections.of(sha256, form)
