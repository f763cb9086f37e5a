"""The main job: a factory is assessed on a phone, the manager approves, and the coverage of the plan moves by one."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, expect

from tests.e2e.conftest import DESK, Server, check, make_phone
from tests.e2e.filling import Answer, Filling, follow

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
CAMPAIGN = "Đánh giá nhanh, giai đoạn II (mẫu)"
GPS = 0x8825
# What stands in every question of the screens opened so far.
SHOWN = """() => Object.fromEntries([...document.querySelectorAll('#interview [data-question]')].map(e => {
  const field = e.querySelector('input:not([type=hidden],[type=radio],[type=checkbox],[type=file]),select,textarea');
  const ticked = [...e.querySelectorAll('input:checked')].map(box => box.value).join(' ');
  return [e.dataset.question.split('/').pop(), ticked || (field ? field.value : '')];
}))"""


def photo_with_place() -> bytes:
    """A JPEG as a phone's camera makes it: larger than needed, with the place in its EXIF."""
    picture = Image.linear_gradient("L").resize((2600, 1950)).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "Canary Camera"
    exif.get_ifd(GPS).update({1: "N", 2: (20.0, 15.0, 0.0), 3: "E", 4: (105.0, 58.0, 0.0)})
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80, exif=exif)
    assert Image.open(io.BytesIO(out.getvalue())).getexif().get_ifd(GPS)
    return out.getvalue()


def take_photo(page: Page, question: Locator) -> None:
    shot: FilePayload = {"name": "IMG_0001.JPG", "mimeType": "image/jpeg", "buffer": photo_with_place()}
    question.locator("input[type=file]").set_input_files([shot])
    expect(question.locator("[data-preview]")).to_be_visible()


def find_place(page: Page, question: Locator) -> None:
    question.locator("[data-locate]").tap()
    expect(question.locator("[data-position]")).to_contain_text("12 m")


def choose_reading(page: Page, question: Locator) -> None:
    """1,500 may be one and a half or fifteen hundred: it is asked, and answered by a tap."""
    field = question.locator("input.number")
    field.tap()
    field.press_sequentially("1,500")
    field.press("Tab")
    offered = question.locator("[data-reading]")
    expect(offered).to_have_count(2)
    assert offered.evaluate_all("all => all.map(one => one.dataset.reading)") == ["1.5", "1500"]
    offered.nth(1).tap()
    expect(field).to_have_value("1500")
    expect(question.locator(".echo").first).to_contain_text("= 1,5 tỷ đồng")


def with_evidence(page: Page, question: Locator) -> None:
    """A number with a photo of its meter under it."""
    question.locator("input.number").tap()
    question.locator("input.number").press_sequentially("84.200")
    question.locator("details.evidence summary").tap()
    take_photo(page, question.locator("[data-question]"))


ANSWERS: Mapping[str, Answer | Sequence[Answer]] = {
    "id_ref_year": "2025",
    "id_mode": "visit",
    "id_visit_date": datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date().isoformat(),
    "id_resp_name": "Nguyễn Thị Thử Nghiệm",
    "id_resp_role": "kế toán",
    "id_phone": "0912 345 678",
    "id_email": "thu@mau.example",
    "id_gps": find_place,
    "qa_output_qty": "1.234,5",
    "qa_output_unit": "t",
    "qa_elec_kwh": with_evidence,
    "qa_elec_cost": "168,4",
    "qa_fuels": "coal34 wood",
    "qa_fuel_cost": "310",
    "qa_water_m3": "2.400",
    "qa_water_cost": "21,6",
    "qa_raw_cost": choose_reading,
    "qa_waste_cost": "12",
    "qa_systems": "kiln motor air",
    "qa_c1_mgmtsys": "fs5 none iso9001",  # "none" stands alone: the last choice takes it away again
    "qa_c2_heard": "know",
    "qa_c2_benefits": "cost waste",
    "qa_c2_trained": "4",
    "qa_c3_years": "3",
    "qa_s2_airbar": "7,5",
    "qa_s2_fluetemp": "210",
    "qa_s2_cosphi": "0,91",
    "qa_s4_losspct": "3,2",
    "qa_techgroups": "t1 t4",
    "qa_m_name": ["Bịt rò rỉ khí nén", "Thay 60 bóng đèn LED"],
    "qa_m_tech": ["t1", "t4"],
    "qa_m_year": ["2024", "2025"],
    "qa_m_invest": ["0", "35,5"],
    "qa_m_resource": ["elec", "elec"],
    "qa_m_saved": ["4.000", "12.500"],
    "qa_m_saved_vnd": ["8", "25"],
    "qa_m_evidence": ["bill", "estimate"],
    "qa_barriers": "finance staff",
    "qa_support": "training assess",
    "qa_photo": take_photo,
    "qa_note": "Cơ sở hợp tác tốt.",
}


def numerator(page: Page, server: Server) -> int:
    page.goto(f"{server.url}/coverage?plan=demo_plan")
    return int(float(page.locator('[data-indicator="A2.2"]').get_attribute("data-numerator") or "nan"))


def add_rows(page: Page) -> None:
    """Two measures, each a row of the repeat."""
    add = page.locator("[data-add-row]:visible")
    if add.count() and not page.locator("li.row:visible").count():
        add.tap()
        add.tap()
        expect(page.locator("li.row:visible")).to_have_count(2)


