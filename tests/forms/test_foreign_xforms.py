"""XForms written elsewhere, by hand or by older tools: read as they are meant, or refused by the name of what is not run."""

from __future__ import annotations

import pytest

from forms import FormError, Interview, Question, load_form

HEAD = (
    '<h:html xmlns:h="http://www.w3.org/1999/xhtml" xmlns="http://www.w3.org/2002/xforms" '
    'xmlns:jr="http://openrosa.org/javarosa" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
)
BY_HAND = (
    HEAD
    + """<h:head><h:title>By hand</h:title><model>
<instance><imci xmlns="http://example.org/imci" version="3">
  <visit><age/><sex/><city/><town/></visit><child><name/><toy><kind/></toy></child>
</imci></instance>
<instance id="cities"><cities><city><id>hn</id><itextId>c-hn</itextId></city>
  <city><id>nb</id><itextId>c-nb</itextId></city></cities></instance>
<instance id="towns"><root><item><code>a</code><words>Alpha</words><in>hn</in></item>
  <item><code>b</code><words>Beta</words><in>nb</in></item></root></instance>
<itext><translation lang="en">
  <text id="c-hn"><value>Hanoi</value></text><text id="c-nb"><value>Ninh Binh</value></text>
  <text id="boy"><value>Boy</value><value form="image">jr://images/boy.png</value></text>
</translation></itext>
<bind id="a" nodeset="/imci/visit/age" type="xsd:int" constraint=". &lt; 60"/>
<bind id="sex" nodeset="/imci/visit/sex" type="xsd:string" relevant="/imci/visit/age > 3"/>
<bind id="n" nodeset="/imci/child/name" type="string"/>
</model></h:head><h:body>
<group ref="/imci/visit"><label>Visit</label>
  <input bind="a"><label>Age</label></input>
  <select1 ref="sex"><label>Sex</label><item><label ref="jr:itext('boy')"/><value>m</value></item>
    <item><label>Girl <output value="/imci/visit/age"/></label><value>f</value></item></select1>
  <select1 ref="/imci/visit/city"><label>City</label><itemset nodeset="instance('cities')/cities/city">
    <value ref="id"/><label ref="jr:itext(itextId)"/></itemset></select1>
  <select1 ref="/imci/visit/town"><label>Town</label><itemset nodeset="instance('towns')/root/item[in = /imci/visit/city]">
    <value ref="code"/><label ref="words"/></itemset></select1>
</group>
<group><label>Children</label><repeat nodeset="/imci/child"><input bind="n"><label>Name</label></input>
  <group><label>Toys</label><repeat nodeset="/imci/child/toy"><input ref="kind"><label>Kind</label></input></repeat></group>
</repeat></group></h:body></h:html>"""
)


def read(source: str) -> Interview:
    return Interview(load_form(source.encode(), "form.xml").definition, language="en")


def test_controls_are_found_by_path_by_place_and_by_bind() -> None:
    form = read(BY_HAND).definition
    assert {"/".join(question.path): question.type for question in form.questions()} == {
        "visit/age": "integer", "visit/sex": "select_one", "visit/city": "select_one", "visit/town": "select_one",
        "child/name": "text", "child/toy/kind": "text",
    }  # fmt: skip
    assert (form.form_id, form.version) == ("http://example.org/imci", "3")


def test_a_group_without_a_node_names_the_repeat_in_it() -> None:
    form = read(BY_HAND).definition
    labels = [found.label.plain("en") for path in (("child",), ("child", "toy")) if (found := form.find(path))]
    assert labels == ["Children", "Toys"]


def test_choices_written_in_the_body_keep_their_pictures_and_references() -> None:
    interview = read(BY_HAND)
    interview.set("visit/age", 5)
    boy, girl = interview.choices("visit/sex")
    assert boy.media["image"].plain("en") == "boy.png"
    assert interview.text(girl.label, "visit/sex") == "Girl 5"
    assert [need.name for need in interview.definition.files] == ["boy.png"]


