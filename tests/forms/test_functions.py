"""The function table and the pattern subset."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from forms.expressions.evaluate import evaluate
from forms.expressions.functions import FUNCTIONS, shuffled
from forms.expressions.parts import PARTS
from forms.expressions.patterns import check_pattern, matches
from forms.expressions.values import Clock, Environment, Result, Scope
from forms.model import Call, Literal
from forms.serial import to_bundle_json
from tests.drivers import form_from_md


def call(name: str, *arguments: str | float, language: str = "en", offset: int = 7) -> Result:
    now = datetime(2026, 11, 23, 22, 50, tzinfo=timezone(timedelta(hours=offset)))
    return evaluate(
        Call(name, tuple(Literal(value) for value in arguments)), Scope(Environment(Clock(now), language=language))
    )


def test_every_function_that_evaluates_plainly_has_an_implementation() -> None:
    lazy = {name for name, spec in FUNCTIONS.items() if spec.apply is None}
    assert lazy == {"if", "coalesce", "once", "indexed-repeat", "jr:choice-name"}


def test_arities_are_in_order() -> None:
    assert all(spec.max_args is None or spec.min_args <= spec.max_args for spec in FUNCTIONS.values())


def test_month_and_day_names_follow_the_language() -> None:
    assert call("format-date", "2026-11-23", "%a, %e %b", language="vi") == "Th 2, 23 thg 11"
    assert call("format-date", "2026-11-23", "%a, %e %b", language="fr") == "Mon, 23 Nov"


def test_today_is_the_device_s_day_not_the_server_s() -> None:
    early = Clock(datetime(2026, 11, 23, 5, 0, tzinfo=timezone(timedelta(hours=7))))
    assert early.now.astimezone(UTC).day == 22
    assert evaluate(Call("today"), Scope(Environment(early))) == "2026-11-23"


def test_uuids_are_of_version_4_and_differ() -> None:
    one, other = str(call("uuid")), str(call("uuid"))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one)
    assert one != other


def test_a_seeded_shuffle_is_the_one_of_the_reference_engine() -> None:
    assert "".join(shuffled(list("ABCDEF"), 42)) == "AFCBDE"


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|aa)*b", "(a|a)*", ".*.*", "(ab?|b)*", "a*a*", ".*a.*b.*", "(?=a)", "(?<!a)b", r"(a)\1", "a*+", "a+?",
     r"\p{L}", "[a", "(a", "a)", "*a", "a{2,1}", "[[:alpha:]]", "[]", r"\Aa", "[z-a]", "^*", "(?i)a"],
)  # fmt: skip
def test_a_pattern_outside_the_subset_is_refused(pattern: str) -> None:
    assert check_pattern(pattern)
    assert not matches("a", pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"^(0[35789][0-9]{8}|02[0-9]{9})$", r"\d{10}(-\d{3})?", r"[^@ ]+@[^@ ]+\.[a-z]+", r"[A-Z]+[0-9]+", r"(\.\d{3})+",
     r"[a-zA-ZÀ-ỹ ]+", r"[A-Z]{2}( [0-9]{3}){1,5}", r"([0-9]|x)*", r"(?:ab){2,3}", r"[\d.,-]+", "a|b|", r"\/\-"],
)  # fmt: skip
def test_a_pattern_of_the_subset_is_accepted(pattern: str) -> None:
    assert check_pattern(pattern) is None


def test_an_accepted_pattern_cannot_run_away() -> None:
    started = time.perf_counter()
    for pattern in (r".*a.*", r"[^@]+@[^@]+\.[^@]+", r"[ab]+c[ab]+"):
        assert check_pattern(pattern) is None
        matches("a" * 1999 + "!", pattern)
    assert time.perf_counter() - started < 5


def test_an_overlong_subject_never_matches() -> None:
    assert matches("a" * 2000, "a*")
    assert not matches("a" * 2001, "a*")


def test_a_signed_message_is_opened_only_with_its_own_key() -> None:
    message = "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAHI="
    key = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
    assert call("extract-signed", message, key) == "r"
    assert call("extract-signed", message[:-4] + "AHM=", key) == ""
    assert call("extract-signed", message, "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgg=") == ""


def test_a_bundle_says_which_parts_of_the_engine_its_form_calls_for() -> None:
    form = form_from_md("""
        | survey | type       | name | label | constraint       | calculation                          | parameters     |
        |        | text       | tax  | Tax   | regex(., '[0-9]+') |                                    |                |
        |        | select_one l | one | One  |                  |                                      | randomize=true |
        |        | calculate  | sum  |       |                  | if(${tax} = '1', digest('a', 'MD5'), 'area') |        |
        | choices | list_name | name | label |
        |         | l         | a    | A     |""")
    assert to_bundle_json(form, form.languages[0])["parts"] == ["patterns", "codes", "seldom"]
    plain = form_from_md("""
        | survey | type | name | label |
        |        | text | area | digest |""")
    assert to_bundle_json(plain, plain.languages[0])["parts"] == []


def test_every_part_is_a_module_of_the_client_and_brings_known_functions() -> None:
    folder = Path(__file__).parents[2] / "survey_app/client/form"
    assert all((folder / f"{part}.ts").is_file() for part in PARTS)
    assert frozenset().union(*PARTS.values()) <= set(FUNCTIONS)


@pytest.mark.parametrize(("seed", "order"), [(11111111.0, "ACDBFEG"), (-42.0, "EDAFBCG"), ("-42", "EDAFBCG")])
def test_a_seed_may_be_negative_and_a_text(seed: str | float, order: str) -> None:
    assert "".join(shuffled(list("ABCDEFG"), seed)) == order


def test_a_seed_loses_its_fraction_and_a_text_has_its_own_order() -> None:
    letters = list("ABCDEFG")
    assert shuffled(letters, 1.9) == shuffled(letters, 1.0) == shuffled(letters, "1")
    assert shuffled(letters, "") == shuffled(letters, 0.0)
    assert shuffled(letters, "hello") == shuffled(letters, "hello") != shuffled(letters, "hallo")


def test_costly_functions_count_as_much_work() -> None:
    key = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
    many = Call("concat", tuple(Call("extract-signed", (Literal("A" * 88), Literal(key))) for _ in range(60)))
    started = time.perf_counter()
    assert evaluate(many, Scope(Environment(Clock.utc()))) == ""
    assert time.perf_counter() - started < 5
    trace = ";".join(f"{n / 100} {n * n / 10_000}" for n in range(90))
    crossing = Call("concat", tuple(Call("intersects", (Literal(trace),)) for _ in range(3)))
    assert evaluate(crossing, Scope(Environment(Clock.utc(), steps=1000))) == ""
    assert evaluate(crossing, Scope(Environment(Clock.utc()))) == "falsefalsefalse"
