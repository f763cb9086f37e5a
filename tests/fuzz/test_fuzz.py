"""Python and TypeScript give one verdict: the same random interviews over the same random forms, step by step."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from forms import FUNCTIONS, Interview
from forms.expressions.evaluate import rule_of
from forms.expressions.functions import FunctionSpec
from tests.fuzz.generator import GeneratedForm, generate
from tests.fuzz.node import Node, running
from tests.fuzz.sessions import (
    Difference,
    Session,
    Transcript,
    differences,
    form_request,
    make_session,
    replay,
    snapshot,
    take,
)

pytestmark = [pytest.mark.one_database, pytest.mark.xdist_group("fuzz")]

EVALUATIONS = 20_000
FORMS = 130
SESSIONS = 2
STEPS = 25
SHARE = 0.3
MEASURED = ("nested repeats", "cross-repeat references", "cascades", "dates")
OPERATORS = {"or", "and", "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "unary -"}
# Chance has no value to compare; signatures and texts by id need keys and translations that no random form has.
NOT_GENERATED = {"random", "extract-signed", "jr:itext", "current", "last"}


@dataclass(frozen=True, slots=True)
class Told:
    """A session and what Python said of it."""

    session: Session
    python: Transcript


@pytest.fixture(scope="module")
def forms() -> list[GeneratedForm]:
    return [generate(seed) for seed in range(FORMS)]


@pytest.fixture(scope="module")
def told(forms: list[GeneratedForm]) -> list[Told]:
    sessions = [make_session(form, number, STEPS) for form in forms for number in range(SESSIONS)]
    return [Told(session, replay(session)) for session in sessions]


@pytest.fixture(scope="module")
def replies(node: Node, told: list[Told]) -> list[dict[str, list[Any]]]:
    """What the browser's engine, without any fault, says of every session."""
    node.ask({"fault": ""})
    return [ask(node, one.session) for one in told]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running(tmp_path_factory.mktemp("engine")) as found:
        yield found


def ask(node: Node, session: Session) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = node.ask(
        {**form_request(session.form, session.language), "session": session.request()}
    )
    return found


def first_difference(node: Node, told: list[Told]) -> tuple[Difference, int] | None:
    """The first place where the engines part, and after how many evaluations."""
    evaluations = 0
    for one in told:
        evaluations += one.python.evaluations
        node_changes = ask(node, one.session)["changes"]
        found = next(differences(one.session, one.python.changes, node_changes), None)
        if found is not None:
            return found, evaluations
    return None


def shrunk(node: Node, difference: Difference) -> Difference:
    """The same difference with as few steps as will do: steps that it does not need are dropped one by one."""
    session = replace(difference.session, steps=difference.session.steps[: difference.step])
    place = len(session.steps) - 1
    while place >= 0:
        shorter = replace(session, steps=session.steps[:place] + session.steps[place + 1 :])
        try:
            found = next(differences(shorter, replay(shorter).changes, ask(node, shorter)["changes"]), None)
        except KeyError:  # a later step speaks of a row that this one added
            found = None
        if found is not None:
            session, difference = shorter, found
        place -= 1
    return difference


def test_the_forms_are_of_every_kind_and_use_the_whole_language(forms: list[GeneratedForm]) -> None:
    features: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for form in forms:
        features.update(form.features)
        used += form.used
    print(f"\n{len(forms)} forms, of which have")
    print("\n".join(f"  {name}: {count / len(forms):.0%}" for name, count in features.most_common()))
    print("in them: " + ", ".join(f"{name} {count}" for name, count in used.most_common()))
    assert {name: features[name] / len(forms) for name in MEASURED if features[name] < SHARE * len(forms)} == {}
    assert OPERATORS - set(used) == set()
    assert set(FUNCTIONS) - NOT_GENERATED - set(used) == set()


def test_both_engines_say_the_same_of_every_step(
    node: Node, told: list[Told], replies: list[dict[str, list[Any]]]
) -> None:
    evaluations = sum(one.python.evaluations for one in told)
    steps = sum(len(one.session.steps) for one in told)
    print(f"\n{len(told)} interviews, {steps} steps, {evaluations} expressions evaluated and compared")
    pairs = zip(told, replies, strict=True)
    found = (differences(one.session, one.python.changes, reply["changes"]) for one, reply in pairs)
    first = next((difference for each in found for difference in each), None)
    assert first is None, str(shrunk(node, first))
    assert evaluations >= EVALUATIONS


