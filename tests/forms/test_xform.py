"""XForm XML, ours and other people's, and OpenRosa instances."""

from __future__ import annotations

from pathlib import Path

import pytest

from forms import (
    Call,
    FormError,
    Interview,
    Literal,
    definition_from_xform,
    from_json,
    load_form,
    read_head,
    read_instance,
    to_json,
    write_instance,
)
from forms import Path as Steps
from tests.drivers import form_from_md

FEATURES = Path(__file__).parents[1] / "sample_forms" / "features"
FOREIGN = """<?xml version="1.0"?>
<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
    xmlns:jr="http://openrosa.org/javarosa">
<h:head><h:title>Visit</h:title><model>
 <instance><visit id="visit" version="7">
  <kind/><size/><photo/><rows><n/></rows><shown/><meta><instanceID/></meta>
 </visit></instance>
 <bind nodeset="/visit/kind" type="string"/>
 <bind nodeset="/visit/size" type="int" relevant="/visit/kind = 'a'" constraint=". &lt; 9"
    jr:constraintMsg="Too large"/>
 <bind nodeset="/visit/photo" type="binary"/>
 <bind nodeset="/visit/shown" type="string" readonly="true()"/>
 <bind nodeset="/visit/meta/instanceID" jr:preload="uid"/>
</model></h:head>
<h:body>
 <select1 ref="/visit/kind"><label>Kind</label><item><label>A</label><value>a</value></item></select1>
 <input ref="/visit/size"><label>Size of <output value="/visit/kind"/>?</label></input>
 <upload ref="/visit/photo" mediatype="image/*"><label>Photo</label></upload>
 <group ref="/visit/rows"><label>Rows</label>
  <repeat nodeset="/visit/rows"><input ref="/visit/rows/n"><label>N</label></input></repeat>
 </group>
 <input ref="/visit/shown"><label>Thank you</label></input>
</h:body></h:html>"""


def test_a_form_written_elsewhere_loads_through_the_same_door() -> None:
    form = load_form(FOREIGN.encode(), "visit.xml").definition
    assert [(question.name, question.type) for question in form.questions()] == [
        ("kind", "select_one"),
        ("size", "integer"),
        ("photo", "image"),
        ("n", "text"),
        ("shown", "note"),
    ]
    assert (form.form_id, form.version, form.title.plain("und")) == ("visit", "7", "Visit")


def test_a_label_with_an_output_holds_the_expression() -> None:
    form = load_form(FOREIGN.encode(), "visit.xml").definition
    size = list(form.questions())[1]
    assert size.label.parts("und") == ("Size of ", Steps(("kind",)), "?")
    assert size.constraint_message.plain("und") == "Too large"


def test_choices_written_in_the_body_become_a_list() -> None:
    form = load_form(FOREIGN.encode(), "visit.xml").definition
    assert [choice.name for choice in form.choice_lists["kind"].choices] == ["a"]


def test_a_faulty_expression_in_an_xform_is_reported_at_its_node() -> None:
    with pytest.raises(FormError) as caught:
        load_form(FOREIGN.replace(". &lt; 9", "bogus(.)").encode(), "visit.xml")
    assert [(issue.code, issue.where) for issue in caught.value.issues] == [
        ("expression_unknown_function", "/visit/size")
    ]


@pytest.mark.parametrize(
    "source",
    [
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><h:html xmlns:h="http://www.w3.org/1999/xhtml">&a;</h:html>',
        '<h:html xmlns:h="http://www.w3.org/1999/xhtml"><unclosed></h:html>',
        '<h:html xmlns:h="http://www.w3.org/1999/xhtml"></h:html>',
    ],
)
def test_xml_that_is_no_safe_xform_is_refused(source: str) -> None:
    with pytest.raises(FormError) as caught:
        load_form(source.encode(), "f.xml")
    assert caught.value.issues[0].code in ("not_xml", "not_an_xform")


def test_texts_stand_under_their_language_codes_the_default_first() -> None:
    form = load_form((FEATURES / "cascade_two_languages.md").read_bytes(), "f.md").definition
    assert form.languages == ("vi", "en")
    district = form.find(("d",))
    assert district is not None
    assert district.label.by_language["vi"] == ("Huyện thuộc ", Steps(("p",)))
    assert district.label.by_language["en"] == ("District of ", Steps(("p",)))


