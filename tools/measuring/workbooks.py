"""(c) How long a workbook of 300 questions with a list of 2,000 rows takes to read."""

from __future__ import annotations

import io
import statistics
import time
from typing import Any

import xlsxwriter

from forms import load_form
from survey_app.questionnaires import service as questionnaires

QUESTIONS, LIST_ROWS = 300, 2_000
SURVEY = (
    "type",
    "name",
    "label::Tiếng Việt (vi)",
    "label::English (en)",
    "required",
    "relevant",
    "constraint",
    "calculation",
)
CHOICES = ("list_name", "name", "label::Tiếng Việt (vi)", "label::English (en)", "province")


def xlsx() -> bytes:
    """The workbook: groups of ten with relevance, constraints and calculations, and one long list."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"strings_to_formulas": False})
    for name, rows in (("survey", _survey()), ("choices", _choices()), ("settings", _settings())):
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    return out.getvalue()


def _survey() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [SURVEY]
    for number in range(QUESTIONS):
        if number % 10 == 0:
            rows.append(("begin_group", f"g{number}", f"Nhóm {number}", f"Group {number}", "", "", "", ""))
        rows.append(_question(number))
        if number % 10 == 9:
            rows.append(("end_group", "", "", "", "", "", "", ""))
    return rows


def _question(number: int) -> tuple[str, ...]:
    name, label = f"q{number}", (f"Câu hỏi số {number}?", f"Question number {number}?")
    before = f"${{q{number - 1}}} != ''" if number % 10 else ""
    if number % 5 == 0:
        return ("integer", name, *label, "yes", before, ". >= 0 and . <= 100000", "")
    if number % 5 == 1:
        return ("select_one places", name, *label, "", before, "", "")
    if number % 5 == 2:
        return ("calculate", name, *label, "", "", "", f"coalesce(${{q{number - 2}}}, 0) * 2 + 1")
    if number % 5 == 3:
        return ("select_multiple yn", name, *label, "", before, "count-selected(.) <= 2", "")
    return ("text", name, *label, "", before, "string-length(.) < 200", "")


def _choices() -> list[tuple[str, ...]]:
    places = [("places", f"p{n}", f"Xã số {n}", f"Commune {n}", f"t{n % 63}") for n in range(LIST_ROWS)]
    return [CHOICES, *places, ("yn", "yes", "Có", "Yes", ""), ("yn", "no", "Không", "No", "")]


def _settings() -> list[tuple[str, ...]]:
    return [("form_id", "version", "form_title"), ("bench_300", "1", "Bench")]


def as_upload(source: bytes) -> tuple[bytes, str]:
    """The workbook as a browser sends it: body and content type."""
    mark = "----bench-7c1f"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="workbook"; filename="bench.xlsx"\r\n\r\n'
    return head.encode() + source + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def measure(times: int = 5) -> dict[str, Any]:
    """Medians in seconds: inside a process that has read one before, and in the child that the server starts."""
    source = xlsx()
    found = load_form(source, "bench.xlsx")
    inside, child = [], []
    for _ in range(times):
        started = time.perf_counter()
        load_form(source, "bench.xlsx")
        inside.append(time.perf_counter() - started)
        started = time.perf_counter()
        questionnaires.read(source, "bench.xlsx")
        child.append(time.perf_counter() - started)
    return {
        "questions": len(list(found.definition.questions())), "list_rows": LIST_ROWS, "bytes": len(source),
        "in_process_seconds": round(statistics.median(inside), 2), "child_seconds": round(statistics.median(child), 2),
    }  # fmt: skip
