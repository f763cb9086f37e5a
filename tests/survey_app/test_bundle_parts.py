"""What a page fetches beside its form: parts of the engine, and of the scores those that it computes."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from forms import load_form
from survey_app.assets import load_manifest
from survey_app.collect.bundle import bundle_of
from tests.first_load import open_link


@pytest.mark.skipif(not load_manifest(), reason="the client is not built; make test builds it")
def test_the_parts_a_form_calls_for_are_fetched_with_the_page(session: Session, client: FlaskClient) -> None:
    page = client.get(f"/collect/{open_link(session, client, 'rapid_assessment')}/app").text
    built = load_manifest()
    fetched = re.findall(r'rel="modulepreload" href="/static/dist/([^"]+)"', page)
    assert {built["form/patterns.js"], built["form/calendar.js"]} <= set(fetched)
    assert built["form/codes.js"] not in fetched


def _scores_sent(rule: str) -> list[str]:
    form = f"""
        | survey  | type    | name  | label::English (en) |
        |         | integer | kwh   | Power               |
        |         | integer | cost  | Cost                |
        | scores  | kind    | name  | label::English (en) | parents | rule                  |
        |         | value   | price | Price               |         | ${{cost}} div ${{kwh}} |
        |         | value   | twice | Twice               |         | ${{price}} * 2        |
        |         | value   | alone | Alone               |         | ${{kwh}} + 1          |
        |         | item    | thing | Thing               | part    | ${{kwh}}              |
        |         | dimension | part | Part               | whole   |                       |
        |         | index   | whole | Whole               |         |                       |
        | checks  | name    | question | rule             | grade   | message::English (en) |
        |         | odd     | cost  | {rule}              | note    | Odd                   |
        """
    definition = load_form(textwrap.dedent(form).encode(), "form.md").definition
    sent = bundle_of(hashlib.sha256(rule.encode()).hexdigest(), definition, "en")
    return [row["name"] for row in json.loads(sent.body)["scores"]]


def test_a_phone_gets_the_figures_that_its_checks_read_and_no_others(app: Flask) -> None:
    assert _scores_sent("${kwh} > 0") == []
    assert _scores_sent("${twice} > 0") == ["price", "twice"]
