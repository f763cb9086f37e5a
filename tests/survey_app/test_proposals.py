"""What a questionnaire would write into a register waits for its manager; nothing is written silently."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey_app.models import Establishment, Record, RegisterProposal, Submission
from tests import factories as make

SignIn = Callable[..., FlaskClient]
FORM = """
    | survey   |                |          |       |         |
    |          | type           | name     | label | save_to |
    |          | text           | code     | Code  |         |
    |          | text           | firm     | Firm  |         |
    |          | integer        | staff    | Staff | workers |
    |          | text           | wish     | Wish  | dream   |
    | entities |                |          |       |         |
    |          | list_name      | entity_id | create_if    | update_if    | label   |
    |          | establishments | ${code}   | ${code} = '' | ${code} != '' | ${firm} |
    | settings |                |          |       |         |
    |          | form_id        | version  |       |         |
    |          | finder         | 1        |       |         |
"""


def approve(session: Session, browser: FlaskClient, answers: dict[str, object]) -> tuple[Record, Submission]:
    version = make.form_version(session, FORM)
    campaign = make.campaign(session, version)
    record = make.record(session, campaign, make.establishment(session), questionnaire_id=version.questionnaire_id)
    submission = make.submission(session, record, form_version_id=version.id, answers=answers)
    session.commit()
    page = browser.post(f"/submissions/{record.id}/approve", data={"revision": str(submission.instance_id)})
    assert page.status_code == 302
    session.commit()
    return record, submission


def only(session: Session) -> RegisterProposal:
    session.commit()
    session.expire_all()
    return session.scalars(select(RegisterProposal)).one()


def form_of(page: str) -> dict[str, str]:
    """What the page's form would send: inputs and the chosen options."""
    found = dict(re.findall(r'<input id="f-[^"]*" name="([^"]+)"[^>]* value="([^"]*)"', page))
    for name, options in re.findall(r'<select id="f-[^"]*" name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_an_update_waits_and_accepting_it_changes_only_what_it_names(sign_in: SignIn, session: Session) -> None:
    unit = make.establishment(session, attributes={"workers": 10, "legal": "llc", "vsic": "2396", "unit_2016": "u374"})
    browser = sign_in("manager")
    approve(session, browser, {"code": unit.code, "firm": unit.name, "staff": 25, "wish": "a <b> kiln"})
    found = only(session)
    assert (found.operation, found.state, found.establishment_id) == ("update", "open", unit.id)
    assert session.get(Establishment, unit.id).attributes["workers"] == 10  # type: ignore[union-attr]
    assert "(1)" in browser.get("/registers").text
    page = browser.get(f"/registers/proposals/{found.id}").text
    assert "a &lt;b&gt; kiln" in page
    sent = form_of(page)
    assert sent["workers"] == "25"
    assert browser.post(f"/registers/proposals/{found.id}", data=sent).status_code == 302
    assert only(session).state == "accepted"
    changed = session.get(Establishment, unit.id)
    assert changed is not None
    assert (changed.attributes["workers"], changed.attributes["legal"], changed.name) == (25, "llc", unit.name)
    assert browser.post(f"/registers/proposals/{found.id}", data=sent).status_code == 409


def test_a_new_row_is_made_only_when_the_manager_saves_it(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    approve(session, browser, {"code": None, "firm": "Xưởng gạch mới", "staff": 12, "wish": None})
    found = only(session)
    assert found.operation == "create"
    names = select(Establishment).where(Establishment.name == "Xưởng gạch mới")
    assert session.scalars(names).all() == []
    refused = browser.post(f"/registers/proposals/{found.id}", data={"name": "Xưởng gạch mới"})
    assert refused.status_code == 422
    sent = form_of(browser.get(f"/registers/proposals/{found.id}").text)
    sent |= {"legal": "llc", "unit_2016": "u374", "vsic": "2392"}
    answer = browser.post(f"/registers/proposals/{found.id}", data=sent)
    assert answer.status_code == 302, answer.text
    made = only(session)
    assert session.scalars(names).one().id == made.establishment_id


def test_declining_needs_a_reason_and_leaves_the_register(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    approve(session, browser, {"code": None, "firm": "X", "staff": 1, "wish": None})
    found = only(session)
    assert browser.post(f"/registers/proposals/{found.id}/decline", data={"comment": " "}).status_code == 422
    browser.post(f"/registers/proposals/{found.id}/decline", data={"comment": "đã có"})
    assert (only(session).state, only(session).comment) == ("declined", "đã có")
    assert "đã có" in browser.get(f"/registers/proposals/{found.id}").text


def test_a_record_that_is_returned_takes_its_proposals_with_it(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    record, submission = approve(session, browser, {"code": None, "firm": "X", "staff": 1, "wish": None})
    back = {"revision": str(submission.instance_id), "comment": "sai"}
    browser.post(f"/submissions/{record.id}/return", data=back)
    assert only(session).state == "withdrawn"
    assert "X</span>" not in browser.get("/registers/proposals").text


@pytest.mark.parametrize("answers", [{"code": "NB-999999", "firm": "F", "staff": 1, "wish": None}])
def test_an_update_of_nothing_says_so(sign_in: SignIn, session: Session, answers: dict[str, object]) -> None:
    browser = sign_in("manager")
    approve(session, browser, answers)
    found = only(session)
    assert "NB-999999" in browser.get(f"/registers/proposals/{found.id}").text
    assert browser.post(f"/registers/proposals/{found.id}", data={}).status_code == 422
