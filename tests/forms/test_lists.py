"""External lists: CSV, XML and GeoJSON beside a form become secondary instances, and what is wrong is told by row."""

from __future__ import annotations

import json

import pytest

from forms import (
    FormError,
    Interview,
    LoadedForm,
    from_json,
    load_form,
    load_form_from_markdown,
    to_bundle_json,
    to_json,
)
from forms.lists import MOST_ROWS, read_list

FORM = """
| survey |
|        | type                              | name | label    | choice_filter | parameters              |
|        | select_one_from_file places.csv   | d    | District |               |                         |
|        | select_one_from_file wards.csv    | w    | Ward     | d=${d}        | value=code, label=title |
"""
PLACES = "name,label::Tiếng Việt (vi),label::English (en),area\na,Á,A,3\nb,Bê,B,4\n".encode()
WARDS = b"code;title;d\r\nx;X;a\r\ny;Y;b\r\n"


def load(md: str, **files: bytes) -> LoadedForm:
    return load_form_from_markdown(md, files={name.replace("_", "."): content for name, content in files.items()})


def refusal(md: str, **files: bytes) -> list[tuple[str, str]]:
    with pytest.raises(FormError) as caught:
        load(md, **files)
    return [(issue.code, issue.where) for issue in caught.value.issues if issue.severity == "error"]


def test_choices_come_from_files_and_follow_each_other() -> None:
    form = load(FORM, places_csv=PLACES, wards_csv=WARDS).definition
    interview = Interview(form, language="en")
    assert [(c.name, c.label.plain("en")) for c in interview.choices("d")] == [("a", "A"), ("b", "B")]
    interview.set("d", "b")
    assert [(c.name, c.label.plain("en")) for c in interview.choices("w")] == [("y", "Y")]


def test_a_list_speaks_the_language_of_who_answers() -> None:
    form = load(FORM, places_csv=PLACES, wards_csv=WARDS).definition
    choices = Interview(form, language="vi").choices("d")
    assert [choice.label.plain("vi") for choice in choices] == ["Á", "Bê"]


def test_a_form_with_lists_survives_storing() -> None:
    form = load(FORM, places_csv=PLACES, wards_csv=WARDS).definition
    assert from_json(json.loads(json.dumps(to_json(form)))) == form


def test_a_phone_gets_one_language_and_only_the_fields_that_are_read() -> None:
    form = load(FORM, places_csv=PLACES, wards_csv=WARDS).definition
    instances = to_bundle_json(form, "vi")["instances"]
    assert instances["places"] == [{"name": "a", "label": "Á"}, {"name": "b", "label": "Bê"}]
    assert instances["wards"][0] == {"code": "x", "title": "X", "d": "a"}


def test_a_rule_that_names_its_column_while_running_sends_every_field() -> None:
    form = load_form_from_markdown(
        "| survey |\n| | type | name | label | calculation |\n| | text | t | T | |\n"
        "| | calculate | c | | pulldata('places', ${t}, 'name', 'a') |\n",
        files={"places.csv": PLACES},
    ).definition
    assert to_bundle_json(form, "en")["instances"]["places"][0] == {"name": "a", "label": "A", "area": "3"}


def test_pulldata_reads_a_file_of_its_name() -> None:
    md = (
        "| survey |\n| | type | name | label | calculation |\n| | text | t | T | |\n"
        "| | calculate | c | | pulldata('places', 'area', 'name', ${t}) |\n"
    )
    form = load(md, places_csv=PLACES).definition
    assert [(need.name, need.cell) for need in form.files] == [("places.csv", "survey!D4")]
    interview = Interview(form)
    interview.set("t", "b")
    assert str(interview.value("c")) == "4"


def test_a_missing_file_is_named_by_its_cell_and_stops_nobody_yet() -> None:
    warnings = load(FORM, places_csv=PLACES).warnings
    assert [(issue.code, issue.where) for issue in warnings] == [("file_missing", "survey!A5")]


def test_a_file_nothing_names_is_mentioned() -> None:
    warnings = load(FORM, places_csv=PLACES, wards_csv=WARDS, other_csv=PLACES).warnings
    assert [(issue.code, issue.where) for issue in warnings] == [("file_unused", "other.csv")]


def test_external_declarations_want_their_files() -> None:
    md = "| survey |\n| | type | name |\n| | csv-external | a |\n| | xml-external | b |\n| | today | n |\n"
    assert [need.name for need in load(md).definition.files] == ["a.csv", "b.xml"]


