"""How questions are drawn and read back: labels, ranges, dates in parts, places, and the language of an interview."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from forms import Interview, Question, Text, screens
from survey_app.access import RESPONDENT_COOKIE
from survey_app.collect import rich, shown
from survey_app.collect.drawing import Drawing, note_html, text_html
from survey_app.collect.pages import draw_screen
from survey_app.collect.posted import date_of, read_points
from survey_app.models import Draft, Establishment
from tests import factories
from tests.drivers import form_from_md

PLACES = json.loads((Path(__file__).parents[1] / "conformance/places.json").read_text(encoding="utf8"))


@pytest.mark.parametrize(("typed", "is_closed", "stored"), PLACES)
def test_typed_places_are_stored_as_the_phone_stores_them(typed: str, is_closed: bool, stored: str) -> None:
    assert read_points(typed, is_closed=is_closed) == stored
    assert read_points(shown.shown_points(stored, is_closed=is_closed), is_closed=is_closed) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ({"year": "1987"}, "1987-01-01"),
        ({"month": "8", "year": "2025"}, "2025-08-01"),
        ({"day": "7", "month": "9", "year": "1999"}, "1999-09-07"),
        ({"day": "", "month": "", "year": ""}, None),
        ({"day": "7", "month": "", "year": "1999"}, "1999-?-7"),
        ({"month": "8", "year": "25"}, "25-8"),
    ],
)
def test_the_parts_of_a_date_make_a_date_and_what_is_none_is_kept_as_typed(
    typed: dict[str, str], stored: str | None
) -> None:
    assert date_of(typed) == stored


@pytest.mark.parametrize(
    ("parameters", "steps"),
    [
        ("start=1 end=3 step=1", ("1", "2", "3")),
        ("start=0 end=1 step=0.25", ("0", "0.25", "0.5", "0.75", "1")),
        ("start=-1 end=1 step=1", ("-1", "0", "1")),
        ("start=0 end=500 step=1", ()),
    ],
)
def test_the_steps_of_a_range(parameters: str, steps: tuple[str, ...]) -> None:
    form = form_from_md(f"""
        | survey | type  | name | label | parameters   |
        |        | range | a    | A     | {parameters} |""")
    assert shown.steps_of(next(form.questions())) == steps


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**A** _b_", "<strong>A</strong> <em>b</em>"),
        ("5 < 6 & 7", "5 &lt; 6 &amp; 7"),
        ('<span style="color:red">x</span>', '<span class="ink-red">x</span>'),
        ('<font color="#0000ff">x</font>', '<span class="ink-blue">x</span>'),
        ('<span style="color:red" onclick="x()">x</span>', '<span class="ink-red">x</span>'),
        ('<span class="bar-bottom">x</span>', "<span>x</span>"),
        ("<u>x</u><script>y</script>", "<u>x</u>&lt;script&gt;y&lt;/script&gt;"),
        ("<img src=x onerror=y>", "&lt;img src=x onerror=y&gt;"),
        ("[x](javascript:y)", "[x](javascript:y)"),
        ("[x](tel:+84229)", '<a href="tel:+84229" target="_blank" rel="noopener noreferrer">x</a>'),
        ("# Head\n- one", '<span class="heading">Head</span><br>\n• one'),
        ("unclosed <span style='color:green'>x", 'unclosed <span class="ink-green">x</span>'),
    ],
)
def test_a_label_keeps_the_marks_that_are_safe(text: str, html: str) -> None:
    assert rich.inline(text) == html


def _drawing(answer: str | None) -> Drawing:
    form = form_from_md("""
        | survey | type | name | label                                            |
        |        | text | who  | Who                                              |
        |        | note | said | # Hello **${who}**, [see](https://e.invalid/${who}) |""")
    interview = None
    if answer is not None:
        interview = Interview(form)
        interview.set("who", answer)
    return Drawing(form, form.languages[0], interview)


def test_an_answer_in_a_label_is_text_whatever_was_typed() -> None:
    drawing = _drawing("*x* <b>y</b> / z")
    label = drawing.definition.find(("said",))
    assert label is not None
    html = text_html(drawing, label.label, "said")
    assert "<strong>*x* &lt;b&gt;y&lt;/b&gt; / z</strong>" in html
    assert 'href="https://e.invalid/%2Ax%2A%20%3Cb%3Ey%3C%2Fb%3E%20%2F%20z"' in html
    assert "<h3>Hello <strong>*x*" in note_html(drawing, label.label, "said")


def test_without_answers_the_client_finds_a_place_for_each() -> None:
    drawing = _drawing(None)
    label = drawing.definition.find(("said",))
    assert label is not None
    html = text_html(drawing, label.label, "said")
    assert '<strong><span data-part="label:0" data-of="said"></span></strong>' in html
    assert html.count("data-part") == 1
    assert not text_html(drawing, Text(), "said")


