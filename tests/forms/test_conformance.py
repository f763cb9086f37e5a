"""The cases that Python and TypeScript share, run by this engine."""

from __future__ import annotations

import importlib.util
import json
import math
import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from forms.answers import Interview
from forms.expressions.functions import FUNCTIONS
from forms.expressions.syntax import expression_from_json
from forms.expressions.values import Clock, to_bool, to_number, to_text
from forms.measures import recommend_measures
from forms.numbers import read_number
from forms.scoring import compute_indicators, compute_scores, run_checks
from forms.serial import from_json

FOLDER = Path(__file__).parent.parent / "conformance"
EXPRESSIONS = json.loads((FOLDER / "expressions.json").read_text("utf-8"))
SCENARIOS = json.loads((FOLDER / "scenarios.json").read_text("utf-8"))
NUMBERS = json.loads((FOLDER / "numbers.json").read_text("utf-8"))
CLOCK = Clock(datetime.fromisoformat(EXPRESSIONS["clock"]["now"]))
FORMS = {
    kind: {name: from_json(tree) for name, tree in cases["forms"].items()}
    for kind, cases in (("expressions", EXPRESSIONS), ("scenarios", SCENARIOS))
}


@pytest.mark.parametrize("case", EXPRESSIONS["cases"], ids=lambda case: case["name"])
def test_an_expression_yields_what_the_dialect_says(case: dict[str, Any]) -> None:
    form = FORMS["expressions"][case["form"]]
    interview = Interview(form, case.get("answers", {}), clock=CLOCK, language="en")
    result = interview.evaluate(expression_from_json(case["expression"]))
    if case["kind"] == "number":
        expected = float(case["expected"])
        number = to_number(result)
        assert number == pytest.approx(expected, rel=1e-14) or (math.isnan(number) and math.isnan(expected))
    else:
        assert (to_text(result) if case["kind"] == "text" else to_bool(result)) == case["expected"]


def test_every_function_has_a_case() -> None:
    called = {name for case in EXPRESSIONS["cases"] for name in _called(case["expression"])}
    # once() and indexed-repeat() are other trees once a form has resolved them; chance has no expected value.
    elsewhere = {"once", "indexed-repeat", "random", "current", "instance", "now", "jr:itext"}
    assert set(FUNCTIONS) - called - elsewhere == set()
    assert EXPRESSIONS["functions"] == sorted(FUNCTIONS)


def _called(tree: Any) -> set[str]:
    if not isinstance(tree, list):
        return set()
    own = {tree[0]} if tree and isinstance(tree[0], str) else set()
    return own.union(*(_called(part) for part in tree))


def test_every_decision_of_the_dialect_has_cases_and_every_known_difference_a_decision() -> None:
    page = (FOLDER.parent.parent / "docs/decisions/0006-dialect.md").read_text("utf-8")
    rows = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")} - {"row"}
    notes = {case.get("note") for case in EXPRESSIONS["cases"] if case["form"] == "decisions"}
    known = tomllib.loads((FOLDER / "known_differences.toml").read_text("utf-8"))["known"]
    assert notes == rows
    assert {case["row"] for case in known} <= rows
    assert len({case["case"] for case in known}) == len(known)


@pytest.mark.parametrize("case", NUMBERS, ids=lambda case: f"{case['language']} {case['text']}")
def test_a_typed_number_means_what_the_table_says(case: dict[str, Any]) -> None:
    reading = read_number(case["text"], case["language"])
    expected = case.get("value")
    assert reading.value == (None if expected is None else Decimal(str(expected)))
    assert list(reading.candidates) == [Decimal(str(candidate)) for candidate in case.get("candidates", [])]


@pytest.mark.parametrize("case", SCENARIOS["cases"], ids=lambda case: case["name"])
def test_an_interview_goes_as_the_scenario_tells(case: dict[str, Any]) -> None:
    interview = Interview(
        FORMS["scenarios"][case["form"]],
        case.get("open"),
        clock=CLOCK,
        language=case.get("language", "en"),
        instances=case.get("instances"),
    )
    for step in [{"expect": case.get("expect", {})}, *case["steps"]]:
        take(interview, step)
        for what, expected in step.get("expect", {}).items():
            assert close(seen(interview, what, expected), expected), (step, what)


def take(interview: Interview, step: dict[str, Any]) -> None:
    if "set" in step:
        interview.set(*step["set"])
    elif "add" in step:
        interview.add_row(*step["add"])
    elif "remove" in step:
        interview.remove_row(*step["remove"])


def seen(interview: Interview, what: str, expected: Any) -> Any:
    match what:
        case "answers":
            return interview.answers
        case "all_values":
            return interview.all_values
        case "issues":
            return [[issue.code, issue.where] for issue in interview.issues()]
        case "messages":
            return [dict(issue.own_message) for issue in interview.issues()]
        case "scores":
            summary = compute_scores(interview).summary()
            return {name: summary.get(name, "absent") for name in expected}
        case "indicators":
            return compute_indicators(interview)
        case "checks":
            return [[result.name, result.address, result.holds] for result in run_checks(interview)]
        case "measures":
            return measures(interview)
        case "changed":
            return sorted(interview.changed())
        case "settled":
            return interview.settled
        case "strays":
            return [[issue.code, issue.where] for issue in interview.strays]
        case "instance_name":
            return interview.instance_name
    return {address: asked(interview, what, address) for address in expected}


def asked(interview: Interview, what: str, address: str) -> Any:
    match what:
        case "relevant":
            return interview.is_relevant(address)
        case "required":
            return interview.is_required(address)
        case "read_only":
            return interview.is_read_only(address)
        case "rows":
            return interview.rows(address)
        case "sizes":
            return len(interview.rows(address))
        case "seen":
            return interview.seen(address)
        case "choices":
            return [choice.name for choice in interview.choices(address)]
        case "labels":
            item = interview.definition.find(interview.schema_path(address))
            assert item is not None
            return interview.text(item.label, address)
        case "units":
            return interview.unit(address)
    raise AssertionError(what)


def measures(interview: Interview) -> dict[str, Any]:
    found = recommend_measures(interview)
    return {
        "listed": [[one.code, one.saving.mid if one.saving else None] for one in found.listed],
        "others": [one.code for one in found.others],
        "investments": [one.code for one in found.investments],
        "total": [found.total.low, found.total.mid, found.total.high],
        "share": found.share.mid if found.share else None,
    }


def close(found: Any, expected: Any) -> bool:
    if isinstance(found, float | int) and isinstance(expected, float | int) and not isinstance(found, bool):
        return bool(found == pytest.approx(expected, rel=1e-12))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(close(found[name], expected[name]) for name in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(close(*pair) for pair in zip(found, expected, strict=True))
    return type(found) is type(expected) and found == expected


def test_the_cases_are_built_from_their_sources() -> None:
    spec = importlib.util.spec_from_file_location("conformance_build", FOLDER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    for name, content in build.built().items():
        assert (FOLDER / name).read_text("utf-8") == content, f"run python tests/conformance/build.py: {name}"
