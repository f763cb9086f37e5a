"""The house's import rules as a table; any other edge fails."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_database
ROOT = Path(__file__).parents[2]
# Inside survey_app a module may import those of a lower level, never of its own level or above (its own folder apart).
LEVELS: dict[str, float] = {
    "models": 0, "config": 0, "db": 1, "languages": 1, "assets": 2, "compression": 2, "migrate": 2, "problems": 2,
    "content": 3, "files": 3, "mail": 3, "access": 3, "json_reader": 3,
    "accounts": 4, "housekeeping": 4,
    "questionnaires": 5,
    "programme": 5.5,
    "registers": 6,
    "campaigns": 7,
    "submissions": 8,
    "collect": 9, "openrosa": 9, "reports": 9, "results": 9,
    "authoring": 9.5,
    "demo": 10,
    "cli": 11, "__init__": 12,
}
# Through these modules features use each other; views, web forms and schemas are private.
DOORS = {"service", "intake", "limits", "pack", "specs", "cells", "demo", "pages", "export", "outcomes", "attachments", "bundle", "inspection", "proposals"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(file: Path) -> list[str]:
    tree = ast.parse(file.read_text(encoding="utf8"))
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names if node.module.count(".") <= 1]
    return found


@pytest.mark.parametrize("file", modules("forms"), ids=str)
def test_forms_know_no_web_no_database_no_pandas(file: Path) -> None:
    banned = ("flask", "sqlalchemy", "pandas", "numpy", "survey_app", "analysis")
    assert [name for name in imports(file) if name.split(".")[0] in banned] == []


@pytest.mark.parametrize("file", modules("analysis"), ids=str)
def test_analysis_knows_no_web_no_database_no_forms(file: Path) -> None:
    banned = ("flask", "sqlalchemy", "survey_app", "forms")
    assert [name for name in imports(file) if name.split(".")[0] in banned] == []


def part(file: Path) -> str:
    relative = file.relative_to(ROOT / "survey_app").parts
    return relative[0].removesuffix(".py")


def edges() -> list[tuple[Path, str, str]]:
    found = []
    for file in modules("survey_app"):
        for name in imports(file):
            pieces = name.split(".")
            if pieces[0] == "survey_app" and len(pieces) > 1 and pieces[1] in LEVELS and pieces[1] != part(file):
                found.append((file, part(file), name))
    return found


def test_inside_survey_app_imports_go_down_only() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file, mine, name in edges()
        if LEVELS[mine] <= LEVELS[name.split(".")[1]]
    ]
    assert wrong == []


def test_features_use_each_other_by_their_doors() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file, mine, name in edges()
        if LEVELS[name.split(".")[1]] >= 4 and mine not in {"__init__", "cli"}
        and len(name.split(".")) > 2 and name.split(".")[2] not in DOORS
    ]
    assert wrong == []


def test_outside_a_package_its_door_is_used() -> None:
    wrong = []
    for package, allowed in (("forms", {"forms"}), ("analysis", {"analysis"})):
        for file in modules("survey_app"):
            tree = ast.parse(file.read_text(encoding="utf8"))
            names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
            wrong += [
                f"{file.relative_to(ROOT)}: {name}" for name in names
                if name.split(".")[0] == package and name not in allowed | {"forms.issues"}
            ]
    assert wrong == []


def test_the_web_process_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, importlib; importlib.import_module('survey_app'); "
        "from survey_app import FEATURES; [importlib.import_module('survey_app.' + f) for f in FEATURES]; "
        "print([m for m in ('pandas', 'scipy', 'typst', 'pyxform', 'xlsxwriter', 'alembic') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"


def test_no_file_has_a_name_that_says_nothing() -> None:
    banned = {"utils.py", "helpers.py", "common.py", "base.py", "misc.py", "utils.ts", "helpers.ts", "common.ts"}
    assert [file for package in ("forms", "analysis", "survey_app") for file in modules(package) if file.name in banned] == []
