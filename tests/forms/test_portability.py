"""What runs here and not so in other clients is told with the cell it stands in."""

from __future__ import annotations

import pytest

from forms import Issue, portability, quoted
from tests.drivers import load_md


def remarks(text: str) -> list[tuple[str, str]]:
    return [(issue.code, issue.where) for issue in portability(load_md(text).sheets)]


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("floor(${n})", ["portable_function"]),
        ("ceiling(${n}) + ceiling(2)", ["portable_function"]),
        ("substring('abc', 2)", ["portable_function"]),
        ("count(${v}) + last()", ["portable_function"]),
        ("${v}[2]", ["portable_position"]),
        ("instance('l')/root/item[2]/label", ["portable_position"]),
        ("checklist(1, 2, ${n} > 1)", ["portable_checklist"]),
        ("if(regex(string(${n}), '[0-9]+'), 1, 2)", ["portable_regex"]),
        ("if(regex(string(${n}), '^[0-9]+$'), 1, 2)", []),
        ("'floor(2) // last()'", []),
        ("int(${n}) + count(${v}) + round(${n}, 1)", []),
    ],
)
def test_an_expression_that_collect_runs_otherwise_is_remarked(expression: str, codes: list[str]) -> None:
    form = f"""
        | survey  | type         | name | label | calculation  |
        |         | integer      | n    | N     |              |
        |         | begin repeat | r    | R     |              |
        |         | integer      | v    | V     |              |
        |         | end repeat   |      |       |              |
        |         | calculate    | c    |       | {expression} |
        | choices | list_name    | name | label |
        |         | l            | a    | A     |"""
    assert remarks(form) == [(code, "survey!D7") for code in codes]


def test_our_own_sheets_columns_and_settings_are_named_once_each() -> None:
    form = """
        | survey  | type          | name | label | personal | unit |
        |         | integer       | n    | N     | yes      | kg   |
        |         | select_one yn | m    | M     | yes      |      |
        | choices | list_name | name | label | exclusive |
        |         | yn        | a    | A     | yes       |
        | checks  | name | question | rule   | grade | message |
        |         | big  | n        | . < 10 | note  | Big     |"""
    assert remarks(form) == [
        ("portable_sheet", "checks"),
        ("portable_column", "survey!E"),
        ("portable_column", "survey!D"),
        ("portable_column", "choices!D"),
    ]


def test_a_label_without_language_beside_others_is_a_warning() -> None:
    form = """
        | survey | type | name | label | label::English (en) |
        |        | text | n    | N     | N                   |"""
    assert ("text_without_language", "survey!C") in remarks(form)


def test_an_issue_carries_the_text_of_its_cell() -> None:
    sheets = load_md("""
        | survey | type | name | label::Tiếng Việt (vi) | label::English (en) |
        |        | text | n    | Tên                    |                     |""").sheets
    told = quoted([Issue("missing_label", "survey!C3"), Issue("missing_translation", "survey!D3")], sheets)
    assert [issue.parameters.get("cell_text") for issue in told] == ["Tên", "Tên"]
