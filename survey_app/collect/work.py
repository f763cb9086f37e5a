"""Pages of an assessor: what to do, what was begun and sent, visits with their forms and outcomes."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey_app.access import Permission, allow, current_user
from survey_app.campaigns import service as campaigns
from survey_app.campaigns.outcomes import OUTCOMES
from survey_app.collect import texts, visits
from survey_app.collect.views import bp
from survey_app.languages import gettext, text_of
from survey_app.models import Draft, Record
from survey_app.problems import Invalid
from survey_app.submissions import service as submissions

STATES = {
    "new": "Not begun",
    "draft": "Begun",
    "submitted": "Sent",
    "returned": "Returned",
    "approved": "Approved",
    "superseded": "Replaced",
}


@bp.get("/work")
@allow(Permission.COLLECT)
def work() -> ResponseReturnValue:
    """An assessor's own list: returned, begun, to do, sent."""
    user = current_user()
    returned = submissions.list_returned(user)
    waiting = {(record.campaign_id, record.establishment_id) for _, record in returned}  # shown above, not twice
    items = [
        item
        for item in campaigns.work_of(user)
        if not item.is_done and (item.assignment.campaign_id, item.assignment.establishment_id) not in waiting
    ]
    sent = submissions.list_sent(user)
    return render_template(
        "collect/work.html",
        assignments=[_assignment(item) for item in items],
        drafts=[_begun(draft) for draft in submissions.list_drafts(user)],
        returned=[{**_about(record), "id": record.id, "comment": record.review_comment} for _, record in returned],
        sent=[
            {**_about(record), "id": row.instance_id, "at": row.received_at, **_state_of(row, record)}
            for row, record in sent
        ],
    )


def _about(record: Record) -> dict[str, Any]:
    return {"establishment": record.establishment.name, "form": text_of(record.questionnaire.title)}


def _begun(draft: Draft) -> dict[str, Any]:
    return {
        "id": draft.instance_id,
        "establishment": draft.establishment.name,
        "at": draft.started_at,
        "visit_id": draft.visit_id,
        "form": text_of(draft.form_version.questionnaire.title),
    }


def _state_of(row: Any, record: Any) -> dict[str, str]:
    state = record.state if record.current_submission_id == row.id else "superseded"
    return {"state": state, "state_text": gettext(STATES[state])}


def _assignment(item: campaigns.WorkItem) -> dict[str, Any]:
    return {
        "id": item.assignment.id,
        "establishment": item.establishment.name,
        "code": item.establishment.code,
        "campaign": text_of(item.campaign.title),
        "due_on": item.assignment.due_on,
        "note": item.assignment.note,
        "has_visit": item.visit is not None and item.visit.outcome is None,
        "forms": [
            {"title": text_of(form.title), "state": form.state, "state_text": gettext(STATES[form.state])}
            for form in item.instruments
        ],
    }


@bp.post("/work/visits")
@allow(Permission.COLLECT)
def start_visit() -> ResponseReturnValue:
    """Begin the visit of an assignment, or go on with it."""
    found = visits.begin_visit(current_user(), request.form.get("assignment", 0, type=int))
    return redirect(url_for("collect.visit", visit_id=found.id), 303)


@bp.get("/work/visits/<int:visit_id>")
@allow(Permission.COLLECT)
def visit(visit_id: int) -> ResponseReturnValue:
    """The forms of a visit and how far each is."""
    return _visit_page(visit_id)


def _visit_page(visit_id: int, error: str = "") -> str:
    found = visits.get_visit(current_user(), visit_id)
    forms = [
        {
            "id": form.version.id,
            "title": text_of(form.version.questionnaire.title),
            "state": form.state,
            "state_text": gettext(STATES[form.state]),
            "draft": form.state == "draft",
            "minutes": texts.texts_for(form.version.questionnaire.form_id)["minutes"],
            "receipt_of": form.own_receipt if form.state in ("submitted", "approved") else None,
            "is_open": form.state in ("new", "draft", "returned"),
        }
        for form in visits.forms_of_visit(found)
    ]
    return render_template(
        "collect/visit.html",
        visit=found,
        forms=forms,
        campaign=text_of(found.campaign.title),
        error=error,
        outcome_text=gettext(OUTCOMES[found.outcome].label) if found.outcome in OUTCOMES else "",
        outcomes=[(outcome.code, gettext(outcome.label)) for outcome in OUTCOMES.values() if outcome.by_hand],
    )


@bp.post("/work/visits/<int:visit_id>/forms")
@allow(Permission.COLLECT)
def open_form(visit_id: int) -> ResponseReturnValue:
    """Open one form of a visit."""
    user = current_user()
    found = visits.get_visit(user, visit_id)
    draft = visits.open_form(found, request.form.get("form_version", 0, type=int), user)
    return redirect(url_for("collect.start", instance_id=draft.instance_id), 303)


@bp.post("/work/visits/<int:visit_id>/outcome")
@allow(Permission.COLLECT)
def close_visit(visit_id: int) -> ResponseReturnValue:
    """End a visit with its outcome."""
    found = visits.get_visit(current_user(), visit_id)
    try:
        campaigns.record_outcome(found, request.form.get("outcome", 0, type=int), request.form.get("note", ""))
    except Invalid as problem:
        return _visit_page(visit_id, gettext(problem.message)), 422
    flash(gettext("The outcome is saved."))
    return redirect(url_for("collect.work"), 303)


@bp.post("/work/records/<int:record_id>/correct")
@allow(Permission.COLLECT)
def correct(record_id: int) -> ResponseReturnValue:
    """Open a returned record for correction."""
    draft = visits.correct(current_user(), record_id)
    return redirect(url_for("collect.start", instance_id=draft.instance_id), 303)


__all__ = ["bp"]
