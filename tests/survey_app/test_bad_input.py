"""Hostile and broken JSON: a clear 4xx, nothing changed, never a 5xx."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from survey_app.config import Limits
from survey_app.json_reader import BadJson, canonical_json, read_json
from survey_app.models import Submission
from survey_app.problems import TooLarge
from tests.sending import Phone, assessor

SignIn = Callable[..., FlaskClient]
BAD = {
    "deep": b"[" * 100_000, "deep object": b'{"a":' * 50_000, "33 levels": b"[" * 33 + b"]" * 33,
    "NaN": b'{"answers":NaN}', "Infinity": b'{"a":-Infinity}', "overflowing float": b'{"a":1e999}',
    "NUL": b'{"a":"\\u0000"}', "NUL in a name": b'{"a\\u0000":1}', "half a letter": b'{"a":"\\ud800"}',
    "half a letter in a name": b'{"\\udfff":1}', "two equal names": b'{"a":1,"a":2}', "huge integer": b"9" * 5_000,
    "past 64 bits": b'{"a":9223372036854775808}', "cut off": b'{"a":', "empty": b"", "not UTF-8": b'{"a":"\xff"}',
    "UTF-16": '{"a":1}'.encode("utf-16"), "control letter": b'{"a":"\x01"}', "words": b"hello", "comment": b"{}//",
}


@pytest.fixture
def phone(session: Session, sign_in: SignIn) -> Phone:
    return assessor(session, sign_in)


@pytest.mark.parametrize("name", BAD)
def test_broken_json_is_a_400_with_words_on_every_json_route(phone: Phone, session: Session, name: str) -> None:
    calls = (
        ("PUT", f"/api/v1/submissions/{phone.instance_id}"), ("POST", f"/api/v1/drafts/{phone.instance_id}/changes"),
        ("PUT", f"/api/v1/drafts/{phone.instance_id}/attachments/a.jpg"),
    )
    for method, address in calls:
        started = time.monotonic()
        response = phone.browser.open(address, method=method, data=BAD[name], content_type="application/json")
        assert response.status_code == 400, (address, response.text)
        assert response.get_json()["error"]["message"]
        assert time.monotonic() - started < 2
    assert session.scalar(select(func.count()).select_from(Submission)) == 0


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"true"])
def test_json_that_is_no_object_is_a_400(phone: Phone, body: bytes) -> None:
    assert phone.put(body).status_code == 400


def test_32_levels_are_read() -> None:
    assert read_json(b"[" * 32 + b"]" * 32, Limits()) is not None


def test_a_body_past_the_bound_is_a_413(phone: Phone) -> None:
    assert phone.put(b'{"a":"' + b"x" * (2 * 1024 * 1024) + b'"}').status_code == 413
    with pytest.raises(TooLarge):
        read_json(b" " * (2 * 1024 * 1024 + 1), Limits())


def test_a_body_of_another_kind_is_refused(phone: Phone) -> None:
    address = f"/api/v1/submissions/{phone.instance_id}"
    response = phone.browser.put(address, data={"answers": "x"}, content_type="multipart/form-data")
    assert response.status_code == 400


@pytest.mark.parametrize("instance_id", ["1", "../..", "%00", "x" * 3000, "{}"])
def test_an_id_that_is_none_is_not_found(phone: Phone, instance_id: str) -> None:
    assert phone.browser.get(f"/api/v1/drafts/{instance_id}").status_code == 404


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_problem(body: bytes) -> None:
    with contextlib.suppress(BadJson):  # anything else that is raised fails the test
        value = read_json(body, Limits())
        assert json.loads(canonical_json(value)) == value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4), max_leaves=12,
)
NAMES = st.sampled_from(["work", "staff", "metered", "_id", ""]) | st.text(max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(answers=st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_whatever_the_answers_are_they_are_stored_or_refused_never_a_crash(phone: Phone, answers: Any) -> None:
    fresh = Phone(phone.browser, phone.draft, phone.form_id, phone.version, phone.times)
    assert fresh.send(answers).status_code in (200, 201, 400, 409, 422)


def test_equal_values_give_equal_canonical_bytes() -> None:
    assert canonical_json({"b": 1.0, "a": [2, 2.5, None, "ữ"]}) == '{"a":[2,2.5,null,"ữ"],"b":1}'.encode()
