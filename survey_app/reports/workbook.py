"""The coverage figures as a workbook that is read without a manual: about, definitions, columns, then the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from survey_app.languages import gettext, text_of
from survey_app.programme import service as programme
from survey_app.reports import service
from survey_app.reports.cells import GROUPINGS

Sheet = tuple[Sequence[str], Sequence[Mapping[str, Any]]]
WHOLE_NUMBERS = ("numerator", "denominator", "n", "missing")
SHARES = ("value", "low", "high")


def workbook(shown: service.View) -> bytes:
    """The figures as XLSX: what they are, every definition and column, then a sheet per grouping."""
    from analysis import write_xlsx

    everything = list(service.rows(shown))
    by_grouping = {name: [row for row in everything if row["grouping"] == name] for name in ("all", *GROUPINGS)}
    sheets: dict[str, Sheet] = {
        name: (service.COLUMNS, [rounded(row) for row in rows]) for name, rows in by_grouping.items()
    }
    counts = {name: len(rows) for name, rows in by_grouping.items()}
    about = (("what", "value"), [{"what": what, "value": value} for what, value in _about(shown, counts)])
    return write_xlsx({"about": about, **sheets, "definitions": _definitions(shown), "columns": _columns()})


def rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as people read it: counts and amounts whole, shares to a tenth of a percent, the day as a day.

    CSV and JSON keep every digit.
    """
    found = dict(row)
    found.update({name: round(row[name]) for name in WHOLE_NUMBERS if row[name] is not None})
    found.update({name: round(row[name], 3) for name in SHARES if row[name] is not None})
    found["reference_date"] = date.fromisoformat(row["reference_date"])
    return found


def _about(shown: service.View, counts: Mapping[str, int]) -> Iterator[tuple[str, Any]]:
    yield gettext("Plan"), text_of(shown.plan.title)
    whole = shown.phase == service.WHOLE_PLAN
    phase = gettext("Whole plan") if whole else programme.phase_label(shown.plan, shown.phase)
    yield gettext("Phase of the plan"), phase
    approved = shown.states == service.APPROVED
    yield gettext("Records counted"), gettext("approved") if approved else gettext("approved and under review")
    yield gettext("Made on"), programme.now_here().replace(microsecond=0)
    yield from ((gettext("Rows of the sheet {name}", name=name), count) for name, count in counts.items())
    yield gettext("Numbers"), gettext("rounded here; the CSV file has every digit")
    yield gettext("Empty cell"), gettext("not known, or there is no such number for this figure")
    for question in programme.open_questions():
        yield gettext("Not confirmed yet"), text_of(dict(question.text))


def _definitions(shown: service.View) -> Sheet:
    scopes = dict(programme.scopes_of(shown.spec.register))
    names = ("indicator", "label", "kind", "unit", "sources", "scope", "scope_label", "definition")
    rows = [
        {
            "indicator": one.name, "label": text_of(dict(one.label)), "kind": one.kind, "unit": one.unit,
            "sources": ", ".join(one.sources), "scope": one.scope, "scope_label": scopes.get(one.scope, ""),
            "definition": text_of(dict(one.definition)),
        }
        for one in shown.spec.indicators
    ]  # fmt: skip
    return names, rows


def _columns() -> Sheet:
    texts = {
        "plan": gettext("Name of the plan"),
        "phase": gettext("Phase of the plan"),
        "state": gettext("approved: only approved records; provisional: those under review as well"),
        "indicator": gettext("Figure, see the sheet of definitions"),
        "label": gettext("What the figure says"),
        "unit": gettext("Unit of the target"),
        "grouping": gettext("By what the figure is broken down; all: not at all"),
        "group": gettext("Code of the group"),
        "group_label": gettext("Name of the group"),
        "numerator": gettext(
            "What counts; of an estimated share the weighted number of establishments, of a ratio an amount"
        ),
        "denominator": gettext("Out of how many (or of what amount); empty for a plain count"),
        "value": gettext("Numerator over denominator, 0 to 1"),
        "low": gettext("Lower end of the 95% interval of an estimate"),
        "high": gettext("Upper end of the 95% interval of an estimate"),
        "interval": gettext("How the interval was made; count: a full count has none"),
        "n": gettext("Establishments whose answers the figure rests on"),
        "missing": gettext("Records without a value for it"),
        "target": gettext("Target of the phase, else of the plan; shares 0 to 1"),
        "reference_date": gettext("Day on which the register was looked at"),
    }
    return ("column", "meaning"), [{"column": name, "meaning": texts[name]} for name in service.COLUMNS]


__all__ = ["rounded", "workbook"]
