"""Our own sheets (scores, indicators, resources, measures, checks) and columns (unit, personal, evidence).

Their `${}` are resolved against the same form as everything else; figures of kind `value` become questions for the
rules after them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from forms.columns import is_yes
from forms.entities import read_entities
from forms.expressions.resolve import REPEAT, Schema, Steps, check
from forms.expressions.syntax import references
from forms.issues import Issue, Severity
from forms.languages import language_code
from forms.model import (
    Call,
    CheckRow,
    EntityRow,
    Expression,
    FormDefinition,
    Group,
    IndicatorRow,
    Item,
    Literal,
    MeasureRow,
    Question,
    ResourceRow,
    Rich,
    ScoreRow,
    Text,
)
from forms.workbook import Row, Sheet, iter_rows
from forms.xlsform import Entry

_PART: Final = re.compile(r"(\$\{[^}]*\})")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_SCORES: Final = ("value", "item", "dimension", "index", "band")
_TOP_LEVEL: Final[Steps] = ()
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class OwnColumns:
    """What our columns say of one question."""

    unit: Text
    unit_expression: Expression | None
    is_personal: bool
    evidence: str  # the photo question offered under this one
    has_photo_slot: bool = False  # the author asked for a slot without writing a question for it


@dataclass(slots=True)
class Extras:
    """Everything a workbook holds beyond XLSForm, and what is wrong with it."""

    scores: tuple[ScoreRow, ...] = ()
    indicators: tuple[IndicatorRow, ...] = ()
    resources: tuple[ResourceRow, ...] = ()
    measures: tuple[MeasureRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    entities: tuple[EntityRow, ...] = ()
    columns: dict[Steps, OwnColumns] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


def read_extras(
    sheets: Mapping[str, Sheet], entries: Sequence[Entry], schema: Schema, languages: tuple[str, ...]
) -> Extras:
    """Read our sheets and columns, gathering every issue with its cell."""
    found = Extras()
    reader = SheetReader(schema, languages, found.issues)
    found.columns = dict(_own_columns(entries, reader))
    found.scores = tuple(_read_scores(sheets, reader))
    found.indicators = reader.rows(sheets, "indicators", "name", _indicator)
    found.resources = reader.rows(sheets, "resources", "name", _resource)
    names = {resource.name for resource in found.resources}
    found.measures = reader.rows(sheets, "measures", "code", lambda row, reader: _measure(row, reader, names))
    found.checks = reader.rows(sheets, "checks", "name", _check)
    found.entities = read_entities(sheets, entries, reader)
    return found


def with_extras(definition: FormDefinition, extras: Extras, settings: Mapping[str, str]) -> FormDefinition:
    """The definition with our sheets, columns and settings in it."""
    return replace(
        definition,
        items=_with_columns(definition.items, extras.columns),
        settings=settings,
        scores=extras.scores,
        indicators=extras.indicators,
        resources=extras.resources,
        measures=extras.measures,
        checks=extras.checks,
        entities=extras.entities,
    )


def _with_columns(items: tuple[Item, ...], columns: Mapping[Steps, OwnColumns]) -> tuple[Item, ...]:
    found: list[Item] = []
    for item in items:
        if isinstance(item, Group):
            found.append(replace(item, children=_with_columns(item.children, columns)))
            continue
        own = columns.get(item.path)
        found.append(item if own is None else _with_own(item, own))
        if own is not None and own.has_photo_slot and isinstance(item, Question):
            found.append(_photo_slot(item, own.evidence))
    return tuple(found)


def _photo_slot(question: Question, name: str) -> Question:
    """An unasked-for photo under a figure: a question of ours, called like its figure, and never required."""
    path = (*question.path[:-1], name)
    return Question(name, "image", path, question.cell, label=question.label, relevant=question.relevant)


def _with_own(question: Question, own: OwnColumns) -> Question:
    return replace(
        question,
        unit=own.unit,
        unit_expression=own.unit_expression,
        is_personal=own.is_personal,
        evidence=own.evidence,
    )


@dataclass(slots=True)
class SheetReader:
    """Reads cells of our sheets; notes issues and goes on with a harmless value."""

    schema: Schema
    languages: tuple[str, ...]
    issues: list[Issue]

    def complain(self, code: str, where: str, **parameters: str | int | float) -> None:
        """Note one more issue."""
        self.issues.append(Issue(code, where, parameters))

    def rows(
        self, sheets: Mapping[str, Sheet], sheet: str, key: str, read: Callable[[Row, SheetReader], _Row]
    ) -> tuple[_Row, ...]:
        """The rows of a sheet, each key once."""
        seen: dict[str, str] = {}
        found = []
        for row in iter_rows(sheets, sheet):
            self.name(row, key, seen)
            found.append(read(row, self))
        return tuple(found)

    def name(self, row: Row, key: str, seen: dict[str, str]) -> str:
        """The row's name: filled, well formed, and not given twice."""
        name, where = row.get(key), row.cell(key)
        if not name:
            self.complain("extra_missing", where, name=key)
        elif not _NAME.fullmatch(name):
            self.complain("bad_name", where, name=name)
        elif name in seen:
            self.complain("extra_duplicate", where, name=name, other=seen[name])
        seen.setdefault(name, where)
        return name

    def expression(self, row: Row, column: str, at: Steps = _TOP_LEVEL) -> Expression | None:
        """The expression in a cell, None where the cell is empty or wrong."""
        text = row.get(column)
        if not text:
            return None
        expression, errors = check(text, self.schema, at)
        for error in errors:
            self.complain(error.code, row.cell(column), **error.parameters)
        return expression

    def needed(self, row: Row, column: str, at: Steps = _TOP_LEVEL) -> Expression:
        """The expression in a cell that must be filled; a harmless one where it is not."""
        found = self.expression(row, column, at)
        if found is None and not row.get(column):
            self.complain("extra_missing", row.cell(column), name=column)
        return found if found is not None else Call("false")

    def one_of(self, row: Row, column: str, allowed: Sequence[str], default: str) -> str:
        """One of the allowed words, the default where the cell is empty or wrong."""
        value = row.get(column).lower() or default
        if value not in allowed:
            self.complain("extra_kind", row.cell(column), value=value, allowed=", ".join(allowed))
            return default
        return value

    def number(self, row: Row, column: str, default: float | None, least: float = 0, most: float = 1e9) -> float:
        """A number within limits, the default where the cell is empty or wrong."""
        text = row.get(column)
        if not text and default is not None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            self.complain("extra_number", row.cell(column), value=text, least=least, most=most)
            return float("nan") if default is None else default
        return int(value) if value == int(value) else value

    def text(self, row: Row, column: str, at: Steps = _TOP_LEVEL) -> Text:
        """A text in the form's languages."""
        texts: dict[str, Rich] = {}
        for header, cell in row.cells.items():
            base, separator, language = header.partition("::")
            if base == column:
                code = language_code(language) if separator else self.languages[0]
                texts.setdefault(code, self.rich(row, header, cell, at))
        return Text({code: texts[code] for code in (*self.languages, *texts) if code in texts})

    def rich(self, row: Row, header: str, text: str, at: Steps) -> Rich:
        """A text with its `${}` references resolved."""
        parts: list[str | Expression] = []
        for part in _PART.split(text):
            if not part.startswith("${"):
                parts.append(part)
                continue
            expression, errors = check(part, self.schema, at)
            for error in errors:
                self.complain(error.code, row.cell(header), **error.parameters)
            parts.extend(() if expression is None else (expression,))
        return tuple(part for part in parts if part != "")


