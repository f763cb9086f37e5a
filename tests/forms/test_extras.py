"""Our own sheets and columns."""

from __future__ import annotations

import pytest

from forms import Path, references
from tests.drivers import codes_of, form_from_md

SURVEY = """
| survey | type         | name | label |
|        | integer      | kwh  | kWh   |
|        | begin_repeat | m    | M     |
|        | decimal      | cost | Cost  |
|        | end_repeat   |      |       |
"""


def test_a_figure_is_a_question_for_the_rules_after_it() -> None:
    form = form_from_md(
        SURVEY
        + """
| scores | kind      | name   | parents | rule                | repeat |
|        | value     | double |         | ${kwh} * 2          |        |
|        | value     | net    |         | ${cost} * 0.9       | m      |
|        | item      | i      | D       | sum(${net}) + ${double} + ${kwh} |  |
|        | dimension | D      | X       |                     |        |
|        | index     | X      |         |                     |        |
|        | band      | good   | X       | 75                  |        |
"""
    )
    double, net, item, *_ = form.scores
    assert (double.questions, net.repeat, item.questions) == ((("kwh",),), ("m",), (("kwh",),))
    assert set(references(item.rule)) == {("m", "net"), ("double",), ("kwh",)}
    assert Path(("m", "cost"), 1) in getattr(net.rule, "arguments", ())


def test_a_figure_cannot_be_used_before_its_row() -> None:
    assert codes_of(
        SURVEY
        + """
| scores | kind  | name | rule     |
|        | value | a    | ${b} + 1 |
|        | value | b    | ${kwh}   |
"""
    )[0] == ("expression_unknown_reference", "scores!C9")


def test_a_check_in_a_repeat_is_evaluated_in_its_row() -> None:
    form = form_from_md(
        SURVEY
        + """
| checks | name | question | rule          | grade  | message       |
|        | c    | cost     | . < 5         | reason | Is ${cost} right? |
"""
    )
    (check,) = form.checks
    assert check.question == ("m", "cost")
    assert set(references(check.rule)) == {("m", "cost")}
    assert check.message.parts("und")[1] == Path(("m", "cost"), 0)


def test_every_issue_of_our_sheets_is_found_beside_those_of_the_survey() -> None:
    codes = codes_of("""
| survey | type   | name | label |
|        | colour | a    | A     |

| indicators | name | kind  | rule      |
|            | x    | truth | ${no} > 1 |
|            | x    | maybe | true()    |
|            | y    | truth |           |

| resources | name | cost | cap |
|           | elec | 1    | 7   |

| measures | code | trigger | resources | saving_low | saving_high | payback_low | payback_high | group |
|          | M1   | true()  | gas       | 0.3        | 0.1         | 1           | few          | free  |

| checks | name | question | rule   | grade |
|        | k    | nothing  | true() | loud  |
""")
    assert [code for code, _ in codes] == [
        "unknown_type",
        "expression_unknown_reference",
        "extra_duplicate",
        "extra_kind",
        "extra_missing",
        "extra_number",
        "extra_unknown",
        "extra_number",
        "extra_kind",
        "extra_order",
        "extra_unknown",
        "extra_kind",
    ]
    assert ("extra_number", "measures!G14") in codes


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("| value | kwh | | 1 | |", "extra_duplicate"),
        ("| value | a | | | |", "extra_missing"),
        ("| item | a | Z | 1 | |", "extra_unknown"),
        ("| value | a | | 1 | kwh |", "extra_not_repeat"),
        ("| thing | a | | 1 | |", "extra_kind"),
        ("| band | a | | 1 | |", "extra_missing"),
    ],
)
def test_a_faulty_score_row_is_reported(row: str, expected: str) -> None:
    codes = codes_of(f"{SURVEY}\n| scores | kind | name | parents | rule | repeat |\n| {row}")
    assert [code for code, _ in codes] == [expected]


def test_a_unit_is_a_word_per_language_or_an_expression() -> None:
    form = form_from_md("""
| survey | type | name | label | unit::Tiếng Việt (vi) | unit::English (en) | unit |
| | integer | a | A | tấn | tonnes | |
| | select_one u | k | Unit | | | |
| | integer | b | B | | | if(${k} = 't', 'tấn', 'kg') |

| choices | list_name | name | label |
| | u | t | tonne |""")
    a, _, b = form.questions()
    assert (a.unit.plain("vi"), a.unit.plain("en"), a.unit_expression) == ("tấn", "tonnes", None)
    assert not b.unit
    assert set(references(b.unit_expression)) == {("k",)}


def test_evidence_names_a_photo_question() -> None:
    md = """
        | survey | type    | name | label | evidence | personal |
        |        | integer | a    | A     | {}       | yes      |
        |        | image   | p    | P     |          |          |
        |        | text    | t    | T     |          |          |"""
    (a, *_) = form_from_md(md.format("p")).questions()
    assert (a.evidence, a.is_personal) == ("p", True)
    assert codes_of(md.format("t")) == [("evidence_not_image", "survey!D3")]
