"""An interview over HTTP, without JavaScript: link, consent, screens, rows, review, receipt, correction."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from forms import TYPES, load_form, screens
from survey_app.collect import pages, rich
from survey_app.collect.posted import question_at, tidy_phone
from survey_app.models import Draft, Submission, SubmissionAttachment, Visit
from tests import factories

FORM = """
    | survey   |                       |           |                     |                 |          |                    |             |                          |            |                         |
    |          | type                  | name      | label::Tiếng Việt (vi) | label::English (en) | required | relevant        | constraint  | constraint_message::English (en) | appearance | unit::English (en) |
    |          | begin group           | one       | Sản xuất            | Production      |          |                    |             |                          |            |                         |
    |          | decimal               | power     | Điện                | Electricity     | yes      |                    | . <= 5000   | At most 5,000 kWh.       |            | kWh                     |
    |          | select_one yn         | metered   | Đồng hồ riêng       | Sub-meter       |          | ${power} > 10      |             |                          |            |                         |
    |          | select_multiple fuels | fuel      | Nhiên liệu          | Fuels           |          |                    |             |                          |            |                         |
    |          | end group             |           |                     |                 |          |                    |             |                          |            |                         |
    |          | begin repeat          | machine   | Máy                 | Machine         |          |                    |             |                          |            |                         |
    |          | text                  | what      | Tên máy             | Machine name    |          |                    |             |                          |            |                         |
    |          | end repeat            |           |                     |                 |          |                    |             |                          |            |                         |
    |          | begin group           | two       | Ảnh và chữ ký       | Photo           |          |                    |             |                          |            |                         |
    |          | image                 | photo     | Ảnh                 | Site photo      |          |                    |             |                          |            |                         |
    |          | image                 | sign      | Ký                  | Sign            |          |                    |             |                          | signature  |                         |
    |          | geopoint              | place     | Vị trí              | Place           |          |                    |             |                          |            |                         |
    |          | rank fuels            | order     | Thứ tự              | Order           |          |                    |             |                          |            |                         |
    |          | date                  | day       | Ngày                | Day             |          |                    |             |                          |            |                         |
    |          | text                  | id_phone  | Điện thoại          | Telephone       |          |                    |             |                          |            |                         |
    |          | end group             |           |                     |                 |          |                    |             |                          |            |                         |
    | choices  |                       |           |                     |                 |          |                    |             |                          |            |                         |
    |          | list_name             | name      | label::Tiếng Việt (vi) | label::English (en) |      |                    |             |                          |            |                         |
    |          | yn                    | yes       | Có                  | Yes             |          |                    |             |                          |            |                         |
    |          | yn                    | no        | Không               | No              |          |                    |             |                          |            |                         |
    |          | fuels                 | coal      | Than                | Coal            |          |                    |             |                          |            |                         |
    |          | fuels                 | wood      | Củi                 | Wood            |          |                    |             |                          |            |                         |
    | settings |                       |           |                     |                 |          |                    |             |                          |            |                         |
    |          | form_id               | version   | form_title::Tiếng Việt (vi) | form_title::English (en) | |             |             |                          |            |                         |
    |          | field                 | 1         | Phiếu thử           | Trial form      |          |                    |             |                          |            |                         |
