"""Questionnaires over HTTP: upload with every issue shown, publish, freeze, compare, retire."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from forms import Issue
from survey_app import db
from survey_app.models import FormVersion
from survey_app.questionnaires import convert, service
from tests import factories as make

SignIn = Callable[..., FlaskClient]
FORM = textwrap.dedent(make.SMALL_FORM).encode()


def upload(client: FlaskClient, source: bytes, name: str = "form.md"):  # type: ignore[no-untyped-def]
    return client.post("/questionnaires/upload", data={"workbook": (io.BytesIO(source), name)})


def test_an_uploaded_workbook_becomes_a_draft_and_is_kept_as_it_was(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    answer = upload(browser, FORM, "phiếu nhỏ.md")
    version = session.scalars(select(FormVersion)).one()
    assert answer.location == f"/questionnaires/versions/{version.id}"
    assert not version.is_published
    assert version.xform.lstrip().startswith("<?xml")
    assert browser.get(f"/questionnaires/versions/{version.id}/workbook").data == FORM


def test_every_issue_is_shown_with_its_cell_and_nothing_is_kept(sign_in: SignIn, session: Session) -> None:
    source = (
        b"| survey |\n| | type | name | label | relevant |\n| | integr | a | A | |\n| | text | b | B | ${zz} = 1 |\n"
    )
    answer = upload(sign_in("manager"), source)
    assert answer.status_code == 422
    cells = re.findall(r"<code[^>]*>(survey![A-Z]+\d+)</code>", answer.text)
    assert len(set(cells)) >= 2
    assert session.scalars(select(FormVersion)).all() == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (b"", "form.xlsx"),
        (b"PK\x03\x04", "form.xlsx"),
        (b"\xd0\xcf\x11\xe0", "form.xls"),
        (b"x", "form.pdf"),
        (b"\xff\xff", "form.csv"),
        (b"no table", "form.md"),
    ],
)
def test_a_broken_workbook_is_refused_with_a_message(sign_in: SignIn, source: bytes, name: str) -> None:
    answer = upload(sign_in("manager"), source, name)
    assert answer.status_code in (413, 422)
    assert 'role="alert"' in answer.text


def test_a_reader_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(convert.ConversionStopped):
        convert.convert(FORM, "form.md", seconds=0.01)


def test_a_published_version_never_changes(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    upload(browser, FORM)
    version = session.scalars(select(FormVersion)).one()
    address = f"/questionnaires/versions/{version.id}"
    assert browser.post(f"{address}/publish").status_code == 302
    assert browser.post(f"{address}/publish").status_code == 409
    assert browser.post(f"{address}/remove").status_code == 409
    assert upload(browser, FORM.replace(b"Workers", b"Staff")).status_code == 409
    assert upload(browser, FORM).location == address


def test_a_new_version_is_compared_with_the_one_before(sign_in: SignIn, session: Session) -> None:
    first = make.form_version(session)
    session.commit()
    browser = sign_in("manager")
    changed = FORM.replace(b"|          | integer       | staff", b"|          | decimal       | staff")
    changed = changed.replace(b"| small         | 1 ", b"| small         | 2 ")
    answer = upload(browser, changed)
    page = browser.get(f"{answer.location}?lang=en").text
    assert f"Changes since version {first.version}" in page
    assert "staff" in page.partition("Changes since")[2].partition("<h2>")[0]


def test_a_draft_can_be_thrown_away(sign_in: SignIn, session: Session) -> None:
    version = make.form_version(session, published=False)
    session.commit()
    assert sign_in("manager").post(f"/questionnaires/versions/{version.id}/remove").status_code == 302
    session.commit()
    assert session.scalars(select(FormVersion)).all() == []


def test_a_retired_questionnaire_is_not_offered_any_more(app: Flask, sign_in: SignIn, session: Session) -> None:
    version = make.form_version(session)
    session.commit()
    with app.app_context():
        assert [one.id for one in service.list_published()] == [version.id]
    sign_in("manager").post(f"/questionnaires/{version.questionnaire_id}/retire")
    with app.app_context():
        assert service.list_published() == []


def test_the_definition_is_read_once(app: Flask, session: Session) -> None:
    version = make.form_version(session)
    session.commit()
    with app.app_context():
        first = service.definition(version.id)
        db.session().expunge_all()
        assert service.definition(version.id) is first
        assert first == make.form_from_md()


def test_an_analyst_may_not_upload(sign_in: SignIn) -> None:
    assert upload(sign_in("analyst"), FORM).status_code == 403


def test_missing_versions_are_not_found(sign_in: SignIn) -> None:
    browser = sign_in("manager")
    for address in ("/questionnaires/9", "/questionnaires/versions/9", "/questionnaires/versions/9/workbook"):
        assert browser.get(address).status_code == 404


def test_an_issue_survives_storing() -> None:
    issue = Issue("required", "survey!A1", {"value": 3})
    assert convert.issue_from_json(convert.issue_to_json(issue)) == issue


def test_entities_of_a_register_that_does_not_exist_are_told(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    session.commit()
    form = textwrap.dedent("""
        | survey   |           |       |       |         |
        |          | type      | name  | label | save_to |
        |          | text      | firm  | Firm  | address |
        | entities |           |       |       |         |
        |          | list_name | label |       |         |
        |          | {list}    | ${{firm}} |   |         |
    """)
    browser = sign_in("manager")
    wrong = browser.get(upload(browser, form.format(list="firms").encode()).location).text
    assert "firms" in wrong
    assert "establishments" in wrong
    right = upload(browser, form.format(list="establishments").encode(), "other.md")
    assert "entities!B7" not in browser.get(right.location).text
