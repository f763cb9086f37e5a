"""An enterprise by its invitation link: with and without JavaScript, in both languages, by thumbs and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.conftest import DESK, PHONE, Server, check
from tests.e2e.filling import SEEN, Filling, follow
from tests.pdf_text import text_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
TODAY = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
CAMPAIGN = "Tự đánh giá qua liên kết (mẫu)"
APP = "#interview section[data-screen]:not([hidden])"
ANSWERS = {
    "id_ref_year": "2025", "id_visit_date": TODAY.isoformat(), "id_resp_name": "Trần Văn Thử",
    "id_phone": "0912.345.678",
    "se_heard": "know", "se_source": "web training", "se_define": "d_cp", "se_benefits": "cost waste",
    "se_trained": "2",
    "se_apply": "measured", "se_since": "2022", "se_techniques": "t1 t2", "se_count": "3", "se_team": "yes",
    "se_support_got": "training", "se_base_year": "2022", "se_unit": "t", "se_out0": "1.000", "se_out1": "1.100",
    "se_mix": "no", "se_elec0": "50.000", "se_elec1": "49.500", "se_fuel_type": "none", "se_mat_name": "đất sét",
    "se_mat0": "2.000", "se_mat1": "2.035", "se_invest": "35,5", "se_evidence": "bill", "se_barriers": "finance",
    "se_need": "training", "se_comment": "Không.",
}  # fmt: skip

# The same with numbers as they are written in English.
IN_ENGLISH = (
    ANSWERS
    | {name: answer.translate(str.maketrans(".,", ",.")) for name, answer in ANSWERS.items() if name.startswith("se_")}
    | {"se_comment": "None."}
)


@pytest.fixture(scope="module")
def links(browser: Browser, server: Server) -> Iterator[list[str]]:
    """Fresh links that a manager makes through the pages."""
    context = browser.new_context(viewport=DESK, locale="vi-VN")
    context.set_default_timeout(15_000)
    page = context.new_page()
    email, password = server.account("manager")
    page.goto(f"{server.url}/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("main button")
    page.goto(f"{server.url}/campaigns")
    follow(page.get_by_role("link", name=CAMPAIGN))
    follow(page.get_by_role("link", name="Liên kết mời"))
    page.locator("input[name=open]").check()
    follow(page.locator("form[role=search] button"))
    check(page)
    for box in page.locator("ul.pick li:not(:has(.badge)) input[name=establishment]").all()[:4]:  # working ones
        box.check()
    follow(page.locator("button[name=as][value=page]"))
    check(page)
    yield page.locator(".links input").evaluate_all("all => all.map(one => one.value)")
    context.close()


def nothing(page: Page) -> None:
    """Axe needs timers, which a browser without JavaScript does not run."""


def in_english(page: Page) -> None:
    """Change the language where every page offers it."""
    follow(page.get_by_role("button", name="English"))


def agree(
    page: Page, address: str, look: Callable[[Page], None] = check, begin: Callable[[Page], None] = nothing
) -> None:
    """From the first page of a link to the first screen."""
    page.goto(address)
    begin(page)
    look(page)
    follow(page.locator("main button.wide"))
    look(page)
    page.locator("label.choice:has(input[name=consent][value=yes])").click()
    follow(page.locator("main button.wide"))


# What the papers of somebody who gave ANSWERS must say, by language.
RECEIPT = {"vi": ("Biên nhận", "Phiếu tự đánh giá sản xuất sạch hơn"), "en": ("Receipt", "Cleaner production (CP)")}
PAPER = {
    "vi": ("Họ và tên người trả lời", "Trần Văn Thử", "Nguyên liệu chính", "đất sét", "Tổng vốn đầu tư", "35,5 triệu đồng",
           "Điện năm báo cáo", "49.500 kWh", "Hiểu khái niệm", "2. Áp dụng"),
    "en": ("Respondent's full name", "Trần Văn Thử", "Main raw material", "đất sét", "Total CP investment",
           "35.5 million VND", "49,500 kWh", "Understands the concept", "2. Application"),
}  # fmt: skip


def read_papers(page: Page, language: str) -> None:
    """Receipt and answers as PDF hold what was sent, in the language of the page, letters and all."""
    number = page.locator(".receipt .strong").inner_text()
    for name, words in (("receipt", RECEIPT[language]), ("answers", PAPER[language])):
        link = page.locator(f"a[href$='/{name}.pdf']").get_attribute("href") or ""
        answer = page.request.get(urljoin(page.url, link))
        assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
        text = text_of(answer.body())
        assert "\ufffd" not in text
        assert [word for word in (number, *words) if word not in text] == [], text


def see_result(page: Page, level: str, look: Callable[[Page], None] = check) -> None:
    """From the receipt to the result, which says the level in a sentence."""
    expect(page.locator(".receipt .strong")).to_have_text(re.compile(r"^\d{8}-[0-9A-Z]{6}$"))
    look(page)
    follow(page.locator("a[href$='/result']"))
    expect(page.locator(".ladder .here")).to_have_text(level)
    assert len(page.locator("section[aria-labelledby=level] .lead").inner_text().split()) > 5
    look(page)


@pytest.mark.postgres
def test_an_enterprise_answers_on_its_phone_and_sees_its_level_and_is_offered_more(
    phone: BrowserContext, server: Server
) -> None:
    page = phone.new_page()
    agree(page, server.invitation)
    page.wait_for_selector(APP)
    check(page)
    person = Filling(page, ANSWERS)
    person.fill_until("review")
    assert len(person.screens) > 30  # one question a screen
    review = page.locator("[data-review-screen]")
    expect(review.locator("[data-review-clear]")).to_be_visible()
    expect(review).to_contain_text("0912345678")
    expect(review.get_by_role("heading", name="2. Áp dụng")).to_have_count(1)
    check(page)
    review.locator("[data-send]").tap()
    page.wait_for_url(re.compile("/receipt$"))
    read_papers(page, "vi")
    see_result(page, "L2")
    expect(page.locator("section[aria-labelledby=saving]")).to_contain_text("%")
    follow(page.locator("section.offer button"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Đánh giá nhanh")
    if page.locator("fieldset#consent").count():
        page.locator("label.choice:has(input[name=consent][value=yes])").tap()
    page.locator("main button.wide").tap()
    page.wait_for_selector(APP)
    expect(page.locator("[data-question$='id_name'] input")).not_to_have_value("")


def test_an_enterprise_answers_on_its_phone_in_english(phone: BrowserContext, links: list[str]) -> None:
    page = phone.new_page()
    agree(page, links[3], check, in_english)
    page.wait_for_selector(APP)
    check(page)
    person = Filling(page, IN_ENGLISH)
    person.fill_until("review")
    review = page.locator("[data-review-screen]")
    expect(review.get_by_role("heading", name="2. Application")).to_have_count(1)
    check(page)
    review.locator("[data-send]").tap()
    page.wait_for_url(re.compile("/receipt$"))
    read_papers(page, "en")
    see_result(page, "L2")


@pytest.mark.parametrize(("language", "link"), [("en", 0), ("vi", 2)])
def test_an_enterprise_answers_without_javascript(browser: Browser, links: list[str], language: str, link: int) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, locale="vi-VN", java_script_enabled=False)
    context.set_default_timeout(15_000)
    page, look = context.new_page(), partial(check_without_script, browser)
    agree(page, links[link], look, in_english if language == "en" else nothing)
    page.wait_for_url(re.compile("/s/"))  # the app hands over to the plain pages
    look(page)
    person = Filling(page, {**IN_ENGLISH, "se_elec1": "49.500"} if language == "en" else ANSWERS, is_plain=True)
    while not page.url.endswith("/review"):
        person.fill_screen()
        if language == "en" and person.screen().endswith("se_elec1"):
            choose_reading(page)
        person.go_on()
    look(page)
    assert {"en": "Everything needed is answered.", "vi": "Đã trả lời đủ các câu cần thiết."}[
        language
    ] in page.inner_text("main")
    follow(page.get_by_role("button", name={"en": "Send", "vi": "Gửi"}[language]))
    read_papers(page, language)
    see_result(page, "L2", look)
    context.close()


def choose_reading(page: Page) -> None:
    """49.500 means two things in English: the page comes back and asks."""
    follow(page.locator(".bar-bottom button[value=next]"))
    expect(page.locator(".summary")).to_contain_text("This can be read in two ways.")
    page.get_by_role("group", name="Which number do you mean?").get_by_label("49,500 kWh").check()


def check_without_script(browser: Browser, page: Page) -> None:
    """Axe on a plain page: in a second browser of the same person, with scripts but kept to the plain pages."""
    second = browser.new_context(viewport=PHONE, storage_state=page.context.storage_state())
    second.add_init_script("sessionStorage.setItem('plain', '1')")
    twin = second.new_page()
    twin.goto(page.url)
    check(twin)
    second.close()


# By keyboard alone ----------------------------------------------------------------------------------------------


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the focus is on the target; it must be seen there, not behind a bar."""
    for _ in range(60):
        if target.evaluate("e => e === document.activeElement"):
            assert target.evaluate("""e => { const b = e.getBoundingClientRect();
              const top = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2);
              return !top?.closest('.bar-bottom, .interview-head') || !!e.closest('.bar-bottom, .interview-head'); }""")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target}")