"""
Post = dict[str, Any]


class Respondent:
    """A browser without JavaScript that came by a link."""

    def __init__(self, app: Flask, token: str) -> None:
        self.browser, self.token, self.at = app.test_client(), token, ""
        self.browser.set_cookie("language", "en")

    def open(self) -> Any:
        answer = self.browser.post(f"/l/{self.token}/open", follow_redirects=True)
        self.at = answer.request.path
        return answer

    def agree(self) -> Any:
        return self.browser.post(self.at, data={"consent": "yes"}, follow_redirects=True)

    def save(self, screen: str, data: Post, **more: Any) -> Any:
        drawn = " ".join(name for name in data if name not in ("go", "add", "remove") and "." not in name)
        body = {"drawn": drawn, "go": "next", **data}
        return self.browser.post(f"{self.at}s/{screen}", data=body, **more)

    def page(self, path: str) -> str:
        answer = self.browser.get(f"{self.at}{path}")
        assert answer.status_code == 200, answer.status_code
        return str(answer.text)


@pytest.fixture
def respondent(app: Flask, session: Session) -> Respondent:
    version = factories.form_version(session, FORM)
    _, token = factories.invitation(session, factories.campaign(session, version, mode="self"))
    session.commit()
    return Respondent(app, token)


@pytest.fixture
def begun(respondent: Respondent) -> Respondent:
    respondent.open()
    respondent.agree()
    return respondent


def answers(session: Session) -> dict[str, Any]:
    return session.scalars(select(Submission).order_by(Submission.id.desc())).first().answers  # type: ignore[union-attr]


def send(respondent: Respondent, **data: str) -> Any:
    return respondent.browser.post(f"{respondent.at}send", data={"accept": "1", **data}, follow_redirects=True)


def test_every_question_type_has_a_template(app: Flask) -> None:
    assert set(pages.TEMPLATES) == set(TYPES)
    for template in set(pages.TEMPLATES.values()):
        assert app.jinja_env.get_template(f"collect/questions/{template}.html")


def test_looking_at_a_link_changes_nothing_and_names_no_enterprise_in_its_preview(
    respondent: Respondent, session: Session
) -> None:
    page = respondent.browser.get(f"/l/{respondent.token}")
    assert page.status_code == 200
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert session.scalar(select(func.count()).select_from(Draft)) == 0
    assert "Set-Cookie" not in page.headers or "link=" not in page.headers["Set-Cookie"]
    preview = " ".join(re.findall(r'<meta property="og:[^>]+>', page.text))
    assert preview
    assert "Cơ sở mẫu" not in preview


def test_a_wrong_link_is_not_found_in_plain_words(client: FlaskClient) -> None:
    answer = client.get("/l/wrong")
    assert answer.status_code == 404


def test_nothing_is_asked_before_consent_which_is_not_ticked_for_anybody(respondent: Respondent) -> None:
    page = respondent.open().text
    assert 'name="consent"' in page
    assert "checked" not in page
    assert respondent.browser.post(respondent.at, data={}).status_code == 422
    assert respondent.browser.get(f"{respondent.at}s/one").status_code == 302


def test_a_refusal_leads_to_review_and_no_question_is_lost(respondent: Respondent, session: Session) -> None:
    respondent.open()
    page = respondent.browser.post(respondent.at, data={"consent": "no"}, follow_redirects=True)
    assert page.request.path.endswith("/review")
    assert session.scalars(select(Draft)).one().consent["answer"] == "no"


def test_a_screen_is_shown_again_until_no_new_question_becomes_relevant(begun: Respondent) -> None:
    first = begun.page("s/one")
    assert "one/metered" not in first
    again = begun.save("one", {"one/power": "1.234,5", "one/fuel": ""})
    assert again.status_code == 200
    assert 'name="one/metered"' in again.text
    assert "Your answers led to new questions" in again.text
    onward = begun.save("one", {"one/power": "1234.5", "one/metered": "yes", "one/fuel": ""})
    assert onward.status_code == 303
    assert onward.location.endswith("/s/machine")


def test_problems_are_summed_up_with_links_and_may_be_left_for_later(begun: Respondent) -> None:
    page = begun.save("one", {"one/power": "9000", "one/metered": "no", "one/fuel": ""})
    assert page.status_code == 422
    assert 'href="#Q-one/power"' in page.text
    assert "At most 5,000 kWh." in page.text
    assert 'aria-invalid="true"' in page.text
    later = begun.save("one", {"one/power": "9000", "go": "onward"})
    assert later.status_code == 303


def test_a_number_that_can_be_read_in_two_ways_is_asked_back_and_kept_as_typed(begun: Respondent) -> None:
    page = begun.save("one", {"one/power": "1.234", "one/fuel": ""})
    assert page.status_code in (200, 422)
    assert 'name="one/power.reading"' in page.text
    chosen = begun.save("one", {"one/power": "1.234", "one/power.reading": "1.234", "one/fuel": ""})
    assert chosen.status_code == 303
    assert 'value="1,234"' in begun.page("s/one")


def test_rows_are_added_removed_and_called_by_their_content(begun: Respondent) -> None:
    added = begun.save("machine", {"add": "machine"})
    assert "#W-machine/" in added.location
    page = begun.page("s/machine")
    row = re.search(r'data-row="([^"]+)"', page).group(1)  # type: ignore[union-attr]
    begun.save("machine", {f"machine/{row}/what": "Máy cưa đá"})
    assert "Máy cưa đá</span>" in begun.page("s/machine")
    begun.save("machine", {"remove": f"machine/{row}"})
    assert "Máy cưa đá" not in begun.page("s/machine")


def test_files_signatures_places_ranks_and_phones_come_as_values(begun: Respondent, session: Session) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(picture, "JPEG")
    picture.seek(0)
    begun.save("one", {"one/power": "5", "one/fuel": ["", "coal", "wood"]})
    begun.save(
        "two",
        {
            "two/photo": (picture, "nhà xưởng.jpg"), "two/sign": "", "two/sign.name": "Nguyễn Thị Hường",
            "two/sign.confirm": "1", "two/place": "", "two/place.lat": "20,25", "two/place.lon": "105,97",
            "two/order": "", "two/order.rank.coal": "2", "two/order.rank.wood": "1", "two/day": "2026-03-05",
            "two/id_phone": "+84 912.345-678",
        },
        content_type="multipart/form-data",
    )
    assert send(begun).status_code == 200
    found = answers(session)
    assert found["one"]["fuel"] == "coal wood"
    assert found["two"] | {"photo": "", "sign": ""} == {
        "photo": "", "sign": "", "place": "20.25 105.97 0 0", "order": "wood coal", "day": "2026-03-05",
        "id_phone": "0912345678",
    }
    names = set(session.scalars(select(SubmissionAttachment.name)))
    assert {found["two"]["photo"], found["two"]["sign"]} == names


def test_the_language_changes_in_the_middle_and_the_answers_stay(begun: Respondent) -> None:
    begun.save("one", {"one/power": "7", "one/fuel": ""})
    begun.browser.set_cookie("language", "vi")
    page = begun.page("s/one")
    assert "Sản xuất" in page
    assert 'value="7"' in page


def test_the_link_opens_the_same_draft_on_another_device(begun: Respondent, app: Flask, session: Session) -> None:
    begun.save("one", {"one/power": "7", "one/fuel": ""})
    other = Respondent(app, begun.token)
    other.open()
    assert other.at == begun.at
    assert 'value="7"' in other.page("s/one")
    assert session.scalar(select(func.count()).select_from(Draft)) == 1


def test_a_stranger_does_not_find_the_draft(begun: Respondent, app: Flask, session: Session) -> None:
    _, token = factories.invitation(session)
    session.commit()
    stranger = Respondent(app, token)
    stranger.open()
    for path in ("", "app", "s/one", "review", "receipt", "receipt.pdf", "answers.pdf", "result"):
        assert stranger.browser.get(f"{begun.at}{path}").status_code == 404


def test_review_shows_every_answer_and_problem_with_a_link_to_its_question(begun: Respondent) -> None:
    begun.save("one", {"one/power": "9000", "one/metered": "no", "one/fuel": "", "go": "onward"})
    page = begun.page("review")
    assert "9,000 kWh" in page
    assert "s/one?checked=1#Q-one/power" in page
    refused = begun.browser.post(f"{begun.at}send", data={})
    assert refused.status_code == 422
    assert "Not sent yet" in refused.text


def test_sending_gives_a_receipt_once_and_both_papers(begun: Respondent, session: Session) -> None:
    begun.save("one", {"one/power": "7", "one/fuel": ["", "coal"]})
    page = send(begun)
    number = session.scalars(select(Submission)).one().receipt_number
    assert number in page.text
    assert send(begun).status_code == 200
    assert session.scalar(select(func.count()).select_from(Submission)) == 1
    for name in ("receipt", "answers"):
        paper = begun.browser.get(f"{begun.at}{name}.pdf")
        assert paper.mimetype == "application/pdf"
        assert paper.data.startswith(b"%PDF-")


def test_the_app_page_holds_every_question_once_and_no_answer(begun: Respondent, app: Flask) -> None:
    begun.save("one", {"one/power": "4321", "one/fuel": ""})
    page = begun.page("app")
    form = load_form(textwrap.dedent(FORM).encode(), "form.md").definition
    assert re.findall(r'data-screen="([^"]+)"', page) == [screen.name for screen in screens(form)]
    assert "4321" not in page
    assert page.count('data-question="one/power"') == 1
    assert page.count("machine/__row__/what") == 1  # names and ids around the control hold a mark in its place
    assert page.count("<template>") == page.count("data-screen=")  # nothing is laid out before it is shown
    assert " style=" not in page
    assert "onclick" not in page


def test_a_visit_asks_identification_and_consent_once(
    app: Flask, session: Session, sign_in: Callable[..., FlaskClient]
) -> None:
    versions = [
        factories.form_version(session, FORM.replace("| field ", f"| field{n} ").replace("power", "id_num")) for n in (1, 2)
    ]
    round_ = factories.campaign(session, *versions)
    browser = sign_in("assessor")
    browser.set_cookie("language", "en")
    task = factories.assignment(session, round_, assessor_id=browser.user_id)  # type: ignore[attr-defined]
    session.commit()
    visit = browser.post("/work/visits", data={"assignment": task.id}).location
    first = browser.post(f"{visit}/forms", data={"form_version": versions[0].id}).location
    browser.post(first, data={"consent": "yes"})
    browser.post(f"{first}s/one", data={"drawn": "one/id_num", "one/id_num": "42", "go": "onward"})
    second = browser.post(f"{visit}/forms", data={"form_version": versions[1].id}).location
    assert "Consent for this visit was asked" in browser.get(second).text
    browser.post(second, data={"consent": "yes"})
    assert 'value="42"' in browser.get(f"{second}s/one").text
    assert browser.post(f"{visit}/outcome", data={"outcome": "222"}).status_code == 303
    assert session.scalars(select(Visit)).one().outcome == 222
    assert browser.get("/work").status_code == 200


def test_a_returned_record_is_corrected_as_a_new_revision_with_the_old_answers(
    app: Flask, session: Session, sign_in: Callable[..., FlaskClient]
) -> None:
    version = factories.form_version(session, FORM)
    round_ = factories.campaign(session, version)
    browser = sign_in("assessor")
    browser.set_cookie("language", "en")
    record = factories.record(session, round_, about=factories.questionnaire(session, FORM), state="returned",
                              review_comment="Check the meter")
    factories.submission(session, record, version, {"one": {"power": 11}}, assessor_id=browser.user_id)  # type: ignore[attr-defined]
    session.commit()
    assert "Check the meter" in browser.get("/work").text
    start = browser.post(f"/work/records/{record.id}/correct").location
    assert "Check the meter" in browser.get(start).text
    browser.post(start, data={"consent": "yes"})
    assert 'value="11"' in browser.get(f"{start}s/one").text


def test_markdown_in_labels_is_drawn_and_nothing_else() -> None:
    assert rich.inline("**A** <script>x</script>") == "<strong>A</strong> &lt;script&gt;x&lt;/script&gt;"
    assert "javascript" not in rich.inline("[x](javascript:alert(1))").replace("(javascript:alert(1))", "")
    assert "<img" not in rich.block("![x](https://example.invalid/x.png)")


def test_a_telephone_number_is_tidied_and_an_address_finds_its_question() -> None:
    assert tidy_phone("+84 912 345 678") == "0912345678"
    form = load_form(textwrap.dedent(FORM).encode(), "form.md").definition
    assert question_at(form, "machine/abc/what").name == "what"  # type: ignore[union-attr]
    assert question_at(form, "machine/what") is None
    assert question_at(form, "nothing") is None
