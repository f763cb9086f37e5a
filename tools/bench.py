"""`make bench`: the figures of one run, as a table and as build/bench.json.

Only ratios of one run compare: the same machine, the same minute. `--seconds 1` for a first look, `--only intake`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)  # the project, not this folder

from tests.postgres import find_program, private_server  # noqa: E402
from tools.measuring import expressions, intake, long_form, memory, phone, workbooks  # noqa: E402
from tools.measuring.world import World, build  # noqa: E402

PARTS = ("intake", "expressions", "workbook", "memory", "phone")
DRAFTS = 12_000


def main() -> None:
    """Measure what was asked for, say it, keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="of each run of the load client")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--no-postgres", action="store_true")
    asked = parser.parse_args()
    parts = asked.only or PARTS
    found: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "load_before": os.getloadavg()[0]}
    found["cores"] = os.cpu_count()
    with tempfile.TemporaryDirectory(prefix="survey-bench-") as folder:
        if "workbook" in parts:
            found["workbook"] = _shown(workbooks.measure(), _say_workbook)
        if "expressions" in parts:
            found["expressions"] = _shown(expressions.measure(), _say_expressions)
        if set(parts) - {"workbook", "expressions"}:
            world = build(Path(folder) / "sqlite", None, DRAFTS)
            found |= _on(world, parts, asked.seconds)
        if "intake" in parts and not asked.no_postgres and find_program("initdb"):
            with private_server(durable=True) as url:
                other = build(Path(folder) / "postgres", url, DRAFTS)
                found["intake"] += _intake(other, "postgresql", asked.seconds)
    out = ROOT / "build" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(f"\nload of the machine before: {found['load_before']:.1f} on {found['cores']} cores; kept in {out}")


def _on(world: World, parts: tuple[str, ...] | list[str], seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "phone" in parts:
        weights = phone.measure_bytes()
        found["phone"] = _shown({"bytes": sum(weights.values()), "files": weights, **_usable(world)}, _say_phone)
        found["long_form"] = _shown(long_form.measure(world), _say_long_form)
    if "memory" in parts:
        found["memory"] = _shown(memory.measure(world), _say_memory)
    if "intake" in parts:
        found["beside_upload"] = _shown(intake.measure_beside_upload(world, "sqlite", 2 * seconds), _say_upload)
        print(
            f"\n{'database':11}{'proc':>5}{'clients':>8}{'sent/s':>8}{'base/s':>8}{'ratio':>7}{'p50':>8}{'p95':>8}{'p99':>8}"
        )
        found["intake"] = _intake(world, "sqlite", seconds)
    return found


def _usable(world: World) -> dict[str, Any]:
    return phone.measure_time(world)


def _intake(world: World, database: str, seconds: float) -> list[dict[str, Any]]:
    return [_shown(row, _say_intake) for row in intake.measure(world, database, seconds)]


def _shown(row: dict[str, Any], say: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    print(say(row), flush=True)
    return row


def _say_intake(row: dict[str, Any]) -> str:
    return (
        f"{row['database']:11}{row['processes']:>5}{row['clients']:>8}{row['per_second']:>8}{row['baseline_per_second']:>8}"
        f"{row['ratio']:>7.2f}{row['p50']:>8.1f}{row['p95']:>8.1f}{row['p99']:>8.1f}"
    )


def _say_upload(row: dict[str, Any]) -> str:
    return (
        f"8 clients while {row['uploads']} workbooks were uploaded: {row['per_second']}/s, "
        f"p50 {row['p50']} ms, p99 {row['p99']} ms (goal 35)"
    )


def _say_workbook(row: dict[str, Any]) -> str:
    return (
        f"workbook of {row['questions']} questions, list of {row['list_rows']}: {row['in_process_seconds']} s in the "
        f"process, {row['child_seconds']} s in a child (goal 0.6)"
    )


def _say_expressions(row: dict[str, Any]) -> str:
    return (
        f"{row['expressions']} expressions on the server: {row['ms']} ms (goal 5); the engine on its way to a phone: "
        f"{row['engine_bytes']} bytes, with scores {row['with_scores_bytes']} (goal 15000)"
    )


def _say_memory(row: dict[str, Any]) -> str:
    return (
        f"memory: {row['fresh_mb']} MB fresh (ready after {row['start_seconds']} s), {row['used_mb']} MB after 100 "
        f"pages and sendings (goal 145), {row['after_coverage_mb']} MB after the coverage page"
    )


def _say_phone(row: dict[str, Any]) -> str:
    usable = row.get("usable_ms")
    slow = f"usable after {usable} ms (goal 1300)" if usable else row.get("missing", "")
    return f"first load of 60 questions by link: {row['bytes']} bytes (goal 60000); 4x slower, slow 4G: {slow}"


def _say_long_form(row: dict[str, Any]) -> str:
    if "missing" in row:
        return str(row["missing"])
    return (
        f"300 questions, list of 2,000, 6x slower, slow 4G: usable after {row['usable_ms']:.0f} ms (goal 1000), "
        f"{row['bytes']:.0f} bytes (goal 90000), a row beside 80 {row['add_row_ms']:.0f} ms (goal 60), "
        f"an answer {row['answer_ms']:.0f} ms (goal 50)"
    )


if __name__ == "__main__":
    main()
