"""Review: who sees what, deciding without races, downloads."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey_app.models import AuditEvent, Establishment, Record, Submission
from survey_app.submissions import reading
from tests.sending import Phone, assessor
from tests.survey_app.test_intake import SCORED, _correction

SignIn = Callable[..., FlaskClient]
ROWS = """
    | survey   |               |          |                        |                     |          |
    |          | type          | name     | label::Tiếng Việt (vi) | label::English (en) | personal |
    |          | text          | owner    | Chủ cơ sở              | Owner               | yes      |
    |          | text          | note     | Ghi chú                | Note                |          |
    |          | integer       | staff    | Số lao động            | Workers             |          |
    |          | begin repeat  | line     | Dây chuyền             | Line                |          |
    |          | text          | product  | Sản phẩm               | Product             |          |
    |          | end repeat    |          |                        |                     |          |
    | settings |               |          |                        |                     |          |
    |          | form_id       | version  | form_title             | default_language    |          |
    |          | rows          | 1        | Phiếu có dòng          | Tiếng Việt (vi)     |          |
"""
ANSWERS = {
    "owner": "Nguyễn Thị Bí Mật", "note": "=HYPERLINK(1)", "staff": 12,
    "line": [{"_id": "r1", "product": "+Gạch"}, {"_id": "r2", "product": "Ngói"}],
}


@pytest.fixture
def phone(session: Session, sign_in: SignIn) -> Phone:
    phone = assessor(session, sign_in, md=ROWS)
    assert phone.send(ANSWERS).status_code == 201
    return phone


def record_of(session: Session) -> Record:
    session.rollback()
    record = session.scalars(select(Record)).one()
    session.commit()  # let go of what we have seen: others write meanwhile
    return record


def page(browser: FlaskClient, session: Session, query: str = "") -> str:
    response = browser.get(f"/submissions/{record_of(session).id}?lang=en{query}")
    assert response.status_code == 200
    return response.text


def decide(browser: FlaskClient, session: Session, what: str, revision: object, comment: str = "") -> int:
    address = f"/submissions/{record_of(session).id}/{what}"
    return browser.post(address, data={"revision": str(revision), "comment": comment}).status_code


def test_the_list_shows_what_waits_for_review(phone: Phone, sign_in: SignIn, session: Session) -> None:
    unit = session.get_one(Establishment, record_of(session).establishment_id)
    text = sign_in("manager").get("/submissions?lang=en").text
    assert unit.name in text
    assert "1 records" in text


@pytest.mark.parametrize(("query", "found"), [
    ("state=submitted", True), ("state=approved", False), ("state=nonsense", True), ("area=u372", True),
    ("area=u1", False), ("search=co so mau", True), ("search=khong co", False), ("search=NB-", True),
    ("issues=error", False),
    ("issues=none", True), ("campaign=999999", False), ("page=99", True), ("page=x", True), ("search=%25", False),
])
def test_the_list_is_narrowed_by_its_filters(phone: Phone, sign_in: SignIn, query: str, found: bool) -> None:
    response = sign_in("manager").get(f"/submissions?lang=en&{query}")
    assert response.status_code == 200
    assert ("No record fits." not in response.text) is found


def test_a_record_of_another_area_is_not_found(phone: Phone, sign_in: SignIn, session: Session) -> None:
    focal = sign_in("focal_point", area="u1")
    record, revision = record_of(session), phone.instance_id
    assert focal.get(f"/submissions/{record.id}").status_code == 404
    manager = sign_in("manager", area="u1")
    assert manager.post(f"/submissions/{record.id}/approve", data={"revision": str(revision)}).status_code == 404
    assert manager.post(f"/submissions/{record.id}/return", data={"revision": str(revision)}).status_code == 404
    assert "No record fits." in focal.get("/submissions?lang=en").text


def test_answers_stand_with_their_labels_section_by_section(phone: Phone, sign_in: SignIn, session: Session) -> None:
    text = page(sign_in("manager"), session)
    for words in ("Workers", "12", "Line 1", "Line 2", "Ngói", "=HYPERLINK(1)"):
        assert words in text


def test_personal_answers_are_masked_without_the_right(phone: Phone, sign_in: SignIn, session: Session) -> None:
    assert "Nguyễn Thị Bí Mật" in page(sign_in("manager"), session)
    masked = page(sign_in("analyst"), session)
    assert "Nguyễn Thị Bí Mật" not in masked
    assert "personal, not shown to your role" in masked


def test_approving_marks_the_record_and_is_audited_once(phone: Phone, sign_in: SignIn, session: Session) -> None:
    manager = sign_in("manager")
    assert [decide(manager, session, "approve", phone.instance_id) for _ in range(2)] == [302, 302]
    record = record_of(session)
    assert (record.state, record.reviewed_by_id) == ("approved", manager.user_id)  # type: ignore[attr-defined]
    events = session.scalars(select(AuditEvent).where(AuditEvent.action == "record.approved")).all()
    assert len(events) == 1


def test_returning_needs_a_comment_and_the_sender_can_correct(phone: Phone, sign_in: SignIn, session: Session) -> None:
    manager = sign_in("manager")
    assert decide(manager, session, "return", phone.instance_id, "  ") == 422
    assert record_of(session).state == "submitted"
    assert decide(manager, session, "return", phone.instance_id, "Số lao động?") == 302
    record = record_of(session)
    assert (record.state, record.review_comment) == ("returned", "Số lao động?")
    assert _correction(session, phone).send({**ANSWERS, "staff": 13}).status_code == 201


def test_a_decision_about_a_revision_that_was_overtaken_is_a_conflict(
    phone: Phone, sign_in: SignIn, session: Session
) -> None:
    manager = sign_in("manager")
    _correction(session, phone).send({**ANSWERS, "staff": 13})
    assert decide(manager, session, "approve", phone.instance_id) == 409
    assert record_of(session).state == "submitted"


def test_a_returned_record_is_not_approved_by_a_second_reviewer(
    phone: Phone, sign_in: SignIn, session: Session
) -> None:
    decide(sign_in("manager"), session, "return", phone.instance_id, "x")
    assert decide(sign_in("manager"), session, "approve", phone.instance_id) == 409


def test_a_role_without_the_right_cannot_decide(phone: Phone, sign_in: SignIn, session: Session) -> None:
    for role in ("analyst", "assessor", "focal_point"):
        assert decide(sign_in(role), session, "approve", phone.instance_id) == 403
    assert record_of(session).state == "submitted"


@pytest.mark.parametrize("revision", ["", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_a_decision_without_the_revision_seen_is_refused(
    phone: Phone, sign_in: SignIn, session: Session, revision: str
) -> None:
    assert decide(sign_in("manager"), session, "approve", revision) in (409, 422)


def test_what_changed_between_revisions_is_shown(phone: Phone, sign_in: SignIn, session: Session) -> None:
    manager = sign_in("manager")
    decide(manager, session, "return", phone.instance_id, "x")
    _correction(session, phone).send({**ANSWERS, "staff": 13, "owner": "Khác"})
    text = page(manager, session)
    assert "What changed since the revision before" in text
    changes = text.partition('id="differences"')[2].partition("</section>")[0]
    assert "Workers" in changes
    assert "Note" not in changes
    assert "Khác" not in page(sign_in("analyst"), session)
    assert "This is an older revision." in page(manager, session, f"&revision={phone.instance_id}")


@pytest.mark.parametrize(("value", "words"), [
    ("20.25 105.97 0 12.4", "latitude 20.25000, longitude 105.97000 (within 12 m)"),
    ("20.25 105.97", "latitude 20.25000, longitude 105.97000"),
    ("20.25 105.97 0 0", "latitude 20.25000, longitude 105.97000"),
    ("at the gate", "at the gate"), ("20.25", "20.25"),
])
def test_a_place_is_shown_in_words(app: Flask, value: str, words: str) -> None:
    with app.test_request_context("/?lang=en"):
        assert reading.place_in_words(value) == words


def test_scores_are_explained_item_by_item(session: Session, sign_in: SignIn) -> None:
    assessor(session, sign_in, md=SCORED).send({"id_consent": "yes", "metered": "yes", "staff": 3})
    text = page(sign_in("manager"), session)
    for words in ("Score", "Energy", "1 of 1 items answered"):
        assert words in text


# Downloads ------------------------------------------------------------------------------------------------------


def download(browser: FlaskClient, session: Session, **options: str):  # type: ignore[no-untyped-def]
    content = {"questionnaire": str(record_of(session).questionnaire_id), **options}
    return browser.post("/submissions/download", data=content)


def test_a_workbook_has_a_sheet_per_repeat_a_codebook_and_row_counts(
    phone: Phone, sign_in: SignIn, session: Session
) -> None:
    response = download(sign_in("manager"), session, kind="xlsx")
    book = load_workbook(io.BytesIO(response.data))
    assert book.sheetnames == ["about", "answers", "line", "figures", "codebook"]
    assert book["line"].max_row == 3
    assert "answers=1; line=2" in response.headers["X-Row-Counts"]
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert not any(cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row)


def test_a_csv_opens_right_and_runs_nothing(phone: Phone, sign_in: SignIn, session: Session) -> None:
    response = download(sign_in("manager"), session, kind="csv")
    assert response.data.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(response.data.decode("utf-8-sig")))
    assert (row["note"], row["staff"], row["owner"]) == ("'=HYPERLINK(1)", "12", "Nguyễn Thị Bí Mật")
    lines = download(sign_in("manager"), session, kind="csv", table="line").data.decode("utf-8-sig")
    assert [line["product"] for line in csv.DictReader(io.StringIO(lines))] == ["'+Gạch", "Ngói"]


def test_personal_columns_are_left_out_without_the_right(phone: Phone, sign_in: SignIn, session: Session) -> None:
    for kind in ("csv", "xlsx"):
        response = download(sign_in("analyst"), session, kind=kind)
        assert response.status_code == 200
        assert "Bí Mật".encode() not in response.data
    text = download(sign_in("analyst"), session, kind="csv").data.decode("utf-8-sig")
    assert "owner" not in text.splitlines()[0].split(",")


def test_a_download_holds_only_records_the_person_may_export(phone: Phone, sign_in: SignIn, session: Session) -> None:
    response = download(sign_in("analyst", area="u1"), session, kind="csv")
    assert response.data.decode("utf-8-sig").count("\n") == 1
    assert download(sign_in("focal_point"), session, kind="csv").status_code == 403


def test_a_download_is_audited_without_answers(phone: Phone, sign_in: SignIn, session: Session) -> None:
    download(sign_in("manager"), session, kind="csv")
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "submissions.export")).one()
    assert event.details == {"kind": "csv", "rows": {"answers": 1}}


@pytest.mark.parametrize("options", [{"kind": "pdf"}, {"kind": "csv", "table": "../x"}, {"questionnaire": "0"}])
def test_a_download_of_nothing_we_have_is_not_found(
    phone: Phone, sign_in: SignIn, session: Session, options: dict[str, str]
) -> None:
    assert download(sign_in("manager"), session, **options).status_code == 404


def test_the_newest_revision_is_the_one_downloaded(phone: Phone, sign_in: SignIn, session: Session) -> None:
    _correction(session, phone).send({**ANSWERS, "staff": 99})
    text = download(sign_in("manager"), session, kind="csv").data.decode("utf-8-sig")
    assert [row["staff"] for row in csv.DictReader(io.StringIO(text))] == ["99"]
    assert len(session.scalars(select(Submission)).all()) == 2


def test_a_form_with_names_like_our_own_columns_keeps_both(session: Session, sign_in: SignIn) -> None:
    md = ROWS.replace("| text          | note     |", "| text          | state    |").replace("| rows ", "| own  ")
    phone = assessor(session, sign_in, md=md)
    phone.send({"owner": "x", "state": "tốt", "staff": 1, "line": []})
    text = download(sign_in("manager"), session, kind="csv").data.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["state"], row["q.state"]) == ("submitted", "tốt")


def test_a_questionnaire_chosen_offers_its_tables_with_their_row_counts(
    phone: Phone, sign_in: SignIn, session: Session
) -> None:
    chosen = record_of(session).questionnaire_id
    text = sign_in("analyst").get(f"/submissions?lang=en&questionnaire={chosen}").text
    assert "Table line, 2 rows (CSV)" in text
