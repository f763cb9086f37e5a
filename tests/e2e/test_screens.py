"""Every page staff and respondents meet: no serious accessibility fault, nothing overflows at 320 px and at 200 % text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.e2e.conftest import Server, overflow, serious_violations

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
STAFF_PAGES = ["/coverage", "/submissions", "/campaigns", "/registers", "/questionnaires", "/plans", "/users", "/account"]


def check(page: Page) -> None:
    assert serious_violations(page) == [], page.url
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow(page) <= 0, f"{page.url} is wider than 320 px"
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert overflow(page) <= 0, f"{page.url} overflows at 200 % text"


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_a_staff_page_is_accessible_and_fits_a_small_phone(
    phone: BrowserContext, server: Server, enter: Callable[[BrowserContext, str], Page], path: str
) -> None:
    page = enter(phone, "administrator")
    response = page.goto(server.url + path)
    assert response is not None
    assert response.status == 200
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
