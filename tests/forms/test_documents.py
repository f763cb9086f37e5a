"""Expressions over documents: what paths mean in them, and what is refused by its name."""

from __future__ import annotations

from datetime import datetime

import pytest

from forms import Clock, ExpressionError, Interview, evaluate_in_document, last_saved_items, open_document
from tests.drivers import form_from_md

CLOCK = Clock(datetime.fromisoformat("2026-11-23T22:50:00+07:00"))
FARMS = """<data>
  <farm kind="rice"><name>A</name><cow><milk>1</milk></cow><cow><milk>3</milk></cow></farm>
  <farm kind="tea"><name>B</name><cow><milk>10</milk></cow></farm>
  <total/>
</data>"""
FORM = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><model>
  <itext><translation lang="en" default=""><text id="hi"><value form="short">H</value><value>Hello</value></text>
  </translation><translation lang="vi"><text id="hi"><value>Chào</value></text></translation></itext>
  <instance><data id="f"><a>2</a></data></instance>
  <instance id="list"><root><item><name>x</name></item><item><name>y</name><size>20</size></item></root></instance>
</model></h:head><h:body/></h:html>"""


def text(expression: str, context: str = "/", xml: str = FARMS, language: str | None = None) -> str:
    return evaluate_in_document(xml, expression, context=context, clock=CLOCK, language=language).text


@pytest.mark.parametrize(
    ("expression", "context", "expected"),
    [
        ("/data/farm[2]/name", "/", "B"),
        ("//milk[. > 5]", "/", "10"),
        ("sum(//milk)", "/", "14"),
        ("join(' ', //cow[1]/milk)", "/", "1 10"),
        ("count(/data/*)", "/", "3"),
        ("../name", "/*[1]/*[1]/*[2]", "A"),
        ("current()/../farm[last()]/name", "/*[1]/*[1]", "B"),
        ("/data/farm[name = 'A']/cow[milk > 2]/../name", "/", "A"),
        ("/data/farm[@kind = 'tea']/name", "/", "B"),
        ("join(' ', /data/farm/@kind)", "/", "rice tea"),
        ("position(..)", "/*[1]/*[2]/*[1]", "2"),
        ("indexed-repeat(/data/farm/cow/milk, /data/farm, 1, /data/farm/cow, 2)", "/", "3"),
        ("indexed-repeat(//milk, /data/farm, 2)", "/", "10"),
        ("indexed-repeat(/data/farm/name, /data/farm, count(../cow))", "/*[1]/*[1]/*[1]", "B"),
        ("once('new')", "/*[1]/*[1]/*[1]", "A"),
        ("once('new')", "/*[1]/*[3]", "new"),
        ("today()", "/", "2026-11-23"),
        ("boolean(/data/total)", "/", "false"),
    ],
)
def test_paths_mean_what_xpath_says(expression: str, context: str, expected: str) -> None:
    assert text(expression, context) == expected


def test_nodes_found_tell_where_they_stand() -> None:
    found = evaluate_in_document(FARMS, "//cow[milk > 2] | /data/farm[1]", clock=CLOCK)
    assert [node.address for node in found.nodes] == ["/*[1]/*[1]", "/*[1]/*[1]/*[3]", "/*[1]/*[2]/*[2]"]


def test_an_xform_is_seen_from_its_primary_instance() -> None:
    assert text("/data/a + 1", xml=FORM) == "3"
    assert text("instance('list')/root/item[2]/name", xml=FORM) == "y"
    assert text("instance('none')/root/item/name", xml=FORM) == ""
    assert text("pulldata('list', 'size', 'name', concat('', 'y'))", xml=FORM) == "20"
    assert text("pulldata('list', 'size', 'name', 'z')", xml=FORM) == ""
    assert [text("jr:itext('hi')", xml=FORM, language=language) for language in (None, "vi")] == ["Hello", "Chào"]


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("ancestor::data", "expression_axis"),
        ("//farm/following-sibling::farm", "expression_axis"),
        ("/x:data", "expression_namespace"),
        ("/data/text()", "expression_node_type"),
        ("id('a')", "expression_foreign_function"),
        ("$farm", "expression_variable"),
        ("${farm}", "expression_unknown_reference"),
        ("explode()", "expression_unknown_function_near"),
        ("jr:choice-name('a', '/data/farm')", "expression_needs_form"),
        ("pulldata(/data/total, 'b', 'c', 'd')", "expression_needs_form"),
        ("indexed-repeat(/data/farm/name, /data/cow, 1)", "expression_indexed_repeat"),
        ("1 | 2", "expression_union"),
        ("regex('a', '(?=a)')", "expression_regex"),
    ],
)
def test_what_the_dialect_does_not_have_is_refused_by_name(expression: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        text(expression)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "xml",
    ["<a>", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', f"<a>{'x' * 5_000_001}</a>"],
    ids=["open", "entity", "long"],
)
def test_what_is_no_safe_document_is_refused(xml: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        open_document(xml)


@pytest.mark.parametrize("context", ["/*[9]", "/*[0]", "/data", "/*[1]/*[1]/@kind"])
def test_a_context_that_is_no_element_is_refused(context: str) -> None:
    with pytest.raises(ValueError, match="no element"):
        text("1", context)


def test_the_record_sent_before_fills_the_next_one() -> None:
    form = form_from_md("""
        | survey | type        | name | label | default          | calculation                     |
        |        | begin_group | g    | G     |                  |                                 |
        |        | text        | who  | Who   | ${last-saved#who} |                                |
        |        | integer     | many | Many  |                  |                                 |
        |        | end_group   |      |       |                  |                                 |
        |        | calculate   | more |       |                  | ${many} - ${last-saved#many}    |""")
    first = Interview(form, instances={"__last-saved": last_saved_items(None)}, clock=CLOCK)
    assert first.answers == {"g": {"who": None, "many": None}, "more": None}
    first.set("g/who", "An")
    first.set("g/many", 5)
    second = Interview(form, instances={"__last-saved": last_saved_items(first.answers)}, clock=CLOCK)
    second.set("g/many", 7)
    assert second.answers == {"g": {"who": "An", "many": 7}, "more": 2}
