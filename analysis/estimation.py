"""One linearised estimator for means, shares, ratios and totals, from cell tables alone.

theta = Y / X with Y = sum w d y, X = sum w d x;  u_i = w_i d_i (y_i - theta x_i) / X;
v = sum_h (1 - f_h) r_h / (r_h - 1) sum_i (u_i - mean_h u)^2 over all respondents of the stratum, zeros outside the
domain (Cochran 1977 ch. 5-6; Sarndal, Swensson and Wretman 1992 s. 5; Lumley 2010). A cell table holds, for stratum h
and domain d, the counts, sums and central second moments, from which the same figure follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.design import STRATUM, Design


@dataclass(frozen=True, slots=True)
class Estimate:
    """A ratio with its variance. n: respondents in the domain; df: degrees of freedom of the strata they are in."""

    value: float
    variance: float
    df: int
    n: int
    numerator: float
    denominator: float

    @property
    def standard_error(self) -> float:
        """The square root of the variance."""
        return float(np.sqrt(self.variance))


def cells_of(values: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Unit rows (stratum, *by, y, x) -> the cell table: one row a (stratum, domain): n, missing, sums and moments.

    A row without y responded but was not measured: it counts as missing. The same table comes from one GROUP BY where
    the rows are (count, sum, var_samp, covar_samp); this is the twin for rows already in memory.
    """
    rows = values.assign(missing=values["y"].isna() | values["x"].isna())
    rows.loc[rows["missing"], ["y", "x"]] = np.nan
    groups = rows.groupby([STRATUM, *by], dropna=False, observed=True, sort=True)
    table = groups.agg(
        n=("y", "count"), missing=("missing", "sum"), sum_y=("y", "sum"), sum_x=("x", "sum"), var_y=("y", "var"),
        var_x=("x", "var"),
    )
    table["cov_xy"] = [part["x"].cov(part["y"]) if part["y"].count() > 1 else 0.0 for _, part in groups]
    return table.fillna({"var_y": 0.0, "var_x": 0.0, "cov_xy": 0.0}).reset_index()


def merge_cells(cells: pd.DataFrame, merged: Mapping[str, str], by: Sequence[str] = ()) -> pd.DataFrame:
    """The cells of collapsed strata as one: sums add, central moments combine (Chan, Golub and LeVeque 1983)."""
    keys = [STRATUM, *by]
    table = cells.assign(**{STRATUM: cells[STRATUM].map(merged)}).fillna({"var_y": 0.0, "var_x": 0.0, "cov_xy": 0.0})
    groups = table.groupby(keys, dropna=False, observed=True, sort=True)
    size = groups["n"].transform("sum").clip(lower=1)
    # How far each part's mean lies from the whole's: central, so that billions of dong lose no digits.
    off_y = table["sum_y"] / table["n"].clip(lower=1) - groups["sum_y"].transform("sum") / size
    off_x = table["sum_x"] / table["n"].clip(lower=1) - groups["sum_x"].transform("sum") / size
    within = (table["n"] - 1).clip(lower=0)
    table["var_y"] = table["var_y"] * within + table["n"] * off_y**2
    table["var_x"] = table["var_x"] * within + table["n"] * off_x**2
    table["cov_xy"] = table["cov_xy"] * within + table["n"] * off_x * off_y
    columns = ["n", "missing", "sum_y", "sum_x", "var_y", "var_x", "cov_xy"]
    total = table.groupby(keys, dropna=False, observed=True, sort=True)[columns].sum().reset_index()
    freedom = (total["n"] - 1).clip(lower=1)
    return total.assign(**{name: total[name] / freedom for name in ("var_y", "var_x", "cov_xy")})


def estimate(cells: pd.DataFrame, design: Design) -> Estimate:
    """The ratio sum(w y) / sum(w x) over the cells given (those of one domain), within the whole design.

    `cells` has one row a stratum: stratum, n, sum_y, sum_x, var_y, var_x, cov_xy. Not a number where nothing was
    measured (denominator zero).
    """
    table = cells.merge(design.strata, on=STRATUM, how="left", validate="many_to_one")
    weight = table["weight"]
    numerator, denominator = float((weight * table["sum_y"]).sum()), float((weight * table["sum_x"]).sum())
    n = int(table["n"].sum())
    if denominator == 0:
        return Estimate(float("nan"), float("nan"), 0, n, numerator, denominator)
    value = numerator / denominator
    variance = float((_stratum_variance(table, value) * (weight / denominator) ** 2).sum())
    return Estimate(value, max(variance, 0.0), _df(table), n, numerator, denominator)


def _stratum_variance(table: pd.DataFrame, value: float) -> pd.Series:
    r, n = table["n_resp"], table["n"]
    residual = table["sum_y"] - value * table["sum_x"]
    inside = (n - 1).clip(lower=0) * (table["var_y"] - 2 * value * table["cov_xy"] + value**2 * table["var_x"])
    squares = inside + residual**2 / n.where(n > 0, 1)
    spread = (squares - residual**2 / r).clip(lower=0)
    correction = 1 - r / table["n_frame"]
    # One respondent standing for others: its own deviation is its contribution; collapsing should have prevented it.
    factor = (r / (r - 1).where(r > 1, 1)).where(r > 1, 1.0)
    return (correction * factor * spread.where(r > 1, residual**2)).fillna(0.0)


def _df(table: pd.DataFrame) -> int:
    """Respondents less one over strata that were not taken completely: a complete stratum adds no uncertainty."""
    sampled = table[table["n_resp"] < table["n_frame"]]
    return int((sampled["n_resp"] - 1).clip(lower=0).sum())
