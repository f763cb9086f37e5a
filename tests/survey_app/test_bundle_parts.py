"""What of the client's engine a page fetches at once, beside its form."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from survey_app.assets import load_manifest
from tests.first_load import open_link


@pytest.mark.skipif(not load_manifest(), reason="the client is not built; make test builds it")
def test_the_parts_a_form_calls_for_are_fetched_with_the_page(session: Session, client: FlaskClient) -> None:
    page = client.get(f"/collect/{open_link(session, client, 'rapid_assessment')}/app").text
    built = load_manifest()
    fetched = re.findall(r'rel="modulepreload" href="/static/dist/([^"]+)"', page)
    assert {built["form/patterns.js"], built["form/calendar.js"]} <= set(fetched)
    assert built["form/codes.js"] not in fetched
