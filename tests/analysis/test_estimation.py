from __future__ import annotations

import doctest
import math

import numpy as np
import pandas as pd
import pytest

import analysis.coverage
import analysis.design
import analysis.estimation
import analysis.intervals
from analysis import (
    CoverageTable,
    Design,
    DesignError,
    cells_of,
    counted,
    estimate,
    estimated,
    hypergeometric,
    share_interval,
    wilson,
)
from analysis.estimation import merge_cells


@pytest.mark.parametrize("module", [analysis.coverage, analysis.design, analysis.estimation, analysis.intervals])
def test_examples_in_docstrings_run(module) -> None:  # type: ignore[no-untyped-def]
    assert doctest.testmod(module).failed == 0


def of_units(values: pd.DataFrame, frame: pd.DataFrame, by: tuple[str, ...] = ()) -> CoverageTable:
    """The estimate from unit rows: respondents with y and x, and the frame's units."""
    counts = frame.groupby(["stratum", *by], as_index=False).size().rename(columns={"size": "n_frame"})
    return estimated(cells_of(values, by), counts, "G1", by)


def two_strata() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stratum a: 4 of 10 answered, 3 yes; stratum b: 5 of 20 answered, 1 yes."""
    frame = pd.DataFrame({"stratum": ["x|a"] * 10 + ["x|b"] * 20})
    values = pd.DataFrame({"stratum": ["x|a"] * 4 + ["x|b"] * 5, "y": [1, 1, 1, 0, 1, 0, 0, 0, 0], "x": 1.0})
    return values, frame


def test_a_stratified_share_equals_the_textbook_sum() -> None:
    values, frame = two_strata()
    row = of_units(values, frame).frame.iloc[0]
    # p = 1/3 * 3/4 + 2/3 * 1/5 = 0.25 + 0.13333
    assert row["coverage"] == pytest.approx(0.25 + 2 / 15)
    # v = sum W^2 (1-f) p(1-p)/(r-1) = (1/9)(0.6)(0.1875/3) + (4/9)(0.75)(0.16/4)
    variance = (1 / 9) * 0.6 * (0.75 * 0.25 / 3) + (4 / 9) * 0.75 * (0.2 * 0.8 / 4)
    expected = share_interval(0.25 + 2 / 15, variance, 7, 9, 30)
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))


def test_cells_give_the_variance_that_rows_give() -> None:
    random = np.random.default_rng(5)
    frame = pd.DataFrame({"stratum": np.repeat(["s|1", "s|2", "s|3"], [40, 60, 25])})
    values = pd.DataFrame({
        "stratum": np.repeat(["s|1", "s|2", "s|3"], [12, 20, 9]),
        "y": random.gamma(2, 50, 41), "x": random.gamma(3, 200, 41), "area": random.choice(list("pq"), 41),
    })
    counts = frame.groupby("stratum", as_index=False).size().rename(columns={"size": "n_frame"})
    responded = values.groupby("stratum", as_index=False).size().rename(columns={"size": "n_resp"})
    design = Design.from_counts(counts, responded)
    cells = cells_of(values, ["area"])
    found = estimate(cells[cells["area"] == "p"], design)

    inside = (values["area"] == "p").astype(float)
    weight = values["stratum"].map({"s|1": 40 / 12, "s|2": 60 / 20, "s|3": 25 / 9})
    theta = (weight * inside * values["y"]).sum() / (weight * inside * values["x"]).sum()
    u = weight * inside * (values["y"] - theta * values["x"]) / (weight * inside * values["x"]).sum()
    variance = 0.0
    for name, n_frame in (("s|1", 40), ("s|2", 60), ("s|3", 25)):
        part = u[values["stratum"] == name]
        variance += (1 - len(part) / n_frame) * len(part) / (len(part) - 1) * ((part - part.mean()) ** 2).sum()
    assert found.value == pytest.approx(theta, rel=1e-12)
    assert found.variance == pytest.approx(variance, rel=1e-10)


def test_one_stratum_gets_the_exact_interval() -> None:
    frame = pd.DataFrame({"stratum": ["all"] * 300})
    values = pd.DataFrame({"stratum": ["all"] * 100, "y": [1.0] * 45 + [0.0] * 55, "x": 1.0})
    row = of_units(values, frame).frame.iloc[0]
    assert row["method"] == "exact"
    assert (round(row["low"] * 300), round(row["high"] * 300)) == (111, 160)


def test_a_complete_count_has_no_width() -> None:
    frame = pd.DataFrame({"stratum": ["a|1"] * 3 + ["a|2"] * 2})
    values = pd.DataFrame({"stratum": ["a|1"] * 3 + ["a|2"] * 2, "y": [1, 0, 1, 1, 0], "x": 1.0})
    row = of_units(values, frame).frame.iloc[0]
    assert row["low"] == row["high"] == row["coverage"] == pytest.approx(0.6)


def test_all_yes_from_a_part_is_not_certainty() -> None:
    interval = share_interval(1.0, 0.0, 8, 10, 40)
    assert interval.high == 1.0
    assert interval.low < 0.85


def test_a_stratum_with_one_respondent_joins_the_neighbouring_size() -> None:
    frame = pd.DataFrame({"stratum": ["ent|V|s", "ent|V|m", "ent|F|s"], "n_frame": [10, 5, 8]})
    responded = pd.DataFrame({"stratum": ["ent|V|s", "ent|V|m", "ent|F|s"], "n_resp": [4, 1, 3]})
    assert Design.from_counts(frame, responded).merged["ent|V|m"] == "ent|V|s"


def test_respondents_outside_the_frame_are_refused() -> None:
    frame = pd.DataFrame({"stratum": ["a"], "n_frame": [3]})
    with pytest.raises(DesignError, match="does not have"):
        Design.from_counts(frame, pd.DataFrame({"stratum": ["b"], "n_resp": [1]}))


def test_a_count_has_no_interval_and_an_empty_frame_no_share() -> None:
    empty = counted(pd.DataFrame({"reached": pd.Series([], dtype=bool)}), "A2.4").frame.iloc[0]
    assert math.isnan(empty["coverage"])
    assert empty["low"] is None


def test_exact_limits_hold_their_level_in_a_small_population() -> None:
    from scipy import stats

    for yes in range(0, 41, 5):
        cover = sum(
            float(stats.hypergeom.pmf(x, 40, yes, 10))
            for x in range(max(0, 10 - (40 - yes)), min(10, yes) + 1)
            if hypergeometric(x, 10, 40).low - 1e-9 <= yes / 40 <= hypergeometric(x, 10, 40).high + 1e-9
        )
        assert cover >= 0.95


def test_wilson_stays_between_zero_and_one() -> None:
    assert wilson(0.0, 12).low == pytest.approx(0.0)
    assert wilson(1.0, 12).high == pytest.approx(1.0)


def test_collapsed_cells_equal_the_cells_of_the_joined_rows() -> None:
    random = np.random.default_rng(9)
    values = pd.DataFrame({
        "stratum": np.repeat(["a|1", "a|2"], [5, 8]), "y": random.normal(1e12, 5, 13), "x": random.gamma(3, 200, 13),
    })
    merged = merge_cells(cells_of(values), {"a|1": "a|1", "a|2": "a|1"})
    joined = cells_of(values.assign(stratum="a|1"))
    columns = ["n", "missing", "sum_y", "sum_x", "var_y", "var_x", "cov_xy"]
    assert merged[columns].iloc[0].tolist() == pytest.approx(joined[columns].iloc[0].tolist(), rel=1e-4)


def test_a_group_without_respondents_keeps_its_row() -> None:
    frame = pd.DataFrame({"stratum": ["s"] * 6, "area": ["p"] * 4 + ["q"] * 2})
    values = pd.DataFrame({"stratum": ["s"] * 3, "area": ["p"] * 3, "y": [1.0, 0.0, None], "x": 1.0})
    table = of_units(values, frame, ("area",)).frame.set_index("area")
    assert table.loc["q", "n"] == 0
    assert pd.isna(table.loc["q", "coverage"])
    assert table.loc["p", ["n", "missing"]].tolist() == [2, 1]
