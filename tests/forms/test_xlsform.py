"""Rows: every issue at once, each with its cell; what authors may write; what pyxform says."""

from __future__ import annotations

from pathlib import Path

import pytest

from forms import MESSAGES, TYPES, FormError, Group, Interview, Repeat, load_form, load_form_from_markdown, to_json
from forms.portability import portability
from tests.drivers import codes_of, form_from_md, issues_of, load_md

SAMPLES = Path(__file__).parents[1] / "sample_forms"


def test_every_issue_of_a_form_is_found_at_once_with_its_cell() -> None:
    assert codes_of("""
        | survey | type          | name  | label | relevant   | constraint | choice_filter |
        |        | integer       | beds  | Beds  | ${bed} > 1 |            |               |
        |        | colour        | c     | C     |            |            |               |
        |        | text          | 1st   | First |            | . > (3     |               |
        |        | select_one yn | q     | Q     |            |            | x = 1         |
        |        | select_one no | r     | R     |            |            |               |
        |        | text          | beds  | Again |            | foo(.)     |               |
        |        | begin_group   | g     | G     |            |            |               |

        | choices | list_name | name | label |
        |         | yn        | y    | Yes   |
        |         | yn        | y    | Yes   |
        |         | yn        |      | No    |
        |         | yn        | a b  | Both  |
        """) == [
        ("duplicate_choice", "choices!B13"),
        ("choice_without_name", "choices!B14"),
        ("choice_name_space", "choices!B15"),
        ("unknown_type", "survey!A4"),
        ("bad_name", "survey!B5"),
        ("duplicate_name", "survey!B8"),
        ("missing_end", "survey!A9"),
        ("expression_unknown_reference_near", "survey!D3"),
        ("expression_unclosed", "survey!E5"),
        ("expression_unknown_column", "survey!F6"),
        ("missing_list", "survey!A7"),
        ("expression_unknown_function_near", "survey!E8"),
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("select_one | a | A", "missing_list_name"),
        ("| a | A", "missing_type"),
        ("text | | A", "missing_name"),
        ("text | meta | A", "reserved_name"),
        ("end_group | |", "unmatched_end"),
        ("background-audio | a | A", "unsupported_type"),
        ("begin_loop | a | A", "unsupported_type"),
        ("osm | a | A", "unsupported_type"),
        ("select_one ${b} | a | A", "choices_from_repeat"),
        ("calculate | a |", "missing_calculation"),
    ],
)
def test_a_faulty_row_is_reported(row: str, expected: str) -> None:
    codes = [
        code
        for code, _ in codes_of(f"""
        | survey | type | name | label |
        |        | text | b    | B     |
        |        | {row} |""")
    ]
    assert expected in codes


def test_a_circle_of_calculations_is_reported_with_its_names() -> None:
    (issue,) = issues_of("""
        | survey | type      | name | calculation |
        |        | calculate | a    | ${b} + 1    |
        |        | calculate | b    | ${a} + 1    |""")
    assert (issue.code, issue.where) == ("cycle", "survey!A3")
    assert issue.parameters["names"] == "a → b → a"


@pytest.mark.parametrize(
    ("column", "text"), [("calculation", "${a} + 1"), ("relevant", "${a} = 1"), ("calculation", "sum(${a})")]
)
def test_a_value_that_needs_itself_is_a_circle(column: str, text: str) -> None:
    calculation = text if column == "calculation" else "1"
    relevant = text if column == "relevant" else ""
    codes = [
        code
        for code, _ in codes_of(f"""
        | survey | type      | name | calculation   | relevant   |
        |        | calculate | a    | {calculation} | {relevant} |""")
    ]
    assert codes == ["cycle"]


@pytest.mark.parametrize("text", ["once(uuid())", "coalesce(., 1)", "indexed-repeat(${a}, ${r}, position(..) - 1) + 1"])
def test_an_old_value_or_another_row_is_no_circle(text: str) -> None:
    assert form_from_md(f"""
        | survey | type         | name | label | calculation |
        |        | begin_repeat | r    | R     |             |
        |        | calculate    | a    |       | {text}      |
        |        | end_repeat   |      |       |             |""").order == (("r", "a"),)


