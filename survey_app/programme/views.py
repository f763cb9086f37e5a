"""Pages of the programme: its plans side by side, one plan in full, and what its owner has not confirmed yet."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from survey_app.access import Permission, allow
from survey_app.languages import format_number, gettext, text_of
from survey_app.models import Plan
from survey_app.programme import service
from survey_app.programme.specs import SettingSpec

bp = Blueprint("programme", __name__, url_prefix="/plans", template_folder="templates")


@bp.app_template_global()
def site_name() -> str:
    """What every page calls the programme: its own short name, from the pack."""
    return service.site_name()


@bp.app_template_global()
def phase_label(plan: Plan, name: str) -> str:
    """A phase's label."""
    return service.phase_label(plan, name)


@bp.app_template_global()
def target_text(target: float | None, unit: str) -> str:
    """A target with its unit; a dash where the plan names none."""
    if target is None:
        return "–"
    return f"{format_number(target)}%" if unit == "percent" else format_number(target)


@bp.get("")
@allow(Permission.VIEW_COVERAGE)
def index() -> ResponseReturnValue:
    """Every plan with its phases and headline targets, and the open questions."""
    plans = [(plan, service.plan_spec(plan)) for plan in service.list_plans()]
    return render_template(
        "programme/index.html",
        plans=plans,
        today=service.now_here().date(),
        questions=service.open_questions(),
        lists=service.unconfirmed_lists(),
        setting_text=_setting_text,
    )


@bp.get("/<name>")
@allow(Permission.VIEW_COVERAGE)
def show(name: str) -> ResponseReturnValue:
    """One plan: phases, indicators with definitions and targets, actions, deadlines."""
    plan = service.get_plan(name)
    spec, today = service.plan_spec(plan), service.now_here().date()
    unconfirmed = {question.name for question in service.open_questions()}
    return render_template(
        "programme/show.html",
        plan=plan,
        spec=spec,
        today=today,
        deadlines=service.next_deadlines(spec, today),
        unconfirmed=unconfirmed,
        sources={one.name: [service.source_text(source) for source in one.sources] for one in spec.indicators},
    )


def _setting_text(setting: SettingSpec) -> str:
    value = setting.value
    if setting.value_text:
        return text_of(dict(setting.value_text))
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return format_number(value) if isinstance(value, (int, float)) else str(value)