def test_instances_given_at_run_time_want_no_file() -> None:
    md = (
        "| survey |\n| | type | name | label | calculation |\n| | calculate | c | | pulldata('register', 'x', 'y', 'z') |\n"
        "| settings |\n| | external_instances |\n| | register |\n"
    )
    assert load(md).definition.files == ()


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"wards_csv": b"kode,title,d\nx,X,a\n"}, [("list_no_column", "survey!A5")]),
        ({"wards_csv": b"code,d\nx,a\n"}, [("list_no_column", "survey!A5")]),
        ({"wards_csv": b"code,title,d\nx,X,a\nx,Y,a\n"}, [("duplicate_choice", "wards.csv:3")]),
        ({"wards_csv": b"code,title,d\nx,X,a\n,Y,a\n"}, [("list_blank_name", "wards.csv:3")]),
        ({"wards_csv": b"code,title,d\nx y,X,a\n"}, [("choice_name_space", "wards.csv:2")]),
        ({"wards_csv": b"code,code\nx,X\n"}, [("list_column_twice", "wards.csv:1")]),
        ({"wards_csv": b"code,title,d\nx,X,a,more\n"}, [("list_row_longer", "wards.csv:2")]),
        ({"wards_csv": b"\xff\x00\xfa"}, [("not_utf8", "wards.csv")]),
        ({"wards_csv": b"code,title,d\n"}, [("list_empty", "wards.csv")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_list_is_told_by_file_and_row(
    files: dict[str, bytes], wanted: list[tuple[str, str]]
) -> None:
    found = refusal(FORM, places_csv=PLACES, **files)
    for code, where in wanted:
        assert (code, where) in found


def test_repeated_names_pass_where_the_workbook_allows_them() -> None:
    md = FORM + "\n| settings |\n| | allow_choice_duplicates |\n| | yes |\n"
    form = load(md, places_csv=PLACES, wards_csv=b"code,title,d\nx,X,a\nx,Y,b\n").definition
    assert len(form.instances["wards"]) == 2


def test_a_repeated_fault_is_not_told_for_ever() -> None:
    rows = "".join(f"same,T{n},a\n" for n in range(500))
    assert len(refusal(FORM, places_csv=PLACES, wards_csv=f"code,title,d\n{rows}".encode())) <= 20


def test_xml_items_are_read() -> None:
    source = b"<root><item><name>a</name><label>A</label></item><item><name>b</name><label/></item></root>"
    found = read_list("x.xml", source)
    assert found.items == ({"name": "a", "label": "A"}, {"name": "b", "label": ""})


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"<root><item><name>a", "not_xml"),
        (b'<!DOCTYPE r [<!ENTITY a "x">]><root><item><name>&a;</name></item></root>', "not_xml"),
        (b"<root><item><name>a</name></item><other><name>b</name></other></root>", "list_mixed"),
        (b"<root><item><a><b>1</b></a></item></root>", "list_nested"),
        (b"<root><name>a</name></root>", "list_nested"),
        (b"<root/>", "list_empty"),
    ],
)
def test_xml_that_is_not_a_list_is_refused(source: bytes, code: str) -> None:
    assert [issue.code for issue in read_list("x.xml", source).issues] == [code]


def _features(*features: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def test_geojson_becomes_points_with_the_latitude_first() -> None:
    point = {"type": "Point", "coordinates": [105.97, 20.25]}
    ring = {"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 6], [1, 2]]]}
    found = read_list("x.geojson", _features(
        {"type": "Feature", "id": "p", "properties": {"title": "Chợ", "n": 3.0, "ok": True, "no": None}, "geometry": point},
        {"type": "Feature", "id": "q", "properties": None, "geometry": ring},
    ))  # fmt: skip
    assert found.items[0] == {
        "title": "Chợ",
        "n": "3",
        "ok": "true",
        "no": "",
        "id": "p",
        "geometry": "20.25 105.97 0 0",
    }
    assert found.items[1]["geometry"] == "2 1 0 0; 4 3 0 0; 6 5 0 0; 2 1 0 0"


def test_choices_of_a_map_take_id_and_title() -> None:
    md = "| survey |\n| | type | name | label |\n| | select_one_from_file x.geojson | p | P |\n"
    point = {"type": "Point", "coordinates": [1, 2]}
    source = _features({"type": "Feature", "properties": {"id": "p1", "title": "One"}, "geometry": point})
    form = load_form_from_markdown(md, files={"x.geojson": source}).definition
    assert [(c.name, c.label.plain("und")) for c in Interview(form).choices("p")] == [("p1", "One")]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"{", "list_not_json"),
        (b"[" * 100_000, "list_not_json"),
        (b'{"type": "Feature"}', "list_not_geojson"),
        (_features({"properties": {"a": {"b": 1}}}), "list_nested"),
        (_features({"properties": {}, "geometry": {"type": "MultiPoint", "coordinates": []}}), "list_geometry"),
        (_features({"properties": {}, "geometry": {"type": "Point", "coordinates": [20, 95]}}), "list_geometry"),
    ],
)
def test_geojson_that_is_not_a_list_is_refused(source: bytes, code: str) -> None:
    assert [issue.code for issue in read_list("x.geojson", source).issues] == [code]


