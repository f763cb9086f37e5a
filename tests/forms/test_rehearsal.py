"""A thousand made-up respondents tell an author where a form gets stuck, what it never asks and how long it is."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest

from forms import Clock, FormDefinition, load_form, random_run
from survey_app.programme.pack import PACKS, instance_items, load_pack
from tests.factories import form_from_md

CLOCK = Clock(datetime(2026, 11, 23, 9, 30, tzinfo=UTC))
SCORED = """
    | survey | type          | name   | label           | required | relevant      | constraint   |
    |        | select_one yn | meter  | Meter?          | yes      |               |              |
    |        | integer       | staff  | How many staff? | yes      | ${meter} = 'yes' | . > 0     |
    |        | text          | never  | Never           |          | 1 = 2         |              |
    |        | note          | hidden | Not seen        |          | false()       |              |
    | choices | list_name | name | label |
    |         | yn        | yes  | Yes   |
    |         | yn        | no   | No    |
    | scores  | kind      | name  | label | parents | rule                             | weight | method |
    |         | item      | it    | It    | dim     | if(${meter} = 'yes', 100, 0)     |        |        |
    |         | dimension | dim   | Dim   | all     |                                  | 1      |        |
    |         | index     | all   | All   |         |                                  |        | mean   |
"""


def form(rows: str) -> FormDefinition:
    head = "| survey | type | name | label | required | relevant | constraint | constraint_message |"
    return form_from_md("\n".join([head, *(f"| | {row.strip()} |" for row in rows.strip().splitlines())]))


def test_it_tells_how_many_finished_how_long_it_took_and_what_the_scores_were() -> None:
    run = random_run(form_from_md(SCORED), 200, clock=CLOCK)
    assert (run.respondents, run.finished, run.dead_ends) == (200, 200, ())
    assert run.questions_range == (1, 2)
    assert run.questions_median in (1, 1.5, 2)
    assert run.minutes_median is not None
    assert 0.1 < run.minutes_median < 1
    low, _, high = run.scores["all"]
    assert (low, high) == (0, 100)


def test_it_names_what_nobody_was_asked() -> None:
    assert random_run(form_from_md(SCORED), 50, clock=CLOCK).never_asked == ("never", "hidden")


def test_a_question_that_no_answer_satisfies_is_a_dead_end_with_its_cell_and_an_example() -> None:
    stuck = form("integer | age | Age | yes | | . > 10 and . < 5 | Between 10 and 5.\ntext | who | Who | | | |")
    run = random_run(stuck, 30, clock=CLOCK)
    (end,) = run.dead_ends
    assert (run.finished, end.path, end.cell, end.code, end.count) == (0, "age", "survey!A2", "constraint", 30)
    assert (end.message, type(end.example)) == ("Between 10 and 5.", int)
    assert (run.questions_median, run.questions_range, run.minutes_median, run.scores) == (None, None, None, {})


def test_a_list_that_a_filter_leaves_empty_is_a_dead_end() -> None:
    stuck = form_from_md("""
        | survey  | type          | name | label | required | choice_filter |
        |         | select_one ab | pick | Pick  | yes      | kind = 'c'    |
        | choices | list_name     | name | label | kind     |               |
        |         | ab            | a    | A     | x        |               |
        |         | ab            | b    | B     | y        |               |""")
    (end,) = random_run(stuck, 10, clock=CLOCK).dead_ends
    assert (end.path, end.code, end.example, end.count) == ("pick", "required", None, 10)


def test_parts_that_must_make_a_sum_are_no_dead_end() -> None:
    shares = form("""
        integer | men   | Men   | yes | | . >= 0 |
        integer | women | Women | yes | | . >= 0 |
        integer | all   | All   | yes | | . = ${men} + ${women} |
        integer | old   | Old   | yes | | . >= 0 and . <= ${all} |
        integer | young | Young | yes | | . + ${old} = ${all} |""")
    run = random_run(shares, 100, clock=CLOCK)
    assert (run.finished, run.dead_ends) == (100, ())


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    scored = form_from_md(SCORED)
    assert random_run(scored, 40, 7, clock=CLOCK) == random_run(scored, 40, 7, clock=CLOCK)
    assert len({random_run(scored, 9, seed, clock=CLOCK).minutes_median for seed in range(10)}) > 1


def test_it_ends_when_its_time_is_up_and_says_how_many_were_run() -> None:
    rows = "\n".join(f"text | t{number} | T | yes | | |" for number in range(200))
    begun = time.monotonic()
    run = random_run(form(rows), 1_000_000, clock=CLOCK, seconds=0.5)
    assert 0 < run.respondents < 1_000_000
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", ["rapid_assessment", "officer_capacity"])
def test_an_instrument_has_no_dead_end_and_asks_everything(name: str) -> None:
    pack = load_pack(PACKS / "ninh_binh", date(2026, 11, 23))
    instances = {kind: list(instance_items(found)) for kind, found in pack.lists.items()}
    instances["register"] = [{"code": "NB-000001"}]
    loaded = load_form(dict(pack.instruments())[name], f"{name}.md")
    run = random_run(loaded.definition, 60, instances=instances, wishes={"id_consent": "yes"}, clock=CLOCK)
    assert (run.finished, run.dead_ends, run.never_asked) == (60, (), ())
    assert run.scores
