"""Intervals for a share: exact in one stratum, Wilson in several, Korn-Graubard where the reader wants to be safe.

Wald intervals are never used: near 0 and 1 they cover far less than they claim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True, slots=True)
class Interval:
    """Lower and upper limit, and the method that gave them ("exact", "wilson", "korn-graubard", "complete")."""

    low: float
    high: float
    method: str


def hypergeometric(count: int, sampled: int, population: int, level: float = 0.95) -> Interval:
    """The exact equal-tailed interval for a share when `sampled` of `population` units were drawn without replacement.

    All M with P(X >= count) > alpha/2 and P(X <= count) > alpha/2, X hypergeometric (Buonaccorsi 1987; Wang 2015).

    >>> interval = hypergeometric(45, 100, 300)
    >>> round(interval.low * 300), round(interval.high * 300)
    (111, 160)
    """
    if not 0 <= count <= sampled <= population or sampled == 0:
        raise ValueError("need 0 <= count <= sampled <= population, and sampled > 0")
    if sampled == population:
        return Interval(count / population, count / population, "complete")
    alpha = (1 - level) / 2
    smallest, largest = count, population - (sampled - count)
    low = _first(smallest, largest, lambda m: float(stats.hypergeom.sf(count - 1, population, m, sampled)) > alpha)
    high = _last(smallest, largest, lambda m: float(stats.hypergeom.cdf(count, population, m, sampled)) > alpha)
    return Interval(low / population, high / population, "exact")


def _first(low: int, high: int, holds) -> int:  # type: ignore[no-untyped-def]
    """The smallest whole number for which a rising condition holds, by bisection."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _last(low: int, high: int, holds) -> int:  # type: ignore[no-untyped-def]
    """The largest whole number for which a falling condition holds, by bisection."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def wilson(share: float, effective_n: float, df: float = math.inf, level: float = 0.95) -> Interval:
    """Wilson's score interval with an effective sample size and Student's t (Wilson 1927; R survey 4.5).

    >>> interval = wilson(0.5, 100)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.4038, 0.5962)
    """
    t = _quantile(df, level)
    squared = t * t
    spread = 1 + squared / effective_n
    centre = (share + squared / (2 * effective_n)) / spread
    half = t / spread * math.sqrt(share * (1 - share) / effective_n + squared / (4 * effective_n**2))
    return Interval(max(0.0, centre - half), min(1.0, centre + half), "wilson")


def korn_graubard(share: float, effective_n: float, sampled: int, df: float, level: float = 0.95) -> Interval:
    """The conservative interval by beta quantiles (Korn and Graubard 1998, Survey Methodology 24)."""
    ratio = _quantile(sampled - 1, level) / _quantile(df, level)
    n = effective_n * ratio**2
    x, alpha = share * n, (1 - level) / 2
    low = float(stats.beta.ppf(alpha, x, n - x + 1)) if x > 0 else 0.0
    high = float(stats.beta.ppf(1 - alpha, x + 1, n - x)) if x < n else 1.0
    return Interval(low, high, "korn-graubard")


def share_interval(
    share: float, variance: float, df: float, responded: int, population: int, level: float = 0.95
) -> Interval:
    """Wilson for a stratified share with its linearised variance; the point itself when everyone responded.

    Where the variance is zero although not everyone responded (all yes or all no), the effective size is
    r / (1 - r/N): our rule, since the usual one divides zero by zero.
    """
    if responded >= population:
        return Interval(share, share, "complete")
    if variance <= 0:
        effective = responded / (1 - responded / population)
    else:
        effective = share * (1 - share) / variance
    return wilson(share, effective, df, level)


def _quantile(df: float, level: float) -> float:
    probability = 1 - (1 - level) / 2
    if math.isinf(df) or df < 1:
        return float(stats.norm.ppf(probability))
    return float(stats.t.ppf(probability, df))
