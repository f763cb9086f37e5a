"""Kobo's matrix, score and rank, and choices on the sheet external_choices, are written out as ordinary questions."""

from __future__ import annotations

import pytest

from forms import FormError, Interview, Question, load_form_from_markdown

MATRIX = """\
| survey |
| | type             | name | label                      | required | relevant      | constraint | kobo--matrix_list |
| | integer          | n    | How many?                  |          |               |            |                   |
| | begin_kobomatrix | m1   | Items                      |          | ${n} > 0      |            | things            |
| | select_one yn    | q1   | Which do you have at home? | yes      |               |            |                   |
| | integer          | q2   | How many of them?          |          | ${q1} = 'yes' | . < ${n}   |                   |
| | end_kobomatrix   |      |                            |          |               |            |                   |
| choices |
| | list_name | name | label |
| | things    | car  | Car   |
| | things    | bike | Bike  |
| | yn        | yes  | Yes   |
| | yn        | no   | No    |
"""
SCORE = """\
| survey |
| | type        | name | label::English (en) | required | kobo--score-choices |
| | begin_score | s    | How good?           | true     | marks               |
| | score__row  | s1   | Food                |          |                     |
| | score__row  | s2   | Water               |          |                     |
| | end_score   |      |                     |          |                     |
| choices |
| | list_name | name | label::English (en) |
| | marks     | 1    | Bad                 |
| | marks     | 2    | Good                |
"""
RANK = """\
| survey |
| | type        | name | label | kobo--rank-items | kobo--rank-constraint-message |
| | begin_rank  | r    | Needs | needs            | Choose each once.             |
| | rank__level | r1   | First |                  |                               |
| | rank__level | r2   | Next  |                  |                               |
| | rank__level | r3   | Last  |                  |                               |
| | end_rank    |      |       |                  |                               |
| choices |
| | list_name | name  | label |
| | needs     | food  | Food  |
| | needs     | water | Water |
| | needs     | house | House |
"""


def codes(md: str) -> list[tuple[str, str]]:
    with pytest.raises(FormError) as caught:
        load_form_from_markdown(md)
    return [(issue.code, issue.where) for issue in caught.value.issues if issue.severity == "error"]


def test_a_matrix_asks_every_column_in_every_row() -> None:
    form = load_form_from_markdown(MATRIX).definition
    paths = ["/".join(item.path) for item in form.questions()]
    assert paths == [
        "n", "m1_header/m1_header_note", "m1_car/m1_car_q1", "m1_car/m1_car_q2", "m1_bike/m1_bike_q1", "m1_bike/m1_bike_q2",
    ]  # fmt: skip


def test_the_rows_of_a_matrix_are_no_list_that_nothing_uses() -> None:
    assert load_form_from_markdown(MATRIX).warnings == ()


def test_a_matrix_speaks_of_its_own_row() -> None:
    interview = Interview(load_form_from_markdown(MATRIX).definition)
    assert not interview.is_relevant("m1_car/m1_car_q1")
    interview.set("n", 3)
    assert interview.is_required("m1_car/m1_car_q1")
    interview.set("m1_car/m1_car_q1", "yes")
    assert interview.is_relevant("m1_car/m1_car_q2")
    assert not interview.is_relevant("m1_bike/m1_bike_q2")
    interview.set("m1_car/m1_car_q2", 5)
    assert [issue.code for issue in interview.issues("m1_car/m1_car_q2")] == ["constraint"]


def test_a_written_out_row_keeps_the_cell_it_comes_from() -> None:
    form = load_form_from_markdown(MATRIX).definition
    found = form.find(("m1_bike", "m1_bike_q2"))
    assert isinstance(found, Question)
    assert (found.cell, found.label.plain("und")) == ("survey!A6", "How many of them?")
    assert ("expression_unknown_reference", "survey!E6") in codes(MATRIX.replace("${q1} = 'yes'", "${zzzzz} = 'yes'"))


def test_a_score_is_a_table_of_questions() -> None:
    form = load_form_from_markdown(SCORE).definition
    (group,) = form.items
    assert group.appearance == "field-list"
    found = [(q.name, q.appearance, q.choices, q.required is not None) for q in form.questions()]
    assert found == [
        ("s_header", "label", "marks", False), ("s1", "list-nolabel", "marks", True), ("s2", "list-nolabel", "marks", True),
    ]  # fmt: skip


def test_a_rank_takes_each_choice_once() -> None:
    interview = Interview(load_form_from_markdown(RANK).definition)
    for name, value in (("r1", "food"), ("r2", "water"), ("r3", "food")):
        interview.set(f"r/{name}", value)
    assert [(issue.code, issue.where) for issue in interview.issues()] == [("constraint", "r/r3")]
    interview.set("r/r3", "house")
    assert interview.issues() == []


@pytest.mark.parametrize(
    ("md", "wanted"),
    [
        (MATRIX.replace("things            |", "                  |", 1), ("extra_missing", "survey!G4")),
        (MATRIX.replace("| things            |", "| thing             |", 1), ("missing_list", "survey!G4")),
        (MATRIX.replace("end_kobomatrix  ", "                ", 1), ("missing_end", "survey!A4")),
        (MATRIX.replace("| integer          | q2 ", "| begin_group      | q2 ", 1), ("shorthand_place", "survey!A6")),
        (RANK.replace("rank__level | r2", "text        | r2"), ("shorthand_place", "survey!A5")),
        (SCORE.replace("begin_score", "text       ", 1), ("shorthand_place", "survey!A4")),
    ],
    ids=["no list", "unknown list", "no end", "a group inside", "a question inside", "no beginning"],
)
def test_broken_shorthand_is_refused_by_its_cell(md: str, wanted: tuple[str, str]) -> None:
    assert wanted in codes(md)


def test_a_matrix_that_would_never_end_is_refused() -> None:
    rows = "".join(f"| | things | t{n} | T |\n" for n in range(2_600))
    assert ("too_many_rows", "survey!A4") in codes(MATRIX + rows)


def test_choices_on_a_sheet_of_their_own_are_choices() -> None:
    md = (
        "| survey |\n| | type | name | label | choice_filter |\n| | select_one states | state | State | |\n"
        "| | select_one_external cities | city | City | state=${state} |\n"
        "| choices |\n| | list_name | name | label |\n| | states | tx | Texas |\n| | states | wa | Washington |\n"
        "| external_choices |\n| | list_name | name | label | state |\n| | cities | a | Austin | tx |\n| | cities | s | Seattle | wa |\n"
    )
    interview = Interview(load_form_from_markdown(md).definition)
    interview.set("state", "wa")
    assert [choice.name for choice in interview.choices("city")] == ["s"]
