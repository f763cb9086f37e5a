"""The codebook of a download: a row for every column of every sheet, so that the figures can be read years later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from forms import Column, FormDefinition, IndicatorRow, Kind, MeasureRow, Question, ScoreRow, Table, Text, references
from survey_app.languages import gettext, translate
from survey_app.programme import service as programme


def label(message: str) -> str:
    """Marks a text of this module for the catalogues; it is translated when the codebook is written."""
    return message


CLASSIFIERS: Final = {"area": "area", "sector": "sector", "size": "size"}
UNANSWERED: Final = "."  # asked and left blank; a cell of what was not asked is empty
OWN_COLUMNS: Final = {
    "record": label("Number of the record in this system; joins the sheets"),
    "instance_id": label("Number of the interview, made where it was collected"),
    "establishment": label("Code of the establishment in the register"),
    "name": label("Name of the establishment"),
    "area": label("Area: code"),
    "area_name": label("Area: name"),
    "sector": label("Sector: code"),
    "sector_name": label("Sector: name"),
    "size": label("Size class: code"),
    "size_name": label("Size class: name"),
    "campaign": label("Campaign: short name"),
    "phase": label("Phase of the plan"),
    "mode": label("How it was collected: by a visit, by telephone, or by the establishment itself"),
    "state": label("State of review; only approved records count in the figures"),
    "is_refusal": label("True where consent was refused: nothing else was asked"),
    "visited_on": label("Day of the visit or of filling in"),
    "received_at": label("When the answers were received, on the clock of the programme"),
    "receipt": label("Number of the receipt"),
    "form_version": label("Version of the questionnaire"),
    "_id": label("Number of the row within its interview"),
    "_parent": label("Number of the row that this one stands in; empty at the top"),
}
COLUMNS: Final = (
    "sheet",
    "column",
    "kind",
    "label_vi",
    "label_en",
    "unit_vi",
    "unit_en",
    "choices_vi",
    "choices_en",
    "missing",
    "personal",
    "path",
)
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A column of the sheet of figures: its name, and whether it is an indicator, a score or a measure."""

    name: str
    kind: str


def entries(
    tables: Iterable[tuple[Table, Sequence[str], Sequence[tuple[Column, str]]]],
    figures: tuple[str, Sequence[Figure]],
    forms: Sequence[FormDefinition],
) -> Iterator[Entry]:
    """Every column: of each table (with its own columns and those of its questions, as headed), then the figures."""
    for table, front, columns in tables:
        yield from (_own(table.name, name) for name in front)
        yield from (_asked(table.name, column, heading, forms) for column, heading in columns)
    sheet, found = figures
    yield from (_own(sheet, name) for name in ("record", "establishment"))
    yield from (_figure(sheet, figure, forms) for figure in found)


def _own(sheet: str, name: str) -> Entry:
    texts = {f"label_{language}": translate(OWN_COLUMNS[name], language) for language in ("vi", "en")}
    names = programme.names_of(CLASSIFIERS[name]) if name in CLASSIFIERS else {}
    choices = dict.fromkeys(("choices_vi", "choices_en"), "; ".join(f"{code} = {text}" for code, text in names.items()))
    return {"sheet": sheet, "column": name, "kind": "own", **texts, **choices, "missing": ""}


def _asked(sheet: str, column: Column, heading: str, forms: Sequence[FormDefinition]) -> Entry:
    question = _question(column, forms)
    entry: Entry = {
        "sheet": sheet,
        "column": heading,
        "kind": str(Kind(column.kind)),
        "path": "/".join(column.path),
        "personal": column.is_personal,
        "missing": gettext("empty = not asked; {sign} = asked and left blank", sign=UNANSWERED),
    }
    for language in ("vi", "en"):
        entry[f"label_{language}"] = _label(column, question, language)
        entry[f"unit_{language}"] = _unit(question, language) if question and not column.choice else ""
        entry[f"choices_{language}"] = _choices(column, language)
    return entry


def _question(column: Column, forms: Sequence[FormDefinition]) -> Question | None:
    """The question behind a column in the newest version that has it."""
    found = (form.find(column.path) for form in reversed(forms))
    return next((item for item in found if isinstance(item, Question)), None)


def _label(column: Column, question: Question | None, language: str) -> str:
    text = column.label.plain(language)
    return f"{question.label.plain(language)} – {text}" if column.choice and question else text


def _unit(question: Question, language: str) -> str:
    if question.unit_expression is None:
        return question.unit.plain(language)
    names = dict.fromkeys(path[-1] for path in references(question.unit_expression))
    return translate("depends on {questions}", language, questions=", ".join(names))


def _choices(column: Column, language: str) -> str:
    if column.choice:
        return translate("1 = chosen; 0 = not chosen", language)
    return "; ".join(f"{name} = {text.plain(language)}" for name, text in column.choices.items())


# Figures --------------------------------------------------------------------------------------------------------


def _figure(sheet: str, figure: Figure, forms: Sequence[FormDefinition]) -> Entry:
    row = next((found for form in reversed(forms) if (found := _row(form, figure.name)) is not None), None)
    bands = _bands(figure.name, forms)
    entry: Entry = {
        "sheet": sheet,
        "column": figure.name,
        "kind": figure.kind,
        "missing": gettext("empty = does not apply, or not enough was answered"),
    }
    for language in ("vi", "en"):
        entry[f"label_{language}"] = row.label.plain(language) if row else ""
        entry[f"unit_{language}"] = row.unit.plain(language) if isinstance(row, ScoreRow) and not bands else ""
        entry[f"choices_{language}"] = _figure_choices(row, bands, language)
    return entry


def _row(form: FormDefinition, name: str) -> ScoreRow | IndicatorRow | MeasureRow | None:
    measures = {f"measure:{row.code}": row for row in form.measures}
    named: dict[str, ScoreRow | IndicatorRow] = {row.name: row for row in form.indicators}
    named |= {row.name: row for row in form.scores}
    return measures.get(name) or named.get(name) or named.get(name.removesuffix("_band"))


def _bands(name: str, forms: Sequence[FormDefinition]) -> Mapping[str, Text]:
    index = name.removesuffix("_band") if name.endswith("_band") else ""
    rows = (row for form in forms for row in form.scores if row.kind == "band" and index in row.parents)
    return {row.name: row.label for row in rows}


def _figure_choices(row: ScoreRow | IndicatorRow | MeasureRow | None, bands: Mapping[str, Text], language: str) -> str:
    if bands:
        return "; ".join(f"{name} = {text.plain(language)}" for name, text in bands.items())
    if isinstance(row, MeasureRow):
        return translate("recommended; the number is the middle of the estimated saving a year", language)
    if isinstance(row, IndicatorRow) and row.kind == "truth":
        return translate("TRUE = it holds; FALSE = it does not", language)
    return ""


__all__ = ["COLUMNS", "OWN_COLUMNS", "UNANSWERED", "Entry", "Figure", "entries"]
