"""One linearised estimator for means, shares, ratios and totals, from cell tables alone.

theta = Y / X with Y = sum w d y, X = sum w d x;  u_i = w_i d_i (y_i - theta x_i) / X;
v = sum_h (1 - f_h) r_h / (r_h - 1) sum_i (u_i - mean_h u)^2 over all respondents of the stratum, zeros outside the
domain (Cochran 1977 ch. 5-6; Sarndal, Swensson and Wretman 1992 s. 5; Lumley 2010). A cell table holds, for stratum h
and domain d, the counts, sums and central second moments, from which the same figure follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.design import STRATUM, Design

MOMENTS = ("n", "sum_y", "sum_x", "var_y", "var_x", "cov_xy")


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


def cells_of(values: pd.DataFrame, by: Sequence[str], design: Design) -> pd.DataFrame:
    """Unit rows (stratum, *by, y, x) -> the cell table: one row a (stratum, domain) with n, sums and moments."""
    rows = values.assign(**{STRATUM: values[STRATUM].map(design.merged)})
    keys = [STRATUM, *by]
    groups = rows.groupby(keys, dropna=False, observed=True, sort=True)
    table = groups.agg(n=("y", "size"), sum_y=("y", "sum"), sum_x=("x", "sum"), var_y=("y", "var"), var_x=("x", "var"))
    table["cov_xy"] = groups[["x", "y"]].apply(lambda part: part["x"].cov(part["y"]))
    return table.fillna({"var_y": 0.0, "var_x": 0.0, "cov_xy": 0.0}).reset_index()


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
