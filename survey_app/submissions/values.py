"""The figures of one record: indicators, scores and measures as rows of `record_values`, and what soft checks say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from forms import (
    Interview,
    Issue,
    compute_indicators,
    compute_scores,
    measure_savings,
    run_checks,
)


class Figure(NamedTuple):
    """A row of `record_values`, but for the record it belongs to."""

    name: str
    kind: str
    number: float | None
    text: str | None
    truth: bool | None


def values_of(interview: Interview) -> list[Figure]:
    """One row per indicator, index, dimension, band and measure; a figure that is not known has no row."""
    definition = interview.definition
    rows: list[Figure] = []
    if definition.scores:
        rows.extend(_score_rows(interview))
    if definition.indicators:
        found = compute_indicators(interview)
        rows.extend(_row(name, "indicator", value) for name, value in found.items() if value is not None)
    if definition.measures:
        rows.extend(_measure_rows(interview))
    unique = {row.name: row for row in rows}
    return list(unique.values())


def check_issues(interview: Interview) -> Iterator[Issue]:
    """An issue for each soft check that does not hold."""
    if interview.definition.checks:
        yield from (result.issue() for result in run_checks(interview) if not result.holds)


def _score_rows(interview: Interview) -> Iterator[Figure]:
    scores = compute_scores(interview, explain=False)
    for dimension in scores.dimensions:
        if dimension.score is not None:
            yield _row(dimension.name, "score", dimension.score)
    for index in scores.indexes:
        if index.value is not None:
            yield _row(index.name, "score", index.value)
        if index.band is not None:
            yield _row(f"{index.name}_band", "score", index.band)


def _measure_rows(interview: Interview) -> Iterator[Figure]:
    for code, saving in measure_savings(interview).items():
        yield Figure(f"measure:{code}"[:100], "measure", saving, None, True)


def _row(name: str, kind: str, value: bool | float | str) -> Figure:
    if isinstance(value, bool):
        return Figure(name[:100], kind, None, None, value)
    if isinstance(value, str):
        return Figure(name[:100], kind, None, value, None)
    return Figure(name[:100], kind, float(value) if math.isfinite(value) else None, None, None)
