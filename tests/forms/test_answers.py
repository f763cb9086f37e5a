"""The interview: what the shared scenarios cannot show."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from forms.answers import Interview, screens
from forms.expressions.values import Clock
from forms.tree import MAX_NODES
from tests.drivers import form_from_md

CLOCK = Clock(datetime.fromisoformat("2026-11-23T22:50:00+07:00"))


STAFF = form_from_md("""
    | survey | type         | name  | label          | relevant   | calculation |
    |        | integer      | beds  | Beds           |            |             |
    |        | integer      | staff | Staff of ${beds} | ${beds} > 0 |           |
    |        | begin_repeat | r     | R              |            |             |
    |        | integer      | a     | A              |            |             |
    |        | calculate    | b     |                |            | ${a} + ${beds} |
    |        | end_repeat   |       |                |            |             |
    |        | text         | other | Other          |            |             |""")


def test_only_what_depends_on_an_answer_is_looked_at_again() -> None:
    interview = Interview(STAFF, clock=CLOCK)
    interview.add_row("r", "x")
    interview.add_row("r", "y")
    interview.set("beds", 1)
    interview.set("other", "text")
    assert interview.changed() == {"other"}
    interview.set("r/y/a", 1)
    interview.set("r/x/a", 1)
    assert interview.changed() == {"r/x/a", "r/x/b"}
    interview.set("beds", 2)
    assert interview.changed() == {"beds", "staff", "r/x/b", "r/y/b"}
    assert interview.changed("r/y") == {"r/y/b"}


def test_an_address_the_form_does_not_have_is_a_key_error() -> None:
    interview = Interview(STAFF, clock=CLOCK)
    for address in ("nothing", "r/none/a", "beds/x", ""):
        with pytest.raises(KeyError):
            interview.value(address)
    with pytest.raises(KeyError):
        interview.set("r", 1)
    with pytest.raises(KeyError):
        interview.add_row("beds")


def test_a_row_added_without_an_id_gets_a_uuid() -> None:
    interview = Interview(STAFF, clock=CLOCK)
    row = interview.add_row("r")
    assert len(row) == 36
    assert interview.rows("r") == [row]


def test_saved_values_and_rows_are_loaded_at_once() -> None:
    interview = Interview(STAFF, clock=CLOCK)
    interview.load({"beds": 3, "staff": "4", "r/x/a": 1, "gone": 1}, {"r": ["x", "y"]})
    assert interview.answers == {
        "beds": 3, "staff": 4, "r": [{"_id": "x", "a": 1, "b": 4}, {"_id": "y", "a": None, "b": None}], "other": None,
    }  # fmt: skip


def test_all_values_load_into_the_same_interview() -> None:
    first = Interview(STAFF, clock=CLOCK)
    first.load({"beds": 3, "staff": 4, "r/x/a": 1}, {"r": ["x"]})
    first.set("beds", 0)
    second = Interview(STAFF, clock=CLOCK)
    second.load(first.all_values, {"r": first.rows("r")})
    assert second.answers == first.answers
    second.set("beds", 5)
    assert second.answers["staff"] == 4


def test_interviews_of_one_form_do_not_share_answers() -> None:
    one, other = Interview(STAFF, clock=CLOCK), Interview(STAFF, clock=CLOCK)
    one.set("beds", 1)
    assert other.value("beds") is None


def test_a_label_is_filled_with_the_answers_of_its_own_row() -> None:
    interview = Interview(STAFF, {"beds": 7}, clock=CLOCK)
    item = STAFF.find(("staff",))
    assert item is not None
    assert interview.text(item.label, "staff") == "Staff of 7"


def test_a_volatile_calculation_keeps_what_the_phone_computed() -> None:
    calculated = form_from_md("""
        | survey | type      | name | label | calculation |
        |        | calculate | id   |       | uuid()      |
        |        | calculate | day  |       | today()     |""")
    interview = Interview(calculated, {"id": "given", "day": "2000-01-01"}, clock=CLOCK)
    assert interview.answers == {"id": "given", "day": "2026-11-23"}


def test_start_and_today_are_filled_by_the_interview_s_clock() -> None:
    timed = form_from_md("""
        | survey | type  | name  | label |
        |        | start | begun |       |
        |        | today | day   |       |
        |        | text  | t     | T     |""")
    answers = Interview(timed, clock=CLOCK).answers
    assert answers == {"begun": "2026-11-23T22:50:00.000+07:00", "day": "2026-11-23", "t": None}


def test_screens_are_the_sections_and_the_runs_of_loose_questions() -> None:
    sections = form_from_md("""
        | survey | type         | name | label |
        |        | integer      | a    | A     |
        |        | integer      | b    | B     |
        |        | begin_group  | g    | G     |
        |        | integer      | c    | C     |
        |        | end_group    |      |       |
        |        | begin_repeat | r    | R     |
        |        | integer      | d    | D     |
        |        | end_repeat   |      |       |
        |        | integer      | e    | E     |""")
    found = [(screen.name, [item.name for item in screen.items], screen.is_repeat) for screen in screens(sections)]
    assert found == [("a", ["a", "b"], False), ("g", ["g"], False), ("r", ["r"], True), ("e", ["e"], False)]


def test_a_form_may_ask_one_question_a_screen() -> None:
    single = form_from_md("""
        | survey | type        | name | label |
        |        | integer     | a    | A     |
        |        | begin_group | g    | G     |
        |        | integer     | b    | B     |
        |        | integer     | c    | C     |
        |        | end_group   |      |       |

        | settings | screen   |
        |          | question |""")
    assert [screen.name for screen in screens(single)] == ["a", "g/b", "g/c"]


def test_an_opened_interview_of_300_questions_answers_fast() -> None:
    rows = "\n".join(
        f"| | integer | q{n} | Q{n} | {f'${{q{n - 1}}} > 3' if n % 3 == 2 else ''} | . >= 0 |" for n in range(300)
    )
    large = form_from_md(f"| survey | type | name | label | relevant | constraint |\n{rows}")
    Interview(large, clock=CLOCK)
    started = time.perf_counter()
    interview = Interview(large, clock=CLOCK)
    opened = time.perf_counter()
    for n in range(100):
        interview.set(f"q{n}", n)
    assert opened - started < 0.3
    assert (time.perf_counter() - opened) / 100 < 0.01


MANY_ROWS = form_from_md("""
    | survey | type         | name  | label            | relevant   | calculation |
    |        | begin_repeat | part  | Part             |            |             |
    |        | integer      | price | Price            |            |             |
    |        | integer      | count | Count            | ${price} > 0 |           |
    |        | calculate    | cost  |                  |            | ${price} * ${count} |
    |        | calculate    | place |                  |            | position(..) |
    |        | note         | told  | Part ${place}    |            |             |
    |        | end_repeat   |       |                  |            |             |
    |        | calculate    | total |                  |            | sum(${cost}) |
    |        | calculate    | parts |                  |            | count(${part}) |""")


def test_one_answer_among_300_questions_looks_at_what_depends_on_it_only() -> None:
    rows = "\n".join(f"| | integer | q{n} | Q{n} | {f'${{q{n - 1}}} > 3' if n % 3 == 2 else ''} |" for n in range(300))
    large = form_from_md(f"| survey | type | name | label | relevant |\n{rows}")
    interview = Interview(large, clock=CLOCK)
    interview.set("q100", 5)
    assert interview.settled == 1  # q101, whose relevance asks for it
    interview.set("q102", 5)
    assert interview.settled == 0


def test_a_row_more_beside_eighty_looks_at_none_of_them_again() -> None:
    interview = Interview(MANY_ROWS, clock=CLOCK)
    for number in range(80):
        row = interview.add_row("part", str(number))
        interview.set(f"part/{row}/price", 3)
        interview.set(f"part/{row}/count", number)
    interview.add_row("part", "new")
    assert interview.settled <= 5 + 4  # its own five questions, and the figures over all rows
    interview.set("part/new/price", 2)
    assert interview.settled <= 3
    interview.remove_row("part", "78")
    assert interview.settled <= 2 + 2  # the place of the two rows after it, and the figures
    assert interview.value("part/new/place") == 80
    assert interview.value("total") == 3 * sum(range(78)) + 3 * 79


HOSTILE = {
    "a count without measure": """
        | survey | type         | name | label | repeat_count |
        |        | begin_repeat | r    | R     | 1000000000   |
        |        | integer      | a    | A     |              |
        |        | end_repeat   |      |       |              |""",
    "counts in counts": """
        | survey | type         | name | label | repeat_count |
        |        | begin_repeat | r    | R     | 1000000000   |
        |        | begin_repeat | s    | S     | 1000000000   |
        |        | begin_repeat | t    | T     | 1000000000   |
        |        | integer      | a    | A     |              |
        |        | end_repeat   |      |       |              |
        |        | end_repeat   |      |       |              |
        |        | end_repeat   |      |       |              |""",
    "two repeats that make each other grow": """
        | survey | type         | name | label | repeat_count     |
        |        | begin_repeat | r    | R     | count(${s}) + 1  |
        |        | integer      | a    | A     |                  |
        |        | end_repeat   |      |       |                  |
        |        | begin_repeat | s    | S     | count(${r}) + 1  |
        |        | integer      | b    | B     |                  |
        |        | end_repeat   |      |       |                  |
        |        | text         | name | Name  |                  |""",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_form_comes_to_an_end_within_bounds(name: str) -> None:
    started = time.perf_counter()
    interview = Interview(form_from_md(HOSTILE[name]), clock=CLOCK)
    assert sum(1 for _ in interview.nodes()) <= MAX_NODES
    assert time.perf_counter() - started < 15
    assert interview.answers["r"]


def test_a_form_in_circles_is_flagged_and_keeps_every_answer() -> None:
    interview = Interview(form_from_md(HOSTILE["two repeats that make each other grow"]), clock=CLOCK)
    assert [issue.code for issue in interview.strays] == ["too_much_work"]
    interview.set("name", "An")
    assert interview.answers["name"] == "An"
