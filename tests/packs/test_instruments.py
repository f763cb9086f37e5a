"""The six questionnaires of the Ninh Bình pack against the tables they were agreed in, and against careless texts.

`expected/*.tsv` hold the agreed questions and choices: names, types, lists, labels, relevance, constraints, required.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import survey_app.programme
from forms import Group, Interview, LoadedForm, Question, Repeat, Row, Sheet, load_form, read_markdown

INSTRUMENTS = Path(survey_app.programme.__file__).parent / "packs" / "ninh_binh" / "instruments"
EXPECTED = Path(__file__).parent / "expected"
FORMS = (
    "rapid_assessment",
    "technology_survey",
    "environment_survey",
    "osh_survey",
    "self_assessment",
    "officer_capacity",
)
WITH_COMMON_BLOCK = FORMS[:5]
# questions outside repeats, questions inside repeats
COUNTS = {
    "rapid_assessment": (60, 8),
    "technology_survey": (33, 14),
    "environment_survey": (44, 16),
    "osh_survey": (46, 6),
    "self_assessment": (34, 0),
    "officer_capacity": (33, 0),
}
SCREENS = {
    "rapid_assessment": "qa_g0 qa_c1 qa_c2 qa_c3 qa_s1 qa_s2 qa_s3 qa_s4 qa_s5 qa_g9",
    "technology_survey": "te_g1 te_equip te_t te_h te_i te_o te_r",
    "environment_survey": "en_g1 en_energy en_g3 en_material en_g5 en_stack en_g7 en_g8 en_g9",
    "osh_survey": "os_g1 os_g2 os_g3 os_g4 os_g5 os_points os_g6",
    "self_assessment": "se_g1 se_g2 se_g3 se_g4",
    "officer_capacity": "df_g1 df_g2 df_g3 df_g4",
}
# Groups the tables do not have: they only carry a condition for the questions inside.
GATHERING = {"main", "se_g3_more"}
# Left out of the part that a survey visit carries; anywhere else the condition is true (shown in test_parts.py).
WHOLE_FORM = "${id_mode} = 'self' or not(instance('visit')/root/item/part = 'awareness_application')"
VERSIONS = dict.fromkeys(FORMS, "2026.1") | {"self_assessment": "2026.2"}
VI, EN = "Tiếng Việt (vi)", "English (en)"
TEXTS = ("label", "hint", "constraint_message", "required_message", "unit")
PERSONAL = {"id_resp_name", "id_resp_role", "id_phone", "id_email", "id_gps", "df_name", "df_position", "df_phone"}


@cache
def sheets(form: str) -> dict[str, Sheet]:
    return read_markdown((INSTRUMENTS / f"{form}.md").read_text(encoding="utf-8"))


@cache
def loaded(form: str) -> LoadedForm:
    return load_form((INSTRUMENTS / f"{form}.md").read_bytes(), f"{form}.md")


def expected(name: str) -> list[dict[str, str]]:
    with (EXPECTED / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def agreed_part(row: Row) -> dict[str, str]:
    kind, _, choices = row.get("type").partition(" ")
    return {
        "name": row.get("name"),
        "type": kind,
        "list": choices,
        "vi": row.get(f"label::{VI}"),
        "en": row.get(f"label::{EN}"),
        "relevant": row.get("relevant").replace(WHOLE_FORM, ""),
        "constraint": row.get("constraint"),
        "required": row.get("required"),
    }


def own_rows(form: str) -> list[Row]:
    """The rows of a form without the identification block and the groups that only gather others."""
    rows = list(sheets(form)["survey"].rows)
    if form in WITH_COMMON_BLOCK:
        rows = [row for row in rows[end_of_block(rows) + 1 :] if row.get("name") not in GATHERING]
    return [row for row in rows if not row.get("type").startswith("end_")]


def block_rows(form: str) -> list[Row]:
    rows = list(sheets(form)["survey"].rows)
    return rows[: end_of_block(rows) + 1]


def end_of_block(rows: list[Row]) -> int:
    return next(index for index, row in enumerate(rows) if row.get("type") == "end_group")


def questions(form: str) -> Iterator[Row]:
    return (row for row in sheets(form)["survey"].rows if not row.get("type").startswith(("begin_", "end_")))


def asked(form: str) -> list[Question]:
    """The form's questions, without the photo slots the product offers under figures (column `evidence`)."""
    found = list(loaded(form).definition.questions())
    slots = {question.evidence for question in found}
    return [question for question in found if question.name not in slots]


# -- agreement with the tables ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_form_asks_what_was_agreed_in_the_agreed_order(form: str) -> None:
    assert [agreed_part(row) for row in own_rows(form)] == expected(form)


