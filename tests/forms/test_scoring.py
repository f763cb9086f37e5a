"""Scores, checks and measures: the explanations behind the figures of the shared scenarios."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from forms.answers import Interview
from forms.expressions.values import Clock
from forms.issues import Severity
from forms.measures import recommend_measures
from forms.model import Literal, MeasureRow, Text
from forms.scoring import compute_scores, run_checks
from forms.serial import from_json

CASES = json.loads((Path(__file__).parent.parent / "conformance" / "scenarios.json").read_text("utf-8"))
FORM = from_json(CASES["forms"]["scores_indicators_checks_and_measures"])
CLOCK = Clock(datetime.fromisoformat(CASES["clock"]["now"]))


def interview(**answers: Any) -> Interview:
    return Interview(FORM, answers, clock=CLOCK)


def test_an_item_tells_the_answer_it_rests_on() -> None:
    item = compute_scores(interview(a="m3")).items[0]
    assert (item.applies, item.points) == (True, 75)
    assert [(answer.address, answer.label, answer.answer) for answer in item.answers] == [("a", "A", "3")]


def test_an_item_does_not_apply_when_its_question_is_hidden_or_answered_na() -> None:
    scores = compute_scores(interview(a="m0", b="na"))
    assert [item.applies for item in scores.items[:4]] == [True, False, False, True]


def test_an_index_says_how_many_applicable_items_were_answered_and_why_it_is_withheld() -> None:
    index = compute_scores(interview(a="m3", b="m4")).indexes[0]
    assert (index.answered, index.applicable, index.is_withheld, index.value, index.band) == (2, 4, True, None, None)


def test_a_dimension_without_points_is_dropped_and_its_weight_shared() -> None:
    index = compute_scores(interview(a="m4", b="m4", c="na", d="na")).indexes[0]
    assert [dimension.score for dimension in index.dimensions] == [100, None]
    assert (index.value, index.band_label) == (100, "Good")


def test_scores_can_be_written_as_json() -> None:
    assert json.dumps(asdict(compute_scores(interview(a="m3"))))


def test_computing_scores_changes_no_answer() -> None:
    given = interview(a="m3", run=[{"_id": "x", "saved": 3, "spent": 1}])
    before = json.dumps(given.answers)
    compute_scores(given)
    recommend_measures(given)
    assert json.dumps(given.answers) == before


def test_a_check_that_fails_becomes_an_issue_of_its_grade() -> None:
    results = run_checks(interview(elec=9000, kwh=1, run=[{"_id": "x", "saved": 1, "spent": 2}]))
    assert [(result.issue().severity, result.holds) for result in results] == [
        (Severity.NOTE, False),
        (Severity.WARNING, False),
    ]
    assert "9000 is much for 1 kWh" in results[0].message.values()


def test_a_measure_names_the_answer_that_triggered_it() -> None:
    first = recommend_measures(interview(a="m1", elec=100)).listed[0]
    assert [(why.label, why.answer) for why in first.why] == [("A", "1")]
    assert first.saving is not None
    assert (first.saving.low, first.saving.mid, first.saving.high) == (1, 2, 3)


def test_measures_that_only_cut_the_bill_save_no_quantity() -> None:
    electricity = recommend_measures(interview(staff=101, elec=1000, kwh=500)).resources[0]
    assert electricity.money is not None
    assert electricity.saved_quantity is not None
    assert round(electricity.money.mid, 9) == 55
    assert electricity.saved_quantity.mid == 0


def test_at_most_ten_measures_are_listed() -> None:
    many = tuple(
        MeasureRow(f"M{number:02}", Text(), "", Literal("yes"), "t4", ("elec",), Text(), Literal(1.0), 0.01, 0.02, 1, 3)
        for number in range(14)
    )
    found = recommend_measures(Interview(replace(FORM, measures=many), {"elec": 100}, clock=CLOCK))
    assert [one.code for one in found.listed] == [f"M{number:02}" for number in range(10)]
    assert len(found.others) == 4
