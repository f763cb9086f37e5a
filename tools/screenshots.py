"""Take the pictures README shows, from the demonstration province: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from tests.e2e.conftest import CHROMIUM, DESK, FLAGS, PHONE, Server, start_demo  # noqa: E402

PICTURES = ROOT / "docs/pictures"


def take_coverage(browser: Browser, server: Server) -> None:
    """The first page of staff, at the size of a desk."""
    page = browser.new_context(viewport=DESK, locale="vi-VN").new_page()
    email, password = server.account("manager")
    page.goto(f"{server.url}/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("main button")
    page.goto(f"{server.url}/coverage")
    page.screenshot(path=PICTURES / "coverage.png")


def take_interview(browser: Browser, server: Server) -> None:
    """A section of an interview, at the size of a phone."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN", has_touch=True, is_mobile=True, device_scale_factor=2)
    page = context.new_page()
    page.goto(server.invitation)
    page.click("main form button")
    page.get_by_role("radio").first.check()
    page.click("main form button")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / "interview.png")


def main() -> None:
    """Start the demonstration in a throw-away folder, take the pictures, stop it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = start_demo(Path(folder))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            take_coverage(browser, server)
            take_interview(browser, server)
        finally:
            browser.close()
            server.process.terminate()
            server.process.wait(timeout=20)


if __name__ == "__main__":
    main()
