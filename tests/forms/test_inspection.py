"""What an author is told of a form that has no errors: length, dead questions, unread values, missing texts."""

from __future__ import annotations

from forms import graph_of, inspect, layers, run_from_json, run_to_json
from forms.rehearsal import random_run
from tests.drivers import form_from_md

FORM = """
    | survey | type            | name  | label::Tiếng Việt (vi) | label::English (en) | relevant          | calculation  |
    |        | select_one kind | what  | Loại                   | Kind                |                   |              |
    |        | begin group     | farm  | Trại                   | Farm                | ${what} = 'farm'  |              |
    |        | integer         | cows  | Bò                     | Cows                |                   |              |
    |        | integer         | pigs  | Lợn                    |                     |                   |              |
    |        | end group       |       |                        |                     |                   |              |
    |        | integer         | kwh   | Điện                   | Power               | ${what} = 'mill'  |              |
    |        | text            | late  | Muộn                   | Late                | ${what} = 'shop'  |              |
    |        | text            | nil   | Không                  | Nil                 | 1 = 2 and ${kwh}  |              |
    |        | calculate       | twice |                        |                     |                   | ${cows} * 2  |
    |        | calculate       | four  |                        |                     |                   | ${twice} * 2 |
    |        | note            | said  | ${twice}               | ${twice}            |                   |              |
    | choices | list_name | name | label::Tiếng Việt (vi) | label::English (en) |
    |         | kind      | farm | Trại                   | Farm                |
    |         | kind      | mill | Xưởng                  | Mill                |
    |         | old       | a    | A                      | A                   |
"""


def test_the_longest_way_counts_only_the_fullest_of_the_ways_that_exclude_each_other() -> None:
    length = inspect(form_from_md(FORM)).length
    # what, cows and pigs, nil; not kwh, which only a mill is asked, and not late
    assert (length.questions, length.notes, length.longest) == (6, 1, 4)


def test_a_relevance_that_can_never_hold_is_told_with_its_reason() -> None:
    found = {one.path: (one.hint, one.cell) for one in inspect(form_from_md(FORM)).unreachable}
    assert {path: hint for path, (hint, _) in found.items()} == {"late": "never_choice", "nil": "never_constant"}
    assert found["late"][1].startswith("survey!A")


def test_what_lies_in_a_group_never_asked_is_not_told_again() -> None:
    form = form_from_md("""
        | survey | type        | name | label | relevant |
        |        | begin group | shut | Shut  | false()  |
        |        | text        | in   | In    | false()  |
        |        | end group   |      |       |          |
        |        | text        | out  | Out   |          |""")
    assert [one.path for one in inspect(form).unreachable] == ["shut"]


def test_a_rule_about_the_day_is_no_constant() -> None:
    form = form_from_md("""
        | survey | type | name | label | relevant                       |
        |        | text | soon | Soon  | today() > date('2999-01-01')   |""")
    assert inspect(form).unreachable == ()


def test_lists_and_calculations_nobody_reads_are_named() -> None:
    found = inspect(form_from_md(FORM))
    assert found.unused_lists == ("old",)
    assert found.unused_calculations == ("four",)


def test_a_list_read_by_an_expression_is_used() -> None:
    form = form_from_md("""
        | survey  | type      | name | calculation                                           | label |
        |         | calculate | c    | count(instance('other')/root/item[name != 'x'])       |       |
        |         | note      | n    |                                                       | ${c}  |
        | choices | list_name | name | label |
        |         | other     | x    | X     |""")
    assert inspect(form).unused_lists == ()


def test_texts_that_a_language_lacks_are_listed_with_what_another_says() -> None:
    found = inspect(form_from_md(FORM)).untranslated
    assert found["vi"] == ()
    assert [(one.path, one.column, one.text) for one in found["en"]] == [("farm/pigs", "label", "Lợn")]


# The graph ------------------------------------------------------------------------------------------------------


def test_the_graph_names_the_column_by_which_a_row_reads_another() -> None:
    form = form_from_md("""
        | survey | type            | name  | label      | relevant    | constraint   | choice_filter | default | trigger | calculation |
        |        | integer         | staff | Staff      |             |              |               |         |         |             |
        |        | integer         | women | Women      | ${staff} > 0 | . <= ${staff} |              |         |         |             |
        |        | select_one area | where | In ${staff} |             |              | size = ${women} |       |         |             |
        |        | begin repeat    | room  | Room       |             |              |               |         |         |             |
        |        | decimal         | floor | Floor      |             |              |               |         |         |             |
        |        | end repeat      |       |            |             |              |               |         |         |             |
        |        | calculate       | sum   |            |             |              |               |         |         | sum(${floor}) |
        |        | calculate       | when  |            |             |              |               |         | ${women} | now()      |
        | choices | list_name | name | label | size |
        |         | area      | a    | A     | 1    |
        | checks | name | question | rule          | grade | message |
        |        | many | women    | ${women} < 90 | note  | Many    |
        | settings | instance_name      |
        |          | concat(${staff})   |""")
    links = {(link.source, link.column, link.target) for link in graph_of(form).links}
    assert links == {
        ("staff", "relevant", "women"),
        ("staff", "constraint", "women"),
        ("staff", "label", "where"),
        ("women", "choice_filter", "where"),
        ("room/floor", "calculation", "sum"),
        ("women", "trigger", "when"),
        ("women", "question", "checks/many"),
        ("women", "rule", "checks/many"),
        ("staff", "instance_name", "settings/instance_name"),
    }


def test_a_row_stands_right_of_all_it_depends_on() -> None:
    form = form_from_md(FORM)
    columns = layers(graph_of(form), ["farm/cows", "twice", "four", "said"])
    assert columns == [["farm/cows"], ["twice"], ["four", "said"]]


# The run as a program -------------------------------------------------------------------------------------------


def test_a_run_survives_being_written_as_json() -> None:
    run = random_run(form_from_md(FORM), 20)
    assert run_from_json(run_to_json(run)) == run
    assert run.never_asked == ("late", "nil")
