"""Every page people meet: no serious accessibility fault, nothing overflows at 320 px and at 200 % text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.e2e.conftest import Server, check, overflow

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
