"""The figures of one record: indicators, scores and measures as rows of `record_values`, and what soft checks say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from forms import (
    Interview,
    Issue,
    compute_indicators,
    compute_scores,
    recommend_measures,
    run_checks,
)


def values_of(interview: Interview) -> list[dict[str, Any]]:
    """One row per indicator, index, dimension, band and measure; a figure that is not known has no row."""
    definition = interview.definition
    rows: list[dict[str, Any]] = []
    if definition.scores:
        rows.extend(_score_rows(interview))
    if definition.indicators:
        found = compute_indicators(interview)
        rows.extend(_row(name, "indicator", value) for name, value in found.items() if value is not None)
    if definition.measures:
        rows.extend(_measure_rows(interview))
    unique = {row["name"]: row for row in rows}
    return list(unique.values())


def check_issues(interview: Interview) -> Iterator[Issue]:
    """An issue for each soft check that does not hold."""
    if interview.definition.checks:
        yield from (result.issue() for result in run_checks(interview) if not result.holds)


def _score_rows(interview: Interview) -> Iterator[dict[str, Any]]:
    scores = compute_scores(interview, explain=False)
    for dimension in scores.dimensions:
        if dimension.score is not None:
            yield _row(dimension.name, "score", dimension.score)
    for index in scores.indexes:
        if index.value is not None:
            yield _row(index.name, "score", index.value)
        if index.band is not None:
            yield _row(f"{index.name}_band", "score", index.band)


def _measure_rows(interview: Interview) -> Iterator[dict[str, Any]]:
    recommended = recommend_measures(interview, explain=False)
    for measure in (*recommended.listed, *recommended.others, *recommended.investments):
        saving = measure.saving.mid if measure.saving is not None else None
        yield {**_row(f"measure:{measure.code}", "measure", True), "number": saving}


def _row(name: str, kind: str, value: bool | float | str) -> dict[str, Any]:
    number = None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        number = float(value)
    return {
        "name": name[:100], "kind": kind, "number": number, "text": value if isinstance(value, str) else None,
        "truth": value if isinstance(value, bool) else None,
    }
