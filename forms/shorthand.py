"""Rows that stand for several: Kobo's matrix, score and rank, and choices kept on a sheet of their own; written out.

They become the ordinary rows that KoboToolbox itself makes of them (support.kobotoolbox.org, "Question matrix",
"Rating", "Ranking"), with the same names, so that data of one form line up wherever it was collected. A written-out row
keeps the number and cells of the row it comes from, which is where messages point to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from forms.columns import is_yes
from forms.issues import Issue
from forms.workbook import Row, Sheet, iter_rows

MATRIX_LIST: Final = "kobo--matrix_list"
SCORE_LIST: Final = "kobo--score-choices"
RANK_LIST: Final = "kobo--rank-items"
RANK_MESSAGE: Final = "kobo--rank-constraint-message"
COLUMNS: Final = frozenset({MATRIX_LIST, SCORE_LIST, RANK_LIST, RANK_MESSAGE})
_BLOCK: Final = re.compile(r"(begin|end)[ _](kobomatrix|score|rank)", re.IGNORECASE)
_EXTERNAL: Final = re.compile(r"select[_ ]one[_ ]external\s+(\S+)", re.IGNORECASE)
_INSIDE: Final = {"score": "score__row", "rank": "rank__level"}
_LIST_OF: Final = {"kobomatrix": MATRIX_LIST, "score": SCORE_LIST, "rank": RANK_LIST}
_RULES: Final = (
    "relevant",
    "constraint",
    "calculation",
    "required",
    "read_only",
    "choice_filter",
    "default",
    "trigger",
)
_REFERENCE: Final = re.compile(r"\$\{\s*([^}\s]+)\s*\}")
MOST_ROWS: Final = 5_000  # that one matrix may be written out to


@dataclass(slots=True)
class _Block:
    """A block that has begun, and the rows inside it so far."""

    kind: str
    begin: Row
    rows: list[Row] = field(default_factory=list)

    @property
    def list_name(self) -> str:
        """The choice list that the block is about."""
        return self.begin.get(_LIST_OF[self.kind])

    @property
    def name(self) -> str:
        """The block's own name."""
        return self.begin.get("name")


def written_out(sheets: Mapping[str, Sheet]) -> tuple[dict[str, Sheet], list[Issue]]:
    """The sheets without shorthand, and what is wrong with it."""
    issues: list[Issue] = []
    if "survey" not in sheets:
        return dict(sheets), issues
    found = _with_external_choices(sheets)
    survey = found["survey"]
    rows = tuple(_rows(survey, _choices_by_list(found), issues))
    if len(rows) != len(survey.rows) or rows != survey.rows:
        used = dict.fromkeys(header for row in rows for header in row.cells if header not in COLUMNS)
        headers = (*(header for header in survey.headers if header not in COLUMNS), *used)
        found["survey"] = Sheet("survey", tuple(dict.fromkeys(headers)), rows)
        found |= _without_lists({row.get(MATRIX_LIST) for row in survey.rows}, rows, found)
    return found, issues


def _without_lists(names: set[str], rows: tuple[Row, ...], sheets: Mapping[str, Sheet]) -> dict[str, Sheet]:
    """The choices without those that were only the rows of a matrix."""
    asked = {word for row in rows for word in row.get("type").split()[1:]}
    choices = sheets.get("choices")
    if choices is None or not names - asked - {""}:
        return {}
    kept = tuple(row for row in choices.rows if row.get("list_name") not in names - asked)
    return {"choices": Sheet("choices", choices.headers, kept)}


def _with_external_choices(sheets: Mapping[str, Sheet]) -> dict[str, Sheet]:
    """The old sheet of choices that Collect kept in a database of its own, as more choices."""
    found = {name: sheet for name, sheet in sheets.items() if name != "external_choices"}
    external = sheets.get("external_choices")
    if external is not None and external.rows:
        choices = sheets.get("choices") or Sheet("choices", (), ())
        headers = tuple(dict.fromkeys((*choices.headers, *external.headers)))
        found["choices"] = Sheet("choices", headers, (*choices.rows, *external.rows))
    return found