@pytest.mark.parametrize("form", WITH_COMMON_BLOCK)
def test_the_identification_block_asks_what_was_agreed(form: str) -> None:
    assert [agreed_part(row) for row in block_rows(form)[1:-1]] == expected("common_block")


@pytest.mark.parametrize("form", WITH_COMMON_BLOCK[1:])
def test_the_identification_block_is_the_same_in_every_form_word_for_word(form: str) -> None:
    assert [row.cells for row in block_rows(form)] == [row.cells for row in block_rows(FORMS[0])]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_has_the_agreed_number_of_questions(form: str) -> None:
    repeats = {item.path for item in loaded(form).definition.walk() if isinstance(item, Repeat)}
    own = [question for question in asked(form) if question.path[0] != "id_block"]
    inside = [question for question in own if any(question.path[: len(path)] == path for path in repeats)]
    assert (len(own) - len(inside), len(inside)) == COUNTS[form]
    common = len(asked(form)) - len(own)
    assert common == (16 if form in WITH_COMMON_BLOCK else 0)


def test_the_choices_are_the_agreed_ones_in_both_languages() -> None:
    agreed: dict[str, list[tuple[str, str, str]]] = {}
    for line in expected("choices"):
        agreed.setdefault(line["list"], []).append((line["name"], line["vi"], line["en"]))
    used: set[str] = set()
    for form in FORMS:
        found: dict[str, list[tuple[str, str, str]]] = {}
        for row in sheets(form)["choices"].rows:
            texts = row.get("name"), row.get(f"label::{VI}"), row.get(f"label::{EN}")
            found.setdefault(row.get("list_name"), []).append(texts)
        assert found == {name: agreed[name] for name in found}
        used |= set(found)
    assert used == set(agreed)


# -- the forms as the system loads them -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_form_loads_without_a_warning(form: str) -> None:
    assert [(issue.where, issue.message) for issue in loaded(form).warnings] == []
    definition = loaded(form).definition
    assert (definition.form_id, definition.version, definition.languages) == (form, VERSIONS[form], ("vi", "en"))
    assert definition.title.plain("vi") != definition.title.plain("en")
    assert definition.instance_name is not None


@pytest.mark.parametrize("form", FORMS)
def test_relevance_and_constraints_of_the_tables_reach_the_loaded_form(form: str) -> None:
    tables = expected(form) + (expected("common_block") if form in WITH_COMMON_BLOCK else [])
    agreed = {row["name"]: row for row in tables}
    for question in asked(form):
        row = agreed[question.name]
        assert question.type == row["type"], question.name
        assert (question.choices or "") == row["list"], question.name
        assert (question.relevant is not None) == bool(row["relevant"]), question.name
        assert (question.constraint is not None) == bool(row["constraint"]), question.name
        assert (question.required is not None) == bool(row["required"]), question.name


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_of_consent_skips_everything_after_the_identification_block(form: str) -> None:
    items = loaded(form).definition.items
    if form in WITH_COMMON_BLOCK:
        block, main = items
        assert (block.name, main.name) == ("id_block", "main")
        assert isinstance(main, Group)
        assert next(row for row in sheets(form)["survey"].rows if row.get("name") == "main").get("relevant") == (
            "${id_consent} = 'yes'"
        )
        assert not any(isinstance(child, Question) for child in main.children)
        items = main.children
    assert [item.name for item in items] == SCREENS[form].split()


@pytest.mark.parametrize("form", WITH_COMMON_BLOCK)
def test_consent_stands_before_the_first_personal_question(form: str) -> None:
    names = [row.get("name") for row in questions(form)]
    personal = [row.get("name") for row in questions(form) if row.get("personal")]
    assert all(names.index("id_consent") < names.index(name) for name in personal)


def test_names_telephones_and_places_of_persons_are_marked_personal() -> None:
    marked = {
        question.name for form in FORMS for question in loaded(form).definition.questions() if question.is_personal
    }
    assert marked == PERSONAL


def test_only_the_self_assessment_shows_one_question_a_screen() -> None:
    screens = {form: loaded(form).definition.settings.get("screen") for form in FORMS}
    assert [form for form in FORMS if screens[form] == "question"] == ["self_assessment"]


# -- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_every_text_stands_in_both_languages(form: str) -> None:
    for row in sheets(form)["survey"].rows:
        for column in TEXTS:
            pair = bool(row.get(f"{column}::{VI}")), bool(row.get(f"{column}::{EN}"))
            assert pair in ((True, True), (False, False)), (row.get("name"), column)
        assert row.get("type").startswith("end_") or row.get(f"label::{VI}"), row.cell()
    for row in sheets(form)["choices"].rows:
        assert row.get(f"label::{VI}"), row.cell()
        assert row.get(f"label::{EN}"), row.cell()