TYPED = {
    "Reference year of the data": "2025", "Date of visit or completion": TODAY.strftime("%m%d%Y"),
    "Respondent's full name": "Le Thi Thu", "Telephone": "0912345678", "Staff trained in CP in 3 years": "0",
}  # fmt: skip
CHOSEN = {
    "How well do you know CP?": "Never heard", "Present level of CP application": "Not applied",
    "Barriers (max 3)": "Lack of capital", "Support needed": "Training",
    "Support received under the Plan": "None",
}  # fmt: skip


def answer_by_keyboard(page: Page, address: str, kind: str) -> None:
    """Answer one question by Tab, Space, arrows and typing, found by its role and label."""
    label = page.locator(f'[id="L-{address}"]').inner_text().replace("\n", " ").removesuffix("(optional)").strip()
    if label in TYPED:
        tab_to(page, page.get_by_label(re.compile(f"^{re.escape(label)}")).first)
        page.keyboard.type(TYPED[label])
    elif label in CHOSEN:
        group = page.get_by_role("group", name=re.compile(f"^{re.escape(label)}"))
        if kind == "select_multiple":
            tab_to(page, group.get_by_role("checkbox", name=CHOSEN[label], exact=True))
            page.keyboard.press("Space")
            return
        tab_to(page, group.get_by_role("radio").first)
        page.keyboard.press("Space")
        for _ in range(10):
            if group.get_by_role("radio", name=CHOSEN[label], exact=True).is_checked():
                return
            page.keyboard.press("ArrowDown")
        raise AssertionError(label)


def test_the_self_assessment_can_be_filled_by_keyboard_alone(
    browser: Browser, server: Server, links: list[str]
) -> None:
    context = browser.new_context(viewport=DESK, locale="en-GB", timezone_id="Asia/Ho_Chi_Minh")
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(links[1])
    tab_to(page, page.get_by_role("button", name="English"))
    page.keyboard.press("Enter")
    page.wait_for_selector("html[lang=en]")
    tab_to(page, page.get_by_role("button", name="Start"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/collect/"))
    tab_to(page, page.get_by_role("radio").first)
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Begin"))
    page.keyboard.press("Enter")
    page.wait_for_selector(APP)
    while not page.locator("[data-review-screen]").is_visible():
        here = page.url
        for question in page.evaluate(SEEN):
            if not question["answered"]:
                answer_by_keyboard(page, question["address"], question["type"])
        tab_to(page, page.locator("[data-next-screen]"))
        page.keyboard.press("Enter")
        assert page.url != here, page.locator("#summary").inner_text()
    expect(page.locator("[data-review-clear]")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Send"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/receipt$"))
    see_result(page, "L0")
    context.close()
