"""Compiled rules: every kind of result agrees with the plain value, and looking up agrees with walking."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

from forms.answers import Interview
from forms.expressions.evaluate import rule_of
from forms.expressions.resolve import parse
from forms.expressions.values import Clock, to_bool, to_number, to_text
from forms.model import Expression
from tests.drivers import form_from_md

FORM = form_from_md("""
| survey | type | name | label |
|---|---|---|---|
|  | text | word | Word |
|  | integer | many | Many |
|  | date | day | Day |
|  | text | blank | Blank |
|  | begin_repeat | rows | Rows |
|  | integer | part | Part |
|  | end_repeat |  |  |
""")
ANSWERS: dict[str, Any] = {
    "word": "m3 x", "many": 7, "day": "2026-01-02", "blank": None, "rows": [{"part": 2}, {"part": 0}],
}  # fmt: skip
ITEMS = tuple({"name": name, "kind": kind, "value": str(place)} for place, (name, kind) in enumerate(
    [("a", "x"), ("b", "x"), ("a", "y"), ("", "7"), ("a", "x")]))  # fmt: skip
EXPRESSIONS = [
    "/data/word", "/data/many", "/data/day", "/data/blank", "/data/rows/part", "/data/nowhere", "'7'", "7", "''",
    "/data/word = 'm3 x'", "/data/many = '7'", "/data/many = '7.0'", "/data/many = 7", "/data/many != ''",
    "/data/blank = ''", "/data/blank != ''", "/data/blank = 0", "/data/blank != 0", "/data/blank = /data/nowhere",
    "'7' = /data/many", "7 = /data/many", "/data/many = /data/word", "/data/rows/part = 2", "/data/rows/part != 2",
    "/data/rows/part = '0'", "/data/many = true()", "/data/blank = false()", "/data/many = count(/data/rows)",
    "/data/many > 6", "6 < /data/many", "/data/blank < 1", "/data/word >= 0", "/data/rows/part > 1",
    "/data/day < '2026-01-02T09:00:00.000+07:00'", "/data/day <= /data/day", "/data/many - 2", "/data/day - 1",
    "/data/many + /data/blank", "-/data/many", "selected(/data/word, 'x')", "selected(/data/word, ' m3 ')",
    "selected(/data/blank, '')", "count-selected(/data/word)", "substr(/data/word, 1)", "substr(/data/word, 1, 2)",
    "number(substr(/data/word, 1, 2)) * 25", "number(/data/day)", "number(/data/blank)", "number('2026-01-02')",
    "not(/data/blank)", "not(/data/many = 7)", "if(/data/many > 3, 'big', 3)", "if(/data/blank, 1, 2) + 1",
    "coalesce(/data/blank, 4)", "coalesce(/data/many, 4) + 1", "/data/many = 7 and /data/blank = ''",
    "instance('list')/root/item[name = 'a']/value", "instance('list')/root/item[name = 'a' and kind = 'y']/value",
    "instance('list')/root/item[name = 'a' and value > 0]/value", "instance('list')/root/item[kind = /data/many]/value",
    "instance('list')/root/item[name = /data/blank]/value", "instance('list')/root/item[name = 'none']/value",
    "instance('list')/root/item['a' = name][2]/value", "count(instance('list')/root/item[name = 'a'])",
    "instance('list')/root/item[value = 2]/name", "instance('list')/root/item[name = 'a' and position() = 3]/value",
]  # fmt: skip


def interview(items: Any) -> Interview:
    return Interview(FORM, ANSWERS, instances={"list": items}, clock=Clock.utc())


def tree(text: str) -> Expression:
    return parse(text)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_a_truth_a_number_and_a_text_are_those_of_the_value(text: str) -> None:
    here = interview(ITEMS)
    rule, scope = rule_of(tree(text)), here.root.scope(here._environment)
    value = rule.value(scope)
    assert rule.truth(scope) is to_bool(value)
    assert rule.text(scope) == to_text(value)
    number, expected = rule.number(scope), to_number(value)
    assert number == expected or (math.isnan(number) and math.isnan(expected))


@pytest.mark.parametrize("text", [text for text in EXPRESSIONS if "instance" in text])
def test_a_lookup_finds_what_a_walk_over_the_items_finds(text: str) -> None:
    walked = text.replace("item[", "item[true() and (").replace("]/", ")]/").replace("])", ")])")
    if "][" in text:
        walked = "instance('list')/root/item[string(name) = 'a'][2]/value"
    walked = walked.replace("name = ", "string(name) = ").replace("kind = ", "string(kind) = ")
    found, expected = (to_text(interview(ITEMS).evaluate(tree(each))) for each in (text, walked))
    assert found == expected


def test_items_in_a_list_that_changes_are_looked_up_anew_by_each_interview() -> None:
    items = [dict(item) for item in ITEMS]
    wanted = tree("instance('list')/root/item[name = 'b']/value")
    assert to_text(interview(items).evaluate(wanted)) == "1"
    items[1]["value"] = "new"
    assert to_text(interview(items).evaluate(wanted)) == "new"


def test_the_program_that_reads_workbooks_loads_nothing_of_the_server() -> None:
    check = "import sys, forms.__main__; sys.exit(any(name in sys.modules for name in ('survey_app', 'flask')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
