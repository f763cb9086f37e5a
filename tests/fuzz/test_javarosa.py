"""A small part of `make compare`: JavaRosa, the engine of ODK Collect, gives our verdicts where no decision says otherwise."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tools.compare.__main__ import report, run
from tools.compare.explained import EXPLANATIONS, explain
from tools.compare.judging import Difference
from tools.compare.subjects import generated, instruments

pytestmark = [pytest.mark.one_database, pytest.mark.xdist_group("javarosa")]
needs_java = pytest.mark.skipif(not shutil.which("javac"), reason="no JDK: not compared with JavaRosa")
TABLE = Path(__file__).parents[2] / "docs" / "decisions" / "0006-dialect.md"


@needs_java
def test_javarosa_says_the_same_of_every_instrument_and_of_generated_forms(capsys: pytest.CaptureFixture[str]) -> None:
    found = run([*instruments(), *generated(12, 5000)], 2)
    assert report(found) == 0, capsys.readouterr().out
    assert len(found) == 18
    assert sum(sum(compared.checks.values()) for compared in found.values()) > 3000
    assert all(not compared.differences for name, compared in found.items() if not name.startswith("fuzz_"))


def test_every_explanation_is_a_row_of_the_decision_table() -> None:
    rows = set(re.findall(r"^\| ([a-z-]+) \|", TABLE.read_text("utf-8"), re.MULTILINE))
    assert {each.row for each in EXPLANATIONS} - rows == set()


def difference(path: str, rule: str, ours: object = 1, theirs: object = 2, instance: int = 0) -> Difference:
    return Difference("form", path, "value", ours, theirs, rule, instance)


def test_what_follows_from_an_explained_difference_is_explained_and_nothing_else() -> None:
    root, follower = difference("/biggest", "max(${n})"), difference("/twice", "${biggest} * 2")
    stranger, elsewhere = difference("/other", "${a} + 1"), difference("/twice", "${biggest} * 2", instance=1)
    found = {(one.path, one.instance): row for one, row in explain([follower, root, stranger, elsewhere])}
    assert found == {("/biggest", 0): "max-min", ("/twice", 0): "max-min", ("/other", 0): None, ("/twice", 1): None}


def test_a_truth_and_a_date_are_explained_only_by_their_own_spelling() -> None:
    ours_and_theirs = (
        ("true", "1"),
        ("true", "0"),
        ("2026-01-02", "2026-01-02T00:00:00.000+07:00"),
        ("2026-01-02", "2026-01-03"),
    )
    found = [next(explain([difference("/x", "${a}", *pair)]))[1] for pair in ours_and_theirs]
    assert found == ["truth-text", None, "date-text", None]
