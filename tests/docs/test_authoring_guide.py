"""docs/authoring.md is true: each example is a sample form, loads without a warning, and does what stands under it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from forms import (
    FUNCTIONS,
    TYPES,
    Clock,
    Interview,
    LoadedForm,
    Question,
    compute_indicators,
    compute_scores,
    entity_changes,
    load_form,
    parse,
    recommend_measures,
    run_checks,
    schema_of,
    screens,
    to_markdown,
    to_text,
)
from forms.columns import known_columns

pytestmark = pytest.mark.one_database
ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/authoring.md").read_text(encoding="utf8")
SAMPLES = ROOT / "tests/sample_forms/authoring"
CLOCK = Clock(datetime.fromisoformat("2026-11-23T22:50:00+07:00"))
FENCE = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.M | re.S)
BLOCKS = [(match[1], match[2], match[3]) for match in FENCE.finditer(GUIDE)]
FORMS = {name: text for kind, name, text in BLOCKS if kind == "form"}
FILES = {name: text.encode() for kind, name, text in BLOCKS if kind == "file"}  # "<form>/<file>" -> content
EXPECTED = [(name, text) for kind, name, text in BLOCKS if kind == "expect"]
TABLE = """
    | survey  | type         | name         | label | relevant |
    |         | begin_repeat | r            | R     |          |
    |         | integer      | n            | N     |          |
    |         | integer      | b            | B     |          |
    |         | end_repeat   |              |       |          |
    |         | text         | word         | Word  |          |
    |         | select_one l | pick         | Pick  |          |
    |         | integer      | blank_number | Blank |          |
    |         | text         | hidden       | H     | false()  |
    |         | text         | here         | Here  |          |
    | choices | list_name | name | label |
    |         | l         | a    | A     |
    |         | l         | b    | B     |
    | settings | form_id | version |
    |          | table   | 1       |
