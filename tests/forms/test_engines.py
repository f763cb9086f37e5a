"""Both engines side by side: patterns, hostile expressions, and the command that runs recorded cases."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forms import Clock, evaluate, open_document
from forms.expressions.documents import document_scope, parse_in_document
from forms.expressions.patterns import matches
from forms.model import Call, Literal
from tests.conformance import run
from tests.conformance.expression_run import TypeScript, mismatch, name_of, on_python, row_explaining
from tests.conformance.other_readings import READINGS, turned

_CHARACTERS = st.sampled_from(list("ab0_ .-é\n"))
_ATOMS = st.sampled_from(
    [
        "a",
        "b",
        "0",
        ".",
        r"\d",
        r"\w",
        r"\s",
        r"\D",
        r"\W",
        r"\S",
        "[ab]",
        "[^a]",
        r"[a-z\d_]",
        "[é0-9]",
        r"\.",
        r"\b",
        "é",
        "_",
        " ",
    ]
)
_REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,}"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bracketed = st.tuples(st.sampled_from(["(", "(?:"]), inner, _REPEATS).map(
        lambda parts: f"{parts[0]}{parts[1]}){parts[2]}"
    )
    joined = st.lists(inner, min_size=2, max_size=3).map("".join)
    return bracketed | joined | st.lists(inner, min_size=2, max_size=3).map("|".join)


_BUILT = st.recursive(st.tuples(_ATOMS, _REPEATS).map("".join), _grown, max_leaves=6)
_WILD = st.text(alphabet="ab0.*+?()[]{}|^$\\d-,1é", max_size=12)


@pytest.fixture(scope="module")
def node() -> Iterator[TypeScript]:
    child = TypeScript()
    yield child
    child.close()


@given(pairs=st.lists(st.tuples(_BUILT | _WILD, st.text(_CHARACTERS, max_size=12)), min_size=50, max_size=100))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_pattern_says_the_same_on_both_engines(node: TypeScript, pairs: list[tuple[str, str]]) -> None:
    expected = [str(matches(subject, pattern)).lower() for pattern, subject in pairs]
    found = node.values([Call("regex", (Literal(subject), Literal(pattern))) for pattern, subject in pairs])
    assert [pair for pair, one, other in zip(pairs, expected, found, strict=True) if one != other] == []


# --- hostile expressions


@pytest.mark.parametrize(
    "expression",
    [
        "count(//a[count(//a[count(//a[count(//a) > 0]) > 0]) > 0])",
        "count(//a[. = //a[. = //a]])",
        f"concat({', '.join(['string(/d)'] * 60)})",
        f"string-length({'concat(' * 20}'x'{', string(/d), string(/d), string(/d), string(/d))' * 20})",
    ],
    ids=["nested predicates", "all against all", "a long text", "a text that doubles"],
)
def test_a_hostile_expression_is_stopped_on_both_engines(node: TypeScript, expression: str) -> None:
    document = open_document(f"<d>{'<a>many letters here</a>' * 1000}</d>")
    tree = parse_in_document(expression)
    started = time.perf_counter()
    assert evaluate(tree, document_scope(document, "/", Clock.utc(), None)) == ""
    assert time.perf_counter() - started < 60
    started = time.perf_counter()
    assert node.is_stopped(document, tree)
    assert time.perf_counter() - started < 60


@pytest.mark.parametrize(
    ("expression", "context", "nodes"),
    [
        ("/", "/*[1]", ("/",)),
        ("count(/) = 1", "/*[1]", None),
        ("self::d", "/*[1]", ("/*[1]",)),
        ("self::n", "/*[1]", ()),
        ("parent::d/child::n", "/*[1]/*[1]", ("/*[1]/*[1]", "/*[1]/*[2]")),
        ("parent::e", "/*[1]/*[1]", ()),
    ],
)
def test_the_document_itself_and_named_self_and_parent_are_found_on_both_engines(
    node: TypeScript, expression: str, context: str, nodes: tuple[str, ...] | None
) -> None:
    recorded = case(expression, "nodeset", []) | {"ctx": context}
    for engine in (on_python, node):
        found = engine(recorded)
        assert found.nodes == nodes
        assert found.truth is (nodes is None or found.text != "")


# --- the command


def case(expression: str, kind: str, expected: Any) -> dict[str, Any]:
    return {"xml": "<d><n>1</n><n/></d>", "ctx": "/", "expr": expression, "kind": kind, "expected": expected}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cases = [
        case("sum(/d/n)", "number", 1),
        case("ancestor::d", "nodeset", []),
        case("sum(/d/n)", "number", "NaN"),
        case("//n", "nodeset", ["/*[1]/*[1]", "/*[1]/*[2]"]),
    ]
    (tmp_path / "expressions.json").write_text(json.dumps(cases))
    monkeypatch.setattr(run, "KNOWN", tmp_path / "known.toml")
    monkeypatch.setattr(run, "MOST_KNOWN", 0.3)
    know(tmp_path, (2, cases[2]))
    return tmp_path


def know(folder: Path, *cases: tuple[int, dict[str, Any]]) -> None:
    rows = [f'[[known]]\ncase = "{name_of(place, one)}"\nrow = "sum"\n' for place, one in cases]
    (folder / "known.toml").write_text("\n".join(rows))


def test_the_command_counts_what_passed_is_known_and_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main([str(folder)]) == 0
    said = capsys.readouterr().out
    for engine in ("Python", "TypeScript"):
        assert f"{engine:11} 4 cases: 2 passed, 1 known, 1 refused, 0 failed" in said
    assert "Python and TypeScript differ on 0" in said


def test_a_case_that_fails_fails_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "expressions.json").write_text(json.dumps([case("sum(/d/n)", "number", 2)]))
    assert run.main([str(folder), "-v"]) == 1
    assert "'sum(/d/n)' at /: expected 2, found 1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "expression", "kind", "theirs", "neither"),
    [
        ("sum", "sum(/d/n)", "number", "NaN", 0),
        ("whole-days", "date('2001-12-26') + 5", "string", "11687.291666666666", "11687.25"),
        ("whole-days", "number('2008-09-05')", "numrounded", 14127.29, 14126.71),
        ("date-zero", "date(1.5)", "string", "1970-01-02T05:00:00.000-07:00", "1970-01-02T12:00:00.000-07:00"),
        ("missing", "/d/x != 0", "boolean", False, None),
        ("boolean-of-blank", "if(/d/n[2], 'yes', 'no')", "string", "yes", "maybe"),
        ("checklist", "checklist(2, 2, 'yes', 'also')", "boolean", True, None),
        ("distance", "distance('0 0;0 90')", "number", 10018696.05, 10018696.1),
        ("round-half", "round(-1.5)", "number", -2, -3),
        ("regex", "regex('a12', '[0-9]+')", "boolean", True, None),
        ("not-a-number", "date('nonsense')", "string", "Invalid Date", "nonsense"),
        ("number-text", "string(0.0000001)", "string", "1e-7", "1e-6"),
    ],
)
def test_a_difference_is_known_only_where_its_row_gives_just_what_was_expected(
    node: TypeScript, row: str, expression: str, kind: str, theirs: Any, neither: Any
) -> None:
    for engine in (on_python, node):
        recorded = case(expression, kind, theirs) | {"tz": "America/Phoenix"}
        found = engine(recorded)
        assert mismatch(recorded, found) != ""
        assert row_explaining(recorded, found) == row
        if neither is not None:  # of two truths, the one that is not ours is always theirs
            assert row_explaining(recorded | {"expected": neither}, found) is None
        assert row_explaining(recorded, replace(found, text="x", number=-1.0, truth=not found.truth)) is None


def test_turning_a_row_leaves_the_evaluator_as_it_was() -> None:
    recorded = [case("date('2001-12-26') + 5", "number", 11687), case("/d/x != 0", "boolean", True)]
    for reading in READINGS:
        with turned(reading, UTC):
            pass
    assert [mismatch(one, on_python(one)) for one in recorded] == ["", ""]


def test_a_recording_that_lacks_something_is_counted_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = case("1", "number", 1)
    odd = [{**whole, "kind": "poem"}, {"expr": "1"}, {**whole, "xml": "<d"}, {**whole, "ctx": "/*[7]"}]
    (tmp_path / "expressions.json").write_text(json.dumps(odd))
    steps = [[{"op": "init", "args": []}], [{"what": 1}], [{"op": "init", "args": ["t", {"xml": "<h"}]}], None]
    (tmp_path / "scenarios.json").write_text(json.dumps([{"name": str(n), "steps": s} for n, s in enumerate(steps)]))
    assert run.main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("4 cases: 0 passed, 0 known, 4 refused, 0 failed") == 2
    assert said.count("4 cases: 1 passed, 0 known, 3 refused, 0 failed") == 2


def test_a_known_difference_that_passes_must_leave_the_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = json.loads((folder / "expressions.json").read_text())
    know(folder, (2, cases[2]), (0, cases[0]))
    assert run.main([str(folder)]) == 1
    assert "2 results are stale" in capsys.readouterr().out


def test_too_many_known_differences_fail_the_command(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_KNOWN", 0.05)
    assert run.main([str(folder)]) == 1
    assert "more than one in twenty" in capsys.readouterr().out
