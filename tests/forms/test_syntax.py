"""Expressions: what they mean as trees, what is refused and where."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms import ExpressionError, expression_from_json, expression_to_json, parse, references, schema_from
from forms.expressions.several import several

SCHEMA = schema_from(
    {
        ("beds",): "question",
        ("rooms",): "repeat",
        ("rooms", "name"): "question",
        ("rooms", "in"): "group",
        ("rooms", "in", "bed"): "repeat",
        ("rooms", "in", "bed", "size"): "question",
    },
    {"yn": frozenset({"name", "label", "f"}), "register": None},
)
NAME, SIZE = ("rooms", "name"), ("rooms", "in", "bed", "size")


def tree(text: str, at: tuple[str, ...] = ()) -> object:
    return expression_to_json(parse(text, SCHEMA, at))


def code(text: str, at: tuple[str, ...] = ()) -> str:
    with pytest.raises(ExpressionError) as caught:
        parse(text, SCHEMA, at)
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", ["+", 1, ["*", 2, 3]]),
        ("(1 + 2) * 3", ["*", ["+", 1, 2], 3]),
        ("1 - 2 - 3", ["-", ["-", 1, 2], 3]),
        ("-5", -5),
        ("- ${beds}", ["neg", ["$", 0, "beds"]]),
        ("1.50", 1.5),
        ("'a' = \"b\"", ["=", "a", "b"]),
        ("1 < 2 = 3 > 4", ["=", ["<", 1, 2], [">", 3, 4]]),
        ("1 or 2 and 3", ["or", 1, ["and", 2, 3]]),
        ("7 div 2 mod 2", ["mod", ["div", 7, 2], 2]),
        ("${beds} | /data/beds", ["|", ["$", 0, "beds"], ["$", 0, "beds"]]),
        ("1 or 2 or 3 or 4", ["or", ["or", 1, 2], ["or", 3, 4]]),
        ("not(true())", ["not", ["true"]]),
        ("child::beds", ["$", 0, "beds"]),
        ("rooms/../beds", ["$", 0, "beds"]),
        ("./rooms/./name", ["$", 0, "rooms/name"]),
        ("${name}/../../beds", ["$", 0, "beds"]),
        ("//name", ["$", 0, "rooms/name"]),
        ("/data/rooms//size", ["$", 0, "rooms/in/bed/size"]),
        ("/data/*", ["|", ["$", 0, "beds"], ["$", 0, "rooms"]]),
        (
            "/data/rooms/*[. = 'x']",
            [
                "|",
                ["@", ["$", 0, "rooms/name"], [["=", [".", ""], "x"]], ""],
                ["@", ["$", 0, "rooms/in"], [["=", [".", ""], "x"]], ""],
            ],
        ),
        ("self::node() + 1 div2", ["+", ["$", 0, ""], ["div", 1, 2]]),
        (
            "/data/rooms/name[../in/bed/size > 2]",
            ["@", ["$", 0, "rooms/name"], [[">", [".", "../in/bed/size"], 2]], ""],
        ),
        (
            "instance('yn')/root/item/*[. = 'a']",
            ["@", ["@", ["instance", "yn", "root/item"], [], "*"], [["=", [".", ""], "a"]], ""],
        ),
        ("${last-saved#beds}", ["@", ["instance", "__last-saved", "root/item"], [], "beds"]),
        ("instance('__last-saved')/data/beds", ["@", ["instance", "__last-saved", "root/item"], [], "beds"]),
        ("/data/rooms/name", ["$", 0, "rooms/name"]),
        ("count(/data/rooms)", ["count", ["$", 0, "rooms"]]),
        (
            "instance('yn')/root/item[f = 1]/label",
            ["@", ["instance", "yn", "root/item"], [["=", [".", "f"], 1]], "label"],
        ),
        ("count(instance('yn')/root/item)", ["count", ["instance", "yn", "root/item"]]),
        ("/data/rooms[2]/name", ["@", ["$", 0, "rooms"], [["=", ["position"], 2]], "name"]),
        ("/data/rooms[name = 'x']/in/bed/size", ["@", ["$", 0, "rooms"], [["=", [".", "name"], "x"]], "in/bed/size"]),
        (
            "indexed-repeat(${size}, ${rooms}, 1, ${bed}, 2)",
            ["@", ["@", ["$", 0, "rooms"], [["=", ["position"], 1]], "in/bed"], [["=", ["position"], 2]], "size"],
        ),
    ],
)
def test_an_expression_becomes_its_tree(text: str, expected: object) -> None:
    assert tree(text) == expected


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("/data/rooms/name", NAME, ["$", 1, "rooms/name"]),
        ("/data/rooms/name", SIZE, ["$", 1, "rooms/name"]),
        ("../name", ("rooms", "x"), ["$", 1, "rooms/name"]),
        ("../../rooms/name", NAME, ["$", 0, "rooms/name"]),
        ("sum(/data/rooms/in/bed/size)", NAME, ["sum", ["$", 1, "rooms/in/bed/size"]]),
        ("sum(${size})", SIZE, ["sum", ["$", 2, "rooms/in/bed/size"]]),
        ("count(/data/rooms)", NAME, ["count", ["$", 0, "rooms"]]),
        ("count(${bed})", NAME, ["count", ["$", 1, "rooms/in/bed"]]),
        ("position(..)", NAME, ["position", ["$", 1, "rooms"]]),
        ("position(../../..)", SIZE, ["position", ["$", 1, "rooms"]]),
        ("position(/data/rooms)", NAME, ["position", ["$", 1, "rooms"]]),
        (". > 1", SIZE, [">", ["$", 2, "rooms/in/bed/size"], 1]),
        ("string-length()", ("beds",), ["string-length", ["$", 0, "beds"]]),
        ("once(today())", ("beds",), ["coalesce", ["$", 0, "beds"], ["today"]]),
        (
            "jr:choice-name(${name}, '${name}')",
            NAME,
            ["jr:choice-name", ["$", 1, "rooms/name"], ["$", 1, "rooms/name"]],
        ),
        (
            "instance('yn')/root/item[f = current()/../name]/label",
            NAME,
            ["@", ["instance", "yn", "root/item"], [["=", [".", "f"], ["$", 1, "rooms/name"]]], "label"],
        ),
        (
            "/data/rooms[position() = position(current()/..) - 1]/name",
            NAME,
            [
                "@",
                ["$", 0, "rooms"],
                [["=", ["position"], ["-", ["position", ["$", 1, "rooms"]], 1]]],
                "name",
            ],
        ),
    ],
)
def test_a_path_means_the_row_it_stands_in(text: str, at: tuple[str, ...], expected: object) -> None:
    assert tree(text, at) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expression_empty"),
        ("1 +", "expression_ends"),
        ("if(1, 2", "expression_unclosed"),
        ("'abc", "expression_unclosed_string"),
        ("1 # 2", "expression_character"),
        ("1 2", "expression_unexpected"),
        ("//bedz", "expression_unknown_path"),
        ("/data/*[2]", "expression_wildcard_place"),
        ("/data/rooms/xhtml:name", "expression_namespace"),
        ("attribute::id", "expression_axis"),
        ("child::text()", "expression_node_type"),
        ("self::beds", "expression_axis"),
        ("/data/rooms[name = 'x']/../beds", "expression_dots_inside"),
        ("following-sibling::beds", "expression_axis"),
        ("ancestor::node()", "expression_axis"),
        ("@id", "expression_attribute"),
        ("$x", "expression_variable"),
        ("beds/text()", "expression_node_type"),
        ("(${beds})[1]", "expression_path_after_bracket"),
        ("${a b}", "expression_reference"),
        ("${last-saved#name}", "expression_last_saved"),
        ("${last-saved#bedz}", "expression_unknown_reference_near"),
        ("instance('__last-saved')/data/nothing", "expression_unknown_path"),
        ("${bedz}", "expression_unknown_reference_near"),
        ("${qqqq}", "expression_unknown_reference"),
        ("/data/nothing", "expression_unknown_path"),
        ("/other/beds", "expression_unknown_path"),
        ("instance('none')/root/item", "expression_unknown_instance"),
        ("instance('yn')/root/item[g = 1]", "expression_unknown_column"),
        ("count(instance('yn')/root/item/name/other)", "expression_unknown_column"),
        ("count(instance('yn')/root/item[1]/name[label = 1])", "expression_unknown_column"),
        ("/", "expression_unknown_path"),
        ("self::a", "expression_axis"),
        ("instance('yn')/root", "expression_instance_path"),
        ("selcted('a', 'b')", "expression_unknown_function_near"),
        ("cht:difference-in-years('a')", "expression_foreign_function"),
        ("z-score('a', 1, 2)", "expression_foreign_function"),
        ("difference-in-months('a', 'b')", "expression_foreign_function"),
        ("enclosed-area(/data/rooms)", "expression_foreign_function"),
        ("is-selected('a', 'b')", "expression_foreign_function"),
        ("depend(1)", "expression_foreign_function"),
        ("local-name()", "expression_foreign_function"),
        ("explode()", "expression_unknown_function_near"),
        ("if(1, 2)", "expression_arity"),
        ("true(1)", "expression_arity"),
        ("${beds} | 'a'", "expression_union"),
        ("count(${beds} | sum(${name}))", "expression_union"),
        ("indexed-repeat(${beds}, ${rooms}, 1)", "expression_indexed_repeat"),
        ("jr:choice-name('a', 'b c')", "expression_choice_name"),
        ("regex(${beds}, '(?<=a)b')", "expression_regex"),
        ("regex(${beds}, '(')", "expression_regex"),
        ("1" * 20_000, "expression_too_long"),
        ("(" * 500 + "1" + ")" * 500, "expression_too_deep"),
        ("1" + "+1" * 2_000, "expression_too_deep"),
        ("-" * 3_000 + "1", "expression_too_deep"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(text: str, expected: str) -> None:
    assert code(text) == expected


def test_an_error_says_at_which_character() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("1 + foo(2)", SCHEMA)
    assert caught.value.parameters["position"] == 5


def test_a_long_chain_of_alternatives_is_no_deep_tree() -> None:
    text = " or ".join(f"${{beds}} = {number}" for number in range(500))
    assert len(list(references(parse(text, SCHEMA)))) == 500


def test_references_name_what_an_expression_reads_filters_included() -> None:
    found = set(references(parse("sum(/data/rooms[name = 'x']/in/bed/size) + ${beds}", SCHEMA)))
    assert found == {("beds",), ("rooms",), ("rooms", "name"), ("rooms", "in", "bed", "size")}


def test_without_a_form_every_name_is_taken() -> None:
    assert expression_to_json(parse("${anything} > 3")) == [">", ["$", 0, "anything"], 3]


@pytest.mark.parametrize(
    "text", ["${beds} > 1 and '' = .", "instance('yn')/root/item[f=1 and name!='a']/label", "-1.5"]
)
def test_the_json_of_a_tree_gives_the_same_tree_back(text: str) -> None:
    expression = parse(text, SCHEMA, NAME)
    assert expression_from_json(expression_to_json(expression)) == expression


@given(st.text(alphabet="()[]/.$@{}'\" ,+-*=<>!|ab1:or andivmod", max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with suppress(ExpressionError):
        parse(text, SCHEMA, NAME)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("${name}", (), ["name"]),
        ("${size} + 1", (), ["size"]),
        ("${name} = 'x'", (), ["name"]),
        ("if(${size} > 1, ${name}, 'x')", (), ["size", "name"]),
        ("sum(${size}) + count(${rooms})", (), []),
        ("join(' ', ${name})", (), []),
        ("concat(if(${beds}, ${name}, ''))", (), []),
        ("${name}", NAME, []),
        ("${size} + 1", SIZE, []),
        ("sum(${size}) > ${size}", NAME, ["size"]),
        ("/data/rooms[name = 'x']/in/bed/size", (), []),
        ("indexed-repeat(${name}, ${rooms}, ${size})", (), ["size"]),
        ("${beds} = 1", (), []),
    ],
)
def test_many_answers_where_one_is_wanted_are_named(text: str, at: tuple[str, ...], expected: list[str]) -> None:
    assert [path[-1] for path in several(parse(text, SCHEMA, at), SCHEMA)] == expected


def test_a_wildcard_stands_for_so_many_questions_and_no_more() -> None:
    wide = schema_from({(f"q{number}",): "question" for number in range(501)}, {})
    assert len(list(references(parse("sum(//q7 | //q8)", wide)))) == 2
    with pytest.raises(ExpressionError) as caught:
        parse("sum(/data/*)", wide)
    assert caught.value.code == "expression_wildcard"
    narrow = schema_from({(f"q{number}",): "question" for number in range(500)}, {})
    assert len(list(references(parse("sum(/data/*)", narrow)))) == 500
