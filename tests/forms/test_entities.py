"""The sheet `entities`: what a set of answers would create or update in a register."""

from __future__ import annotations

import textwrap
import uuid
from typing import Any

import pytest

from forms import FormError, Interview, entity_changes, from_json, load_form_from_markdown, to_bundle_json, to_json

ID = uuid.UUID("0d0e6f4e-0000-4000-8000-000000000001")
UPDATING = """
| survey |         |        |       |         |
|        | type    | name   | label | save_to |
|        | text    | unit   | Unit  |         |
|        | integer | staff  | Staff | workers |
|        | text    | street | Where | address |
| entities |         |                  |                |                |        |
|          | dataset | entity_id        | update_if      | create_if      | label  |
|          | firms   | {entity_id} | {update_if} | {create_if} | ${{unit}} |
"""
IN_ROWS = """
| survey |              |       |       |         |
|        | type         | name  | label | save_to |
|        | text         | ward  | Ward  |         |
|        | begin repeat | kiln  | Kiln  |         |
|        | text         | kname | Name  | brand   |
|        | integer      | fuel  | Fuel  | coal    |
|        | end repeat   |       |       |         |
| entities |           |                                |           |
|          | list_name | label                          | create_if |
|          | kilns     | concat(${ward}, '-', ${kname}) | ${fuel} > 0 |
"""


def changes(form: str, answers: dict[str, Any]) -> list[tuple[str, str, str, dict[str, Any]]]:
    definition = load_form_from_markdown(textwrap.dedent(form)).definition
    assert from_json(to_json(definition)) == definition
    assert "entities" not in to_bundle_json(definition, definition.languages[0])
    found = entity_changes(Interview(definition, answers), ID)
    return [(change.operation, change.entity_id, change.label, dict(change.values)) for change in found]


@pytest.mark.parametrize(
    ("entity_id", "update_if", "create_if", "unit", "expected"),
    [
        ("", "", "", "A", "create"),
        ("", "", "${staff} > 9", "A", "create"),
        ("", "", "${staff} > 10", "A", None),
        ("${unit}", "", "", "A", "update"),
        ("${unit}", "", "", "", None),
        ("${unit}", "${staff} > 9", "", "A", "update"),
        ("${unit}", "${staff} > 10", "", "A", None),
        ("${unit}", "${staff} > 10", "${staff} > 9", "A", "create"),
        ("${unit}", "false()", "true()", "", "create"),
    ],
)
def test_an_id_updates_and_none_creates_when_the_conditions_say_so(
    entity_id: str, update_if: str, create_if: str, unit: str, expected: str | None
) -> None:
    form = UPDATING.format(entity_id=entity_id, update_if=update_if, create_if=create_if)
    found = changes(form, {"unit": unit, "staff": 10})
    assert [operation for operation, *_ in found] == ([expected] if expected else [])
    if expected == "update":
        assert found == [("update", "A", "A", {"workers": 10, "address": None})]


def test_each_row_of_a_repeat_is_an_entry_with_an_id_that_stays() -> None:
    rows = [{"_id": "r1", "kname": "A", "fuel": 5}, {"_id": "r2", "kname": "B", "fuel": 0}]
    first, again = (changes(IN_ROWS, {"ward": "W", "kiln": rows}) for _ in range(2))
    assert first == again
    assert [(operation, label, values) for operation, _, label, values in first] == [
        ("create", "W-A", {"brand": "A", "coal": 5})
    ]


@pytest.mark.parametrize(
    ("save_to", "code"),
    [("other#x", "entity_unknown_list"), ("workers", "entity_twice"), ("firms#workers", "entity_twice")],
)
def test_a_wrong_save_to_is_told_with_its_cell(save_to: str, code: str) -> None:
    form = UPDATING.format(entity_id="", update_if="", create_if="").replace("| address |", f"| {save_to} |")
    with pytest.raises(FormError) as refused:
        load_form_from_markdown(textwrap.dedent(form))
    assert [(issue.code, issue.where) for issue in refused.value.issues] == [(code, "survey!D6")]


def test_save_to_needs_the_sheet() -> None:
    form = UPDATING.split("| entities")[0]
    with pytest.raises(FormError) as refused:
        load_form_from_markdown(textwrap.dedent(form))
    assert {issue.code for issue in refused.value.issues} == {"entity_unknown_list"}