# -- scores -----------------------------------------------------------------------------------------------------------


def _read_scores(sheets: Mapping[str, Sheet], reader: SheetReader) -> Iterator[ScoreRow]:
    rows = list(iter_rows(sheets, "scores"))
    seen: dict[str, str] = {}
    kinds = {row.get("name"): row.get("kind").lower() for row in rows}
    for row in rows:
        name = reader.name(row, "name", seen)
        kind = reader.one_of(row, "kind", _SCORES, "value")
        score = _score(row, kind, name, reader)
        _check_parents(row, score, kinds, reader)
        yield score
        if kind == "value" and name:
            path = (*(score.repeat or ()), name)
            if path in reader.schema.kinds:
                reader.complain("extra_duplicate", row.cell("name"), name=name, other="survey")
            else:
                reader.schema = reader.schema.with_questions([path])


def _score(row: Row, kind: str, name: str, reader: SheetReader) -> ScoreRow:
    repeat = _repeat(row, reader)
    at = repeat or _TOP_LEVEL
    needs_rule = kind in ("value", "item", "band")
    rule = reader.needed(row, "rule", at) if needs_rule else reader.expression(row, "rule", at)
    return ScoreRow(
        kind=kind,
        name=name,
        label=reader.text(row, "label", at),
        cell=row.cell("name"),
        parents=tuple(row.get("parents").replace(",", " ").split()),
        rule=rule,
        applies=reader.expression(row, "applies", at),
        questions=_questions(rule, reader),
        repeat=repeat,
        weight=reader.number(row, "weight", None) if row.get("weight") else None,
        method=reader.one_of(row, "method", ("mean", "sum"), "mean"),
        decimals=int(reader.number(row, "decimals", 1, 0, 6)),
        minimum_share=reader.number(row, "minimum_share", None, 0, 1) if row.get("minimum_share") else None,
        unit=reader.text(row, "unit", at),
        where=reader.one_of(row, "where", ("phone", "server"), "phone"),
    )


