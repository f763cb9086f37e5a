from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from analysis import share_interval
from survey_app.models import Campaign, Establishment, Plan
from survey_app.reports.workbook import rounded
from tests import factories

FORM = factories.SMALL_FORM
SECOND_FORM = FORM.replace("| small         | 1 ", "| second        | 1 ")
TODAY = date.today()


def indicator(name: str, kind: str, sources: list[str], **more: object) -> dict[str, object]:
    words = {"vi": f"Chỉ tiêu {name}", "en": f"Figure {name}"}
    return {"name": name, "label": words, "definition": words, "kind": kind, "sources": sources, **more}


@pytest.fixture
def plan(session: Session) -> Plan:
    """Two phases, the second open; a share, a count and a survey coverage."""
    phases = [
        {"name": "I", "start": "2016-01-01", "end": (TODAY - timedelta(days=100)).isoformat()},
        {"name": "II", "start": (TODAY - timedelta(days=99)).isoformat(), "end": (TODAY + timedelta(days=99)).isoformat()},
    ]
    document = {
        "name": "demo", "title": {"vi": "Kế hoạch", "en": "Plan"},
        "phase": [{**phase, "label": {"vi": f"Giai đoạn {phase['name']}"}} for phase in phases],
        "plan_indicator": [
            indicator("G1", "share", ["small:aware"], scope="D_core", targets={"total": 95}, headline=True,
                      counts_modes=["visit"]),
            indicator("A2", "count", ["small:surveyed"], unit="count", targets={"I": 5, "II": 25},
                      counts_modes=["visit"]),
            indicator("A4", "survey_coverage", ["small:surveyed", "second:surveyed"], scope="D_core", targets={"II": 75}),
            indicator("R", "ratio", ["small:saved"], scope="D_core", denominator="small:base"),
        ],
    }
    return factories.plan(session, document=document)


@pytest.fixture
def units(session: Session) -> list[Establishment]:
    """Ten small units of u372 in one stratum, twenty of u373 in another."""
    return [
        factories.establishment(
            session, area="u372" if number < 10 else "u373", stratum="e|V|s" if number < 10 else "e|F|s",
            sector="V" if number < 10 else "F",
        )
        for number in range(30)
    ]


def answer(
    session: Session, within: Campaign, unit: Establishment, md: str = FORM, *, state: str = "approved",
    mode: str = "visit", **values: object,
) -> None:
    about = factories.questionnaire(session, md)
    record = factories.record(session, within, unit, about, state=state, mode=mode)
    for name, value in values.items():
        column = {"truth": value} if isinstance(value, bool) else {"number": value}
        factories.record_value(session, record, name, **column)


def shown(browser: FlaskClient, path: str = "/coverage") -> str:
    response = browser.get(path)
    assert response.status_code == 200, response.text
    return response.text


def numerator(page: str, name: str) -> float:
    match = re.search(rf'data-indicator="{name}" data-numerator="([^"]+)"', page)
    assert match, page
    return float(match[1])


def printed(app: Flask, *arguments: str) -> list[dict[str, object]]:
    result = app.test_cli_runner().invoke(args=["survey", "coverage", "--format", "json", *arguments])
    assert result.exit_code == 0, result.output
    return list(json.loads(result.output)["rows"])


def row(rows: list[dict[str, object]], name: str, grouping: str = "all", group: str = "") -> dict[str, object]:
    return next(r for r in rows if (r["indicator"], r["grouping"], r["group"]) == (name, grouping, group))


def test_a_weighted_share_is_the_one_worked_by_hand(
    app: Flask, session: Session, plan: Plan, units: list[Establishment]
) -> None:
    campaign = factories.campaign(session, phase="II", plan=plan)
    for unit, aware in zip(units[:4], [True, True, True, False], strict=True):
        answer(session, campaign, unit, aware=aware)
    for unit, aware in zip(units[10:15], [True, False, False, False, False], strict=True):
        answer(session, campaign, unit, aware=aware)
    session.commit()
    found = row(printed(app), "G1")
    # 10/30 x 3/4 + 20/30 x 1/5; variance as in tests/analysis
    expected = 0.25 + 2 / 15
    variance = (1 / 9) * 0.6 * (0.75 * 0.25 / 3) + (4 / 9) * 0.75 * (0.2 * 0.8 / 4)
    limits = share_interval(expected, variance, 7, 9, 30)
    assert found["value"] == pytest.approx(expected)
    assert (found["low"], found["high"]) == (pytest.approx(limits.low), pytest.approx(limits.high))
    assert (found["n"], found["target"]) == (9, 0.95)


