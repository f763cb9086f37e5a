"""`survey check FILE` says what the upload page says, and its exit code is for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from survey_app.cli import main, survey
from tests.drivers import load_md

GOOD = """
| survey  | type          | name | label::Tiếng Việt (vi) | label::English (en) | relevant   | constraint |
|         | select_one yn | a    | Có?                    | Is it?              |            |            |
|         | integer       | b    | Bao nhiêu?             |                     | ${a} = 'y' | . > floor(2.5) |
|         | text          | c    | Gì?                    | What?               | 1 = 2      |            |
| choices | list_name | name | label::Tiếng Việt (vi) | label::English (en) |
|         | yn        | y    | Có                     | Yes                 |
|         | yn        | n    | Không                  | No                  |
"""
BAD = GOOD.replace("integer ", "integr  ").replace("${a} = 'y'", "${aa} = 1")


def check(tmp_path: Path, source: str, *options: str, name: str = "form.md") -> Result:
    file = tmp_path / name
    file.write_text(source, encoding="utf8")
    runner = CliRunner()
    return runner.invoke(survey, ["check", str(file), *options])


@pytest.fixture(autouse=True)
def inside(app: Flask) -> object:
    """Commands run inside the application, as `flask --app wsgi survey` starts them."""
    with app.app_context():
        yield


def test_a_usable_workbook_ends_with_0_and_its_remarks(tmp_path: Path) -> None:
    result = check(tmp_path, GOOD, "--respondents", "30")
    assert result.exit_code == 0, result.output
    assert "survey!D4: The text is missing in English (en).\n    Bao nhiêu?" in result.output
    assert "survey!F4: ODK Collect has no floor()" in result.output
    assert "3 questions, at most 3 on one way through" in result.output
    assert "survey!A5: c is never asked. Its relevance is false whatever is answered." in result.output
    assert "30 of 30 came to the end" in result.output
    assert "c was never asked" in result.output


def test_errors_are_printed_with_their_cells_and_end_with_1(tmp_path: Path) -> None:
    result = check(tmp_path, BAD)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert "  survey!A4: There is no question type “integr”. Did you mean “integer”?" in lines
    assert "  survey!E4: There is no question “aa”. Did you mean “a”?" in lines or any("“aa”" in line for line in lines)
    assert lines[-1] == "form.md cannot be used yet"


def test_the_messages_come_in_vietnamese_too(tmp_path: Path) -> None:
    result = check(tmp_path, BAD, "--language", "vi")
    assert "Phải sửa (2)" in result.output


def test_a_program_gets_the_same_as_json(tmp_path: Path) -> None:
    found = json.loads(check(tmp_path, GOOD, "--format", "json", "--respondents", "20").output)
    assert found["is_usable"] is True
    assert found["length"]["questions"] == 3
    assert [one["path"] for one in found["unreachable"]] == ["c"]
    assert found["untranslated"]["en"] == [{"path": "b", "column": "label", "text": "Bao nhiêu?"}]
    assert found["random_run"]["respondents"] == 20
    assert ["a", "relevant", "b"] in found["links"]
    assert {issue["where"] for issue in found["issues"]} == {"survey!D4", "survey!F4"}


def test_an_xform_is_looked_through_as_well(tmp_path: Path) -> None:
    xform = load_md(GOOD.replace("| yn        | n ", "| old       | n ")).xform
    result = check(tmp_path, xform, "--respondents", "0", name="form.xml")
    assert result.exit_code == 0, result.output
    assert "/data/c: c is never asked." in result.output
    assert "No question uses the choice list old." in result.output
    assert "b (label): Bao nhiêu?" in result.output


def test_a_list_beside_the_workbook_is_taken_along(tmp_path: Path) -> None:
    source = "| survey | type | name | label |\n| | select_one_from_file towns.csv | t | Town |\n"
    assert check(tmp_path, source, "--respondents", "0").exit_code == 0  # a draft may wait for its files
    missing = check(tmp_path, source, "--respondents", "0").output
    (tmp_path / "towns.csv").write_text("name,label\na,A\nb,B\n", encoding="utf8")
    found = check(tmp_path, source, "--respondents", "10", "--format", "json")
    assert "towns.csv" in missing
    assert json.loads(found.output)["random_run"]["finished"] == 10
    assert "towns.csv" not in json.dumps(json.loads(found.output)["issues"])


def test_the_program_survey_checks_without_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "form.md"
    file.write_text(BAD, encoding="utf8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["check", str(file), "--respondents", "0"])
    assert ended.value.code == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".sqlite3") == ["form.md"]