def test_a_choice_filter_keeps_only_its_condition() -> None:
    form = load_form((FEATURES / "cascade_two_languages.md").read_bytes(), "f.md").definition
    district = list(form.questions())[2]
    assert district.choices == "district"
    assert isinstance(district.choice_filter, Call)
    assert form.choice_lists["district"].choices[0].extra == {"province": "a"}


def test_defaults_and_triggers_become_actions() -> None:
    form = load_form((FEATURES / "defaults_triggers.md").read_bytes(), "f.md").definition
    found = {question.name: question for question in form.questions()}
    assert found["place"].default == "here"
    assert [action.event for action in found["visited"].actions] == ["odk-instance-first-load"]
    assert [(action.event, action.trigger) for action in found["asked_at"].actions] == [
        ("xforms-value-changed", ("beds",))
    ]
    assert {action.event for action in found["label_of_room"].actions} == {"odk-instance-first-load", "odk-new-repeat"}
    assert form.instance_name is not None


def test_parameters_reach_the_question() -> None:
    form = form_from_md("""
        | survey | type          | name | label | parameters               |
        |        | range         | r    | R     | start=0 end=10 step=2.5  |
        |        | select_one yn | s    | S     | randomize=true seed=7    |

        | choices | list_name | name | label |
        |         | yn        | y    | Yes   |""")
    r, s = form.questions()
    assert r.parameters == {"start": "0", "end": "10", "step": "2.5"}
    assert (s.parameters["randomize"], s.parameters["seed"], s.choices) == ("true", "7", "yn")


def test_a_plain_no_is_the_same_as_leaving_it_out() -> None:
    form = form_from_md("""
        | survey | type | name | label | required | read_only |
        |        | text | a    | A     | no       | false     |
        |        | text | b    | B     | yes      |           |""")
    a, b = form.questions()
    assert (a.required, a.read_only, b.required) == (None, None, Call("true"))


def test_media_are_file_names_per_language() -> None:
    form = form_from_md("""
        | survey | type | name | label::English (en) | media::image::English (en) |
        |        | text | a    | A                   | a.png                      |""")
    (a,) = form.questions()
    assert a.media["image"].plain("en") == "a.png"


def test_answers_survive_the_way_to_openrosa_and_back() -> None:
    form = load_form((FEATURES / "nested_repeats.md").read_bytes(), "f.md").definition
    answers = {
        "houses": 2,
        "house": [
            {"_id": "1", "street": "A & <B>", "inside": {"room": [{"_id": "2", "area": 12.5}]}},
            {"_id": "3", "street": None},
        ],
    }
    xml = write_instance(form, answers, "uuid:1").encode()
    back = read_instance(form, xml)
    assert read_head(xml) == ("nested_repeats", "1")
    assert back.instance_id == "uuid:1"
    house = back.answers["house"]
    assert [row["street"] for row in house] == ["A & <B>", None]
    assert house[0]["inside"]["room"][0]["area"] == "12.5"


def test_rows_of_an_instance_get_the_same_ids_whenever_it_is_read() -> None:
    form = load_form((FEATURES / "nested_repeats.md").read_bytes(), "f.md").definition
    xml = write_instance(form, {"house": [{"street": "a"}, {"street": "b"}]}, "uuid:1").encode()
    first, second = read_instance(form, xml), read_instance(form, xml)
    assert first.answers == second.answers
    assert len({row["_id"] for row in first.answers["house"]}) == 2


def test_an_instance_of_another_form_is_refused() -> None:
    form = form_from_md("| survey | type | name | label |\n| | text | a | A |")
    with pytest.raises(FormError):
        read_instance(form, b'<data id="other"/>')


def test_an_answer_the_form_does_not_know_is_kept_for_validation() -> None:
    form = form_from_md("| survey | type | name | label |\n| | text | a | A |")
    found = read_instance(form, b'<data id="form"><a>1</a><b>2</b></data>')
    assert found.answers == {"a": "1", "b": "2"}


def test_a_literal_default_in_an_action_stays_a_text() -> None:
    source = FOREIGN.replace(
        "</model>", '<setvalue ref="/visit/size" event="odk-instance-first-load">4</setvalue></model>'
    )
    size = list(load_form(source.encode(), "v.xml").definition.questions())[1]
    assert size.actions[0].expression == Literal("4")


