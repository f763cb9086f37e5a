"""Answers of several versions in flat tables."""

from __future__ import annotations

from forms import tabulate
from tests.drivers import form_from_md

FIRST = form_from_md("""
    | survey | type               | name  | label |
    |        | begin_group        | g     | G     |
    |        | integer            | n     | N     |
    |        | end_group          |       |       |
    |        | begin_group        | h     | H     |
    |        | integer            | n     | N     |
    |        | select_multiple yn | many  | Many  |
    |        | end_group          |       |       |
    |        | note               | hello | Hello |
    |        | begin_repeat       | rooms | Rooms |
    |        | text               | name  | Name  |
    |        | begin_repeat       | beds  | Beds  |
    |        | decimal            | size  | Size  |
    |        | end_repeat         |       |       |
    |        | end_repeat         |       |       |

    | choices | list_name | name | label |
    |         | yn        | y    | Yes   |
    |         | yn        | n    | No    |""")
SECOND = form_from_md("""
    | survey | type               | name  | label |
    |        | begin_group        | h     | H     |
    |        | integer            | n     | N     |
    |        | select_multiple yn | many  | Many  |
    |        | end_group          |       |       |
    |        | text               | added | Added |

    | choices | list_name | name | label |
    |         | yn        | y    | Yes   |
    |         | yn        | n    | No    |
    |         | yn        | m    | Maybe |""")


def test_a_column_bears_the_shortest_name_that_is_unambiguous() -> None:
    main = tabulate([(FIRST, {})])[0]
    assert [column.name for column in main.columns] == ["g.n", "h.n", "many", "many.y", "many.n"]


def test_each_repeat_is_a_table_whose_rows_know_their_parent() -> None:
    answers = {"rooms": [{"_id": "r1", "name": "A", "beds": [{"_id": "b1", "size": 2}]}, {"_id": "r2", "name": None}]}
    main, rooms, beds = tabulate([(FIRST, answers)])
    assert main.rows == [{"_record": 0}]
    assert rooms.rows == [
        {"_record": 0, "_id": "r1", "_parent": None, "name": "A"},
        {"_record": 0, "_id": "r2", "_parent": None, "name": None},
    ]
    assert beds.rows == [{"_record": 0, "_id": "b1", "_parent": "r1", "size": 2}]


def test_several_choices_are_also_columns_of_0_and_1() -> None:
    main = tabulate([(FIRST, {"h": {"many": "y"}}), (FIRST, {"h": {"many": None}}), (FIRST, {"h": {}})])[0]
    assert main.rows == [
        {"_record": 0, "many": "y", "many.y": 1, "many.n": 0},
        {"_record": 1, "many": None, "many.y": None, "many.n": None},
        {"_record": 2},
    ]


def test_a_later_version_keeps_the_columns_and_adds_its_own() -> None:
    main = tabulate([(FIRST, {"h": {"n": 1}}), (SECOND, {"h": {"n": 2, "many": "m"}, "added": "x"})])[0]
    assert [column.name for column in main.columns][-2:] == ["many.m", "added"]
    assert main.rows[0] == {"_record": 0, "h.n": 1}
    assert main.rows[1]["h.n"] == 2
    assert main.rows[1]["many.m"] == 1


def test_a_note_has_no_column() -> None:
    assert "hello" not in [column.name for column in tabulate([(FIRST, {})])[0].columns]