def _repeat(row: Row, reader: SheetReader) -> Steps | None:
    name = row.get("repeat")
    if not name:
        return None
    paths = [path for path in reader.schema.by_name.get(name, ()) if reader.schema.kinds[path] == REPEAT]
    if len(paths) != 1:
        reader.complain("extra_not_repeat", row.cell("repeat"), name=name)
        return None
    return paths[0]


def _check_parents(row: Row, score: ScoreRow, kinds: Mapping[str, str], reader: SheetReader) -> None:
    # An index below another index is withheld together with it.
    allowed = {
        "item": ("dimension", "index"),
        "value": ("index",),
        "dimension": ("index",),
        "band": ("index",),
        "index": ("index",),
    }
    for parent in score.parents:
        if kinds.get(parent) not in allowed.get(score.kind, ()):
            reader.complain("extra_unknown", row.cell("parents"), name=parent)
    if score.kind == "band" and not score.parents:
        reader.complain("extra_missing", row.cell("parents"), name="parents")


def _questions(expression: Expression | None, reader: SheetReader) -> tuple[Steps, ...]:
    """The questions of the form that a rule names; derived figures are not asked."""
    named = dict.fromkeys(references(expression))
    return tuple(path for path in named if path in reader.schema.kinds and reader.schema.kinds[path] == "question")


# -- the other sheets -------------------------------------------------------------------------------------------------


def _indicator(row: Row, reader: SheetReader) -> IndicatorRow:
    return IndicatorRow(
        name=row.get("name"),
        label=reader.text(row, "label"),
        cell=row.cell("name"),
        kind=reader.one_of(row, "kind", ("truth", "number", "text"), "truth"),
        rule=reader.needed(row, "rule"),
        applies=reader.expression(row, "applies"),
        where=reader.one_of(row, "where", ("phone", "server"), "phone"),
    )


def _resource(row: Row, reader: SheetReader) -> ResourceRow:
    return ResourceRow(
        name=row.get("name"),
        label=reader.text(row, "label"),
        cost=reader.needed(row, "cost"),
        quantity=reader.expression(row, "quantity"),
        unit=reader.text(row, "unit"),
        cap=reader.number(row, "cap", 0.3, 0, 1),
    )