def test_approving_one_record_moves_the_count_by_exactly_one(
    session: Session, plan: Plan, units: list[Establishment], sign_in: Callable[..., FlaskClient]
) -> None:
    campaign = factories.campaign(session, phase="II", plan=plan)
    answer(session, campaign, units[0])
    about = factories.questionnaire(session)
    waiting = factories.record(session, campaign, units[1], about)
    session.commit()
    browser = sign_in("analyst")
    assert numerator(shown(browser), "A2") == 1
    assert numerator(shown(browser, "/coverage?state=provisional"), "A2") == 2
    waiting.state = "approved"
    session.commit()
    assert numerator(shown(browser), "A2") == 2


def test_a_record_counts_in_the_phase_of_its_campaign_and_in_no_other(
    app: Flask, session: Session, plan: Plan, units: list[Establishment]
) -> None:
    early = factories.campaign(session, phase="I", plan=plan)
    answer(session, early, units[0])
    session.commit()
    assert row(printed(app, "--phase", "I"), "A2")["numerator"] == 1
    assert row(printed(app, "--phase", "II"), "A2")["numerator"] == 0
    assert row(printed(app, "--phase", "total"), "A2")["numerator"] == 1
    assert row(printed(app, "--phase", "total"), "A2")["target"] == 30


def test_a_self_completed_record_never_counts_where_the_plan_wants_visits(
    app: Flask, session: Session, plan: Plan, units: list[Establishment]
) -> None:
    campaign = factories.campaign(session, phase="II", plan=plan)
    answer(session, campaign, units[0], mode="self", aware=True)
    session.commit()
    rows = printed(app)
    assert row(rows, "A2")["numerator"] == 0
    assert row(rows, "G1")["n"] == 0


def test_one_establishment_counts_once_however_many_records_it_has(
    app: Flask, session: Session, plan: Plan, units: list[Establishment]
) -> None:
    for _ in range(2):
        answer(session, factories.campaign(session, phase="II", plan=plan), units[0], aware=True)
    session.commit()
    rows = printed(app)
    assert row(rows, "A2")["numerator"] == 1
    assert row(rows, "G1")["n"] == 1


def test_survey_coverage_needs_every_instrument_and_counts_only_units_of_the_frame(
    app: Flask, session: Session, plan: Plan, units: list[Establishment]
) -> None:
    campaign = factories.campaign(session, phase="II", plan=plan)
    outside = factories.establishment(session, scopes=["D_all"])
    for unit in (units[0], outside):
        answer(session, campaign, unit)
        answer(session, campaign, unit, SECOND_FORM)
    answer(session, campaign, units[1])
    session.commit()
    rows = printed(app)
    assert (row(rows, "A4")["numerator"], row(rows, "A4")["denominator"]) == (1, 30)
    assert row(rows, "A4")["low"] is None
    assert row(rows, "A4", "area", "u372")["numerator"] == 1
    assert row(rows, "A4", "area", "u373")["denominator"] == 20


def test_a_closed_unit_leaves_the_denominator(
    app: Flask, session: Session, plan: Plan, units: list[Establishment]
) -> None:
    units[0].closed_on = TODAY - timedelta(days=365)
    session.commit()
    assert row(printed(app), "A4")["denominator"] == 29


def test_a_ratio_is_the_ratio_of_weighted_totals(
    app: Flask, session: Session, plan: Plan, units: list[Establishment]
) -> None:
    campaign = factories.campaign(session, phase="II", plan=plan)
    for unit, saved, base in zip(units[:2] + units[10:12], [10.0, 0.0, 5.0, 7.0], [100.0, 50.0, 80.0, 90.0], strict=True):
        answer(session, campaign, unit, saved=saved, base=base)
    session.commit()
    # weights 10/2 and 20/2
    expected = (5 * 10 + 10 * 12) / (5 * 150 + 10 * 170)
    assert row(printed(app), "R")["value"] == pytest.approx(expected)


def test_a_focal_point_sees_its_own_area_only(
    session: Session, plan: Plan, units: list[Establishment], sign_in: Callable[..., FlaskClient]
) -> None:
    campaign = factories.campaign(session, phase="II", plan=plan)
    answer(session, campaign, units[0])
    answer(session, campaign, units[15])
    session.commit()
    assert numerator(shown(sign_in("focal_point", area="u372")), "A2") == 1
    assert numerator(shown(sign_in("manager")), "A2") == 2


