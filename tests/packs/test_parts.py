"""The part of the self-assessment that a survey visit carries: awareness and application, enough for G1 and G2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from forms import Clock, Interview, compute_indicators
from tests.packs.conftest import COMMON, TODAY, definition_of, lists_on, tree

PART = "awareness_application"
ALWAYS = {
    "se_heard", "se_source", "se_define", "se_benefits", "se_trained",
    "se_apply", "se_since", "se_techniques", "se_count", "se_team", "se_support_got",
    "se_base_year", "se_unit", "se_out0", "se_out1", "se_mix", "se_elec0", "se_elec1",
    "se_fuel_type", "se_fuel0", "se_fuel1", "se_mat_name", "se_mat0", "se_mat1", "se_mat_price", "se_evidence",
}  # fmt: skip
LEFT_OUT = {
    "se_water0", "se_water1", "se_claim", "se_invest", "se_save_vnd", "se_barriers", "se_need", "se_comment",
}  # fmt: skip
MEASURED = {
    "se_heard": "know", "se_source": "training", "se_define": "d_cp", "se_benefits": "cost waste", "se_trained": 2,
    "se_apply": "measured", "se_since": 2015, "se_techniques": "t1", "se_count": 2, "se_team": "no",
    "se_support_got": "none", "se_base_year": 2016, "se_unit": "t", "se_out0": 1000, "se_out1": 1000, "se_mix": "no",
    "se_elec0": 100000, "se_elec1": 90000, "se_fuel_type": "none", "se_mat_name": "Đất sét", "se_mat0": 500,
    "se_mat1": 450, "se_mat_price": 1, "se_evidence": "bill",
}  # fmt: skip


def interview(visit: Sequence[Mapping[str, str]] = (), **changes: Any) -> Interview:
    form = definition_of("self_assessment")
    answers = tree(form.items, {**COMMON, **MEASURED, **changes})
    instances = {**lists_on(TODAY), "register": [{"code": "NB-000123"}], "visit": [dict(item) for item in visit]}
    return Interview(form, answers, instances=instances, clock=Clock(datetime(2020, 3, 2, 12, tzinfo=UTC)))


def asked(found: Interview) -> set[str]:
    slots = {question.evidence for question in found.definition.questions()}
    return {
        question.name
        for question in found.definition.questions()
        if question.name.startswith("se_") and question.name not in slots and found.is_relevant("/".join(question.path))
    }


def test_a_visit_with_the_part_asks_awareness_application_and_what_the_saving_rests_on() -> None:
    part = interview([{"action": "2.4", "part": PART}])
    # no fuel is used: its two quantities are not asked either
    assert asked(part) == ALWAYS - {"se_fuel0", "se_fuel1"}
    assert [issue.code for issue in part.issues()] == []


@pytest.mark.parametrize(
    ("visit", "mode"),
    [
        ((), "self"),
        ((), "visit"),
        (({"action": "4", "part": ""},), "visit"),
        (({"action": "2.4", "part": PART},), "self"),
    ],
)
def test_anywhere_else_the_whole_form_is_asked(visit: tuple[dict[str, str], ...], mode: str) -> None:
    assert asked(interview(visit, id_mode=mode)) == (ALWAYS | LEFT_OUT) - {"se_fuel0", "se_fuel1"}


def test_the_part_is_enough_for_awareness_level_and_saving() -> None:
    part = compute_indicators(interview([{"action": "2.4", "part": PART}]))
    whole = compute_indicators(interview())
    names = ("aware", "aware_loose", "level", "level_1", "applies_cp", "saving_numerator", "saving_denominator",
             "saving", "saving_8", "excluded")  # fmt: skip
    assert {name: part[name] for name in names} == {name: whole[name] for name in names}
    assert (part["aware"], part["level"], part["saving_8"]) == (True, 2, True)


def test_one_who_applies_nothing_is_asked_nothing_of_results() -> None:
    part = interview([{"action": "2.4", "part": PART}], se_apply="none")
    assert asked(part) == {
        "se_heard", "se_source", "se_define", "se_benefits", "se_trained", "se_apply", "se_support_got",
    }  # fmt: skip
    assert compute_indicators(part)["applies_cp"] is False