def test_calculations_stand_in_the_order_they_need_relevance_included() -> None:
    form = form_from_md("""
        | survey | type      | name  | label | calculation   | relevant |
        |        | calculate | last  |       | ${seen} + 1   |          |
        |        | integer   | seen  | Seen  |               | ${on} = 1 |
        |        | calculate | on    |       | 1             |          |""")
    assert form.order == (("on",), ("last",))


def test_a_thousand_calculations_in_a_chain_are_ordered() -> None:
    rows = "\n".join(f"| | calculate | c{n} | ${{c{n + 1}}} + 1 |" for n in range(1_000))
    form = form_from_md(f"| survey | type | name | calculation |\n{rows}\n| | calculate | c1000 | 1 |")
    assert form.order[0] == ("c1000",)


def test_a_missing_translation_is_a_warning_at_its_cell() -> None:
    (issue,) = issues_of("""
        | survey | type | name | label::Tiếng Việt (vi) | label::English (en) |
        |        | text | a    | Tên                    | Name                |
        |        | text | b    | Tuổi                   |                     |""")
    assert (issue.code, issue.where, issue.severity) == ("missing_translation", "survey!D4", "warning")


def test_a_missing_translation_does_not_become_a_dash() -> None:
    form = form_from_md("""
        | survey | type | name | label::Tiếng Việt (vi) | label::English (en) |
        |        | text | a    | Tên                    |                     |
        |        | text | b    | Tuổi                   | Age                 |""")
    (question, _) = form.questions()
    assert question.label.by_language == {"vi": ("Tên",)}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("int", "integer"),
        ("string", "text"),
        ("photo", "image"),
        ("gps", "geopoint"),
        ("datetime", "dateTime"),
        ("select one yn", "select_one"),
        ("select1 yn", "select_one"),
        ("select all that apply from yn", "select_multiple"),
        ("Select_Multiple yn", "select_multiple"),
        ("trigger", "acknowledge"),
        ("percentage", "integer"),
    ],
)
def test_other_spellings_of_a_type_are_understood(written: str, meant: str) -> None:
    form = form_from_md(f"""
        | survey | type      | name | label |
        |        | {written} | a    | A     |

        | choices | list name | value | label |
        |         | yn        | y     | Yes   |""")
    assert [question.type for question in form.questions()] == [meant]


def test_other_spellings_of_columns_are_understood() -> None:
    form = form_from_md("""
        | survey | command | tag | caption | Relevance | readonly | calculate |
        |        | integer | a   | A       |           |          |           |
        |        | integer | b   | B       | ${a} > 1  | yes      | ${a} + 1  |""")
    b = list(form.questions())[1]
    assert all((b.relevant, b.calculation, b.read_only))


def test_pyxforms_own_refusal_is_reported_in_its_words() -> None:
    (issue,) = issues_of("""
        | survey | type  | name | label | parameters        |
        |        | image | a    | A     | max-pixels=many   |""")
    assert issue.code == "pyxform"
    assert "max-pixels" in issue.message
    assert issue.where.startswith("survey")


def test_a_workbook_without_a_survey_is_refused() -> None:
    assert codes_of("| choices | list_name | name |\n| | a | b |")[0][0] == "no_survey"


def test_or_other_brings_a_choice_and_a_question() -> None:
    form = load_form((SAMPLES / "features/defaults_triggers.md").read_bytes(), "f.md").definition
    assert [choice.name for choice in form.choice_lists["things"].choices] == ["sink", "lamp", "other"]
    assert form.find(("has_other",)) is not None


