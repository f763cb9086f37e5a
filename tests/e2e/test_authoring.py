"""An author in the browser: a workbook uploaded, its preview in a phone frame, the graph, random respondents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import DESK, Server, check, serious_violations

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
FORM = """
| survey   | type           | name    | label::Tiếng Việt (vi) | label::English (en) | relevant       | calculation       | required |
|          | begin group    | site    | Cơ sở                  | Site                |                |                   |
|          | select_one ab  | pick    | Chọn một               | Pick one            |                |                   | yes      |
|          | integer        | staff   | Số lao động            | Workers             | ${pick} = 'a'  |                   |
|          | end group      |         |                        |                     |                |                   |
|          | begin repeat   | machine | Máy                    | Machine             |                |                   |
|          | decimal        | power   | Công suất              | Power               |                |                   |
|          | end repeat     |         |                        |                     |                |                   |
|          | calculate      | total   |                        |                     |                | sum(${power})     |
| choices  | list_name      | name    | label::Tiếng Việt (vi) | label::English (en) |
|          | ab             | a       | Một                    | One                 |
|          | ab             | b       | Hai                    | Two                 |
| settings | form_id        | version | form_title::Tiếng Việt (vi) | form_title::English (en) |
|          | previewed      | {version} | Phiếu xem thử        | A previewed form    |
"""


def upload(page: Page, server: Server, folder: Path, version: str) -> str:
    """The address of the draft that the workbook became."""
    file = folder / "form.md"
    file.write_text(FORM.replace("{version}", version), encoding="utf8")
    page.goto(f"{server.url}/questionnaires/upload")
    page.set_input_files("#workbook", file)
    page.click("main form button")
    page.wait_for_url("**/questionnaires/versions/*")
    return page.url.partition("?")[0]


def test_a_draft_is_previewed_in_a_phone_frame_and_keeps_nothing(
    browser: Browser, server: Server, enter: Callable[[BrowserContext, str], Page], tmp_path: Path
) -> None:
    context = browser.new_context(viewport=DESK, locale="vi-VN")
    page = enter(context, "manager")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    address = upload(page, server, tmp_path, "1")
    page.goto(f"{address}/preview?language=en")
    phone = page.frame_locator("iframe")
    expect(phone.get_by_text("Pick one")).to_be_visible()
    expect(phone.get_by_text("Workers")).to_be_hidden()
    box = page.locator("iframe").bounding_box()
    assert box is not None
    assert box["width"] == 370
    sent.clear()
    phone.get_by_label("One").check()
    phone.get_by_label("Workers").fill("12")
    expect(phone.get_by_text("Workers")).to_be_visible()
    page.wait_for_timeout(1500)
    assert sent == []
    page.reload()
    expect(phone.get_by_label("One")).not_to_be_checked()
    context.close()


def test_a_random_respondent_fills_the_preview_and_nothing_can_be_sent(
    browser: Browser, server: Server, enter: Callable[[BrowserContext, str], Page], tmp_path: Path
) -> None:
    context = browser.new_context(viewport=DESK, locale="vi-VN")
    page = enter(context, "manager")
    address = upload(page, server, tmp_path, "2")
    page.goto(f"{address}/preview/form?seed=5&language=en&lang=en")
    expect(page.locator("input[type=radio]:checked")).to_have_count(1)
    page.goto(f"{address}/preview/form?seed=5&language=en&lang=en#review")
    for _ in range(4):
        if page.locator("[data-send]").is_visible():
            break
        page.click("[data-next-screen]")
    page.click("[data-send]")
    if "open points" in page.locator("[data-send]").inner_text():
        page.click("[data-send]")
    expect(page.locator("[data-send-note]")).to_contain_text("This is a preview: nothing is sent.")
    context.close()


def test_the_pages_for_authors_work_on_a_phone_and_for_assistive_technology(
    browser: Browser, server: Server, enter: Callable[[BrowserContext, str], Page], tmp_path: Path
) -> None:
    context = browser.new_context(viewport=DESK, locale="vi-VN", bypass_csp=True)
    page = enter(context, "manager")
    address = upload(page, server, tmp_path, "3")
    pages = ("", "/graph", "/rehearsal", "/preview/form?seed=5", "/preview/plain?seed=5")
    for path in (*(f"{address}{part}" for part in pages), f"{server.url}/questionnaires/library?q=vsic"):
        page.goto(path)
        check(page)
    for path in (f"{address}/preview", f"{server.url}/questionnaires/types"):
        page.goto(path)
        assert serious_violations(page) == []
    page.goto(f"{address}/rehearsal")
    page.click("main form button")
    expect(page.locator(".figures li").first).to_contain_text("1.000")
    context.close()
