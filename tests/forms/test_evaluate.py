"""Walking expression trees: what the shared cases cannot show."""

from __future__ import annotations

import time
from datetime import datetime

from forms.answers import Interview
from forms.expressions.evaluate import compile_expression, evaluate
from forms.expressions.values import Clock, Environment, Scope, format_number, format_number_value
from forms.model import Call, Expression, Field, Filter, Instance, Literal, Path
from tests.drivers import form_from_md

CLOCK = Clock(datetime.fromisoformat("2026-11-23T22:50:00+07:00"))


def scope(**instances: list[dict[str, str]]) -> Scope:
    return Scope(Environment(CLOCK, instances=instances))


def chain(name: str, length: int) -> Expression:
    tree: Expression = Literal(1.0)
    for _ in range(length):
        tree = Call(name, (tree, Literal(1.0)))
    return tree


def test_an_expression_is_compiled_once() -> None:
    tree = Call("+", (Literal(1.0), Literal(2.0)))
    same = Call("+", (Literal(1.0), Literal(2.0)))
    assert compile_expression(tree) is compile_expression(same)


def test_a_lazy_if_never_evaluates_the_other_branch() -> None:
    runaway = Call("concat", (Instance("big", ("root", "item")),))
    big = {"big": [{"name": "x" * 1000}] * 200}
    assert evaluate(Call("if", (Literal(""), runaway, Literal("fine"))), scope(**big)) == "fine"


def test_a_text_that_outgrows_the_limit_is_a_blank() -> None:
    tree = Call("concat", (Instance("big", ("root", "item")),))
    assert evaluate(tree, scope(big=[{"name": "x" * 1000}] * 200)) == ""


def test_predicates_nested_without_end_stop_at_the_step_limit() -> None:
    items = Instance("many", ("root", "item"))
    counting: Expression = Filter(items, (Call("=", (Field(("name",)), Literal("0"))),))
    for _ in range(4):
        counting = Filter(items, (Call(">", (Call("count", (counting,)), Literal(0.0))),))
    started = time.perf_counter()
    assert evaluate(Call("count", (counting,)), scope(many=[{"name": str(i)} for i in range(500)])) == ""
    assert time.perf_counter() - started < 20


def test_a_long_sum_is_walked_to_its_end() -> None:
    assert evaluate(chain("+", 100), scope()) == 101


def test_rows_of_a_filter_are_numbered_anew_by_each_predicate() -> None:
    items = [{"name": "a", "kind": "x"}, {"name": "b", "kind": "y"}, {"name": "c", "kind": "x"}]
    kept = Filter(
        Instance("list", ("root", "item")),
        (Call("=", (Field(("kind",)), Literal("x"))), Literal(2.0)),
        ("name",),
    )
    assert evaluate(kept, scope(list=items)) == ["c"]


def test_a_missing_instance_is_an_empty_set() -> None:
    assert evaluate(Call("count", (Instance("nowhere", ("root", "item")),)), scope()) == 0


def test_numbers_never_show_an_exponent_below_ten_to_the_twenty_first() -> None:
    shown = [format_number(number) for number in (5, 5.0, 0.1, 1e-7, 1e16, 123456789012345680000.0, 1e21, -0.0)]
    assert shown == ["5", "5", "0.1", "0.0000001", "10000000000000000", "123456789012345680000", "1e+21", "0"]


def test_a_calculation_that_gives_no_number_is_stored_as_nothing() -> None:
    assert [format_number_value(number) for number in (float("nan"), float("inf"), 2.5)] == ["", "", "2.5"]


def test_a_form_that_asks_for_endless_work_still_answers() -> None:
    form = form_from_md("""
        | survey | type         | name | label | calculation                                        |
        |        | begin_repeat | r    | R     |                                                    |
        |        | integer      | a    | A     |                                                    |
        |        | calculate    | c    |       | count(/data/r[a > count(/data/r[a > 1])])          |
        |        | end_repeat   |      |       |                                                    |
        |        | calculate    | t    |       | count(/data/r[a > count(/data/r[a > sum(/data/r/c)])]) |""")
    started = time.perf_counter()
    interview = Interview(form, {"r": [{"a": n} for n in range(300)]}, clock=CLOCK)
    interview.set("r/1/a", 7)
    assert interview.value("r/1/a") == 7
    assert len(interview.answers["r"]) == 300
    assert [issue.code for issue in interview.strays][:1] == ["too_much_work"]
    assert time.perf_counter() - started < 30


def test_a_path_in_a_row_means_that_row_and_outside_all_rows() -> None:
    form = form_from_md("""
        | survey | type         | name  | label | calculation     |
        |        | begin_repeat | r     | R     |                 |
        |        | integer      | a     | A     |                 |
        |        | calculate    | twice |       | ${a} * 2        |
        |        | end_repeat   |       |       |                 |
        |        | calculate    | all   |       | join(' ', ${twice}) |""")
    interview = Interview(form, {"r": [{"a": 1}, {"a": 2}]}, clock=CLOCK)
    assert interview.answers["all"] == "2 4"
    assert evaluate(Path(("all",)), Scope(Environment(CLOCK, interview.root)))[0].text() == "2 4"  # type: ignore[index,union-attr]
