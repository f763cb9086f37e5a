"""What the app's page holds of a form: each address once, every screen put away until it is shown, drawn once."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from forms import load_form, screens
from survey_app.collect import blank, pages
from survey_app.collect.blank import draw_blank, shorten
from tests.first_load import instrument

ADDRESSES = re.compile(r'="([^"]*)"')


def _drawing(language: str = "vi", *, is_self: bool = True) -> pages.Drawing:
    definition = load_form(instrument("rapid_assessment").encode(), "form.md").definition
    return pages.Drawing(definition, language, None, is_self_completed=is_self)


def test_a_question_s_address_stands_in_the_page_once(app: Flask) -> None:
    drawing = _drawing()
    with app.test_request_context():
        html = str(draw_blank("once", drawing))
    asked = re.findall(r'data-question="([^"]+)"', html)
    assert len(asked) > 60
    values = [word for value in ADDRESSES.findall(html) for word in value.split(" ")]
    for path in asked:
        assert sum(word == path or word.endswith(f"-{path}") for word in values) == 1, path


def test_every_screen_waits_in_a_template_of_its_own(app: Flask) -> None:
    drawing = _drawing()
    with app.test_request_context():
        html = str(draw_blank("waiting", drawing))
    sections = re.findall(r"<section [^>]*hidden>(<template>)?", html)
    assert len(sections) == len(screens(drawing.definition))
    assert set(sections) == {"<template>"}


def test_what_an_author_wrote_is_left_as_it_is() -> None:
    question = '<div class="question" data-question="a" data-type="text" data-address="a">'
    drawn = f'{question}<label id="L-a" for="Q-a">a name="a" &lt;b id="a"&gt;</label><input name="a" value="a"></div>'
    marked = f"{question.replace(' data-address=', ' data-gone=')}".replace(' data-gone="a"', "")
    assert shorten(drawn) == (
        f'{marked}<label id="L-~" for="Q-~">a name="a" &lt;b id="a"&gt;</label><input name="~" value="a"></div>'
    )


def test_a_row_keeps_its_own_address_beside_that_of_its_question() -> None:
    question = '<div class="question" data-question="r/a" data-type="text" data-address="r/__row__/a">'
    assert shorten(f'{question}<input name="r/__row__/a" id="Q-r/__row__/a"></div>') == (
        f'{question}<input name="~" id="Q-~"></div>'
    )


def test_a_name_with_a_dot_and_another_question_s_name_are_not_taken_for_its_own() -> None:
    question = '<div class="question" data-question="a" data-type="date" data-address="a">'
    drawn = f'{question}<input name="a.day"><input name="b.day" aria-controls="Q-ab Q-a"></div>'
    assert shorten(drawn).endswith('><input name="~.day"><input name="b.day" aria-controls="Q-ab Q-~"></div>')


def test_a_form_is_drawn_once_for_each_language_and_way_of_asking(app: Flask) -> None:
    with app.test_request_context():
        first = draw_blank("kept", _drawing())
        assert draw_blank("kept", _drawing()) is first
        assert draw_blank("kept", _drawing("en")) != first
        assert draw_blank("kept", _drawing(is_self=False)) is not first
        assert draw_blank("other form", _drawing()) is not first


def test_what_is_kept_of_drawn_pages_is_bounded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = _drawing()
    with app.test_request_context():
        first = draw_blank("bounded", drawing)
        monkeypatch.setattr(blank, "MOST_KEPT", 3 * len(first))
        for number in range(4):
            draw_blank(f"bounded {number}", drawing)
        assert draw_blank("bounded 3", drawing) is draw_blank("bounded 3", drawing)
        assert draw_blank("bounded", drawing) is not first