def _measure(row: Row, reader: SheetReader, resources: set[str]) -> MeasureRow:
    trigger = reader.needed(row, "trigger")
    named = tuple(row.get("resources").replace(",", " ").split())
    for name in named:
        if name not in resources:
            reader.complain("extra_unknown", row.cell("resources"), name=name)
    measure = MeasureRow(
        code=row.get("code"),
        label=reader.text(row, "label"),
        cell=row.cell("code"),
        trigger=trigger,
        technique=row.get("technique"),
        resources=named,
        base=reader.text(row, "base"),
        share=reader.expression(row, "share") or Literal(1),
        saving_low=reader.number(row, "saving_low", None, 0, 1),
        saving_high=reader.number(row, "saving_high", None, 0, 1),
        payback_low=reader.number(row, "payback_low", None, 0, 1200),
        payback_high=reader.number(row, "payback_high", None, 0, 1200),
        group=reader.one_of(row, "group", ("low_cost", "cost_only", "investment"), "low_cost"),
        questions=_questions(trigger, reader),
    )
    for low, high in (("saving_low", "saving_high"), ("payback_low", "payback_high")):
        if getattr(measure, low) > getattr(measure, high):
            reader.complain("extra_order", row.cell(low), low=low, high=high)
    return measure


def _check(row: Row, reader: SheetReader) -> CheckRow:
    return CheckRow(
        name=row.get("name"),
        cell=row.cell("name"),
        question=_question(row, reader),
        rule=reader.needed(row, "rule", _question(row, reader, is_quiet=True)),
        grade=reader.one_of(row, "grade", ("note", "reason", "stop"), "note"),
        message=reader.text(row, "message"),
        relevant=reader.expression(row, "relevant", _question(row, reader, is_quiet=True)),
    )


def _question(row: Row, reader: SheetReader, is_quiet: bool = False) -> Steps:
    """The question a check stands at; its rule is evaluated there, so inside a repeat once for each row."""
    name = row.get("question").removeprefix("${").removesuffix("}")
    paths = reader.schema.by_name.get(name, ())
    if len(paths) == 1:
        return paths[0]
    if not is_quiet:
        code = "extra_unknown" if not paths else "expression_ambiguous_reference"
        reader.complain(code if name else "extra_missing", row.cell("question"), name=name or "question")
    return _TOP_LEVEL


# -- our columns ------------------------------------------------------------------------------------------------------


def _own_columns(entries: Sequence[Entry], reader: SheetReader) -> Iterator[tuple[Steps, OwnColumns]]:
    files = {entry.path[-1] for entry in entries if entry.type.name in ("image", "file")}
    for entry in entries:
        row = entry.row
        texts = [header for header in row.cells if header.partition("::")[0] == "unit"]
        if not texts and "personal" not in row.cells and "evidence" not in row.cells:
            continue
        evidence = row.get("evidence").removeprefix("${").removesuffix("}")
        has_slot = is_yes(evidence)
        if evidence and evidence not in files and not has_slot:
            reader.complain("evidence_not_image", row.cell("evidence"), name=evidence)
        is_rule = "${" in row.get("unit") or "(" in row.get("unit")
        plain = replace_cell(row, "unit") if is_rule else row
        yield (
            entry.path,
            OwnColumns(
                unit=reader.text(plain, "unit", entry.path),
                unit_expression=reader.expression(row, "unit", entry.path) if is_rule else None,
                is_personal=is_yes(row.get("personal")),
                evidence=f"{entry.path[-1]}_photo" if has_slot else evidence,
                has_photo_slot=has_slot,
            ),
        )


def replace_cell(row: Row, header: str) -> Row:
    """The row without one of its cells."""
    return replace(row, cells={name: text for name, text in row.cells.items() if name != header})


def warn_untranslated(definition: FormDefinition) -> list[Issue]:
    """Labels of our sheets that are missing in one of the form's languages."""
    rows = [(row.label, row.cell) for row in definition.scores]
    rows += [(row.label, row.cell) for row in definition.indicators]
    rows += [(row.label, row.cell) for row in definition.measures]
    return [
        Issue("missing_translation", cell, {"language": language}, Severity.WARNING)
        for label, cell in rows
        for language in definition.languages
        if label and not label.by_language.get(language)
    ]
