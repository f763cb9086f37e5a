"""Coverage tables: counts against a frame and weighted shares, by any grouping, with intervals where they belong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.design import STRATUM, Design
from analysis.estimation import Estimate, estimate, merge_cells
from analysis.intervals import Interval, hypergeometric, share_interval

COLUMNS = ("indicator", "numerator", "denominator", "coverage", "low", "high", "method", "n", "missing")


@dataclass(frozen=True)
class CoverageTable:
    """Tidy: one row a group and indicator: the group's columns, then numerator, denominator, coverage (0 to 1),
    low, high (empty for a count), method, n (respondents measured) and missing (respondents without a value)."""

    frame: pd.DataFrame
    by: tuple[str, ...]


def counted(units: pd.DataFrame, indicator: str, by: Sequence[str] = ()) -> CoverageTable:
    """Counted coverage: how many of the frame's `units` (columns `reached`, *by) were reached. No interval: a count.

    >>> units = pd.DataFrame({"reached": [True, False, True], "area": ["a", "a", "b"]})
    >>> counted(units, "A2.4", ["area"]).frame[["area", "numerator", "denominator"]].values.tolist()
    [['a', 1, 2], ['b', 1, 1]]
    """
    keys = list(by)
    if keys:
        groups = units.groupby(keys, dropna=False, observed=False, sort=True)["reached"]
        frame = groups.agg(numerator="sum", denominator="size").reset_index()
    else:
        frame = pd.DataFrame({"numerator": [int(units["reached"].sum())], "denominator": [len(units)]})
    frame["coverage"] = frame["numerator"] / frame["denominator"].where(frame["denominator"] > 0)
    frame["n"], frame["missing"] = frame["denominator"], 0
    frame["low"], frame["high"], frame["method"] = None, None, "count"
    frame["indicator"] = indicator
    return CoverageTable(frame[[*keys, *COLUMNS]], tuple(by))


def estimated(
    cells: pd.DataFrame, frame: pd.DataFrame, indicator: str, by: Sequence[str] = (), *, is_share: bool = True
) -> CoverageTable:
    """Weighted share (or ratio y/x) with its interval, from cell tables alone.

    cells: stratum, *by, n, missing, sum_y, sum_x, var_y, var_x, cov_xy, as `cells_of` or one GROUP BY gives them.
    frame: stratum, *by, n_frame.
    Measured respondents stand for their stratum (weight N_h over measured); exact hypergeometric limits when the
    design is one stratum and the domain all of it, Wilson otherwise.
    """
    counts = frame.groupby(STRATUM, as_index=False, dropna=False)[["n_frame"]].sum()
    responded = cells.groupby(STRATUM, as_index=False, dropna=False)[["n"]].sum().rename(columns={"n": "n_resp"})
    design = Design.from_counts(counts, responded)
    merged = merge_cells(cells, design.merged, by)
    groups = [((), merged)] if not by else [(_key(k), _only(merged, by, _key(k))) for k in _groups(frame, by)]
    rows = [_row(key, part, design, int(_only(frame, by, key)["n_frame"].sum()), is_share) for key, part in groups]
    table = pd.DataFrame(rows, columns=[*by, *[c for c in COLUMNS if c != "indicator"]])
    table["indicator"] = indicator
    return CoverageTable(table[[*by, *COLUMNS]], tuple(by))


def _groups(frame: pd.DataFrame, by: Sequence[str]) -> list[object]:
    """Every group of the frame, so that one without a respondent still has its row."""
    return [key for key, _part in frame.groupby(list(by), dropna=False, observed=True, sort=True)]


def _key(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)


def _row(
    key: tuple[object, ...], part: pd.DataFrame, design: Design, population: int, is_share: bool
) -> list[object]:
    missing = int(part["missing"].sum())
    if not part["n"].sum():
        return [*key, 0.0, population, None, None, None, "none", 0, missing]
    found = estimate(part, design)
    limits = _limits(found, part, design, population) if is_share else _ratio_limits(found)
    low, high, method = (limits.low, limits.high, limits.method) if limits else (None, None, "none")
    value = None if math.isnan(found.value) else found.value
    return [*key, found.numerator, found.denominator, value, low, high, method, found.n, missing]


def _limits(found: Estimate, part: pd.DataFrame, design: Design, population: int) -> Interval | None:
    if math.isnan(found.value):
        return None
    if len(design.strata) == 1 and population == design.population:
        return hypergeometric(int(part["sum_y"].sum()), found.n, population)
    return share_interval(min(max(found.value, 0.0), 1.0), found.variance, found.df, found.n, population)


def _ratio_limits(found: Estimate) -> Interval | None:
    if found.n < 2 or math.isnan(found.variance):
        return None
    from scipy import stats

    half = float(stats.t.ppf(0.975, max(found.df, 1))) * found.standard_error
    return Interval(found.value - half, found.value + half, "linearised")


def _only(table: pd.DataFrame, by: Sequence[str], key: Sequence[object]) -> pd.DataFrame:
    for column, value in zip(by, key, strict=True):
        table = table[table[column].isna()] if value is None or value != value else table[table[column] == value]
    return table
