"""Raw answers in, answers and issues out; nothing is lost on the way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from forms.expressions.values import Clock
from forms.issues import Severity
from forms.validation import Validated, validate
from tests.drivers import form_from_md

CLOCK = Clock(datetime.fromisoformat("2026-11-23T05:00:00+07:00"))
FORM = form_from_md(
    """
    | survey | type | name | label::English (en) | label::Tiếng Việt (vi) | relevant | required | constraint | message |
    |        | integer         | beds  | Beds  | Giường |              | yes | . < 50       | Dưới 50 |
    |        | integer         | staff | Staff | Người  | ${beds} > 0  |     |              |         |
    |        | date            | day   | Day   | Ngày   |              |     | . <= today() |         |
    |        | select_one yn   | ok    | Ok    | Được   |              |     |              |         |
    |        | note            | hello | Hello | Chào   |              |     |              |         |
    |        | begin_group     | g     | G     | G      | ${ok} = 'yes' |    |              |         |
    |        | text            | why   | Why   | Sao    |              | yes |              |         |
    |        | end_group       |       |       |        |              |     |              |         |
    |        | begin_repeat    | r     | R     | R      |              |     |              |         |
    |        | decimal         | kg    | Kg    | Kg     |              |     |              |         |
    |        | end_repeat      |       |       |        |              |     |              |         |
    |        | integer         | last  | L     | L      |              |     |              |         |

    | choices | list_name | name | label::English (en) | label::Tiếng Việt (vi) |
    |         | yn        | yes  | Yes                 | Có                     |
    |         | yn        | no   | No                  | Không                  |""".replace(
        "| message |", "| constraint_message::Tiếng Việt (vi) |"
    )
)


def check(**raw: Any) -> Validated:
    return validate(FORM, raw, clock=CLOCK)


def found(validated: Validated) -> list[tuple[str, str]]:
    return [(issue.code, issue.where) for issue in validated.issues]


def test_good_answers_come_through_without_issues() -> None:
    validated = check(
        beds=4, staff=2, day="2026-11-23", ok="yes", g={"why": "so"}, r=[{"_id": "a", "kg": 1.5}], last=None
    )
    assert found(validated) == []
    assert validated.answers == {
        "beds": 4, "staff": 2, "day": "2026-11-23", "ok": "yes", "g": {"why": "so"}, "r": [{"_id": "a", "kg": 1.5}],
        "last": None,
    }  # fmt: skip


def test_a_wrong_type_is_kept_as_it_came_and_flagged() -> None:
    validated = check(beds="many", r=[{"_id": "a", "kg": [1]}])
    assert found(validated) == [("wrong_type", "beds"), ("wrong_type", "r/a/kg")]
    assert validated.answers["beds"] == "many"


def test_digits_written_as_text_are_read_as_the_number() -> None:
    assert check(beds="4").answers["beds"] == 4


def test_a_missing_required_answer_is_named_by_its_address() -> None:
    assert found(check(ok="yes", g={})) == [("required", "beds"), ("required", "g/why")]


def test_an_answer_to_a_question_that_is_not_asked_is_left_out_with_a_note() -> None:
    validated = check(beds=0, staff=9)
    assert found(validated) == [("not_relevant", "staff")]
    assert validated.issues[0].severity is Severity.NOTE
    assert "staff" not in validated.answers


def test_an_unknown_question_is_flagged_and_not_taken() -> None:
    validated = check(beds=1, beads=2, g={"x": 1}, meta={"instanceID": "uuid:1"})
    assert found(validated) == [("unknown_question", "beads"), ("unknown_question", "g/x")]


def test_an_unknown_choice_is_kept_and_flagged() -> None:
    validated = check(beds=1, ok="maybe")
    assert found(validated) == [("unknown_choice", "ok")]
    assert validated.answers["ok"] == "maybe"


def test_a_constraint_speaks_with_its_author_s_words_in_each_language() -> None:
    validated = check(beds=99)
    assert validated.issues[0].own_message["vi"] == "Dưới 50"


def test_today_is_the_device_s_day_when_a_record_is_checked_again() -> None:
    assert found(check(beds=1, day="2026-11-23")) == []
    assert found(check(beds=1, day="2026-11-24")) == [("constraint", "day")]


def test_structures_of_the_wrong_shape_are_flagged_not_fatal() -> None:
    validated = check(beds=1, g="text", r={"_id": "a"}, ok="no")
    assert found(validated) == [("wrong_type", "g"), ("wrong_type", "r")]
    assert found(check(beds=1, r=["row"])) == [("wrong_type", "r")]


def test_rows_beyond_the_limit_are_left_out_and_said_so() -> None:
    validated = check(beds=1, r=[{"kg": 1}] * 1001)
    assert found(validated) == [("repeat_too_long", "r")]
    assert "1000" in validated.issues[0].message
    assert len(validated.answers["r"]) == 1000


def test_rows_without_a_usable_id_get_one() -> None:
    rows = check(beds=1, r=[{"kg": 1}, {"_id": "a/b", "kg": 2}, {"_id": "x", "kg": 3}, {"_id": "x", "kg": 4}]).answers[
        "r"
    ]
    assert len({row["_id"] for row in rows}) == 4
    assert all("/" not in row["_id"] for row in rows)