def test_instances_given_at_run_time_are_declared_in_the_xform() -> None:
    loaded = load_md("""
        | survey | type      | name | calculation                                          |
        |        | calculate | a    | instance('register')/root/item[1]/workers            |
        |        | calculate | b    | pulldata('prices', 'price', 'name', 'electricity')   |

        | settings | form_id | external_instances |
        |          | f       | register prices    |""")
    assert 'id="register"' in loaded.xform
    assert loaded.definition.settings["external_instances"] == "register prices"


def test_the_stored_xform_bears_none_of_our_columns() -> None:
    loaded = load_md("""
        | survey | type    | name | label | unit | personal | evidence |
        |        | integer | a    | A     | kWh  | yes      | p        |
        |        | image   | p    | P     |      |          |          |""")
    assert "kWh" not in loaded.xform
    assert "personal" not in loaded.xform


def test_an_unknown_column_is_left_out_with_a_warning() -> None:
    assert codes_of("""
        | survey | type | name | label | colour |
        |        | text | a    | A     | red    |""") == [("unknown_column", "survey!1")]


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_has_a_sample_form_that_loads(name: str) -> None:
    form = load_form((SAMPLES / f"types/{name}.md").read_bytes(), f"{name}.md").definition
    assert [question.type for question in form.questions()] == [name]


@pytest.mark.parametrize("path", sorted((SAMPLES / "features").glob("*.md")), ids=lambda path: path.stem)
def test_feature_samples_load_without_a_warning(path: Path) -> None:
    assert load_form(path.read_bytes(), path.name).warnings == ()


def test_nested_repeats_keep_their_shape() -> None:
    form = load_form((SAMPLES / "features/nested_repeats.md").read_bytes(), "f.md").definition
    house, inside, room = (
        form.find(("house",)),
        form.find(("house", "inside")),
        form.find(("house", "inside", "room")),
    )
    assert isinstance(house, Repeat)
    assert house.count is not None
    assert isinstance(inside, Group)
    assert isinstance(room, Repeat)


def test_every_message_can_be_filled_from_its_parameters() -> None:
    for text in MESSAGES.values():
        assert text.strip()
    with pytest.raises(FormError) as caught:
        load_form_from_markdown("| survey | type | name |\n| | text | a b |")
    assert all(issue.message for issue in caught.value.issues)


def test_hostile_texts_in_cells_stay_texts() -> None:
    form = form_from_md("""
        | survey | type | name | label                                       |
        |        | text | a    | <script>alert(1)</script> & ]]> "quoted" '  |""")
    (question,) = form.questions()
    assert question.label.plain("und") == """<script>alert(1)</script> & ]]> "quoted" '"""
    assert "<script>" in str(to_json(form))


def test_a_reference_to_one_of_several_names_is_reported_at_its_cell() -> None:
    assert codes_of("""
        | survey | type        | name | label | relevant |
        |        | begin_group | g    | G     |          |
        |        | text        | a    | A     |          |
        |        | end_group   |      |       |          |
        |        | text        | a    | A     |          |
        |        | text        | b    | B     | ${a} = 1 |""") == [("expression_ambiguous_reference", "survey!D7")]


@pytest.mark.parametrize(
    ("type_", "low", "high"),
    [("percentage", -1, 101), ("number of days in last month", -1, 32), ("number of days in last year", -1, 366)],
)
def test_the_old_shortcuts_keep_their_limits(type_: str, low: int, high: int) -> None:
    form = load_form_from_markdown(f"| survey |\n| | type | name | label |\n| | {type_} | q | Q |\n").definition
    interview = Interview(form)
    for value, codes in ((low, ["constraint"]), (high, ["constraint"]), (3, [])):
        interview.set("q", value)
        assert [issue.code for issue in interview.issues()] == codes


@pytest.mark.parametrize("type_", ["simserial", "subscriberid", "get sim id", "uri:email"])
def test_what_a_browser_does_not_know_stays_blank_and_is_said(type_: str) -> None:
    loaded = load_form_from_markdown(
        f"| survey |\n| | type | name | label |\n| | {type_} | m | |\n| | text | q | Q |\n"
    )
    assert [issue.code for issue in loaded.warnings] == ["blank_here"]
    assert 'jr:preload="property"' in loaded.xform
    assert Interview(loaded.definition).value("m") is None


