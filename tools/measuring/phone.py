"""(b) What a phone loads for the form of 60 questions, and how long until it can be filled in."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy.orm import Session

from survey_app import create_app
from survey_app.access import RESPONDENT_COOKIE
from survey_app.config import Settings
from survey_app.models import Base
from tests.e2e.conftest import CHROMIUM, FLAGS, PHONE
from tests.first_load import open_link, weigh
from tools.measuring.serving import serving
from tools.measuring.world import World

# Slow 4G as Lighthouse has it: 150 ms there and back, 1.6 Mbit/s down, 0.75 up; the processor four times slower.
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
LONGEST = 60_000  # milliseconds
USABLE = """
() => {
  const look = () => {
    const screen = document.querySelector("#interview section.screen:not([hidden])");
    const control = screen && screen.querySelector("input:not([type=hidden]), select, textarea, button");
    if (control && control.getClientRects().length) window.usableAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""


def measure_bytes() -> dict[str, int]:
    """Address -> bytes on the wire."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings.from_environment({}, data_dir=Path(folder), durable=False, secret_key="bench"))
        app.config["WTF_CSRF_ENABLED"] = False
        database = app.extensions["survey_db"]
        Base.metadata.create_all(database.engine)
        with Session(database.engine, expire_on_commit=False) as session:
            browser = app.test_client()
            weights = weigh(browser, open_link(session, browser, "rapid_assessment"))
        database.engine.dispose()
    return {address.rpartition("?")[0] or address: size for address, size in weights.items()}


def measure_time(world: World, times: int = 5) -> dict[str, Any]:
    """Milliseconds until the first screen of the form can be used; cold cache each time."""
    if CHROMIUM is None:
        return {"missing": "no Chromium on this machine"}
    with serving(world) as servers, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        url = f"http://127.0.0.1:{servers.ports[0]}"
        _once(browser, url, world, slow=False)  # the server's own caches
        found = [_once(browser, url, world, slow=True) for _ in range(times)]
        plain = [_once(browser, url, world, slow=False) for _ in range(times)]
        browser.close()
    return {
        "usable_ms": round(statistics.median(found)),
        "all_ms": found,
        "without_slowdown_ms": round(statistics.median(plain)),
    }


def _once(browser: Browser, url: str, world: World, slow: bool) -> float:
    found, page, _ = open_cold(browser, url, world, slower=4 if slow else 1)
    page.context.close()
    return found


def open_cold(browser: Browser, url: str, world: World, slower: int) -> tuple[float, Page, int]:
    """Open the link's interview with an empty cache: milliseconds until usable, the page, bytes on the wire."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, locale="vi-VN")  # type: ignore[arg-type]
    token = world.headers["respondent"]["Cookie"].split(f"{RESPONDENT_COOKIE}=")[1].split(";")[0]
    context.add_cookies([{"name": RESPONDENT_COOKIE, "value": token, "url": url}])
    page = context.new_page()
    page.add_init_script(f"({USABLE})()")
    tools, weights = context.new_cdp_session(page), []
    tools.send("Network.enable")
    tools.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    if slower > 1:
        tools.send("Network.emulateNetworkConditions", SLOW_4G)
        tools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(f"{url}/collect/{world.link}/app", wait_until="commit")
    found = 0
    while not found:  # no wait_for_function: the page's own policy forbids it to evaluate texts
        page.wait_for_timeout(200)
        found = round(page.evaluate("window.usableAt || 0"))
        assert page.evaluate("performance.now()") < LONGEST, page.content()[:2000]
    return found, page, round(sum(weights))