def test_behind_a_figure_stand_its_establishments(
    session: Session, plan: Plan, units: list[Establishment], sign_in: Callable[..., FlaskClient]
) -> None:
    answer(session, factories.campaign(session, phase="II", plan=plan), units[0])
    session.commit()
    browser = sign_in("manager")
    done = shown(browser, "/coverage/A2/establishments?reached=1")
    assert units[0].code in done
    assert units[1].code not in done
    left = shown(browser, "/coverage/A2/establishments?reached=0&by=area&group=u372")
    assert units[1].code in left
    assert units[20].code not in left


@pytest.mark.parametrize("path", ["/coverage?plan=nothing", "/coverage?phase=IX", "/coverage/G9", "/coverage/G1?by=colour"])
def test_what_does_not_exist_is_not_found(plan: Plan, session: Session, sign_in: Callable[..., FlaskClient], path: str) -> None:
    session.commit()
    assert sign_in("manager").get(path).status_code == 404


def test_an_assessor_does_not_see_coverage(plan: Plan, session: Session, sign_in: Callable[..., FlaskClient]) -> None:
    session.commit()
    assert sign_in("assessor").get("/coverage").status_code == 403


def test_the_workbook_and_the_csv_say_what_the_page_says(
    session: Session, plan: Plan, units: list[Establishment], sign_in: Callable[..., FlaskClient]
) -> None:
    answer(session, factories.campaign(session, phase="II", plan=plan), units[0])
    session.commit()
    browser = sign_in("analyst")
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/coverage.xlsx").data))
    assert book.sheetnames == ["about", "all", "area", "sector", "size", "definitions", "columns"]
    counts = {row["indicator"]: row["numerator"] for row in sheet_rows(book, "all")}
    assert counts["A2"] == 1
    text = browser.get("/coverage.csv").data.decode("utf-8-sig")
    (row,) = [row for row in csv.DictReader(io.StringIO(text)) if (row["indicator"], row["grouping"]) == ("A2", "all")]
    assert row["numerator"] == "1"


def sheet_rows(book: openpyxl.Workbook, sheet: str) -> list[dict[str, object]]:
    head, *body = book[sheet].iter_rows(values_only=True)
    return [dict(zip([str(name) for name in head], row, strict=True)) for row in body]


def test_the_workbook_is_read_without_a_manual(
    session: Session, plan: Plan, units: list[Establishment], sign_in: Callable[..., FlaskClient]
) -> None:
    answer(session, factories.campaign(session, phase="II", plan=plan), units[0])
    session.commit()
    book = openpyxl.load_workbook(io.BytesIO(sign_in("analyst").get("/coverage.xlsx?lang=en").data))
    figures = sheet_rows(book, "all") + sheet_rows(book, "area")
    for row in figures:
        assert isinstance(row["reference_date"], datetime)
        assert all(isinstance(row[name], int) for name in ("numerator", "n", "missing"))
        assert row["value"] is None or round(float(str(row["value"])), 3) == row["value"]
    assert {row["column"] for row in sheet_rows(book, "columns")} == set(figures[0])
    assert all(row["meaning"] for row in sheet_rows(book, "columns"))
    assert {row["indicator"] for row in figures} <= {row["indicator"] for row in sheet_rows(book, "definitions")}
    stated = {row["what"]: row["value"] for row in sheet_rows(book, "about")}
    assert stated["Rows of the sheet area"] == book["area"].max_row - 1


def test_people_read_whole_numbers_and_machines_every_digit() -> None:
    row = {"numerator": 12.5714, "denominator": 44.0, "n": 7, "missing": 0, "value": 0.2857142, "low": None,
           "high": 0.51234, "reference_date": "2020-01-01", "label": "x"}  # fmt: skip
    found = rounded(row)
    assert (found["numerator"], found["denominator"], found["value"], found["high"]) == (13, 44, 0.286, 0.512)
    assert found["low"] is None
    assert row["numerator"] == 12.5714


def test_the_table_on_the_command_line_has_a_line_per_figure_and_group(
    app: Flask, session: Session, plan: Plan, units: list[Establishment]
) -> None:
    answer(session, factories.campaign(session, phase="II", plan=plan), units[0])
    session.commit()
    output = app.test_cli_runner().invoke(args=["survey", "coverage"]).output
    assert re.search(r"^A2\s+\(all\)\s+1\s", output, re.M)
    assert re.search(r"^A4\s+\(all\)\s+0\.0%\s+0\s+30\s+75\.0%", output, re.M)
