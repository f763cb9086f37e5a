"""The registry of appearances, and what an upload says of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from forms.appearances import APPEARANCES, Support, find_appearance, kind_of, tokens
from forms.types import TYPES
from tests.drivers import issues_of

SAMPLES = Path(__file__).parents[1] / "sample_forms"
# Second names of an appearance, and those of the widths: one of each kind stands in a sample form.
SAME_AS_ANOTHER = {
    "tel", "phone", "email", "spinner", "search", "quickcompact", "horizontal", "compact", "compact-*", "list",
    "hide-input", "new-front", "selfie", *(f"w{number}" for number in (1, 2, 5, 7, 8, 9, 10, 11)),
}  # fmt: skip


def said(type_name: str, appearance: str, style: str = "") -> list[tuple[str, str, str]]:
    """(code, cell, severity) of what an upload says of the appearances."""
    issues = issues_of(f"""
        | survey   | type | name | label | appearance |
        |          | {type_name} | a | A | {appearance} |
        | choices  | list_name | name | label |
        |          | yn | yes | Yes |
        | settings | form_id | version | form_title | style |
        |          | f | 1 | F | {style} |""")
    return [(i.code, i.where, i.severity.value) for i in issues if i.code.startswith("appearance")]


@pytest.mark.parametrize(
    ("type_name", "appearance", "code", "severity"),
    [
        ("text", "ex:org.example.app(a='b c')", "appearance_refused", "error"),
        ("text", "multilin", "appearance_unknown", "warning"),
        ("integer", "minimal", "appearance_misplaced", "warning"),
        ("date", "ethiopian", "appearance_no_effect", "note"),
    ],
)
def test_an_appearance_that_is_not_run_is_told_by_its_cell(
    type_name: str, appearance: str, code: str, severity: str
) -> None:
    assert said(type_name, appearance) == [(code, "survey!D3", severity)]


def test_appearances_that_are_run_pass_in_silence_also_several_in_one_cell() -> None:
    assert said("select_one yn", "columns-3 no-buttons w4") == []
    assert said("text", "", style="theme-grid pages") == []


def test_a_style_that_is_not_known_is_told() -> None:
    assert [code for code, _, _ in said("text", "", style="pagse")] == ["appearance_unknown"]


def test_a_call_in_a_cell_is_one_word() -> None:
    assert tokens("minimal search('a', 'matches', 'b') quick") == ["minimal", "search('a', 'matches', 'b')", "quick"]


def test_no_name_means_two_things_on_the_same_kind() -> None:
    seen: set[tuple[str, str]] = set()
    for appearance in APPEARANCES:
        pairs = {(appearance.name, kind) for kind in appearance.kinds}
        assert not pairs & seen, appearance.name
        seen |= pairs


def test_every_appearance_that_is_run_stands_in_a_sample_form() -> None:
    cells = {
        (row[2], word)
        for file in SAMPLES.rglob("*.md")
        for line in file.read_text(encoding="utf8").splitlines()
        if len(row := [cell.strip() for cell in line.split("|")]) > 3
        for cell in row[3:]
        for word in cell.split()
    }
    used = set()
    for type_name, word in cells:
        name = type_name.removeprefix("begin ").split(" ")[0]
        kind = kind_of(name) if name in (*TYPES, "group", "repeat") else "form"
        found = find_appearance(word, kind)
        used |= {found.name} if found else set()
    run = {appearance.name for appearance in APPEARANCES if appearance.support is Support.RUN}
    assert run - used == SAME_AS_ANOTHER
