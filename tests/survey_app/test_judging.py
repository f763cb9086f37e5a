"""The server judges an interview as the phone saw it: by the device's clock, and with what was sent before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from survey_app import db
from survey_app.models import Campaign, Draft, Establishment, FormVersion, SubmissionIssue, User, utc_now
from survey_app.submissions import service
from tests import factories
from tests.sending import assessor, respondent

SignIn = Callable[..., FlaskClient]
DATED = """
    | survey |          |      |                        |                          |
    |        | type     | name | label::Tiếng Việt (vi) | constraint               |
    |        | date     | day  | Ngày                   | . <= today()             |
    |        | dateTime | at   | Lúc                    | . <= now()               |
    | settings |        |      |                        |                          |
    |        | form_id  | version | form_title          |                          |
    |        | dated    | 1    | Ngày giờ               |                          |
"""
REPEATED = """
    | survey |            |       |                        |                      |
    |        | type       | name  | label::Tiếng Việt (vi) | default              |
    |        | text       | chief | Chủ cơ sở              | ${last-saved#chief}  |
    |        | integer    | beds  | Số giường              |                      |
    | settings |          |       |                        |                      |
    |        | form_id    | version | form_title           |                      |
    |        | again      | 1     | Lần sau                |                      |
"""


def issues_of(session: Session) -> list[tuple[str, str]]:
    session.expire_all()
    return [
        (issue.code, issue.place) for issue in session.scalars(select(SubmissionIssue).order_by(SubmissionIssue.id))
    ]


@pytest.mark.parametrize(
    ("offset", "day", "expected"),
    [
        (420, "2026-11-24", []),  # 0:30 in Viet Nam is still the 23rd in UTC
        (420, "2026-11-25", [("constraint", "day")]),
        (0, "2026-11-24", [("constraint", "day")]),
        (-300, "2026-11-23", []),
        (-300, "2026-11-24", [("constraint", "day")]),
    ],
)
def test_today_is_the_day_on_the_device(
    session: Session, sign_in: SignIn, offset: int, day: str, expected: list[tuple[str, str]]
) -> None:
    phone = assessor(session, sign_in, md=DATED)
    finished = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
    phone.times["finished_at"] = finished
    assert phone.send({"day": day, "at": None}, utc_offset_minutes=offset).status_code == 201
    assert [issue for issue in issues_of(session) if issue[0] == "constraint"] == expected


@pytest.mark.parametrize(
    ("at", "is_wrong"),
    [
        ("2026-11-24T00:29:59.000+07:00", False),
        ("2026-11-24T00:30:01.000+07:00", True),
        ("2026-11-23T17:29:59Z", False),
        ("2026-11-23T12:30:01-05:00", True),
    ],
)
def test_a_date_time_is_compared_by_its_own_offset(session: Session, sign_in: SignIn, at: str, is_wrong: bool) -> None:
    phone = assessor(session, sign_in, md=DATED)
    phone.times["finished_at"] = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
    assert phone.send({"day": None, "at": at}).status_code == 201
    assert (("constraint", "at") in issues_of(session)) is is_wrong


def test_a_form_begins_with_what_the_assessor_sent_last(app: Flask, session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in, md=REPEATED)
    assert phone.send({"chief": "Bà An", "beds": 3}).status_code == 201
    unit = factories.establishment(session)
    session.commit()
    wanted = ((Campaign, phone.draft.campaign_id), (Establishment, unit.id), (FormVersion, phone.draft.form_version_id))
    with app.app_context():
        rows = [db.session().get_one(model, key) for model, key in wanted]
        user = db.session().get_one(User, phone.browser.user_id)  # type: ignore[attr-defined]
        draft = service.open_draft(*rows, user=user, mode="visit")  # type: ignore[arg-type]
        assert draft.prefill["values"] == {"chief": "Bà An"}
        assert service.instances_of(draft)["__last-saved"] == [{"chief": "Bà An", "beds": "3"}]


def test_a_respondent_sees_nothing_that_others_sent(app: Flask, session: Session, client: FlaskClient) -> None:
    phone = respondent(session, client, md=REPEATED)
    version = session.get_one(FormVersion, phone.draft.form_version_id)
    record = factories.record(session, questionnaire_id=version.questionnaire_id)
    before = utc_now() - timedelta(days=1)
    factories.submission(session, record, version, answers={"chief": "Ông Khác"}, received_at=before)
    session.commit()
    with app.app_context():
        draft = db.session().get_one(Draft, phone.instance_id, options=[joinedload(Draft.establishment)])
        assert service.instances_of(draft)["__last-saved"] == []
