"""How an interview went: told to the assessor first, shown to reviewers only, and nothing of a link."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from survey_app.models import Record, User, utc_now
from tests import factories as make

SignIn = Callable[..., FlaskClient]
START = utc_now() - timedelta(hours=3)


def filled(session: Session, **owner: int) -> Record:
    """A record whose draft got four answers in two sittings: 2 + 3 minutes, an hour's pause, then a correction."""
    campaign = make.campaign(session)
    unit = make.establishment(session)
    draft = make.draft(session, campaign, unit, started_at=START, **owner)
    record = make.record(session, campaign, unit)
    make.submission(session, record, instance_id=draft.instance_id)
    minutes = [("work/staff", 10, 0), ("work/metered", "yes", 2), ("work/staff", 12, 5), ("work/staff", 13, 65)]
    for path, value, minute in minutes:
        make.draft_change(session, draft, path, value, at=START + timedelta(minutes=minute))
    session.commit()
    return record


def assessor(session: Session, told: bool = True) -> int:
    row: User = make.user(session, told_of_log_at=START - timedelta(days=1) if told else None)
    return row.id


def test_a_reviewer_sees_times_and_corrections(sign_in: SignIn, session: Session) -> None:
    record = filled(session, assessor_id=assessor(session))
    page = sign_in("manager").get(f"/submissions/{record.id}?lang=en").text
    log = page.split('id="log"')[1].split("</section>")[0]
    assert re.search(r"5 (minutes|phút)", log)
    assert re.search(r"2 (sittings|lượt)", log)
    assert re.search(r"<td>5(,0|\.0)?</td><td>4</td>", log)
    assert re.findall(r"<li>(.*?) <span", log) == ["Workers"]
    assert re.search(r"2 (times|lần)", log)


def test_who_only_reads_submissions_sees_no_log(sign_in: SignIn, session: Session) -> None:
    record = filled(session, assessor_id=assessor(session))
    assert 'id="log"' not in sign_in("analyst").get(f"/submissions/{record.id}").text


def test_nothing_is_shown_of_who_was_not_told(sign_in: SignIn, session: Session) -> None:
    record = filled(session, assessor_id=assessor(session, told=False))
    assert 'id="log"' not in sign_in("manager").get(f"/submissions/{record.id}").text


def test_nothing_is_shown_of_a_link_whose_notice_does_not_say_so(sign_in: SignIn, session: Session) -> None:
    invitation, _token = make.invitation(session)
    record = filled(session, invitation_id=invitation.id)
    assert 'id="log"' not in sign_in("manager").get(f"/submissions/{record.id}").text


def test_an_assessor_is_told_once(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("assessor")
    assert 'id="told"' in browser.get("/work").text
    assert browser.post("/account/interview-log").location == "/work"
    assert 'id="told"' not in browser.get("/work").text