def _choices_by_list(sheets: Mapping[str, Sheet]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in iter_rows(sheets, "choices"):
        found.setdefault(row.get("list_name"), []).append(row)
    return found


def _rows(survey: Sheet, choices: Mapping[str, list[Row]], issues: list[Issue]) -> Iterator[Row]:
    block: _Block | None = None
    for row in survey.rows:
        type_ = " ".join(row.get("type").split())
        edge = _BLOCK.fullmatch(type_)
        if is_yes(row.get("disabled")):
            continue
        if edge and edge.group(1).lower() == "begin" and block is None:
            block = _Block(edge.group(2).lower(), row)
        elif edge and block is not None and edge.group(0).lower()[:3] == "end" and edge.group(2).lower() == block.kind:
            yield from _block(block, choices, issues)
            block = None
        elif edge or type_.lower() in _INSIDE.values():
            if block is not None and type_.lower() == _INSIDE.get(block.kind):
                block.rows.append(row)
            else:
                issues.append(Issue("shorthand_place", row.cell("type"), {"name": type_}))
        elif block is not None:
            _gather(block, row, type_, issues)
        else:
            yield _internal(row, type_)
    if block is not None:
        issues.append(Issue("missing_end", block.begin.cell("type"), {"name": block.kind}))


def _gather(block: _Block, row: Row, type_: str, issues: list[Issue]) -> None:
    is_structure = type_.lower().startswith(("begin", "end"))
    if block.kind in _INSIDE or is_structure:
        issues.append(Issue("shorthand_place", row.cell("type"), {"name": type_}))
    elif type_:
        block.rows.append(_internal(row, type_))


def _internal(row: Row, type_: str) -> Row:
    """A question with choices from the sheet external_choices as one with ordinary choices."""
    match = _EXTERNAL.fullmatch(type_)
    return _with(row, type=f"select_one {match.group(1)}") if match else row


def _block(block: _Block, choices: Mapping[str, list[Row]], issues: list[Issue]) -> Iterator[Row]:
    column = _LIST_OF[block.kind]
    if not block.list_name:
        issues.append(Issue("extra_missing", block.begin.cell(column), {"name": column}))
    elif not block.rows:
        issues.append(Issue("empty_group", block.begin.cell("type"), {"name": block.kind}))
    elif block.kind == "kobomatrix" and block.list_name not in choices:
        issues.append(Issue("missing_list", block.begin.cell(column), {"name": block.list_name}))
    elif block.kind == "kobomatrix" and len(block.rows) * len(choices[block.list_name]) > MOST_ROWS:
        issues.append(Issue("too_many_rows", block.begin.cell("type"), {"rows": MOST_ROWS}))
    elif block.kind == "kobomatrix":
        yield from _matrix(block, choices[block.list_name])
    else:
        yield from _score(block) if block.kind == "score" else _rank(block)


def _with(row: Row, /, **cells: str) -> Row:
    kept = {header: text for header, text in {**row.cells, **cells}.items() if text and header not in COLUMNS}
    return replace(row, cells=kept)


def _group(row: Row, name: str, labels: Mapping[str, str], appearance: str = "") -> Row:
    """The beginning of a group of the written-out rows."""
    cells = {"type": "begin_group", "name": name, "relevant": row.get("relevant"), "appearance": appearance, **labels}
    return replace(row, cells={header: text for header, text in cells.items() if text})


def _end(row: Row) -> Row:
    return replace(row, cells={"type": "end_group"})


def _texts(row: Row, column: str = "label") -> dict[str, str]:
    return {header: text for header, text in row.cells.items() if header.partition("::")[0] == column}


# -- the three kinds --------------------------------------------------------------------------------------------------


def _matrix(block: _Block, choices: list[Row]) -> Iterator[Row]:
    """A group per row of the matrix, with a question per column."""
    begin = block.begin
    if _texts(begin):
        yield _group(begin, f"{block.name}_header", {})
        yield replace(begin, cells={"type": "note", "name": f"{block.name}_header_note", **_texts(begin)})
        yield _end(begin)
    columns = [row.get("name") for row in block.rows]
    for choice in choices:
        base = f"{block.name}_{choice.get('name')}"
        yield _group(begin, base, _texts(choice))
        for row in block.rows:
            yield _cell(row, base, columns)
        # The end still names the list, so that nobody takes it for unused.
        yield replace(begin, cells={"type": "end_group", MATRIX_LIST: block.list_name})


def _cell(row: Row, base: str, columns: list[str]) -> Row:
    """A column's question in one row of the matrix; what it says of other columns means those of the same row."""

    def here(match: re.Match[str]) -> str:
        return f"${{{base}_{match.group(1)}}}" if match.group(1) in columns else match.group(0)

    cells = {header: _REFERENCE.sub(here, row.get(header)) for header in _RULES if header in row.cells}
    return _with(row, name=f"{base}_{row.get('name')}", **cells)


def _score(block: _Block) -> Iterator[Row]:
    """A table of questions with the same choices."""
    begin = block.begin
    yield _group(begin, block.name, {}, "field-list")
    type_ = f"select_one {block.list_name}"
    header = {"type": type_, "name": f"{block.name}_header", "appearance": "label"}
    yield replace(begin, cells={**header, **_texts(begin), **_texts(begin, "hint")})
    required = "yes" if is_yes(begin.get("required")) else ""
    for row in block.rows:
        yield _with(
            row,
            type=type_,
            appearance=row.get("appearance") or "list-nolabel",
            required=required or row.get("required"),
        )
    yield _end(begin)


def _rank_messages(begin: Row) -> Iterator[tuple[str, str]]:
    """What is said when a place is given twice: Kobo has one text for it, which stands for every language."""
    languages = [header.partition("::")[2] for header in _texts(begin) if "::" in header]
    for header, text in begin.cells.items():
        base, separator, language = header.partition("::")
        if base == RANK_MESSAGE:
            for name in [language] if separator else languages or [""]:
                yield (f"constraint_message::{name}" if name else "constraint_message"), text


def _rank(block: _Block) -> Iterator[Row]:
    """A question per place, each with a choice not taken before."""
    begin = block.begin
    yield _group(begin, block.name, {}, "field-list")
    yield replace(
        begin, cells={"type": "note", "name": f"{block.name}_label", **_texts(begin), **_texts(begin, "hint")}
    )
    messages = dict(_rank_messages(begin))
    before: list[str] = []
    for row in block.rows:
        name = row.get("name")
        rule = " and ".join(f"${{{name}}} != ${{{other}}}" for other in before)
        yield _with(
            row,
            type=f"select_one {block.list_name}",
            required="yes",
            appearance=row.get("appearance") or "minimal",
            constraint=rule,
            **messages,
        )
        before.append(name)
    yield _end(begin)
