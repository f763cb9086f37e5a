"""Receiving submissions: exactly once, nothing lost, everything flagged."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from survey_app.models import (
    Draft,
    Record,
    RecordValue,
    Submission,
    SubmissionIssue,
    Visit,
    utc_now,
)
from survey_app.submissions import intake, service
from tests import factories
from tests.sending import GOOD, Phone, assessor, respondent

SignIn = Callable[..., FlaskClient]
SCORED = """
    | survey     |                  |            |                        |                     |          |            |
    |            | type             | name       | label::Tiếng Việt (vi) | label::English (en) | required | relevant   |
    |            | select_one yn    | id_consent | Đồng ý?                | Do you agree?       | yes      |            |
    |            | date             | id_visit_date | Ngày                | Date                |          |            |
    |            | text             | id_resp_name | Họ tên               | Name                |          | ${id_consent} = 'yes' |
    |            | select_one yn    | metered    | Có đồng hồ?            | Meters?             |          | ${id_consent} = 'yes' |
    |            | integer          | staff      | Số lao động            | Workers             |          | ${id_consent} = 'yes' |
    | choices    |                  |            |                        |                     |          |            |
    |            | list_name        | name       | label::Tiếng Việt (vi) | label::English (en) |          |            |
    |            | yn               | yes        | Có                     | Yes                 |          |            |
    |            | yn               | no         | Không                  | No                  |          |            |
    | settings   |                  |            |                        |                     |          |            |
    |            | form_id          | version    | form_title             | default_language    |          |            |
    |            | scored           | 1          | Phiếu có điểm          | Tiếng Việt (vi)     |          |            |
    | scores     |                  |            |                        |                     |          |            |
    |            | kind             | name       | label::Tiếng Việt (vi) | label::English (en) | parents  | rule       |
    |            | index            | sm         | Điểm                   | Score               |          |            |
    |            | dimension        | energy     | Năng lượng             | Energy              | sm       |            |
    |            | item             | meters     | Đồng hồ                | Meters              | energy   | if(${metered} = 'yes', 100, 0) |
    | indicators |                  |            |                        |                     |          |            |
    |            | name             | kind       | label::Tiếng Việt (vi) | label::English (en) | rule     |            |
    |            | has_meters       | truth      | Có đồng hồ             | Has meters          | ${metered} = 'yes' |  |
    | checks     |                  |            |                        |                     |          |            |
    |            | name             | question   | message::Tiếng Việt (vi) | message::English (en) | rule | grade      |
    |            | large            | staff      | Nhiều lao động?        | So many workers?    | ${staff} < 5000 | reason |
