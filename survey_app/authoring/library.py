"""Questions and lists to copy from: of the programme's lists, and of every published questionnaire.

An entry is rows of a workbook as somebody wrote them, so that what is pasted means the same again.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from forms import FormError, Row, Sheet, read_workbook
from survey_app.languages import current_language, fold, language_name, text_of
from survey_app.problems import NotFound
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires

MOST_SHOWN: Final = 60
MOST_ROWS: Final = 5_000
_KEPT: Final = 32
KINDS: Final = ("list", "section", "question", "sheet")
_OURS: Final = ("measures", "resources", "indicators", "checks", "scores")
_ORDER: Final = ("survey", "choices", "settings", *_OURS)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to copy: rows by sheet, each a mapping from heading to text."""

    id: str
    kind: str  # of KINDS
    name: str
    title: str
    source: str  # where it is from: a questionnaire's title, "" for the programme's own lists
    rows: Mapping[str, tuple[Mapping[str, str], ...]]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return sum(len(rows) for rows in self.rows.values())

    def headings(self, sheet: str) -> tuple[str, ...]:
        """The columns that a sheet's rows fill, in order."""
        return tuple(dict.fromkeys(heading for row in self.rows[sheet] for heading in row))

    def as_text(self, sheet: str) -> str:
        """A sheet's rows with their headings as a spreadsheet takes them from the clipboard."""
        out = io.StringIO(newline="")
        headings = self.headings(sheet)
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        writer.writerow(headings)
        writer.writerows([row.get(heading, "") for heading in headings] for row in self.rows[sheet])
        return out.getvalue()


def search(words: str = "", kind: str = "") -> tuple[list[Entry], int]:
    """The entries whose name, title or source hold every word, and how many there are beyond those returned."""
    wanted = fold(words).split()
    found = [
        entry
        for entry in _entries()
        if (not kind or entry.kind == kind) and all(word in _searched(entry) for word in wanted)
    ]
    return found[:MOST_SHOWN], max(0, len(found) - MOST_SHOWN)


def get(entry_id: str) -> Entry:
    """An entry, or NotFound."""
    found = next((entry for entry in _entries() if entry.id == entry_id), None)
    if found is None:
        raise NotFound
    return found


def to_xlsx(entry: Entry) -> bytes:
    """The entry as a small workbook: text only, so that no cell starts a formula."""
    import xlsxwriter

    out = io.BytesIO()
    # A workbook is read back as it was written: an apostrophe in front of "=1" would become part of the answer.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as workbook:
        bold = workbook.add_format({"bold": True})
        for sheet in entry.rows:
            page = workbook.add_worksheet(sheet)
            headings = entry.headings(sheet)
            page.write_row(0, 0, headings, bold)
            page.freeze_panes(1, 0)
            page.set_column(0, len(headings) - 1, 24)
            for number, row in enumerate(entry.rows[sheet], 1):
                for column, heading in enumerate(headings):
                    page.write_string(number, column, row.get(heading, ""))
    return out.getvalue()


def _searched(entry: Entry) -> str:
    return f"{fold(entry.name)} {fold(entry.title)} {fold(entry.source)}"


def _entries() -> Iterator[Entry]:
    """Every entry once: questionnaires of one programme have many rows in common."""
    seen: set[tuple[str, str, str]] = set()
    for entry in _every_entry():
        text = "".join(entry.as_text(sheet) for sheet in entry.rows)
        key = (entry.kind, entry.name, hashlib.sha256(text.encode()).hexdigest())
        if key not in seen:
            seen.add(key)
            yield entry


def _every_entry() -> Iterator[Entry]:
    yield from _of_programme()
    for version in questionnaires.list_published():
        yield from _of_questionnaire(version.id, text_of(version.questionnaire.title) or version.questionnaire.form_id)