def test_both_engines_say_what_a_step_may_have_changed(told: list[Told], replies: list[dict[str, list[Any]]]) -> None:
    """A page shows anew only what the engine names: what changes without being named would stay wrong on the screen."""
    for one, reply in zip(told, replies, strict=True):
        for step, (ours, browser) in enumerate(zip(one.python.stale, reply["stale"], strict=True)):
            assert (ours, browser) == ([], []), (one.session.form.seed, one.session.steps[:step])


def test_an_interview_taken_up_again_says_the_same(told: list[Told]) -> None:
    """What stands after many steps is what the same answers give at once: nothing hangs on the way that led there."""
    forgetful = [one for one in told if _forgets_the_way(one.session.form)]
    assert len(forgetful) > 20
    for one in forgetful:
        interview = _had(one.session)
        again = Interview(
            one.session.form.loaded.definition,
            json.loads(json.dumps(interview.answers)),
            instances=one.session.request()["instances"],
            clock=one.session.clock,
            language=one.session.language,
        )
        assert again.answers == interview.answers, (one.session.form.seed, one.session.steps)
        # What is not among the answers (hidden, or counting as blank) cannot come back.
        now, fresh = snapshot(interview), snapshot(again)
        told_alike = ("relevant", "required", "read only", "choices", "label", "unit", "name", "scores")
        parted = {
            key: (now.get(key), fresh[key]) for key in fresh if key.endswith(told_alike) and now.get(key) != fresh[key]
        }
        assert parted == {}, (one.session.form.seed, one.session.steps)


def _forgets_the_way(form: GeneratedForm) -> bool:
    """True when nothing in the form keeps an earlier value."""
    return not any(form.used[name] for name in ("once", "trigger", "dynamic default"))


def _had(session: Session) -> Interview:
    interview = Interview(
        session.form.loaded.definition,
        instances=session.request()["instances"],
        clock=session.clock,
        language=session.language,
    )
    for step in session.steps:
        take(interview, step)
    return interview


def test_a_fault_planted_in_the_browsers_engine_is_found(node: Node, told: list[Told]) -> None:
    names: list[str] = node.ask({"fault": ""})
    assert len(names) >= 12
    found_after = {}
    for name in names:
        node.ask({"fault": name})
        found = first_difference(node, told)
        found_after[name] = None if found is None else found[1]
    node.ask({"fault": ""})
    print("\nevaluations until a planted fault is found: " + json.dumps(found_after, indent=1))
    assert [name for name, after in found_after.items() if after is None or after > EVALUATIONS] == []


@pytest.mark.parametrize("name", ["concat", "sum", "substring-after", "decimal-date-time"])
def test_a_fault_planted_in_pythons_engine_is_found(
    node: Node, told: list[Told], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = FUNCTIONS[name]
    assert right.apply is not None
    apply = right.apply

    def wrong(scope: object, arguments: object) -> object:
        value = apply(scope, arguments)  # type: ignore[arg-type]
        return value + 1.0 if isinstance(value, float) else f"{value} "

    node.ask({"fault": ""})
    monkeypatch.setitem(FUNCTIONS, name, FunctionSpec(name, right.min_args, right.max_args, wrong))  # type: ignore[arg-type]
    rule_of.cache_clear()
    try:
        assert _parts_from_python_now(node, told, name)
    finally:
        monkeypatch.undo()
        rule_of.cache_clear()


def _parts_from_python_now(node: Node, told: list[Told], name: str) -> bool:
    """Whether Python, asked again with its fault, says something else than the browser's engine."""
    evaluations = 0
    for one in told:
        if not one.session.form.used[name]:
            continue
        # Read anew, so that no expression made before the fault is remembered.
        session = replace(one.session, form=generate(one.session.form.seed))
        python = replay(session)
        evaluations += python.evaluations
        if next(differences(session, python.changes, ask(node, session)["changes"]), None) is not None:
            return evaluations <= EVALUATIONS
    return False


def test_what_the_engines_part_on_is_told_with_the_fewest_steps(node: Node, told: list[Told]) -> None:
    node.ask({"fault": "selected looks at the first name only"})
    found = first_difference(node, told)
    assert found is not None
    small = shrunk(node, found[0])
    node.ask({"fault": ""})
    assert len(small.session.steps) <= found[0].step
    assert f"seed {small.session.form.seed}, step {small.step}" in str(small)
    assert small.session.form.markdown in str(small)


def test_the_same_seed_makes_the_same_form_and_the_same_interview() -> None:
    one, other = generate(7), generate(7)
    assert one.markdown == other.markdown
    assert make_session(one, 3, STEPS).steps == make_session(other, 3, STEPS).steps
    assert Path(__file__).parent.joinpath("driver.ts").exists()
