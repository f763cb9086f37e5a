"""The API as a whole: schemas, bundles, description, CSRF."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from survey_app.collect.openapi import document
from tests import factories
from tests.sending import Phone, assessor, respondent

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def phone(session: Session, sign_in: SignIn) -> Phone:
    return assessor(session, sign_in)


def test_every_route_of_the_api_is_described_and_nothing_else(app: Flask) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, methods in document()["paths"].items() for method in methods}
    assert described == routes


def test_the_description_is_served_to_anybody(client: FlaskClient) -> None:
    found = client.get("/api/v1/openapi.json").get_json()
    assert found["openapi"] == "3.1.0"
    properties = found["components"]["schemas"]["Submission"]["properties"]
    assert {"answers", "finished_at", "utc_offset_minutes", "attachments"} <= set(properties)


@pytest.mark.parametrize("change", [
    {"role": "administrator"}, {"state": "approved"}, {"record_id": 1}, {"received_at": "2026-01-01T00:00:00Z"},
    {"utc_offset_minutes": "420"}, {"utc_offset_minutes": 5000}, {"finished_at": "2026-11-23T10:00:00"},
    {"finished_at": "0001-01-01T00:00:00+14:00"}, {"finished_at": None}, {"attachments": {"a.jpg": "xyz"}},
    {"replaces": "no id"}, {"version": 1}, {"answers": []}, {"reasons": {"a": 1}},
])
def test_a_field_we_do_not_take_or_a_wrong_one_is_named_and_refused(phone: Phone, change: dict[str, object]) -> None:
    response = phone.send(**({"answers": change["answers"]} if "answers" in change else change))
    assert response.status_code == 422
    assert response.get_json()["error"]["issues"][0]["where"].split(".")[0] == next(iter(change))


def test_the_instance_id_of_body_and_address_must_agree(phone: Phone) -> None:
    other = "00000000-0000-4000-8000-000000000000"
    assert phone.send(instance_id=other).status_code == 422


def test_a_bundle_is_the_same_bytes_for_ever_and_knows_it(phone: Phone) -> None:
    address = f"/api/v1/bundles/{phone.draft.form_version_id}/vi"
    first = phone.browser.get(address)
    assert first.get_json()["form_id"] == "small"
    assert first.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    again = phone.browser.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_bundle_of_a_draft_version_or_an_unknown_language_is_not_found(phone: Phone, session: Session) -> None:
    assert phone.browser.get(f"/api/v1/bundles/{phone.draft.form_version_id}/xx").status_code == 404
    factories.form_version(session, published_at=None)
    session.commit()
    assert phone.browser.get(f"/api/v1/bundles/{phone.draft.form_version_id}/vi").status_code == 404


def test_a_respondent_gets_the_bundles_of_the_own_campaign_only(session: Session, client: FlaskClient) -> None:
    mine = respondent(session, client)
    other = factories.form_version(session, factories.SMALL_FORM.replace("| small ", "| other "))
    session.commit()
    assert client.get(f"/api/v1/bundles/{mine.draft.form_version_id}/vi").status_code == 200
    assert client.get(f"/api/v1/bundles/{other.id}/vi").status_code == 404


def test_the_api_wants_somebody_signed_in(client: FlaskClient, phone: Phone) -> None:
    response = client.get(f"/api/v1/drafts/{phone.instance_id}")
    assert (response.status_code, response.get_json()["error"]["code"]) == (401, "not_signed_in")


def test_a_call_without_the_csrf_header_is_refused(app: Flask, phone: Phone) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    assert phone.send().status_code == 400
    assert phone.change(("work/staff", 1)).status_code == 400


def test_messages_are_in_the_callers_language(phone: Phone) -> None:
    phone.browser.set_cookie("language", "vi")
    assert "máy chủ" in phone.send(version="99").get_json()["error"]["message"].lower()