@pytest.mark.parametrize("form", FORMS)
def test_every_question_but_a_self_explaining_knowledge_item_has_a_hint(form: str) -> None:
    without = [row.get("name") for row in questions(form) if not row.get(f"hint::{VI}")]
    assert [name for name in without if not name.startswith("df_k")] == []


@pytest.mark.parametrize("form", FORMS)
def test_a_constraint_and_its_message_come_together(form: str) -> None:
    assert [
        row.get("name")
        for row in questions(form)
        if bool(row.get("constraint")) != bool(row.get(f"constraint_message::{VI}"))
    ] == []


def limits_of(row: Row) -> list[str]:
    """The numbers an answer is compared with: the range that a message must state."""
    constraint = row.get("constraint").replace("count-selected(.) > 1", "")
    return re.findall(r"(?:\.|length\(.*?\.\)+|selected\(\.\)) (?:>=|<=|>|<) (-?[0-9]+(?:\.[0-9]+)?)", constraint)


def as_written(number: str, language: str, is_year: bool) -> str:
    whole, _, decimals = number.partition(".")
    if not is_year:
        whole = f"{int(whole):,}".replace(",", "." if language == VI else ",")
    return whole + (("," if language == VI else ".") + decimals if decimals else "")


@pytest.mark.parametrize("language", [VI, EN])
@pytest.mark.parametrize("form", FORMS)
def test_a_constraint_message_states_the_range_in_the_numbers_of_its_language(form: str, language: str) -> None:
    for row in questions(form):
        message = row.get(f"constraint_message::{language}")
        is_year = row.get("appearance") == "year"
        for number in limits_of(row):
            written = as_written(number, language, is_year)
            assert re.search(rf"(?<![0-9.,]){re.escape(written)}(?![0-9]|[.,][0-9])", message), (
                row.get("name"),
                number,
            )


@pytest.mark.parametrize("language", [VI, EN])
@pytest.mark.parametrize("form", FORMS)
def test_the_message_of_a_closed_range_names_the_unit(form: str, language: str) -> None:
    for row in questions(form):
        unit, is_closed = row.get(f"unit::{language}"), len(limits_of(row)) == 2
        if unit and is_closed and row.get("appearance") != "year":
            assert unit in row.get(f"constraint_message::{language}"), row.get("name")


@pytest.mark.parametrize("form", FORMS)
def test_a_unit_is_a_word_or_an_expression_never_both(form: str) -> None:
    assert [row.get("name") for row in questions(form) if row.get("unit") and row.get(f"unit::{VI}")] == []


@pytest.mark.parametrize("form", FORMS)
def test_texts_are_composed_and_free_of_stray_spaces(form: str) -> None:
    text = (INSTRUMENTS / f"{form}.md").read_text(encoding="utf-8")
    assert unicodedata.is_normalized("NFC", text)
    for row in (*sheets(form)["survey"].rows, *sheets(form)["choices"].rows):
        for header, cell in row.cells.items():
            if "::" in header:
                assert not re.search(r"  | [.,;:?]|\.\.", cell), (row.cell(header), cell)


# -- choices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_neither_points_nor_right_answers_stand_in_the_choices(form: str) -> None:
    assert set(sheets(form)["choices"].headers) <= {"list_name", "name", f"label::{VI}", f"label::{EN}", "exclusive"}
    for row in sheets(form)["choices"].rows:
        assert not re.search(r"[✓✗]|\[[0-9]+\]", "".join(row.cells.values())), row.cell()


@pytest.mark.parametrize("form", FORMS)
def test_a_choice_that_a_constraint_keeps_alone_is_marked_exclusive(form: str) -> None:
    marked = {(row.get("list_name"), row.get("name")) for row in sheets(form)["choices"].rows if row.get("exclusive")}
    kept_alone = {
        (row.get("type").split()[1], name)
        for row in questions(form)
        for name in re.findall(r"not\(selected\(\., '(\w+)'\)", row.get("constraint"))
    }
    assert marked == kept_alone


def test_knowledge_items_are_shuffled() -> None:
    items = [question for question in loaded("officer_capacity").definition.questions() if question.path[0] == "df_g3"]
    assert len(items) == 10
    assert all(question.parameters.get("randomize") == "true" for question in items)


# -- at work ----------------------------------------------------------------------------------------------------------


