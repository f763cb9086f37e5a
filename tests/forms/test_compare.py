"""What changed between two versions, and whether old data lines up."""

from __future__ import annotations

from forms import compare
from tests.drivers import form_from_md

OLD = """
| survey | type          | name | label | relevant | unit |
|        | integer       | a    | A     |          | kg   |
|        | select_one yn | q    | Q     |          |      |
|        | text          | gone | Gone  |          |      |
|        | begin_group   | g    | G     |          |      |
|        | text          | t    | T     |          |      |
|        | end_group     |      |       |          |      |

| choices | list_name | name | label |
|         | yn        | y    | Yes   |
|         | yn        | n    | No    |
"""

A, GROUP, T = (
    next(line for line in OLD.splitlines(keepends=True) if part in line)
    for part in ("| integer ", "| begin_group", "| T ")
)


def changes(new: str) -> list[tuple[str, str, bool]]:
    return [(c.code, c.path, c.lines_up) for c in compare(form_from_md(OLD), form_from_md(new))]


def test_nothing_changed_is_no_change() -> None:
    assert changes(OLD) == []


def test_another_order_of_rows_is_no_change_of_data() -> None:
    assert changes(OLD.replace(A, "").replace(GROUP, A + GROUP)) == []


def test_a_wider_type_lines_up_and_a_narrower_one_does_not() -> None:
    assert changes(OLD.replace("integer", "decimal")) == [("change_type", "a", True)]
    assert changes(OLD.replace("| text          | gone", "| integer       | gone")) == [("change_type", "gone", False)]


def test_another_unit_makes_numbers_incomparable() -> None:
    assert changes(OLD.replace("kg  ", "tonne")) == [("change_unit", "a", False), ("change_text", "a", True)]


def test_a_removed_choice_is_told_before_an_added_one() -> None:
    assert changes(OLD.replace("| n    | No", "| m    | Maybe")) == [
        ("change_choice_removed", "choices/yn/n", False),
        ("change_choice_added", "choices/yn/m", True),
    ]


def test_a_question_that_moved_is_not_removed_and_added() -> None:
    moved = OLD.replace(T, "").replace(
        GROUP, T + GROUP + "|        | note          | x    | X     |          |      |\n"
    )
    assert changes(moved) == [("change_moved", "g/t", True), ("change_added", "g/x", True)]


def test_changed_logic_and_texts_name_what_changed() -> None:
    new = OLD.replace("| Q     |          |", "| Quite | ${a} > 1 |")
    found = compare(form_from_md(OLD), form_from_md(new))
    assert [(c.code, c.after) for c in found] == [("change_text", "label"), ("change_logic", "relevant")]
    assert str(found[1]) == "The logic of q changed: relevant."


def test_a_changed_rule_of_our_sheets_is_reported() -> None:
    sheet = "\n| indicators | name | kind | rule |\n| | i | truth | {} |\n"
    old, new = form_from_md(OLD + sheet.format("${a} > 1")), form_from_md(OLD + sheet.format("${a} > 2"))
    assert [(c.code, c.path) for c in compare(old, new)] == [("change_row", "indicators/i")]