def test_a_list_holds_fifty_thousand_rows_and_not_one_more() -> None:
    rows = "name,label\n" + "".join(f"n{n},L\n" for n in range(MOST_ROWS))
    assert len(read_list("x.csv", rows.encode()).items) == MOST_ROWS == 50_000
    assert [issue.code for issue in read_list("x.csv", f"{rows}one,more\n".encode()).issues] == ["list_too_long"]


@pytest.mark.parametrize("name", ["../x.csv", "a/b.csv", "x.txt", "a b|c.csv"])
def test_a_list_with_an_unusable_name_is_refused(name: str) -> None:
    md = f"| survey |\n| | type | name | label |\n| | select_one_from_file {name} | p | P |\n"
    codes = {code for code, _ in refusal(md.replace("|c", "\\|c"))}
    assert codes & {"file_bad_list", "unknown_type"}


def test_pictures_are_named_by_their_cells() -> None:
    md = (
        "| survey |\n| | type | name | label | media::image::Tiếng Việt (vi) | media::audio | big-image |\n"
        "| | begin_group | g | G | g.png | | |\n| | select_one l | q | Q | q.jpg | q.mp3 | big.jpg |\n| | end_group | | | | | |\n"
        "| choices |\n| | list_name | name | label | image |\n| | l | a | A | a.png |\n"
    )
    form = load(md).definition
    assert {(need.name, need.kind) for need in form.files} == {
        ("g.png", "image"), ("q.jpg", "image"), ("q.mp3", "audio"), ("big.jpg", "image"), ("a.png", "image"),
    }  # fmt: skip
    (group,) = form.items
    assert not hasattr(group, "choices")
    assert {kind: text.plain("vi") for kind, text in group.media.items()} == {"image": "g.png"}
    assert form.choice_lists["l"].choices[0].media["image"].plain("vi") == "a.png"


@pytest.mark.parametrize("name", ["../a.png", "a/b.png", "${q}.png", "C:\\\\a.png"])
def test_a_picture_with_an_unusable_name_is_refused(name: str) -> None:
    md = f"| survey |\n| | type | name | label | image |\n| | text | q | Q | {name} |\n"
    assert ("file_bad_name", "survey!D3") in refusal(md)


def test_an_xform_names_its_files_too() -> None:
    source = b"""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
      xmlns:jr="http://openrosa.org/javarosa"><h:head><h:title>T</h:title><model>
      <itext><translation lang="English (en)"><text id="q"><value>Q</value><value form="image">jr://images/q.png</value></text>
      </translation></itext>
      <instance><data id="t"><q/></data></instance><instance id="places" src="jr://file-csv/places.csv"/>
      <bind nodeset="/data/q" type="string"/></model></h:head><h:body><select1 ref="/data/q"><label ref="jr:itext('q')"/>
      <itemset nodeset="instance('places')/root/item"><value ref="name"/><label ref="label"/></itemset></select1></h:body></h:html>"""
    loaded = load_form(source, "x.xml", files={"places.csv": PLACES, "q.png": None})
    assert [(need.name, need.kind) for need in loaded.definition.files] == [("q.png", "image"), ("places.csv", "list")]
    assert [choice.name for choice in Interview(loaded.definition).choices("q")] == ["a", "b"]


def test_a_filter_reads_the_fields_of_the_file_whatever_the_choice_is_called() -> None:
    md = "| survey |\n| | type | name | label | choice_filter | parameters |\n"
    md += "| | select_one_from_file x.csv | q | Q | name = 'two' | value=code |\n"
    form = load_form_from_markdown(md, files={"x.csv": b"code,name,label\n1,one,One\n2,two,Two\n"}).definition
    assert [choice.name for choice in Interview(form).choices("q")] == ["2"]
