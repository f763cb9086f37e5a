"""What runs here and not, or otherwise, in other clients of the same format: for authors who also use ODK Collect.

Looks at the rows as they were written, so that every remark has its cell. Sources: the XPath support of JavaRosa as
the ODK XForms specification lists it (https://getodk.github.io/xforms-spec/), the XLSForm reference tables
(https://xlsform.org/en/ref-table/), and pyxform, which reads known sheets and columns only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from forms.expressions.syntax import ExpressionError, Raw, RawCall, RawPath, RawStep, parse_raw
from forms.issues import Issue, Severity
from forms.model import Literal
from forms.workbook import Row, Sheet, iter_rows

OWN_SHEETS: Final = ("scores", "indicators", "resources", "measures", "checks")
_OWN_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "survey": ("unit", "personal", "evidence"),
    "choices": ("exclusive",),
    "settings": (
        "screen", "external_instances", "consent_question", "mode_question", "date_question", "measure_first",
    ),
}
_EXPRESSIONS: Final = (
    "relevant", "constraint", "calculation", "required", "read_only", "choice_filter", "repeat_count", "default",
)  # fmt: skip
# In XPath 1.0 but not in JavaRosa -> what does the same there.
_NOT_IN_JAVAROSA: Final[Mapping[str, str]] = {
    "floor": "int(x)",
    "ceiling": "-int(-x)",
    "substring": "substr(text, start - 1, end)",
    "last": "count(${repeat})",
}
_RECENT: Final = frozenset(("geofence", "intersects", "base64-decode", "extract-signed"))
_APPEARANCES: Final = re.compile(r"\b(w1?[0-9]|tel|phone|email|no-collapse|summary|horizontal)\b")
_STRINGS: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_QUOTED_LENGTH: Final = 300


def portability(sheets: Mapping[str, Sheet]) -> Iterator[Issue]:
    """Remarks on what ODK Collect would not run as it runs here, each with its cell."""
    yield from _own_parts(sheets)
    yield from _mixed_languages(sheets)
    for row in iter_rows(sheets, "survey"):
        for column in _EXPRESSIONS:
            text = row.get(column)
            if text and (column != "default" or "${" in text or "(" in text):
                yield from _of_expression(text, row.cell(column))
        for match in _APPEARANCES.finditer(row.get("appearance")):
            yield _note("portable_appearance", row.cell("appearance"), name=match.group())


def quoted(issues: Sequence[Issue], sheets: Mapping[str, Sheet]) -> list[Issue]:
    """The issues with the text of their cell as the parameter `cell_text`, for a page that shows it."""
    wanted = {issue.where for issue in issues}
    texts: dict[str, str] = {}
    for name in {where.partition("!")[0] for where in wanted}:
        for row in iter_rows(sheets, name):
            for header in row.letters:
                if (where := row.cell(header)) in wanted and (text := _text_of(row, header)):
                    texts[where] = text[:_QUOTED_LENGTH]
    return [
        replace(issue, parameters={**issue.parameters, "cell_text": texts[issue.where]})
        if issue.where in texts
        else issue
        for issue in issues
    ]


def _text_of(row: Row, header: str) -> str:
    """What stands in a cell; for an empty one of a translated column, what another language says."""
    base, separator, _ = header.partition("::")
    others = (text for other, text in row.cells.items() if separator and other.partition("::")[0] == base)
    return row.get(header) or next(others, "")


def _note(code: str, where: str, **parameters: str) -> Issue:
    return Issue(code, where, parameters, Severity.NOTE)


def _own_parts(sheets: Mapping[str, Sheet]) -> Iterator[Issue]:
    """Our own sheets, columns and settings: other clients leave them out."""
    for name in OWN_SHEETS:
        if any(iter_rows(sheets, name)):
            yield _note("portable_sheet", name, name=name)
    for name, columns in _OWN_COLUMNS.items():
        rows = list(iter_rows(sheets, name))
        for column in columns:
            first = next((row for row in rows for header in row.cells if header.partition("::")[0] == column), None)
            if first is not None:
                header = next(header for header in first.cells if header.partition("::")[0] == column)
                yield _note("portable_column", _heading(first, header), name=column)


def _mixed_languages(sheets: Mapping[str, Sheet]) -> Iterator[Issue]:
    """A column `label` beside `label::Language`: other clients show its texts as a language of its own."""
    read = {name: list(iter_rows(sheets, name)) for name in ("survey", "choices")}
    found = {name: dict.fromkeys(header for row in rows for header in row.cells) for name, rows in read.items()}
    # One sheet may name the languages and the other not: its labels are then in no language of the form.
    bases = {header.partition("::")[0] for headers in found.values() for header in headers if "::" in header}
    for name, rows in read.items():
        for header in found[name]:
            if header in bases and header in ("label", "hint", "constraint_message", "required_message"):
                first = next(row for row in rows if header in row.cells)
                yield Issue("text_without_language", _heading(first, header), {"name": header}, Severity.WARNING)


def _heading(row: Row, header: str) -> str:
    """The column of a header: "survey!H"."""
    return f"{row.sheet}!{row.letters.get(header, 'A')}"


def _of_expression(text: str, where: str) -> Iterator[Issue]:
    if "//" in _STRINGS.sub("", text):
        yield _note("portable_slashes", where)
    try:
        tree = parse_raw(text)
    except ExpressionError:
        return  # an error of its own
    seen: set[str] = set()
    for issue in _of_tree(tree, where):
        if issue.message not in seen:
            seen.add(issue.message)
            yield issue


def _of_tree(tree: Raw, where: str) -> Iterator[Issue]:
    """Remarks on a tree and everything below it."""
    if isinstance(tree, RawCall):
        yield from _of_call(tree, where)
        for argument in tree.arguments:
            yield from _of_tree(argument, where)
    elif isinstance(tree, RawPath):
        for step in (RawStep("", tree.predicates), *tree.steps):
            for predicate in step.predicates:
                if isinstance(predicate, Literal) and not isinstance(predicate.value, str):
                    yield _note("portable_position", where, position=f"[{predicate.value:g}]")
                yield from _of_tree(predicate, where)


def _of_call(call: RawCall, where: str) -> Iterator[Issue]:
    if call.name in _NOT_IN_JAVAROSA:
        yield _note("portable_function", where, name=call.name, instead=_NOT_IN_JAVAROSA[call.name])
    elif call.name in _RECENT:
        yield _note("portable_recent", where, name=call.name)
    elif call.name == "checklist":
        yield _note("portable_checklist", where)
    elif call.name == "regex" and len(call.arguments) == 2 and isinstance(call.arguments[1], Literal):
        pattern = str(call.arguments[1].value)
        if not (pattern.startswith("^") and pattern.endswith("$")):
            yield _note("portable_regex", where, pattern=pattern[:60])
