"""The made-up respondent breaks no rule of any form."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

import pytest

from forms import Clock, FormDefinition, Interview, load_form, respond
from forms.expressions.patterns import matches
from forms.matching import text_matching
from survey_app.programme.pack import PACKS, Pack, instance_items, load_pack
from tests.factories import form_from_md

INSTRUMENTS = (
    "rapid_assessment", "technology_survey", "environment_survey", "osh_survey", "self_assessment", "officer_capacity",
)
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(PACKS / "ninh_binh", date(2026, 11, 23))


def answered(form: FormDefinition, pack: Pack | None, seed: int, **wishes: object) -> Interview:
    instances = {name: list(instance_items(found)) for name, found in pack.lists.items()} if pack else {}
    instances["register"] = [{"code": "NB-000001"}]
    interview = Interview(form, instances=instances, clock=Clock(NOW), language="vi")
    respond(interview, Random(seed), wishes)  # type: ignore[arg-type]
    return interview


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_twenty_respondents_fill_an_instrument_without_any_issue(name: str, pack: Pack) -> None:
    form = load_form(dict(pack.instruments())[name], f"{name}.md").definition
    for seed in range(20):
        interview = answered(form, pack, seed, id_consent="yes")
        assert [(issue.code, issue.where) for issue in interview.issues()] == [], seed


def small(rows: str) -> FormDefinition:
    head = "| survey | type | name | label | required | relevant | constraint |\n| | {} |"
    body = "\n".join(f"| | {row} |" for row in rows.strip().splitlines())
    choices = "| choices | list_name | name | label |\n" + "\n".join(f"| | yn | {n} | {n} |" for n in ("yes", "no"))
    settings = "| settings | form_id | version |\n| | made | 1 |"
    return form_from_md("\n".join([head.split("\n")[0], body, "", choices, "", settings]))


def test_the_same_seed_gives_the_same_answers() -> None:
    form = small("integer | age | Age | yes | | . >= 18 and . <= 99\nselect_one yn | ok | Fine? | yes | |")
    assert answered(form, None, 7).answers == answered(form, None, 7).answers


def test_a_wish_is_granted_and_a_refused_one_gives_way() -> None:
    form = small("integer | age | Age | yes | | . >= 18 and . <= 99\ninteger | size | Size | yes | | . > 5 and . < 8")
    found = answered(form, None, 1, age=lambda interview, address, random: 42, size=1000).answers
    assert found["age"] == 42
    assert found["size"] in (6, 7)


def test_a_repeat_gets_as_many_rows_as_wished() -> None:
    form = small(
        "begin repeat | people | People | | |\ntext | who | Who | yes | | string-length(.) > 2\nend repeat | | | | |"
    )
    assert len(answered(form, None, 3, people=4).answers["people"]) == 4
    assert 1 <= len(answered(form, None, 3).answers["people"]) <= 3


def test_a_question_not_asked_is_left_alone() -> None:
    form = small("select_one yn | ok | Fine? | yes | |\ntext | why | Why | yes | ${ok} = 'no' |")
    assert "why" not in answered(form, None, 1, ok="yes").answers
    assert answered(form, None, 1, ok="no").answers["why"]


def test_bounds_by_other_answers_dates_and_alternatives_are_met() -> None:
    form = small("""integer | whole | Whole | yes | | . >= 1 and . <= 20000
integer | part | Part | yes | | . >= 0 and . <= ${whole}
integer | year | Year | yes | | . = 0 or (. >= 2000 and . <= 2026)
date | day | Day | yes | | . >= date('2024-02-01') and . <= date('2024-02-03')
select_multiple yn | both | Both | yes | | count-selected(.) = 2""")
    for seed in range(20):
        assert answered(form, None, seed).issues() == []


@pytest.mark.parametrize("pattern", [
    "^NB-([0-9]{6}|T[0-9A-Z]{8})$", "(0[35789][0-9]{8}|02[0-9]{9})", "[^@ ]+@[^@ ]+[.][^@ ]+", "a?b*c+(?:x|yz){2,3}",
    r"\d{2}\.\w+", "[a-c-]{3}", "",
])
def test_a_text_made_for_a_pattern_matches_it(pattern: str) -> None:
    for seed in range(30):
        assert matches(text_matching(pattern, Random(seed)), pattern)
