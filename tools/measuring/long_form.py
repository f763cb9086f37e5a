"""(e) A form of 300 questions with a list of 2,000 rows on a slow phone: ready, an answer, one more row among 80."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any, Final, TypeAlias

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import CHROMIUM, FLAGS
from tools.measuring import phone
from tools.measuring.serving import serving
from tools.measuring.world import World, add_draft

QUESTIONS, COMMUNES, DISTRICTS, ROWS = 300, 2_000, 50, 80
SLOWER: Final = 6
LABELS: Final = ("label::Tiếng Việt (vi)", "label::English (en)")
Row: TypeAlias = tuple[str, ...]
# From a click to the end of the frame that shows what it did.
TIMED: Final = """
(act) => new Promise((done) => {
  const target = document.querySelector(act.selector);
  const started = performance.now();
  if (act.value === null) target.click();
  else {
    target.value = act.value;
    target.dispatchEvent(new Event("input", { bubbles: true }));
    target.dispatchEvent(new Event("change", { bubbles: true }));
  }
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done(performance.now() - started);
    port2.postMessage(0);
  });
})
"""


def markdown() -> str:
    """The questionnaire: sections of ten with relevance and calculations, 20 cascades over one list, a repeat's sum."""
    rows: list[Row] = [("type", "name", *LABELS, "relevant", "calculation", "choice_filter", "appearance")]
    rows += [("begin repeat", "team", "Tổ", "Team", "", "", "", ""), ("text", "who", "Tên", "Name", "", "", "", "")]
    rows += [("integer", "age", "Tuổi", "Age", "${who} != ''", "", "", "")]
    rows += [("calculate", "place", "", "", "", "position(..)", "", ""), ("end repeat", "", "", "", "", "", "", "")]
    rows += [("calculate", "years", "", "", "", "sum(${age})", "", "")]
    for number in range(QUESTIONS - 4):
        rows += _question(number)
    rows.append(("end group", "", "", "", "", "", "", ""))
    choices: list[Row] = [("list_name", "name", *LABELS, "district")]
    choices += [
        ("yn", name, text, name, "") for name, text in (("yes", "Có"), ("no", "Không"), ("unknown", "Không rõ"))
    ]
    choices += [("district", f"d{n}", f"Huyện số {n}", f"District {n}", "") for n in range(DISTRICTS)]
    choices += [("commune", f"c{n}", f"Xã số {n}", f"Commune {n}", f"d{n % DISTRICTS}") for n in range(COMMUNES)]
    tables = {"survey": rows, "choices": choices, "settings": [("form_id", "version"), ("bench_long", "1")]}
    return "\n".join(f"| {sheet} |\n" + "\n".join(map(_line, table)) for sheet, table in tables.items())


def _line(row: Row) -> str:
    return "| | " + " | ".join(row) + " |"


def _question(number: int) -> list[Row]:
    name, labels = f"q{number}", (f"Câu hỏi số {number}?", f"Question number {number}?")
    opening: list[Row] = [("end group", "", "", "", "", "", "", "")] if number else []
    opening += [("begin group", f"g{number}", f"Mục {number}", f"Section {number}", "", "", "", "")]
    relevant = f"${{q{number - 1}}} != ''" if number % 3 == 2 else ""
    kinds: tuple[Row, ...] = (
        ("integer", name, *labels, relevant, "", "", ""),
        ("select_one yn", name, *labels, relevant, "", "", ""),
        ("text", name, *labels, relevant, "", "", ""),
        ("calculate", name, "", "", "", f"coalesce(${{q{number - 3}}}, 0) * 2 + 1", "", ""),
        ("select_multiple yn", name, *labels, "", "", "", ""),
    )
    found = kinds[number % 5]
    if number % 15 == 6:
        found = ("select_one district", name, *labels, "", "", "", "minimal")
    if number % 15 == 7:
        found = ("select_one commune", name, *labels, "", "", f"district = ${{q{number - 1}}}", "minimal")
    return [*(opening if number % 10 == 0 else []), found]


def measure(world: World, times: int = 5) -> dict[str, Any]:
    """Bytes until ready, and medians in milliseconds at a sixth of the processor's speed."""
    if CHROMIUM is None:
        return {"missing": "no Chromium on this machine"}
    members = [f"r{number}" for number in range(ROWS)]
    known = {f"team/{member}/who": f"Người {member}" for member in members}
    empty = replace(world, link=add_draft(world, markdown(), {}))
    full = replace(world, link=add_draft(world, markdown(), {"values": known, "rows": {"team": members}}))
    with serving(world) as servers, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        url = f"http://127.0.0.1:{servers.ports[0]}"
        phone.open_cold(browser, url, full, slower=1)  # the server's own caches
        found = [_once(browser, url, empty, full) for _ in range(times)]
        browser.close()
    return {name: round(statistics.median(run[name] for run in found), 1) for name in found[0]} | {"runs": found}


def _once(browser: Browser, url: str, empty: World, full: World) -> dict[str, float]:
    usable, page, weight = phone.open_cold(browser, url, empty, slower=SLOWER)
    page.context.close()
    _, page, _ = phone.open_cold(browser, url, full, slower=SLOWER)
    page.wait_for_timeout(500)
    added = [_timed(page, "section.screen:not([hidden]) [data-add-row]", None) for _ in range(3)]
    answered = [_timed(page, '[name="team/r40/age"]', str(20 + n)) for n in range(3)]
    page.context.close()
    return {
        "usable_ms": usable,
        "bytes": weight,
        "add_row_ms": statistics.median(added),
        "answer_ms": statistics.median(answered),
    }


def _timed(page: Page, selector: str, value: str | None) -> float:
    found: float = page.evaluate(TIMED, {"selector": selector, "value": value})
    page.wait_for_timeout(300)
    return found