def test_what_pyxform_adds_for_the_look_of_a_table_is_no_question() -> None:
    form = form_from_md("""
        | survey | type          | name | label | appearance |
        |        | begin_group   | g    | Table | table-list |
        |        | select_one yn | a    | A     |            |
        |        | select_one yn | b    | B     |            |
        |        | end_group     |      |       |            |

        | choices | list_name | name | label |
        |         | yn        | y    | Yes   |""")
    (group,) = form.items
    assert group.label.plain("und") == "Table"
    assert [question.name for question in form.questions()] == ["a", "b"]


def nested(depth: int, in_body: int = 0) -> bytes:
    inner = "<q/>"
    for place in reversed(range(depth)):
        inner = f"<g{place}>{inner}</g{place}>"
    body = "<group>" * in_body + "</group>" * in_body
    return (
        '<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>t</h:title>'
        f'<model><instance><data id="c">{inner}</data></instance></model></h:head><h:body>{body}</h:body></h:html>'
    ).encode()


@pytest.mark.parametrize(("depth", "in_body"), [(41, 0), (4000, 0), (1, 4000)])
def test_groups_without_end_in_one_another_are_refused(depth: int, in_body: int) -> None:
    with pytest.raises(FormError) as raised:
        definition_from_xform(nested(depth, in_body))
    assert [issue.code for issue in raised.value.issues] == ["too_deep"]
    assert definition_from_xform(nested(39)).items


def test_an_xform_begins_with_the_rows_in_its_instance_and_new_rows_are_like_its_template() -> None:
    definition = definition_from_xform("""
        <h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
         xmlns:jr="http://openrosa.org/javarosa"><h:head><h:title>t</h:title><model><instance><data id="c">
          <r jr:template=""><a>new</a><s><b>x</b></s></r>
          <r><a>one</a><s><b>1</b></s><s><b>2</b></s></r>
          <r><a/><s><b>3</b></s></r>
        </data></instance></model></h:head><h:body>
          <repeat nodeset="/data/r"><input ref="/data/r/a"/>
           <repeat nodeset="/data/r/s"><input ref="/data/r/s/b"/></repeat></repeat>
        </h:body></h:html>""")
    interview = Interview(from_json(to_json(definition)))
    assert interview.add_row("r", "x") == "x"
    rows = interview.answers["r"]
    assert [(row["a"], [inner["b"] for inner in row["s"]]) for row in rows] == [
        ("one", ["1", "2"]), (None, ["3"]), ("new", ["x"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ('<setvalue ref="/data/a" event="odk-some-event" value="1"/>', "unsupported_event"),
        ('<odk:recordaudio ref="/data/a" event="odk-instance-load"/>', "unsupported_action"),
        ('<odk:setgeopoint ref="/data/a" event="xforms-value-changed"/>', "unsupported_action"),
    ],
)
def test_an_action_that_is_not_run_is_refused_by_name(action: str, code: str) -> None:
    with pytest.raises(FormError) as raised:
        definition_from_xform(f"""
            <h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
             xmlns:odk="http://www.opendatakit.org/xforms"><h:head><h:title>t</h:title><model><instance><data id="c"><a/>
             </data></instance>{action}</model></h:head><h:body><input ref="/data/a"/></h:body></h:html>""")
    assert [issue.code for issue in raised.value.issues] == [code]


@pytest.mark.parametrize(("type_", "stored"), [("int", "5"), ("xsd:int", "5"), ("decimal", "5.5"), ("string", "5.5")])
def test_a_calculation_that_is_a_whole_number_by_its_bind_is_stored_without_decimals(type_: str, stored: str) -> None:
    xml = f"""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
        xmlns:xsd="http://www.w3.org/2001/XMLSchema"><h:head><h:title>T</h:title>
        <model><instance><data id="t"><a/><c/></data></instance><bind nodeset="/data/a" type="string"/>
        <bind nodeset="/data/c" type="{type_}" calculate="/data/a"/></model></h:head>
        <h:body><input ref="/data/a"><label>A</label></input></h:body></h:html>"""
    interview = Interview(load_form(xml.encode(), "t.xml").definition)
    interview.set("a", "5.5")
    assert interview.seen("c") == stored
    interview.set("a", "none")
    assert interview.seen("c") == ("" if stored == "5" else "none")