def _entry(kind: str, name: str, title: str, source: str, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> Entry:
    key = hashlib.sha256(f"{kind}\0{name}\0{source}".encode()).hexdigest()[:16]
    ordered = {sheet: tuple(rows[sheet])[:MOST_ROWS] for sheet in _ORDER if rows.get(sheet)}
    return Entry(key, kind, name, title, source, ordered)


# The programme's lists ------------------------------------------------------------------------------------------


def _of_programme() -> Iterator[Entry]:
    for name in _list_names():
        choices = programme.choices_of(name)
        rows = [
            {"list_name": name, "name": code, **{f"label::{language_name(k)} ({k})": v for k, v in labels.items()}}
            for code, labels in choices.items()
            if code and not any(letter.isspace() for letter in code)
        ]
        if rows:
            yield _entry("list", name, _title(rows), "", {"choices": rows})


def _list_names() -> Iterator[str]:
    """The pack's reference lists; a table of several lists counts as these."""
    for name, reference in programme.pack().lists.items():
        columns = set(reference.columns)
        if not (columns & set(programme.pack().languages) or columns >= {"code", "name"}):
            continue  # figures, such as prices: nothing one could choose
        if "list" in reference.columns:
            yield from dict.fromkeys(row["list"] for row in reference.rows)
        else:
            yield name


# Questionnaires -------------------------------------------------------------------------------------------------


class _Read:
    """Sheets of the last workbooks used, by their hash: a published workbook never changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Mapping[str, Sheet]] = OrderedDict()
        self._guard = Lock()

    def sheets(self, version_id: int) -> Mapping[str, Sheet]:
        version = questionnaires.get_version(version_id)
        with self._guard:
            found = self._kept.pop(version.workbook_sha256, None)
        if found is None:
            try:
                found = read_workbook(questionnaires.workbook_of(version), version.workbook_name)
            except FormError:
                found = {}  # an XForm has no rows to copy
        with self._guard:
            self._kept[version.workbook_sha256] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


_read = _Read()


def _of_questionnaire(version_id: int, source: str) -> Iterator[Entry]:
    sheets = _read.sheets(version_id)
    lists = _lists(sheets)
    for name, choices in lists.items():
        yield _entry("list", name, _title(choices), source, {"choices": choices})
    survey = list(sheets["survey"].rows) if "survey" in sheets else []
    for block in _blocks(survey):
        first = block[0].cells
        kind = "section" if len(block) > 1 else "question"
        rows = {"survey": [row.cells for row in block], "choices": list(_needed(block, lists))}
        yield _entry(kind, _cell(first, "name"), _label(first) or _cell(first, "name"), source, rows)
    for name in _OURS:
        if name in sheets and sheets[name].rows:
            yield _entry("sheet", name, name, source, {name: [row.cells for row in sheets[name].rows]})


def _lists(sheets: Mapping[str, Sheet]) -> dict[str, list[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in sheets["choices"].rows if "choices" in sheets else ():
        name = _cell(row.cells, "list_name") or _cell(row.cells, "list name")
        if name:
            found.setdefault(name, []).append(row.cells)
    return found


def _blocks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Each outermost group or repeat with all in it, then every question by itself."""
    opened: list[int] = []
    for index, row in enumerate(rows):
        type_ = " ".join(_cell(row.cells, "type").lower().replace("_", " ").split())
        if type_.startswith("begin "):
            opened.append(index)
        elif type_.startswith("end ") and opened:
            start = opened.pop()
            if not opened:
                yield rows[start : index + 1]
        elif type_ and _cell(row.cells, "name"):
            yield (row,)


def _needed(block: Iterable[Row], lists: Mapping[str, list[Mapping[str, str]]]) -> Iterator[Mapping[str, str]]:
    """The rows of the choice lists that a block's questions use."""
    names = dict.fromkeys(word for row in block for word in _cell(row.cells, "type").split()[1:] if word in lists)
    for name in names:
        yield from lists[name]


def _title(choices: Sequence[Mapping[str, str]]) -> str:
    """A list by its first choices: that tells more than its name."""
    words = "; ".join(filter(None, (_label(row) for row in choices[:3])))
    return f"{words}…" if words and len(choices) > 3 else words


def _cell(cells: Mapping[str, str], heading: str) -> str:
    return next((text for name, text in cells.items() if name.strip().lower() == heading), "")


def _label(cells: Mapping[str, str]) -> str:
    """The label in the reader's language, else the first there is."""
    labels = {name.lower(): text for name, text in cells.items() if name.lower().split("::")[0].strip() == "label"}
    own = f"({current_language()})"
    return next((text for name, text in labels.items() if own in name), next(iter(labels.values()), ""))


__all__ = ["KINDS", "Entry", "get", "search", "to_xlsx"]