@pytest.mark.parametrize(
    "type_", ["add text prompt", "q string", "string", "add note prompt", "get today", "q picture"]
)
def test_the_first_spellings_of_types_are_understood(type_: str) -> None:
    form = load_form_from_markdown(f"| survey |\n| | type | name | label |\n| | {type_} | q | Q |\n").definition
    assert [question.name for question in form.questions()] == ["q"]


def test_choices_by_search_are_refused_by_name() -> None:
    md = "| survey |\n| | type | name | label | appearance |\n| | select_one l | q | Q | minimal search('towns') |\n"
    md += "| choices |\n| | list_name | name | label |\n| | l | code | title |\n"
    with pytest.raises(FormError) as caught:
        load_form_from_markdown(md)
    assert [(issue.code, issue.where) for issue in caught.value.issues] == [("unsupported_search", "survey!D3")]


def test_settings_for_other_clients_are_named() -> None:
    md = "| survey |\n| | type | name | label |\n| | text | q | Q |\n| settings |\n| | form_id | public_key | auto_send | odd |\n"
    loaded = load_form_from_markdown(md + "| | f | MIIB | yes | 1 |\n")
    found = {(issue.code, issue.parameters.get("name")) for issue in loaded.warnings}
    assert found == {("setting_elsewhere", "public_key"), ("setting_elsewhere", "auto_send"), ("unknown_column", "odd")}


def test_a_row_without_a_label_that_needs_one_is_named_by_its_cell() -> None:
    with pytest.raises(FormError) as caught:
        load_form_from_markdown("| survey |\n| | type | name | label |\n| | text | a | A |\n| | integer | b | |\n")
    assert ("label_needed", "survey!C4") in [(issue.code, issue.where) for issue in caught.value.issues]


def test_a_trigger_in_a_repeat_sets_what_stands_in_a_group_of_the_same_row() -> None:
    definition = load_form_from_markdown("""
        | survey |              |      |       |             |         |
        |        | type         | name | label | calculation | trigger |
        |        | begin repeat | row  | Row   |             |         |
        |        | integer      | x    | X     |             |         |
        |        | begin group  | g    | G     |             |         |
        |        | integer      | z    | Z     |             |         |
        |        | calculate    | y    |       | ${z} + ${x} | ${x}    |
        |        | end group    |      |       |             |         |
        |        | end repeat   |      |       |             |         |
    """).definition
    interview = Interview(definition)
    for row in ("a", "b"):
        interview.add_row("row", row)
    interview.set("row/b/g/z", 5)
    assert interview.value("row/b/g/y") is None
    interview.set("row/b/x", 2)
    assert [interview.value(f"row/{row}/g/y") for row in ("a", "b")] == [None, 7]


@pytest.mark.parametrize(
    ("cell", "found", "instead"),
    [
        ("${a} == 1", "==", "="),
        ("${a} = 1 && ${a} = 2", "&&", "and"),
        ("${a} = 1 AND ${a} = 2", "AND", "and"),
        (". = 1 || . = 2", "||", "or"),
        (". <> 1", "<>", "!="),
        (". => 1", "=>", ">="),
        (". / 2 > 1", "/", "div"),
        (". % 2 = 0", "%", "mod"),
    ],
)
def test_an_operator_of_another_language_is_named_with_the_one_to_write(cell: str, found: str, instead: str) -> None:
    escaped = cell.replace("|", "\\|")
    (issue,) = issues_of(f"""
        | survey | type    | name | label | constraint |
        |        | integer | a    | A     |            |
        |        | integer | b    | B     | {escaped}  |""")
    assert (issue.code, issue.where) == ("expression_operator", "survey!D4")
    assert (issue.parameters["found"], issue.parameters["instead"]) == (found, instead)