def test_a_few_steps_are_buttons_and_many_a_number_never_only_a_slider(app: Flask) -> None:
    form = form_from_md("""
        | survey | type  | name | label | parameters             |
        |        | range | few  | Few   | start=1 end=5 step=1   |
        |        | range | many | Many  | start=0 end=500 step=1 |""")
    with app.test_request_context():
        html = draw_screen(Drawing(form, form.languages[0], None), screens(form)[0], heading_id="S")
    assert html.count('type="radio"') == 5
    assert 'name="many"' in html
    assert html.count('type="range" data-scale') == html.count('tabindex="-1" aria-hidden="true"') == 1


# The language of an interview -----------------------------------------------------------------------------------


@pytest.fixture
def opened(app: Flask, session: Session) -> tuple[Any, Draft]:
    """A browser that came by a link, and its draft."""
    version = factories.form_version(session)
    campaign = factories.campaign(session, version, mode="self")
    invitation, token = factories.invitation(session, campaign)
    unit = session.get_one(Establishment, invitation.establishment_id)
    draft = factories.draft(session, campaign, unit, version, invitation_id=invitation.id, mode="self")
    draft.consent = {"answer": "yes", "notice": "1", "at": "2026-01-01T00:00:00+00:00", "language": "vi"}
    session.commit()
    browser = app.test_client()
    browser.set_cookie(RESPONDENT_COOKIE, token)
    return browser, draft


def test_the_language_button_of_a_plain_page_saves_the_page_first(opened: tuple[Any, Draft]) -> None:
    browser, draft = opened
    here = f"/collect/{draft.instance_id}/s/work"
    assert "Tiếng Việt" not in browser.get(here).text
    moved = browser.post(here, data={"drawn": "work/staff work/metered", "work/staff": "12", "language": "en"})
    assert moved.location == here
    page = browser.get(here).text
    assert "Workers" in page
    assert 'value="12"' in page
    assert "Tiếng Việt" in page


def test_the_language_of_the_app_changes_at_its_own_place_only(opened: tuple[Any, Draft]) -> None:
    browser, draft = opened
    address = f"/collect/{draft.instance_id}/language"
    first = f"/collect/{draft.instance_id}/"
    good = browser.post(address, data={"language": "en", "next": f"{first}app#work"})
    assert good.location == f"{first}app#work"
    for bad in ("//evil.invalid", "https://evil.invalid/", "/work", f"{first}//evil.invalid", f"{first}\\evil"):
        assert browser.post(address, data={"language": "en", "next": bad}).location == first
    assert browser.post(address, data={"language": "tlh", "next": first}).headers.get("Set-Cookie") is None


def test_a_photo_sent_by_a_plain_page_is_seen_there_again(opened: tuple[Any, Draft], session: Session) -> None:
    version = factories.form_version(
        session,
        """
        | survey   | type    | name  | label |
        |          | image   | photo | Photo |
        | settings | form_id | version | form_title |
        |          | pictured | 1 | Pictured |""",
    )
    browser, draft = opened
    session.get_one(Draft, draft.instance_id).form_version_id = version.id
    session.commit()
    here = f"/collect/{draft.instance_id}/s/photo"
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "JPEG")
    sent = {"drawn": "photo", "photo": (io.BytesIO(picture.getvalue()), "a.jpg"), "go": "back"}
    assert browser.post(here, data=sent, content_type="multipart/form-data").status_code == 303
    found = re.search(r'<img class="preview" src="([^"]+)"', browser.get(here).text)
    assert found
    assert browser.get(found[1]).content_type == "image/jpeg"


def test_the_author_names_steps_of_a_range_by_a_list(app: Flask) -> None:
    form = form_from_md("""
        | survey  | type      | name | label | parameters                                               |
        |         | range     | a    | A     | start=1 end=3 step=1 tick_interval=1 tick_labelset=words |
        | choices | list_name | name | label |
        |         | words     | 1    | Low   |
        |         | words     | 3    | High  |""")
    with app.test_request_context():
        html = draw_screen(Drawing(form, form.languages[0], None), screens(form)[0], heading_id="S")
    assert re.findall(r"<span>(\d) ?(?:<span class=\"step-name\">(\w+)</span>)?</span>", html) == [
        ("1", "Low"),
        ("2", ""),
        ("3", "High"),
    ]


@pytest.mark.parametrize(
    ("point", "words"),
    [("20.25 105.97 0 12.4", "20.25, 105.97 (± 12 m)"), ("20.25 -105.97", "20.25, -105.97"), ("1 2 0 0", "1, 2"), ("?", "?")],
)
def test_a_place_is_reviewed_in_words(point: str, words: str) -> None:
    assert shown._words(Question("g", "geopoint", ("g",), ""), point) == words
