"""Coverage pages and downloads: the first page of staff."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from survey_app.access import Permission, allow, audit, current_user
from survey_app.programme import service as programme
from survey_app.reports import service
from survey_app.reports.cells import GROUPINGS
from survey_app.reports.workbook import workbook

bp = Blueprint("reports", __name__, template_folder="templates")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _view() -> service.View:
    return service.view(
        current_user(),
        request.args.get("plan") or None,
        request.args.get("phase") or None,
        provisional=request.args.get("state") == "provisional",
    )


def _draw(template: str, shown: service.View, **values: Any) -> str:
    return render_template(
        template,
        shown=shown,
        plans=programme.list_plans(),
        plan_spec=programme.plan_spec,
        provisional=shown.states != service.APPROVED,
        name_of=programme.name_of,
        **values,
    )


@bp.get("/coverage")
@allow(Permission.VIEW_COVERAGE)
def coverage() -> ResponseReturnValue:
    """What the plan stands at: every figure against its target."""
    shown = _view()
    return _draw("reports/coverage.html", shown, figures=service.figures(shown), progress=service.progress(shown))


@bp.get("/coverage/<name>")
@allow(Permission.VIEW_COVERAGE)
def indicator(name: str) -> ResponseReturnValue:
    """One figure: its definition, and its breakdown by area, sector or size."""
    shown = _view()
    found = service.find_indicator(shown, name)
    by = request.args.get("by", GROUPINGS[0])
    return _draw(
        "reports/indicator.html",
        shown,
        figure=service.figure(shown, found),
        by=by,
        groupings=GROUPINGS,
        rows=service.breakdown(shown, found, by) if found.kind != "unit_share" else [],
    )


@bp.get("/coverage/<name>/establishments")
@allow(Permission.VIEW_COVERAGE)
def establishments(name: str) -> ResponseReturnValue:
    """Which establishments a figure counts, or still misses."""
    shown = _view()
    found = service.find_indicator(shown, name)
    by = request.args.get("by") or None
    page = service.establishments_behind(
        shown,
        found,
        reached=request.args.get("reached", "1") == "1",
        by=by,
        group=request.args.get("group") or None,
        page=request.args.get("page", 1, type=int),
    )
    return _draw(
        "reports/establishments.html",
        shown,
        indicator=found,
        page=page,
        by=by,
        group=request.args.get("group"),
        reached=request.args.get("reached", "1") == "1",
    )


@bp.get("/coverage.csv")
@allow(Permission.EXPORT)
def coverage_csv() -> ResponseReturnValue:
    """Every figure as CSV, UTF-8 with a byte order mark."""
    from analysis import write_csv

    shown = _view()
    return _download(shown, write_csv(service.COLUMNS, service.rows(shown)), "text/csv", "csv")


@bp.get("/coverage.xlsx")
@allow(Permission.EXPORT)
def coverage_xlsx() -> ResponseReturnValue:
    """Every figure as a workbook, with the definitions."""
    shown = _view()
    return _download(shown, workbook(shown), XLSX, "xlsx")


def _download(shown: service.View, body: bytes, content_type: str, ending: str) -> Response:
    from survey_app import db

    db.begin_write()
    audit("coverage_exported", f"plan:{shown.plan.name}", phase=shown.phase, format=ending)
    response = Response(body, content_type=content_type)
    response.headers["Content-Disposition"] = (
        f'attachment; filename="coverage-{shown.plan.name}-{shown.phase}.{ending}"'
    )
    return response
