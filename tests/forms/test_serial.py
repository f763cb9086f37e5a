"""Definitions as JSON: nothing is lost in the stored shape; a phone gets only what it may have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forms import from_json, load_form, to_bundle_json, to_json
from tests.drivers import form_from_md

SAMPLES = sorted((Path(__file__).parents[1] / "sample_forms").rglob("*.md"))
FORM = """
| survey | type    | name | label::Tiếng Việt (vi) | label::English (en) | hint::English (en) | relevant |
|        | integer | a    | Số A                   | Number A            | How many?          |          |
|        | note    | n    | Ông/bà ghi ${a}        | You wrote ${a}      |                    | ${a} > 1 |

| choices | list_name | name | label::Tiếng Việt (vi) | label::English (en) |
|         | yn        | y    | Có                     | Yes                 |

| scores | kind      | name   | label::English (en) | parents | rule          | where  |
|        | value     | open   | Open                |         | ${a} * 2      |        |
|        | item      | key    | Right answer        | D       | if(${a}=42,100,0) | server |
|        | dimension | D      | D                   |         |               |        |

| checks | name | question | rule  | grade | message::Tiếng Việt (vi) |
|        | c    | a        | . < 9 | note  | Xem lại                  |
"""


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_definition_survives_the_way_through_json(path: Path) -> None:
    form = load_form(path.read_bytes(), path.name).definition
    assert from_json(json.loads(json.dumps(to_json(form)))) == form


def test_our_sheets_survive_the_way_through_json() -> None:
    form = form_from_md(FORM)
    assert from_json(json.loads(json.dumps(to_json(form)))) == form


def test_a_bundle_holds_one_language_and_no_cells() -> None:
    text = json.dumps(to_bundle_json(form_from_md(FORM), "en"), ensure_ascii=False)
    assert "Ông/bà" not in text
    assert "survey!" not in text
    assert '"cell"' not in text


def test_a_bundle_drops_what_the_page_shows_already_and_keeps_references() -> None:
    a, note = to_bundle_json(form_from_md(FORM), "en")["items"]
    assert "label" not in a
    assert "hint" not in a
    assert note["label"] == ["You wrote ", {"x": ["$", 0, "a"]}]


def test_rows_marked_server_never_reach_a_phone() -> None:
    bundle = to_bundle_json(form_from_md(FORM), "en")
    assert [row["name"] for row in bundle["scores"]] == ["open", "D"]
    assert "42" not in json.dumps(bundle)


def test_a_text_missing_in_a_language_is_shown_in_another() -> None:
    (check,) = to_bundle_json(form_from_md(FORM), "en")["checks"]
    assert check["message"] == "Xem lại"


def test_json_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="version 2"):
        from_json({**to_json(form_from_md(FORM)), "ast": 2})
