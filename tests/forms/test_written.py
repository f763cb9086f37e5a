"""A tree is written as its author would write it, and reads back as the same tree."""

from __future__ import annotations

import pytest

from forms import compare, parse, schema_of, written
from tests.drivers import form_from_md

FORM = """
    | survey  | type         | name | label |
    |         | integer      | a    | A     |
    |         | select_one l | b    | B     |
    |         | begin repeat | r    | R     |
    |         | integer      | v    | V     |
    |         | end repeat   |      |       |
    | choices | list_name | name | label | size |
    |         | l         | x    | X     | 1    |
"""


@pytest.mark.parametrize(
    "text",
    [
        "${a} > 0 and ${a} < 10 or not(${b} = 'x')",
        "(${a} + 1) * 2 - 3",
        "1 - (2 - 3)",
        "12 div (4 div 2)",
        "-${a} + -(1 + 2)",
        "selected(${b}, 'x') and (${a} = 1 or ${a} = 2)",
        "sum(${v}) mod 7",
        "instance('l')/root/item[name = 'x' and size > 0]/label",
        "concat(\"it's\", 'b')",
    ],
)
def test_what_is_written_reads_back_as_the_same_tree(text: str) -> None:
    schema = schema_of(form_from_md(FORM))
    tree = parse(text, schema, ("a",))
    assert parse(written(tree), schema, ("a",)) == tree


def test_the_own_answer_is_written_as_a_point() -> None:
    schema = schema_of(form_from_md(FORM))
    assert written(parse(". > 0 and . < ${a}", schema, ("r", "v")), ("r", "v")) == ". > 0 and . < ${a}"


def test_a_comparison_shows_each_cell_before_and_after_with_what_it_means_for_the_data() -> None:
    before = form_from_md("""
        | survey | type    | name  | label::Tiếng Việt (vi) | label::English (en) | constraint | appearance |
        |        | integer | staff | Người                  | People              | . > 0      |            |""")
    after = form_from_md("""
        | survey | type    | name  | label::Tiếng Việt (vi) | label::English (en) | constraint       | appearance |
        |        | integer | staff | Lao động               | People              | . > 0 and . < 99 | counter    |""")
    changes = {change.code: change for change in compare(before, after)}
    cells = {code: [(c.column, c.language, c.before, c.after) for c in changes[code].cells] for code in changes}
    assert cells == {
        "change_text": [("label", "vi", "Người", "Lao động")],
        "change_logic": [("constraint", "", ". > 0", ". > 0 and . < 99")],
        "change_shown": [("appearance", "", "", "counter")],
    }
    assert changes["change_logic"].consequence == "data_logic"
