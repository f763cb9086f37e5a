"""Drafts: a list of changes that any device of the person can replay."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from survey_app import db
from survey_app.models import Campaign, Draft, DraftChange, Establishment, FormVersion, User
from survey_app.problems import NotFound
from survey_app.submissions import service
from tests import factories
from tests.sending import Phone, assessor, respondent

SignIn = Callable[..., FlaskClient]
LINES = """
    | survey   |              |           |                        |                     |         |                      |
    |          | type         | name      | label::Tiếng Việt (vi) | label::English (en) | default | relevant             |
    |          | text         | id_name   | Tên cơ sở              | Name                |         |                      |
    |          | integer      | beds      | Số giường              | Beds                | 2       |                      |
    |          | integer      | nurses    | Số y tá                | Nurses              |         | ${beds} > 0          |
    |          | begin repeat | line      | Dây chuyền             | Line                |         |                      |
    |          | text         | product   | Sản phẩm               | Product             |         |                      |
    |          | end repeat   |           |                        |                     |         |                      |
    | settings |              |           |                        |                     |         |                      |
    |          | form_id      | version   | form_title             | default_language    |         |                      |
    |          | lines        | 1         | Dây chuyền             | Tiếng Việt (vi)     |         |                      |
"""


@pytest.fixture
def phone(session: Session, sign_in: SignIn) -> Phone:
    return assessor(session, sign_in, md=LINES)


def state(phone: Phone) -> dict[str, object]:
    response = phone.browser.get(f"/api/v1/drafts/{phone.instance_id}")
    assert response.status_code == 200, response.text
    return response.get_json()


def test_answers_given_are_there_when_the_draft_is_opened_elsewhere(phone: Phone) -> None:
    assert phone.change(("beds", 4), ("nurses", 3)).get_json()["last_change"] > 0
    assert state(phone)["values"] == {"beds": 4, "nurses": 3}


def test_a_hidden_answer_comes_back_with_its_question(phone: Phone) -> None:
    phone.change(("beds", 4), ("nurses", 3))
    phone.change(("beds", 0))
    assert state(phone)["values"] == {"beds": 0, "nurses": 3}


def test_rows_are_added_filled_and_removed(phone: Phone) -> None:
    phone.change(("line/+a", None), ("line/a/product", "Gạch"), ("line/+b", None), ("line/b/product", "Ngói"))
    assert state(phone)["rows"] == {"line": ["a", "b"]}
    phone.change(("line/-a", None))
    found = state(phone)
    assert found["rows"] == {"line": ["b"]}
    assert found["values"] == {"line/b/product": "Ngói"}


def test_the_same_changes_sent_twice_leave_the_same_draft(phone: Phone) -> None:
    changes = (("line/+a", None), ("line/+b", None), ("line/a/product", "Gạch"), ("beds", 1))
    phone.change(*changes)
    first = state(phone)
    phone.change(*changes)
    second = state(phone)
    assert (first["values"], first["rows"]) == (second["values"], second["rows"])


def test_an_answer_for_a_row_that_another_device_removed_is_no_error(phone: Phone) -> None:
    phone.change(("line/+a", None), ("line/-a", None), ("line/a/product", "Gạch"))
    assert state(phone)["rows"] == {"line": []}


@pytest.mark.parametrize("path", [
    "nobody", "line/product", "line", "line/+", "line/+a/product", "line/a b/product", "beds/+a", "", "/beds", "beds/x",
    "line/+a\x01",
])
def test_a_path_the_form_does_not_have_is_refused_and_nothing_kept(phone: Phone, session: Session, path: str) -> None:
    assert phone.change(("beds", 1), (path, "x")).status_code in (400, 422)
    assert session.scalar(select(func.count()).select_from(DraftChange)) == 0


@pytest.mark.parametrize("value", [True, {"a": 1}, [1], "x" * 20_001])
def test_a_value_that_is_no_answer_is_refused(phone: Phone, value: object) -> None:
    assert phone.change(("id_name", value)).status_code == 422


def test_a_sent_draft_takes_no_more_changes(phone: Phone) -> None:
    phone.send({"beds": 0})
    response = phone.change(("beds", 1))
    assert response.status_code == 409
    assert state(phone)["sent"]["number"]


def test_a_draft_of_somebody_else_is_not_found_like_a_missing_one(phone: Phone, sign_in: SignIn) -> None:
    stranger = sign_in("assessor")
    for method, address in (("get", ""), ("post", "/changes")):
        theirs, missing = (
            stranger.open(f"/api/v1/drafts/{draft}{address}", method=method.upper(), json={"changes": []})
            for draft in (phone.instance_id, uuid.uuid4())
        )
        assert (theirs.status_code, theirs.data) == (missing.status_code, missing.data)
        assert theirs.status_code == 404


def test_a_respondent_reaches_the_draft_of_the_link_only(
    session: Session, client: FlaskClient, phone: Phone
) -> None:
    mine = respondent(session, client)
    assert client.get(f"/api/v1/drafts/{mine.instance_id}").status_code == 200
    assert client.get(f"/api/v1/drafts/{phone.instance_id}").status_code == 404


def test_two_people_of_one_link_see_each_others_answers(app: Flask, session: Session, client: FlaskClient) -> None:
    mine = respondent(session, client)
    other = app.test_client()
    other.set_cookie("link", client.get_cookie("link").value)
    mine.change(("work/staff", 7))
    Phone(other, mine.draft, mine.form_id, mine.version).change(("work/metered", "yes"))
    assert state(mine)["values"] == {"work/staff": 7, "work/metered": "yes"}


def _opened(app: Flask, session: Session, **options: object) -> tuple[Draft, Draft]:
    """A draft opened twice by the same person."""
    version = factories.form_version(session, LINES)
    user, unit = factories.user(session), factories.establishment(session)
    campaign = factories.campaign(session, version)
    session.commit()
    with app.test_request_context():
        db.begin_write()
        args = [db.session().get_one(model, row.id) for model, row in
                ((Campaign, campaign), (Establishment, unit), (FormVersion, version))]
        who = db.session().get_one(User, user.id)
        first = service.open_draft(*args, user=who, **options)
        second = service.open_draft(*args, user=who, **options)
        db.commit()
    return first, second


def test_opening_twice_is_opening_once_and_defaults_are_there(app: Flask, session: Session) -> None:
    first, second = _opened(app, session)
    assert first.instance_id == second.instance_id
    assert first.prefill["values"]["beds"] == 2


def test_a_correction_starts_with_the_answers_it_corrects(app: Flask, session: Session) -> None:
    version = factories.form_version(session, LINES)
    submission = factories.submission(
        session, version=version, answers={"beds": 5, "line": [{"_id": "r1", "product": "Gạch"}]}
    )
    session.commit()
    draft, _ = _opened(app, session, replaces=submission.instance_id)
    assert draft.prefill == {"values": {"beds": 5, "line/r1/product": "Gạch"}, "rows": {"line": ["r1"]}}


def test_a_correction_of_nothing_is_not_found(app: Flask, session: Session) -> None:
    with pytest.raises(NotFound):
        _opened(app, session, replaces=uuid.uuid4())
