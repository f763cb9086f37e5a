"""The command that runs recorded sessions on both engines says how each went, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.engines import NodeEngine, PythonEngine
from tests.conformance.scenario_run import run, run_one

FORM = """
<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
 xmlns:jr="http://openrosa.org/javarosa"><h:head><h:title>Rows</h:title><model>
 <itext><translation lang="default"><text id="n"><value>Name <output value="../place"/></value></text></translation>
  <translation lang="vi"><text id="n"><value>Tên <output value="../place"/></value></text></translation></itext>
 <instance><data id="rows"><size/><r jr:template=""><name>?</name><place/></r><total/></data></instance>
 <bind nodeset="/data/size" type="decimal"/><bind nodeset="/data/r/name" required="true()"/>
 <bind nodeset="/data/r/place" calculate="position(..)"/><bind nodeset="/data/total" calculate="count(/data/r)"/>
</model></h:head><h:body><input ref="/data/size"/><repeat nodeset="/data/r"><input ref="/data/r/name">
 <label ref="jr:itext('n')"/></input></repeat></h:body></h:html>"""
INIT = {"op": "init", "args": ["Rows", {"xml": FORM}]}


def of(step: int) -> dict[str, Any]:
    return {"ref": {"step": step}}


def equals(step: int, text: str) -> dict[str, Any]:
    return {"expect": of(step), "matcher": "toEqualAnswer", "args": [{"answer": "stringAnswer", "args": [text]}]}


WALK = [
    INIT,
    {"op": "next", "args": ["/data/size"]},
    {"op": "next", "args": ["/data/r"]},
    {"op": "createNewRepeat", "args": [{"assertCurrentReference": "/data/r"}]},
    {"op": "next", "args": ["/data/r[1]/name"]},
    {"op": "getQuestionLabel", "args": [{"assertCurrentReference": "/data/r[1]/name"}]},
    {"expect": of(5), "matcher": "toBe", "args": ["Name 1"]},
    {"op": "setLanguage", "args": ["vi"]},
    {"op": "getQuestionLabel", "args": [{"assertCurrentReference": "/data/r[1]/name"}]},
    {"expect": of(8), "matcher": "toBe", "args": ["Tên 1"]},
    {"op": "answerOf", "args": ["/data/r[1]/name"]},
    equals(10, "?"),
    {"op": "createNewRepeat", "args": ["/data/r"]},
    {"op": "answer", "args": ["/data/r[2]/name", ""]},
    {"op": "getValidationOutcome", "args": []},
    {"op": "indexOf", "args": ["/data/r[2]/name"]},
    {"expect": {"ref": {"get": "failedPrompt", "of": {"step": 14}}}, "matcher": "toBe", "args": [of(15)]},
    {"op": "removeRepeat", "args": ["/data/r[1]"]},
    {"op": "countRepeatInstancesOf", "args": ["/data/r"]},
    {"expect": of(18), "matcher": "toBe", "args": [1]},
    {"op": "answerOf", "args": ["/data/r[1]/place"]},
    equals(20, "1"),
    {"op": "proposed_serializeAndRestoreInstanceState", "args": []},
    {
        "expect": {"ref": {"call": {"get": "countRepeatInstancesOf", "of": {"step": 22}}, "args": ["/data/r"]}},
        "matcher": "toBe",
        "args": [1],
    },
]
CASES = {
    "walk": ("passed", WALK),
    "wrong": ("failed", [INIT, {"op": "answerOf", "args": ["/data/total"]}, equals(1, "7")]),
    "astray": ("failed", [INIT, {"op": "next", "args": ["/data/total"]}]),
    "a number's text": (
        "known",
        [
            INIT,
            {"op": "answer", "args": ["/data/size", 10]},
            {"expect": {"ref": {"get": "stringValue", "of": {"step": 1}}}, "matcher": "toBe", "args": ["10.0"]},
        ],
    ),
    "a form that is not there": ("refused", [{"op": "init", "args": [{"resource": "elsewhere.xml"}]}]),
    "a step nobody knows": ("refused", [INIT, {"op": "danceOnTheTable", "args": []}]),
    "a closure": ("refused", [INIT, {"expect": {"fn": 1}, "matcher": "toThrow", "args": []}]),
}


@pytest.fixture(scope="module")
def node() -> Iterator[NodeEngine]:
    engine = NodeEngine()
    yield engine
    engine.close()


@pytest.mark.parametrize("name", CASES)
def test_a_session_goes_the_same_way_on_both_engines(node: NodeEngine, name: str, tmp_path: Path) -> None:
    expected, steps = CASES[name]
    (first, one), (second, other) = (
        run_one({"name": name, "steps": steps}, engine, tmp_path) for engine in (PythonEngine(), node)
    )
    assert (first.status, second.status) == (expected, expected), (first.reason, second.reason)
    assert one == other
    assert (first.reason == "") is (expected == "passed")


def test_a_folder_is_run_as_a_whole(tmp_path: Path) -> None:
    cases = [{"name": name, "steps": steps} for name, (_, steps) in CASES.items()]
    (tmp_path / "scenarios.json").write_text(json.dumps(cases))
    results, differences = run(tmp_path)
    assert [result.status for result in results if result.engine == "Python"] == [
        status for status, _ in CASES.values()
    ]
    assert differences == []