def test_an_assessed_factory_moves_the_coverage_of_the_plan_by_exactly_one(
    browser: Browser, server: Server, enter: Callable[[BrowserContext, str], Page]
) -> None:
    desk = browser.new_context(viewport=DESK, locale="vi-VN")
    desk.set_default_timeout(15_000)
    manager = enter(desk, "manager")
    before = numerator(manager, server)
    check(manager)

    first = make_phone(browser)
    page = enter(first, "assessor")
    establishment = begin(page, server)
    person = Filling(page, ANSWERS)
    person.fill_until("main/qa_c3")
    expect(page.locator("[data-save-state]")).to_have_text("Đã lưu")
    first.close()  # the browser is closed in the middle of the work

    second = make_phone(browser)
    page = enter(second, "assessor")
    page.goto(f"{server.url}/work")
    check(page)
    follow(page.get_by_role("link", name=establishment, exact=True).first)
    page.locator("main button.wide").tap()
    page.wait_for_selector("#interview section[data-screen]:not([hidden])")
    finds_everything(page)
    finish(page, person)
    receipt = page.locator(".receipt .strong").inner_text()
    assert re.fullmatch(r"\d{8}-[0-9A-Z]{6}", receipt)
    check(page)
    second.close()

    approve(manager, server, establishment, receipt)
    assert numerator(manager, server) == before + 1
    desk.close()


def begin(page: Page, server: Server) -> str:
    """Start a visit from the list of work, open its form and agree; give back the establishment's name."""
    page.goto(f"{server.url}/work")
    card = page.locator("section[aria-labelledby=w-todo] li.card", has_text=CAMPAIGN).first
    establishment = card.locator("h3").inner_text()
    follow(card.get_by_role("button"))
    check(page)
    follow(page.locator("button[name=form_version]").first)
    check(page)
    page.locator("label.choice", has=page.locator("input[name=consent][value=yes]")).tap()
    page.locator("main button.wide").tap()
    page.wait_for_selector("#interview section[data-screen]:not([hidden])")
    check(page)
    return establishment


def finds_everything(page: Page) -> None:
    """What was answered before the browser was closed stands there again, on every screen."""
    for screen, place in (("review", "section[data-review-screen]"), ("id_block", "section[data-screen=id_block]")):
        page.evaluate("screen => { location.hash = screen; }", screen)
        expect(page.locator(f"#interview {place}")).to_be_visible()
    shown = page.evaluate(SHOWN)
    wanted = {
        "id_ref_year": "2025",
        "id_mode": "visit",
        "id_resp_name": "Nguyễn Thị Thử Nghiệm",
        "id_phone": "0912345678",
        "qa_output_qty": "1234,5",
        "qa_output_unit": "t",
        "qa_elec_kwh": "84200",
        "qa_elec_cost": "168,4",
        "qa_fuels": "coal34 wood",
        "qa_raw_cost": "1500",
        "qa_systems": "kiln air motor",
        "qa_c1_mgmtsys": "iso9001",
        "qa_c2_benefits": "cost waste",
        "qa_c3_years": "3",
    }
    assert {name: shown[name] for name in wanted} == wanted
    assert "12 m" in (page.locator("[data-question$='id_gps'] [data-position]").text_content() or "")
    assert "qa_elec_kwh_photo" in (
        page.locator("[data-question$='qa_elec_kwh_photo'] [data-file]").text_content() or ""
    )


def finish(page: Page, person: Filling) -> None:
    """Fill what is left, look at the review, and send."""
    person.page = page
    while person.screen() != "main/qa_s1":
        person.go_on()
    while person.screen() != "review":
        add_rows(page)
        if person.screen() == "main/qa_g9":
            check(page)
        person.screens.append(person.screen())
        person.fill_screen()
        person.go_on()
    assert len(person.screens) == len(set(person.screens)) == 11, person.screens
    review = page.locator("[data-review-screen]")
    expect(review.locator("[data-review-clear]")).to_be_visible()
    expect(review).to_contain_text("Giải pháp SXSH đã thực hiện – 2: Thay 60 bóng đèn LED")
    check(page)
    review.locator("[data-send]").tap()
    page.wait_for_url(re.compile("/receipt$"))


def approve(page: Page, server: Server, establishment: str, receipt: str) -> None:
    """The manager finds the record, sees its answers and its photo without a place, and approves it."""
    page.goto(f"{server.url}/submissions?state=submitted&search={establishment.split(' –')[0]}")
    check(page)
    follow(page.get_by_role("link", name=establishment).first)
    expect(page.locator("main")).to_contain_text(receipt)
    check(page)
    photos = page.locator("section[aria-labelledby=files] li a:first-child")
    assert photos.count() == 2
    for link in photos.all():
        answer = page.request.get(server.url + (link.get_attribute("href") or ""))
        assert answer.status == 200
        picture = Image.open(io.BytesIO(answer.body()))
        assert max(picture.size) <= 2048
        assert not picture.getexif()
    page.get_by_role("button", name="Duyệt").click()
    expect(page.locator(".badge.approved").first).to_be_visible()