def test_curled_quotes_and_loose_references_are_read_as_pyxform_and_authors_mean_them() -> None:
    form = form_from_md("""
        | survey | type | name | label | relevant           | calculation        |
        |        | text | a    | A     |                    |                    |
        |        | text | b    | B     | ${ a } = ‘yes’     |                    |
        |        | text | c    | C “x” |                    | concat(“<”, ${a})  |""")
    interview = Interview(form)
    interview.set("a", "yes")
    assert interview.is_relevant("b")
    assert interview.value("c") == "<yes"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("integre | a | A", ("unknown_type_near", "integer")),
        ("select_oen yn | a | A", ("unknown_type_near", "select_one yn")),
        ("select_one my list | a | A", ("list_name_space", None)),
        ("begin loop over yn | a | A", ("unsupported_type", None)),
        ("text audit | a |", ("unsupported_type", None)),
        ("db:person | a | A", ("unsupported_type", None)),
    ],
)
def test_a_type_that_cannot_be_run_is_told_once_with_what_was_meant(row: str, expected: tuple[str, str]) -> None:
    (issue,) = issues_of(f"| survey | type | name | label |\n| | {row} |\n| | text | other | O |")
    assert (issue.code, issue.parameters.get("near")) == expected


def test_functions_of_surveycto_are_called_so() -> None:
    (issue,) = issues_of(
        "| survey | type | name | calculation |\n| | calculate | a | 1 + duration() |\n| | today | t | |"
    )
    assert (issue.code, issue.parameters["owner"], issue.where) == (
        "expression_foreign_function", "SurveyCTO", "survey!C2",
    )  # fmt: skip


def test_a_title_above_the_headers_is_told_once_and_not_row_by_row() -> None:
    found = codes_of("| survey | My form |\n| | type | name |\n| | text | a |")
    assert ("missing_column", "survey!1") in found


def test_a_default_that_its_own_question_would_refuse_is_a_warning() -> None:
    loaded = load_form_from_markdown("""
        | survey  | type              | name | label | default    |
        |         | integer           | n    | N     | abc        |
        |         | date              | d    | D     | 31/12/2020 |
        |         | date              | e    | E     | today()    |
        |         | integer           | s    | S     | 1 + 2      |
        |         | select_one l      | o    | O     | zzz        |
        |         | select_multiple l | m    | M     | x y        |
        | choices | list_name | name | label |
        |         | l         | x    | X     |
        |         | l         | y    | Y     |""")
    found = [(issue.code, issue.where) for issue in loaded.warnings if issue.code.startswith("default")]
    assert found == [("default_misfit", "survey!D3"), ("default_misfit", "survey!D4"), ("default_unknown", "survey!D7")]


def test_what_pyxform_warns_of_is_told_in_our_words_with_the_cell() -> None:
    loaded = load_form_from_markdown("""
        | survey  | type         | name | label::Klingon |
        |         | text         | a    | A              |
        |         | select_one l | A    | B              |
        | choices | list_name | name | label::Klingon |
        |         | l         | x    |                |""")
    found = {(issue.code, issue.where) for issue in loaded.warnings}
    assert found >= {("name_case", "survey!B4"), ("language_code_missing", "survey!1")}
    assert not [issue for issue in loaded.warnings if issue.code == "pyxform"]


def test_an_unknown_parameter_is_named_with_those_that_there_are() -> None:
    (issue,) = issues_of("""
        | survey | type  | name | label | parameters |
        |        | range | a    | A     | begin=1    |""")
    assert (issue.code, issue.where, issue.parameters["name"]) == ("unknown_parameter", "survey!D3", "begin")


def test_labels_without_a_language_beside_choices_with_languages_are_told() -> None:
    loaded = load_form_from_markdown("""
        | survey  | type         | name | label |
        |         | select_one l | a    | A     |
        | choices | list_name | name | label::English (en) | label::Français (fr) |
        |         | l         | x    | X                   | X                    |""")
    told = [issue.code for issue in portability(loaded.sheets)]
    assert "text_without_language" in told
