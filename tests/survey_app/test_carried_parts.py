"""A campaign of an action whose visits carry a part of an instrument only: through drafts, intake and figures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey_app.campaigns import service as campaigns
from survey_app.models import Campaign, RecordValue, Submission, SubmissionIssue
from tests import factories
from tests.sending import assessor

SignIn = Callable[..., FlaskClient]
FORM = """
    | survey   |              |         |                        |                     |                                                 |
    |          | type         | name    | label::Tiếng Việt (vi) | label::English (en) | relevant                                        |
    |          | integer      | staff   | Số lao động            | Workers             |                                                 |
    |          | begin group  | further | Phần khác              | The rest            | not(instance('visit')/root/item/part = 'staff') |
    |          | text         | remark  | Ghi chú                | Remark              |                                                 |
    |          | end group    |         |                        |                     |                                                 |
    | settings |              |         |                        |                     |                                                 |
    |          | form_id      | version | form_title             | default_language    | external_instances                              |
    |          | staffing     | 1       | Lao động               | Tiếng Việt (vi)     | visit                                           |
    | indicators |            |         |                        |                     |                                                 |
    |          | name         | kind    | label::Tiếng Việt (vi) | label::English (en) | rule                                            |
    |          | large        | truth   | Từ 10 lao động         | 10 or more          | ${staff} >= 10                                  |
"""


@pytest.fixture
def survey(session: Session) -> Campaign:
    plan = factories.plan(session)
    plan.document = {**plan.document, "action": [{"name": "7.1", "label": {}, "parts": {"staffing": "staff"}}]}
    return factories.campaign(session, factories.form_version(session, FORM), action="7.1")


def test_the_plan_says_which_part_the_visits_of_an_action_carry(app: Flask, session: Session, survey: Campaign) -> None:
    session.commit()
    with app.app_context():
        assert campaigns.visit_items(survey.id, "staffing") == [{"action": "7.1", "part": "staff"}]
        assert campaigns.visit_items(survey.id, "other_form") == [{"action": "7.1", "part": ""}]
        assert campaigns.visit_items(0, "staffing") == []


@pytest.mark.parametrize(("action", "is_asked"), [("7.1", False), ("4", True)])
def test_the_page_asks_the_rest_of_the_form_only_where_the_whole_is_carried(
    session: Session, sign_in: SignIn, survey: Campaign, action: str, is_asked: bool
) -> None:
    survey.action = action
    phone = assessor(session, sign_in, campaign=survey, md=FORM)
    review = phone.browser.get(f"/collect/{phone.instance_id}/review?lang=en").text
    assert "Workers" in review
    assert ("Remark" in review) is is_asked
    sent_to_phone = phone.browser.get(f"/api/v1/drafts/{phone.instance_id}").get_json()["instances"]
    assert sent_to_phone["visit"][0]["part"] == ("" if is_asked else "staff")


def test_the_campaign_s_page_says_that_only_a_part_is_carried(
    session: Session, sign_in: SignIn, survey: Campaign
) -> None:
    session.commit()
    browser = sign_in("manager")
    assert "version 1, staff" in browser.get(f"/campaigns/{survey.id}?lang=en").text
    survey.mode = "self"
    session.commit()
    assert "version 1, staff" not in browser.get(f"/campaigns/{survey.id}?lang=en").text


def test_what_the_part_holds_is_received_without_an_issue_and_counts(
    session: Session, sign_in: SignIn, survey: Campaign
) -> None:
    phone = assessor(session, sign_in, campaign=survey, md=FORM)
    assert phone.send({"staff": 12}).status_code == 201
    stored = session.scalars(select(Submission)).one()
    assert stored.answers == {"staff": 12}
    assert session.scalars(select(SubmissionIssue)).all() == []
    values = {value.name: value.truth for value in session.scalars(select(RecordValue))}
    assert values["large"] is True