"""


def one(session: Session, query: object) -> object:
    session.expire_all()
    return session.scalars(query).one()  # type: ignore[call-overload]


def count(session: Session, table: type[object]) -> int:
    session.expire_all()
    return session.scalar(select(func.count()).select_from(table)) or 0


def issues_of(session: Session) -> list[tuple[str, str]]:
    session.expire_all()
    found = session.scalars(select(SubmissionIssue).order_by(SubmissionIssue.id))
    return [(issue.code, issue.place) for issue in found]


@pytest.fixture
def phone(session: Session, sign_in: SignIn) -> Phone:
    return assessor(session, sign_in)


def test_a_submission_is_answered_by_a_receipt_over_the_bytes_sent(phone: Phone, session: Session) -> None:
    response = phone.send()
    assert response.status_code == 201
    receipt = response.get_json()
    assert receipt["sha256"] == hashlib.sha256(phone.body()).hexdigest()
    assert receipt["instance_id"] == str(phone.instance_id)
    assert receipt["is_repeat"] is False
    stored = one(session, select(Submission))
    assert (stored.receipt_number, stored.body, stored.answers) == (receipt["number"], phone.body(), GOOD)


def test_the_same_bytes_again_get_the_first_receipt_and_no_second_row(phone: Phone, session: Session) -> None:
    first, second = phone.send(), phone.send()
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.get_json() == {**first.get_json(), "is_repeat": True}
    assert count(session, Submission) == 1


def test_other_bytes_under_the_same_instance_id_are_a_conflict(phone: Phone, session: Session) -> None:
    phone.send()
    response = phone.send({"work": {"staff": 99}})
    assert response.status_code == 409
    assert response.get_json()["error"]["code"] == "other_answers"
    assert one(session, select(Submission)).answers == GOOD


def test_twenty_parallel_sendings_of_one_submission_make_one_row_and_one_receipt(
    app: Flask, phone: Phone, session: Session
) -> None:
    body, cookie = phone.body(), phone.browser.get_cookie("session")
    answers: list[tuple[int, str]] = []

    def send_once() -> None:
        browser = app.test_client()
        browser.set_cookie("session", cookie.value)
        address = f"/api/v1/submissions/{phone.instance_id}"
        response = browser.put(address, data=body, content_type="application/json")
        answers.append((response.status_code, response.get_json()["number"]))

    threads = [threading.Thread(target=send_once) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({number for _, number in answers}) == 1
    assert (count(session, Submission), count(session, Record)) == (1, 1)


def test_ten_submissions_of_ten_phones_at_once_are_all_stored(
    app: Flask, session: Session, sign_in: SignIn
) -> None:
    phones = [assessor(session, sign_in) for _ in range(10)]
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda p=p: statuses.append(p.send().status_code)) for p in phones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 10
    assert count(session, Submission) == 10


def test_an_unknown_version_is_refused_and_nothing_is_stored(phone: Phone, session: Session) -> None:
    response = phone.send(version="99")
    assert response.status_code == 422
    assert response.get_json()["error"]["code"] == "unknown_version"
    assert count(session, Submission) == 0
    assert one(session, select(Draft)).sent_at is None


def test_a_version_of_another_questionnaire_is_refused(phone: Phone, session: Session) -> None:
    factories.form_version(session, SCORED)
    session.commit()
    response = phone.send(form_id="scored", version="1")
    assert (response.status_code, response.get_json()["error"]["code"]) == (422, "unknown_version")


def test_a_draft_version_of_a_form_takes_no_submissions(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in, factories.form_version(session, published=False))
    assert phone.send().status_code == 422


def test_a_stranger_cannot_send_for_somebody_elses_draft(phone: Phone, sign_in: SignIn, session: Session) -> None:
    stranger = sign_in("assessor")
    response, missing = (
        stranger.put(f"/api/v1/submissions/{instance_id}", data=phone.body(), content_type="application/json")
        for instance_id in (phone.instance_id, uuid.uuid4())
    )
    assert (response.status_code, response.data) == (missing.status_code, missing.data)
    assert response.status_code == 404
    assert count(session, Submission) == 0


def test_missing_and_wrong_answers_are_stored_and_flagged(phone: Phone, session: Session) -> None:
    response = phone.send({"work": {"staff": "rất nhiều", "metered": "maybe"}, "unknown": 3})
    assert response.status_code == 201
    assert one(session, select(Submission)).answers["work"]["staff"] == "rất nhiều"
    assert {code for code, _ in issues_of(session)} == {"unknown_question", "wrong_type", "unknown_choice"}


def test_a_required_question_left_blank_is_an_issue_at_its_place(phone: Phone, session: Session) -> None:
    phone.send({"work": {"metered": "yes"}})
    assert issues_of(session) == [("required", "work/staff")]
    issue = one(session, select(SubmissionIssue))
    assert set(issue.message) == {"vi", "en"}


@pytest.mark.parametrize("answers", [{}, {"work": []}, {"work": None}, {"work": "x"}, {"work": {"staff": {"a": [1]}}},
                                     {"work": {"staff": [1, 2]}}, {"": {}}, {"work": {"staff": True}}])
def test_answers_of_a_wrong_shape_are_stored_too(phone: Phone, session: Session, answers: object) -> None:
    assert phone.send(answers).status_code == 201
    assert count(session, Submission) == 1
    assert issues_of(session)


def test_scores_and_indicators_are_kept_with_the_record(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in, md=SCORED)
    phone.send({"id_consent": "yes", "metered": "yes", "staff": 3})
    session.expire_all()
    values = {value.name: (value.kind, value.number, value.truth) for value in session.scalars(select(RecordValue))}
    assert values == {
        "energy": ("score", 100.0, None), "sm": ("score", 100.0, None), "has_meters": ("indicator", None, True)
    }


def test_a_sending_asks_the_database_little(app: Flask, session: Session, sign_in: SignIn) -> None:
    phone, asked = assessor(session, sign_in, md=SCORED), list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement.split("(")[0].strip())

    engine = app.extensions["survey_db"].engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert phone.send({"id_consent": "yes", "metered": "yes"}).status_code == 201
    finally:
        event.remove(engine, "before_cursor_execute", note)
    writes = [statement.split()[:3] for statement in asked if statement.split()[0] in ("INSERT", "UPDATE")]
    assert [" ".join(words) for words in writes] == [
        "INSERT INTO records", "INSERT INTO submissions", "INSERT INTO record_values",
        "UPDATE records SET", "UPDATE drafts SET",
    ]  # fmt: skip
    assert len([statement for statement in asked if statement.startswith("SELECT")]) <= 3


def test_a_soft_check_keeps_the_reason_given(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in, md=SCORED)
    phone.send({"id_consent": "yes", "metered": "yes", "staff": 9000}, reasons={"large": "Ba nhà máy"})
    issue = one(session, select(SubmissionIssue).where(SubmissionIssue.code == "check"))
    assert (issue.place, issue.answer_note, issue.message["en"]) == ("staff", "Ba nhà máy", "So many workers?")


def test_consent_refused_is_kept_as_a_refusal_without_values(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in, md=SCORED)
    assert phone.send({"id_consent": "no", "metered": "yes"}).status_code == 201
    assert one(session, select(Record)).is_refusal is True
    assert count(session, RecordValue) == 0


def test_a_refusal_ends_the_visit_and_is_told_to_it(session: Session, sign_in: SignIn) -> None:
    version = factories.form_version(session, SCORED)
    campaign, unit = factories.campaign(session, version), factories.establishment(session)
    visit = factories.visit(session, campaign, unit)
    phone = assessor(session, sign_in, version, campaign, unit, md=SCORED, visit_id=visit.id)
    phone.send({"id_consent": "no"})
    assert one(session, select(Visit)).outcome == 211


def test_identification_is_shared_with_the_other_forms_of_the_visit(session: Session, sign_in: SignIn) -> None:
    version = factories.form_version(session, SCORED)
    campaign, unit = factories.campaign(session, version), factories.establishment(session)
    visit = factories.visit(session, campaign, unit)
    phone = assessor(session, sign_in, version, campaign, unit, md=SCORED, visit_id=visit.id)
    phone.send({"id_consent": "yes", "id_resp_name": "Người trả lời", "metered": "no"})
    found = one(session, select(Visit))
    assert found.shared == {"id_consent": "yes", "id_resp_name": "Người trả lời"}
    assert found.outcome == 110


def test_who_comes_by_a_link_is_always_recorded_as_self_reported(session: Session, client: FlaskClient) -> None:
    phone = respondent(session, client)
    assert phone.send().status_code == 201
    assert one(session, select(Record)).mode == "self"


def test_a_returned_record_gets_a_new_revision_that_replaces_the_old_one(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in)
    phone.send()
    record = one(session, select(Record))
    record.state = "returned"
    session.commit()
    again = _correction(session, phone)
    assert again.send({"work": {"staff": 13, "metered": "no"}}, replaces=str(phone.instance_id)).status_code == 201
    session.expire_all()
    first, second = session.scalars(select(Submission).order_by(Submission.id)).all()
    record = one(session, select(Record))
    assert (second.replaces_id, second.record_id, record.current_submission_id) == (first.id, record.id, second.id)
    assert (record.state, issues_of(session)) == ("submitted", [])


def _correction(session: Session, phone: Phone, **changes: object) -> Phone:
    """A second draft of the same person for the same record."""
    old = phone.draft
    draft = Draft(
        instance_id=uuid.uuid4(), form_version_id=old.form_version_id, campaign_id=old.campaign_id,
        establishment_id=old.establishment_id, assessor_id=old.assessor_id, replaces=phone.instance_id, mode=old.mode,
    )
    for name, value in changes.items():
        setattr(draft, name, value)
    session.add(draft)
    session.commit()
    return Phone(phone.browser, draft, phone.form_id, phone.version)


def test_an_approved_record_takes_no_new_answers_and_says_what_to_do(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in)
    phone.send()
    one(session, select(Record)).state = "approved"
    session.commit()
    response = _correction(session, phone).send({"work": {"staff": 1}})
    assert (response.status_code, response.get_json()["error"]["code"]) == (409, "already_approved")
    assert count(session, Submission) == 1
    assert phone.send().status_code == 200  # the first one's receipt is still to be had


def test_an_approved_refusal_may_still_become_an_answer(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in, md=SCORED)
    phone.send({"id_consent": "no"})
    one(session, select(Record)).state = "approved"
    session.commit()
    assert _correction(session, phone, replaces=None).send({"id_consent": "yes", "metered": "no"}).status_code == 201
    assert one(session, select(Record)).is_refusal is False


def test_a_second_sending_before_review_is_flagged(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in)
    phone.send()
    assert _correction(session, phone, replaces=None).send({"work": {"staff": 1, "metered": "no"}}).status_code == 201
    assert issues_of(session) == [("second_sending", "")]
    assert count(session, Record) == 1


def test_the_values_of_a_corrected_record_are_those_of_its_newest_revision(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in, md=SCORED)
    phone.send({"id_consent": "yes", "metered": "yes"})
    _correction(session, phone).send({"id_consent": "yes", "metered": "no"})
    session.expire_all()
    values = {value.name: value.number for value in session.scalars(select(RecordValue)) if value.kind == "score"}
    assert values == {"energy": 0.0, "sm": 0.0}


def test_a_visit_outside_the_phase_is_flagged(session: Session, sign_in: SignIn) -> None:
    phone = assessor(session, sign_in, md=SCORED)
    phone.send({"id_consent": "yes", "id_visit_date": "2019-05-01", "metered": "yes"})
    assert ("visit_outside_phase", "") in issues_of(session)


def test_a_device_whose_clock_is_years_off_is_flagged_and_stored(phone: Phone, session: Session) -> None:
    late = (utc_now() + timedelta(days=1000)).isoformat()
    assert phone.send(sent_at=late, finished_at=late).status_code == 201
    assert "clock_wrong" in {code for code, _ in issues_of(session)}


def test_answers_after_the_end_of_a_campaign_are_taken_and_flagged(session: Session, sign_in: SignIn) -> None:
    campaign = factories.campaign(session, closed_at=utc_now())
    phone = assessor(session, sign_in, campaign=campaign)
    assert phone.send().status_code == 201
    assert ("campaign_closed", "") in issues_of(session)


def test_the_draft_is_closed_by_its_submission(phone: Phone, session: Session) -> None:
    phone.send()
    assert one(session, select(Draft)).sent_at is not None


def test_the_receipts_signature_is_ours(app: Flask, phone: Phone) -> None:
    receipt = phone.send().get_json()
    with app.app_context():
        found = intake.find_receipt(phone.instance_id)
        assert found is not None
        expected = intake.receipt_signature(receipt["number"], phone.instance_id, receipt["sha256"], found.received_at)
    assert receipt["signature"] == expected


def test_a_receipt_can_be_asked_for_again_by_its_owner_only(phone: Phone, sign_in: SignIn) -> None:
    address = f"/api/v1/submissions/{phone.instance_id}/receipt"
    assert phone.browser.get(address).status_code == 404
    sent = phone.send().get_json()
    assert phone.browser.get(address).get_json()["number"] == sent["number"]
    assert sign_in("assessor").get(address).status_code == 404


def test_a_draft_finished_on_the_server_gets_one_receipt_however_often_it_is_sent(
    app: Flask, session: Session, phone: Phone
) -> None:
    phone.change(("work/staff", 4), ("work/metered", "no"))
    numbers = set()
    for _ in range(2):
        with app.test_request_context(headers={"Cookie": f"session={phone.browser.get_cookie('session').value}"}):
            numbers.add(intake.send_draft(service.get_draft(phone.instance_id)).number)
    stored = one(session, select(Submission))
    assert numbers == {stored.receipt_number}
    assert (stored.door, stored.answers) == ("page", {"work": {"staff": 4, "metered": "no"}})
    assert hashlib.sha256(stored.body).hexdigest() == stored.body_sha256


def test_receipt_numbers_do_not_tell_how_many_there_are() -> None:
    numbers = {intake.new_number(utc_now())[9:] for _ in range(500)}
    assert len(numbers) == 500
    assert not {letter for number in numbers for letter in number} & set("01OIL")
