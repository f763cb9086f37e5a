"""Every page people meet: no serious accessibility fault, nothing overflows at 320 px and at 200 % text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.e2e.conftest import Server, check, overflow
from tests.e2e.filling import follow

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
STAFF_PAGES = [
    "/coverage",
    "/submissions",
    "/campaigns",
    "/registers",
    "/questionnaires",
    "/plans",
    "/users",
    "/account",
]


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_a_staff_page_is_accessible_and_fits_a_small_phone(
    phone: BrowserContext, server: Server, enter: Callable[[BrowserContext, str], Page], path: str
) -> None:
    page = enter(phone, "administrator")
    response = page.goto(server.url + path)
    assert response is not None
    assert response.status == 200
    check(page)


# Pages below these: from the list, the first thing of its kind.
BELOW = {
    "/coverage": "main .figure h2 a", "/submissions?state=submitted": "main tbody th a", "/campaigns": "main .cards h2 a",
    "/registers": "main a[href*='/registers/']", "/registers/establishments": "main a.row-link",
    "/plans": "main .cards h2 a", "/users": "main tbody th a", "/questionnaires": "main .card-title a",
}  # fmt: skip
OF_A_CAMPAIGN = ("/edit", "/sample", "/assignments", "/invitations", "/visits")


@pytest.mark.parametrize("path", BELOW)
def test_a_page_below_a_list_is_accessible_and_fits_a_small_phone(
    phone: BrowserContext, server: Server, enter: Callable[[BrowserContext, str], Page], path: str
) -> None:
    page = enter(phone, "administrator")
    page.goto(server.url + path)
    follow(page.locator(BELOW[path]).first)
    assert path.partition("?")[0] != page.url.removeprefix(server.url)
    check(page)
    if path == "/campaigns":
        campaign = page.url
        for tail in OF_A_CAMPAIGN:
            answer = page.goto(campaign + tail)
            assert answer is not None
            assert answer.status == 200, tail
            check(page)
    if path == "/coverage":
        follow(page.get_by_role("link", name="đã khảo sát").first)
        check(page)


@pytest.mark.parametrize("path", ["/work", "/account"])
def test_a_page_of_an_assessor_is_accessible_and_fits_a_small_phone(
    phone: BrowserContext, server: Server, enter: Callable[[BrowserContext, str], Page], path: str
) -> None:
    page = enter(phone, "assessor")
    page.goto(server.url + path)
    check(page)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_first_page_of_a_link_is_accessible_and_fits_a_small_phone(
    phone: BrowserContext, server: Server, language: str
) -> None:
    page = phone.new_page()
    page.goto(f"{server.invitation}?lang={language}")
    check(page)


def test_the_sign_in_page_is_accessible_and_fits_a_small_phone(phone: BrowserContext, server: Server) -> None:
    page = phone.new_page()
    page.goto(server.url + "/sign-in")
    check(page)


def test_no_page_breaks_in_the_pseudo_language(
    phone: BrowserContext, server: Server, enter: Callable[[BrowserContext, str], Page]
) -> None:
    page = enter(phone, "administrator")
    for path in STAFF_PAGES:
        page.goto(f"{server.url}{path}?lang=qps")
        assert overflow(page) <= 0, path