"""


def load(name: str) -> LoadedForm:
    files = {file.removeprefix(f"{name}/"): content for file, content in FILES.items() if file.startswith(f"{name}/")}
    return load_form(FORMS[name].encode(), f"{name}.md", files=files)


def tables(text: str) -> list[list[str]]:
    """The cells of every row, however wide the columns are drawn."""
    lines = (line.strip() for line in text.splitlines() if line.strip().startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# Examples -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_an_example_is_a_sample_form(name: str) -> None:
    assert tables((SAMPLES / f"{name}.md").read_text(encoding="utf8")) == tables(FORMS[name])


def test_every_sample_is_shown_and_every_example_has_its_expectations() -> None:
    assert {path.stem for path in SAMPLES.glob("*.md")} == set(FORMS) == {name for name, _ in EXPECTED}


@pytest.mark.parametrize("name", FORMS)
def test_an_example_loads_without_a_warning(name: str) -> None:
    assert [(issue.where, issue.message) for issue in load(name).warnings] == []


@pytest.mark.parametrize(("name", "text"), EXPECTED, ids=[name for name, _ in EXPECTED])
def test_an_example_does_what_stands_under_it(name: str, text: str) -> None:
    form = load(name).definition
    run = Run(Interview(form, clock=CLOCK, language=form.languages[0]))
    for line in text.splitlines():
        run.line(line)


class Run:
    """Carries out the lines of an expectation, one after the other."""

    def __init__(self, interview: Interview) -> None:
        self.interview = interview

    def line(self, text: str) -> None:
        verb, _, rest = text.partition(" ")
        step = getattr(self, f"do_{verb.rstrip(':')}", None)
        if step is not None:
            step(rest)
        else:
            address, _, value = text.partition(" = ")
            found = self.interview.value(self.at(address))
            assert ("" if found is None else found) == json.loads(value), text

    def at(self, name: str) -> str:
        """The address of a question that stands in no repeat by its name; an address as it is."""
        paths = [item.path for item in self.interview.definition.walk() if item.name == name]
        return "/".join(paths[0]) if "/" not in name and paths else name

    def question(self, name: str) -> Question:
        return next(question for question in self.interview.definition.questions() if question.name == name)

    def do_set(self, rest: str) -> None:
        name, _, value = rest.partition(" ")
        is_number = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) and not re.match(r"0[0-9]", value)
        self.interview.set(self.at(name), json.loads(value) if is_number else value)

    def do_add(self, rest: str) -> None:
        repeat, row = rest.split()
        self.interview.add_row(self.at(repeat), row)

    def do_language(self, code: str) -> None:
        values, rows = self.interview.all_values, {}
        self.interview = Interview(self.interview.definition, clock=CLOCK, language=code)
        self.interview.load(values, rows)

    def do_rows(self, rest: str) -> None:
        repeat, count = rest.split()
        assert len(self.interview.rows(self.at(repeat))) == int(count)

    def do_asked(self, name: str) -> None:
        assert self.interview.is_relevant(self.at(name)), name

    def do_not(self, rest: str) -> None:
        what, name = rest.split()
        test = {"asked": self.interview.is_relevant, "required": self.interview.is_required}[what]
        assert not test(self.at(name)), name

    def do_required(self, name: str) -> None:
        assert self.interview.is_required(self.at(name)), name

    def do_refused(self, rest: str) -> None:
        name, _, message = rest.partition(": ")
        found = self.interview.issue(self.at(name))
        assert found is not None, name
        if message:
            assert next(iter(found.own_message.values())) == message

    def do_accepted(self, name: str) -> None:
        assert self.interview.issue(self.at(name)) is None, name

    def do_choices(self, rest: str) -> None:
        name, _, names = rest.partition(":")
        assert [choice.name for choice in self.interview.choices(self.at(name))] == names.split()

    def do_label(self, rest: str) -> None:
        name, _, words = rest.partition(": ")
        assert self.interview.text(self.question(name).label, self.at(name)) == words

    def do_unit(self, rest: str) -> None:
        name, _, words = rest.partition(": ")
        assert self.interview.unit(self.at(name)) == words

    def do_personal(self, name: str) -> None:
        assert self.question(name).is_personal

    def do_named(self, words: str) -> None:
        rule = self.interview.definition.instance_name
        assert rule is not None
        assert to_text(self.interview.evaluate(rule)) == words

    def do_screens(self, count: str) -> None:
        assert len(screens(self.interview.definition)) == int(count)

    def do_proposes(self, rest: str) -> None:
        found = [
            f"{one.operation} {one.dataset}: {' '.join(f'{name}={value}' for name, value in one.values.items())}"
            for one in entity_changes(self.interview, UUID(int=1))
        ]
        assert found == ([] if rest == "nothing" else [rest])

    def do_value(self, rest: str) -> None:
        name, _, value = rest.partition(" = ")
        found = {one.name: one.value for one in compute_scores(self.interview).values}
        assert found[name] == json.loads(value)

    def do_score(self, rest: str) -> None:
        name, _, value = rest.partition(" = ")
        found = {index.name: index.value for index in compute_scores(self.interview).indexes}
        assert found[name] == json.loads(value)

    def do_band(self, rest: str) -> None:
        name, _, label = rest.partition(" = ")
        found = {index.name: index.band_label for index in compute_scores(self.interview).indexes}
        assert found[name] == label

    def do_indicator(self, rest: str) -> None:
        name, _, value = rest.partition(" = ")
        assert compute_indicators(self.interview)[name] == json.loads(value)

    def measures(self) -> dict[str, float | None]:
        found = recommend_measures(self.interview)
        every = (*found.listed, *found.others, *found.investments)
        return {one.code: one.saving.mid if one.saving else None for one in every}

    def do_measure(self, rest: str) -> None:
        code, _, saving = rest.partition(" saves ")
        assert self.measures()[code] == pytest.approx(json.loads(saving))

    def do_no(self, rest: str) -> None:
        assert rest.removeprefix("measure ") not in self.measures()

    def do_check(self, rest: str) -> None:
        name, _, state = rest.partition(" ")
        held = {result.name: result.holds for result in run_checks(self.interview)}
        assert held[name] == (state == "passes")


# Tables ---------------------------------------------------------------------------------------------------------


def rows_of(heading: str) -> Iterator[list[str]]:
    """The rows of the first table after a heading."""
    part = GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    body = part[part.index("|---") :]
    for line in body.splitlines()[1:]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip().strip("|").split("|")]


FUNCTION_ROWS = [(row[0].strip("`"), row[1].strip("`"), row[2]) for row in rows_of("Expressions")]
DECISIONS = [(row[0], row[1].strip("`"), row[2]) for row in rows_of("Where engines disagree")]


@pytest.fixture(scope="module")
def table() -> Interview:
    import textwrap

    form = load_form(textwrap.dedent(TABLE).encode(), "table.md").definition
    answers = {
        "r": [{"_id": "1", "n": 2, "b": None}, {"_id": "2", "n": 4, "b": 2}], "word": "kwh", "pick": "b",
        "hidden": "something",
    }  # fmt: skip
    return Interview(form, answers, clock=CLOCK)


@pytest.mark.parametrize(("name", "example", "gives"), FUNCTION_ROWS, ids=[row[0] for row in FUNCTION_ROWS])
def test_a_function_gives_what_the_table_says(name: str, example: str, gives: str, table: Interview) -> None:
    assert f"{name}(" in example
    assert shown(table, example) == gives


@pytest.mark.parametrize(("point", "example", "gives"), DECISIONS, ids=[row[0] for row in DECISIONS])
def test_where_engines_disagree_we_do_what_the_table_says(
    point: str, example: str, gives: str, table: Interview
) -> None:
    assert shown(table, example) == gives, point


def shown(table: Interview, example: str) -> str:
    tree = parse(example, schema_of(table.definition), ("here",))
    return to_text(table.evaluate(tree, table.root))


def test_the_table_of_functions_is_complete() -> None:
    assert {name for name, _, _ in FUNCTION_ROWS} == set(FUNCTIONS)


def test_every_type_and_every_column_is_in_an_example_or_a_table() -> None:
    words = {word.lower() for word in re.findall(r"[A-Za-z_][\w:\-]*", GUIDE.replace("::", " "))}
    assert sorted(known_columns() - words) == []
    assert sorted({name.lower() for name in TYPES} - words) == []


def test_every_type_of_the_examples_is_really_asked() -> None:
    used = {question.type for name in FORMS for question in load(name).definition.questions()}
    assert sorted(set(TYPES) - used) == []


def test_the_page_of_types_is_as_the_registries_are() -> None:
    path = ROOT / "docs/question-types.md"
    assert path.read_text(encoding="utf8") == to_markdown(), "run: python tools/question_types.py"
