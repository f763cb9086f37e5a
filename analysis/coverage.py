"""Coverage tables: counts against a frame and weighted shares, by any grouping, with intervals where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.design import STRATUM, Design
from analysis.estimation import Estimate, cells_of, estimate
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
    values: pd.DataFrame, frame: pd.DataFrame, indicator: str, by: Sequence[str] = (), *, is_share: bool = True
) -> CoverageTable:
    """Weighted share (or ratio y/x) with its interval.

    values: one row a respondent: stratum, y, x, *by (y missing: responded, but not measured here).
    frame:  one row a frame unit: stratum, *by.
    The measured respondents stand for their stratum (weight N_h over measured); exact hypergeometric limits when the
    design is one stratum and the domain all of it, Wilson otherwise.
    """
    measured = values.dropna(subset=["y", "x"])
    counts = frame.groupby(STRATUM, as_index=False, dropna=False).size().rename(columns={"size": "n_frame"})
    responded = measured.groupby(STRATUM, as_index=False, dropna=False).size().rename(columns={"size": "n_resp"})
    design = Design.from_counts(counts, responded)
    cells = cells_of(measured, by, design) if len(measured) else pd.DataFrame(columns=[STRATUM, *by, "n"])
    groups = [((), cells)] if not by else [(_key(k), part) for k, part in cells.groupby(list(by), dropna=False)]
    rows = [_row(key, part, design, values, frame, by, is_share) for key, part in groups]
    table = pd.DataFrame(rows, columns=[*by, *[c for c in COLUMNS if c != "indicator"]])
    table["indicator"] = indicator
    return CoverageTable(table[[*by, *COLUMNS]], tuple(by))


def _key(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)


def _row(
    key: tuple[object, ...], part: pd.DataFrame, design: Design, values: pd.DataFrame, frame: pd.DataFrame,
    by: Sequence[str], is_share: bool,
) -> list[object]:
    population = len(_only(frame, by, key))
    in_group = _only(values, by, key)
    if not len(part):
        return [*key, 0, population, None, None, None, "none", 0, len(in_group)]
    found = estimate(part, design)
    limits = _limits(found, part, design, population, whole=not by) if is_share else _ratio_limits(found)
    missing = int(in_group["y"].isna().sum())
    return [
        *key, found.numerator, found.denominator, found.value,
        limits.low if limits else None, limits.high if limits else None, limits.method if limits else "none",
        found.n, missing,
    ]


def _limits(found: Estimate, part: pd.DataFrame, design: Design, population: int, whole: bool) -> Interval | None:
    if not found.n:
        return None
    if whole and len(design.strata) == 1:
        return hypergeometric(int(part["sum_y"].sum()), found.n, population)
    return share_interval(min(max(found.value, 0.0), 1.0), found.variance, found.df, found.n, population)


def _ratio_limits(found: Estimate) -> Interval | None:
    if found.n < 2 or found.variance != found.variance:
        return None
    from scipy import stats

    half = float(stats.t.ppf(0.975, max(found.df, 1))) * found.standard_error
    return Interval(found.value - half, found.value + half, "linearised")


def _only(table: pd.DataFrame, by: Sequence[str], key: Sequence[object]) -> pd.DataFrame:
    for column, value in zip(by, key, strict=True):
        table = table[table[column].isna()] if pd.isna(value) else table[table[column] == value]
    return table