def interview(form: str, language: str = "vi") -> Interview:
    found = Interview(loaded(form).definition, language=language)
    if form in WITH_COMMON_BLOCK:
        found.set("id_block/id_consent", "yes")
    return found


@pytest.mark.parametrize(
    ("form", "repeat", "asked", "answer", "question", "vietnamese", "english"),
    [
        ("rapid_assessment", "", "qa_g0/qa_output_unit", "t", "qa_g0/qa_output_qty", "tấn", "tonne"),
        (
            "rapid_assessment",
            "",
            "qa_g0/qa_output_unit",
            "mvnd",
            "qa_g0/qa_output_qty",
            "triệu đồng doanh thu",
            "million VND revenue",
        ),
        ("rapid_assessment", "qa_g9/qa_measures", "qa_m_resource", "water", "qa_m_saved", "m³", "m³"),
        ("rapid_assessment", "qa_g9/qa_measures", "qa_m_resource", "other", "qa_m_saved", "triệu đồng", "million VND"),
        ("technology_survey", "", "te_g1/te_cap_unit", "m2", "te_g1/te_output", "m²", "square metre"),
        ("technology_survey", "te_equip", "te_e_cap_unit", "tấn/giờ", "te_e_capacity", "tấn/giờ", "tấn/giờ"),
        ("environment_survey", "en_energy", "en_e_type", "elec", "en_e_qty", "kWh", "kWh"),
        ("environment_survey", "en_energy", "en_e_type", "do", "en_e_qty", "lít", "litre"),
        ("environment_survey", "en_material", "en_m_unit", "kg", "en_m_qty", "kg", "kilogram"),
        ("osh_survey", "os_points", "os_p_factor", "noise", "os_p_value", "dBA", "dBA"),
        ("osh_survey", "os_points", "os_p_factor", "sil_resp", "os_p_value", "mg/m³", "mg/m³"),
    ],
)
def test_a_unit_follows_the_answer_it_depends_on(
    form: str, repeat: str, asked: str, answer: str, question: str, vietnamese: str, english: str
) -> None:
    for language, unit in (("vi", vietnamese), ("en", english)):
        found = interview(form, language)
        place = f"main/{repeat}/{found.add_row(f'main/{repeat}')}" if repeat else "main"
        assert found.unit(f"{place}/{question}") == ""
        found.set(f"{place}/{asked}", answer)
        assert found.unit(f"{place}/{question}") == unit


@pytest.mark.parametrize(
    ("fuel", "vietnamese", "english"),
    [
        ("", "", ""),
        ("coal34", "tấn", "tonne"),
        ("steam", "tấn", "tonne"),
        ("do", "lít", "litres"),
        ("gasoline", "lít", "litres"),
        ("lpg", "kg", "kilogram"),
        ("ng", "m³", "cubic metre"),
    ],
)
def test_the_unit_of_fuel_follows_its_type(fuel: str, vietnamese: str, english: str) -> None:
    for language, unit in (("vi", vietnamese), ("en", english)):
        found = interview("self_assessment", language)
        found.set("main/se_g2/se_apply", "system")
        found.set("main/se_g3/se_fuel_type", fuel or None)
        assert found.unit("main/se_g3/se_fuel0") == unit


@pytest.mark.parametrize(
    ("code", "is_right"),
    [
        ("0100047516", True),
        ("0100047516-001", True),
        ("0100047516001", True),
        ("0100047515", False),  # check digit
        ("0100045716", False),  # two digits swapped
        ("0100047516-000", False),
        ("0100000008", False),  # serial 0000000
        ("100047516", False),
    ],
)
def test_a_tax_code_is_checked_digit_by_digit(code: str, is_right: bool) -> None:
    found = interview("rapid_assessment")
    found.set("id_block/id_legal", "llc")
    found.set("id_block/id_tax", code)
    assert [issue.code for issue in found.issues("id_block/id_tax")] == ([] if is_right else ["constraint"])


def test_a_household_business_is_not_asked_for_a_tax_code() -> None:
    found = interview("self_assessment")
    found.set("id_block/id_legal", "household")
    assert not found.is_relevant("id_block/id_tax")


@pytest.mark.parametrize("form", WITH_COMMON_BLOCK)
def test_without_consent_no_person_and_no_figure_is_asked_for(form: str) -> None:
    found = interview(form)
    found.set("id_block/id_consent", "no")
    paths = [question.path for question in loaded(form).definition.questions()]
    asked = [path[-1] for path in paths if path[0] == "id_block" and found.is_relevant("/".join(path))]
    assert asked[-1] == "id_consent"
    assert not found.is_relevant("main")
    assert "main" not in found.answers
