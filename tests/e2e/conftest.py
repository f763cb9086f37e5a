"""A real server in a process of its own, and a real browser the size of a cheap phone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from tests.postgres import free_port, private_server

ROOT = Path(__file__).parents[2]
CHROMIUM = next((shutil.which(n) for n in ("chromium", "chromium-browser", "google-chrome") if shutil.which(n)), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 800}
BARS = """position => document.querySelectorAll('.bar-bottom, .interview-head')
  .forEach(e => { e.style.position = position; })"""
expect.set_options(timeout=15_000)
AXE = ROOT / "node_modules/axe-core/axe.min.js"


@dataclass
class Server:
    """A running demonstration: its address, what it printed, and how to stop it."""

    url: str
    banner: str
    process: subprocess.Popen[bytes]

    def account(self, role: str) -> tuple[str, str]:
        """E-mail and password of a demo account, as the banner prints them: "role  email  password"."""
        match = re.search(rf"^\s*{role}\s+(\S+@\S+)\s+(\S+)\s*$", self.banner, re.M)
        assert match, f"no account for {role} in:\n{self.banner}"
        return match[1], match[2]

    @property
    def invitation(self) -> str:
        """The fresh invitation link the banner prints."""
        match = re.search(r"https?://\S+(/l/\S+)", self.banner)
        assert match, self.banner
        return self.url + match[1]


def start_demo(folder: Path, database_url: str | None = None) -> Server:
    """Start `survey demo` on a free loopback port and wait until it answers."""
    port = free_port()
    log = folder / "server.log"
    environ = {
        **os.environ,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "SURVEY_DATA_DIR": str(folder / "data"),
        "PYTHONUNBUFFERED": "1",
    }
    if database_url:
        environ["SURVEY_DATABASE_URL"] = database_url
    command = [sys.executable, "-c", "from survey_app.cli import main; main()", "demo"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    for _ in range(3000):  # making the province takes long on a busy machine
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            with urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310
                if answer.status == 200:
                    return Server(url, log.read_text(), process)
        except OSError:
            time.sleep(0.1)
    process.kill()
    process.wait()
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The demonstration province on SQLite, or on PostgreSQL with --database postgres."""
    folder = tmp_path_factory.mktemp("demo")
    if request.config.getoption("--database") == "postgres":
        with private_server() as url:
            running = start_demo(folder, url)
            yield running
            running.process.terminate()
            running.process.wait(timeout=20)
        return
    running = start_demo(folder)
    yield running
    running.process.terminate()
    running.process.wait(timeout=20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium from the machine; nothing is downloaded."""
    if CHROMIUM is None:
        assert "browser" in os.environ.get("SURVEY_TEST_MISSING", ""), "Chromium is not installed"
        pytest.skip("no browser on this machine, accepted by ALLOW_MISSING")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def make_phone(browser: Browser) -> BrowserContext:
    """A touch phone of 360 x 740, in Vietnamese, on Viet Nam's clock, at a factory."""
    context = browser.new_context(
        viewport=PHONE,
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
        locale="vi-VN",
        timezone_id="Asia/Ho_Chi_Minh",
        geolocation={"latitude": 20.25, "longitude": 105.97, "accuracy": 12},
        permissions=["geolocation"],
    )
    context.set_default_timeout(15_000)
    return context


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """A phone of its own for a test, closed afterwards."""
    context = make_phone(browser)
    yield context
    context.close()


@pytest.fixture
def enter(server: Server) -> Callable[[BrowserContext, str], Page]:
    """enter(context, "manager") -> a page signed in with that demo account."""

    def sign_in(context: BrowserContext, role: str) -> Page:
        email, password = server.account(role)
        page = context.new_page()
        page.goto(f"{server.url}/sign-in")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", password)
        page.click("main button")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    return sign_in


@cache
def axe() -> str:
    """The checker's source, read once: a client being built beside the tests takes it away for a moment."""
    return AXE.read_text(encoding="utf8")


def serious_violations(page: Page) -> list[str]:
    """What axe finds serious or critical on the page, WCAG 2.0 to 2.2, levels A and AA.

    The sticky bars stand still meanwhile: axe takes what happens to be scrolled half behind them for too small.
    """
    page.evaluate(axe())
    page.evaluate(BARS, "static")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    result = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", tags)
    page.evaluate(BARS, "")
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:160]}"
        for violation in result["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def check(page: Page) -> None:
    """Nothing serious for axe, by day and in the dark; nothing overflows at 320 px or at 200 % text.

    The page is left as it was.
    """
    assert serious_violations(page) == [], page.url
    page.emulate_media(color_scheme="dark")
    assert serious_violations(page) == [], f"{page.url} in the dark"
    page.emulate_media(color_scheme="light")
    before = page.viewport_size or PHONE
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow(page) <= 0, f"{page.url} is wider than 320 px"
    page.set_viewport_size(PHONE)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert overflow(page) <= 0, f"{page.url} overflows at 200 % text"
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size(before)