def test_items_may_have_their_names_and_labels_in_any_field() -> None:
    interview = read(BY_HAND)
    cities = [(choice.name, choice.label.plain("en")) for choice in interview.choices("visit/city")]
    assert cities == [("hn", "Hanoi"), ("nb", "Ninh Binh")]
    interview.set("visit/city", "nb")
    assert [(choice.name, choice.label.plain("en")) for choice in interview.choices("visit/town")] == [("b", "Beta")]


def one(control: str, bind: str = "", node: str = "<q/>") -> str:
    model = f"<model><instance><data id='f'>{node}</data></instance>{bind}</model>"
    return f"{HEAD}<h:head><h:title>T</h:title>{model}</h:head><h:body>{control}</h:body></h:html>"


def test_a_group_without_a_node_shows_the_node_around_its_questions() -> None:
    body = (
        "<group appearance='field-list'><label>First</label><input ref='/data/g/a'/>"
        "<group><label>Rows</label><repeat nodeset='/data/g/r'><input ref='/data/g/r/b'/></repeat></group></group>"
        "<input ref='/data/c'/>"
    )
    form = read(one(body, node="<g><a/><r><b/></r></g><c/>")).definition
    found = [form.find(path) for path in (("g",), ("g", "r"))]
    assert [item.label.plain("en") for item in found if item] == ["First", "Rows"]
    assert [item.appearance for item in found if item] == ["field-list", ""]


def test_what_is_written_from_the_root_needs_no_root_before_it() -> None:
    bind = "<bind nodeset='g/b' relevant=\"/data/a = 'x'\" type='int'/>"
    interview = read(one("<input ref='a'/><group ref='g'><input ref='b'/></group>", bind, "<a/><g><b/></g>"))
    assert not interview.is_relevant("g/b")
    interview.set("a", "x")
    assert interview.is_relevant("g/b")
    found = interview.definition.find(("g", "b"))
    assert isinstance(found, Question)
    assert found.type == "integer"


def test_a_text_given_only_in_short_is_shown() -> None:
    texts = (
        "<itext><translation lang='en'><text id='s'><value form='short'>Short</value></text>"
        "<text id='l'><value form='short'>S</value><value form='long'>Long</value></text></translation></itext>"
    )
    body = "<input ref='/data/a'><label ref=\"jr:itext('s')\"/></input><input ref='/data/b'><label ref=\"jr:itext('l')\"/></input>"
    form = read(one(body, texts, "<a/><b/>")).definition
    assert [question.label.plain("en") for question in form.questions()] == ["Short", "Long"]


@pytest.mark.parametrize(
    ("source", "code", "name"),
    [
        (one("<upload ref='/data/q' mediatype='osm/*'><label>O</label></upload>"), "unsupported_type", "osm"),
        (one("<input ref='/data/q' query=\"instance('x')/root/item\"/>"), "unsupported_type", "select_one_external"),
        (one("<input ref='/data/q'/>", "<bind nodeset='/data/q' type='db:person'/>"), "unsupported_type", "db:person"),
        (one("<input ref='/data/q' appearance=\"minimal search('towns')\"/>"), "unsupported_search", ""),
        (
            one("<repeat nodeset='/data/r'><input ref='/data/r/_id'/></repeat>", node="<r><_id/></r>"),
            "reserved_name",
            "_id",
        ),
    ],
    ids=["osm", "external", "a type of elsewhere", "search", "a row's own id"],
)
def test_what_is_not_run_is_refused_by_name(source: str, code: str, name: str) -> None:
    with pytest.raises(FormError) as caught:
        read(source)
    assert [(issue.code, issue.parameters.get("name", "")) for issue in caught.value.issues] == [(code, name)]
    assert caught.value.issues[0].where.startswith("/data/")


def test_a_question_may_be_called_as_a_row_is_where_no_rows_are() -> None:
    source = one("<group ref='/data/g'><input ref='/data/g/_id'/></group>", node="<g><_id/></g>")
    interview = read(source)
    interview.set("g/_id", "x")
    assert interview.answers["g"] == {"_id": "x"}


def test_encryption_that_is_not_done_is_said() -> None:
    source = one("<input ref='/data/q'/>", "<submission base64RsaPublicKey='MIIB' action='https://example.org/x'/>")
    assert [issue.code for issue in load_form(source.encode(), "f.xml").warnings] == ["setting_elsewhere"]
