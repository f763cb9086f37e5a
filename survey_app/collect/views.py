"""Pages of an interview: link, start, screens, review, receipt; and an assessor's work."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response as WerkzeugResponse

from forms import screens
from survey_app import db
from survey_app.access import (
    RESPONDENT_COOKIE,
    Permission,
    allow,
    collector,
    current_invitation,
    current_user,
    find_invitation,
    find_user,
    public,
    respondent,
)
from survey_app.assets import asset
from survey_app.campaigns import service as campaigns
from survey_app.campaigns.outcomes import OUTCOMES
from survey_app.collect import pages, papers, receipts, rich, service, texts, visits
from survey_app.collect import review as review_of
from survey_app.collect.blank import draw_blank
from survey_app.collect.bundle import bundle_of, hash_of
from survey_app.config import Settings
from survey_app.languages import TIME_ZONE, gettext, text_of
from survey_app.models import Draft, Record
from survey_app.problems import Invalid
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions import intake
from survey_app.submissions import service as submissions

bp = Blueprint("collect", __name__, template_folder="templates")
# Browsers inside chat applications lose storage and refuse files: https://developers.facebook.com/ and vendors' notes.
CHAT_BROWSERS = re.compile(r"Zalo|FBAN|FBAV|FB_IAB|Instagram|Line/|MicroMessenger|; wv\)")
STATES = {
    "new": "Not begun",
    "draft": "Begun",
    "submitted": "Sent",
    "returned": "Returned",
    "approved": "Approved",
    "superseded": "Replaced",
}


@bp.app_template_filter("safe_block")
def _safe_block(text: str) -> Markup:
    return rich.block(text or "")


def _by() -> str:
    user, invitation = find_user(), find_invitation()
    return f"user:{user.id}" if user else f"link:{invitation.id}" if invitation else ""


def _home(draft: Draft) -> str:
    if draft.assessor_id is None:
        return url_for("collect.paused", instance_id=draft.instance_id)
    return url_for("collect.visit", visit_id=draft.visit_id) if draft.visit_id else url_for("collect.work")


def _frame(draft: Draft) -> dict[str, Any]:
    """What every page of an interview shows around its own content."""
    definition = questionnaires.definition(draft.form_version_id)
    return {
        "draft": draft,
        "title": service.title_of(draft),
        "establishment": draft.establishment.name,
        "home": _home(draft),
        "language": service.language_of(draft, definition),
        "languages": service.languages_of(draft),
        "has_widgets": pages.has_widgets(definition),
        "instance_id": draft.instance_id,
    }


# The link -------------------------------------------------------------------------------------------------------


@bp.get("/l/<token>")
@public
def landing(token: str) -> ResponseReturnValue:
    invitation = service.link_of(token, request.remote_addr or "")
    state = service.state_of_link(invitation)
    response = make_response(
        render_template(
            "collect/landing.html",
            token=token,
            texts=texts.texts_for(service.form_of_link(invitation)),
            establishment_name=invitation.establishment.name,
            closes_on=min(invitation.campaign.closes_on, invitation.expires_at.astimezone(TIME_ZONE).date()),
            is_begun=state == "begun",
            is_sent=state == "sent",
            in_app_browser=bool(CHAT_BROWSERS.search(request.user_agent.string)),
        )
    )
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@bp.post("/l/<token>/open")
@public
def open_link(token: str) -> ResponseReturnValue:
    invitation = service.link_of(token, request.remote_addr or "")
    draft = service.open_link(invitation)
    settings: Settings = service.settings()
    response = redirect(url_for("collect.start", instance_id=draft.instance_id), 303)
    response.set_cookie(
        RESPONDENT_COOKIE, token, expires=invitation.expires_at, httponly=True, samesite="Lax", secure=settings.https
    )
    if "language" not in request.cookies:
        response.set_cookie("language", draft.language, max_age=31_536_000, samesite="Lax", secure=settings.https)
    return response


@bp.post("/collect/offered/<form_id>")
@respondent
def open_offered(form_id: str) -> ResponseReturnValue:
    draft = service.open_offered(current_invitation(), form_id)
    return redirect(url_for("collect.start", instance_id=draft.instance_id), 303)


@bp.get("/collect/<uuid:instance_id>/paused")
@collector()
def paused(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    return render_template("collect/paused.html", **_frame(draft))


# Start ----------------------------------------------------------------------------------------------------------


@bp.get("/collect/<uuid:instance_id>/")
@collector()
def start(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    if draft.sent_at is not None:
        return redirect(url_for("collect.receipt", instance_id=instance_id))
    return _start_page(draft)


def _start_page(draft: Draft, error: str = "") -> str:
    definition = questionnaires.definition(draft.form_version_id)
    consent = service.consent_of(draft)
    return render_template(
        "collect/start.html",
        **_frame(draft),
        texts=texts.texts_for(definition.form_id),
        consent=consent,
        error=error,
        consent_at=service.time_of(consent),
        is_begun=bool(draft.consent),
        comment=service.comment_on(draft),
        is_part_of_visit=bool(not draft.consent and consent),
    )


@bp.post("/collect/<uuid:instance_id>/")
@collector()
def agree(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    answer = request.form.get("consent", "")
    if answer not in ("yes", "no"):
        return _start_page(draft, gettext("Please choose one of the two answers.")), 422
    service.record_consent(draft, answer, texts.notice_version(), _by())
    if asset("main.js") and answer == "yes":
        return redirect(url_for("collect.app", instance_id=instance_id), 303)
    if answer == "no":
        return redirect(url_for("collect.review", instance_id=instance_id), 303)
    return redirect(_first_screen(draft), 303)


def _first_screen(draft: Draft) -> str:
    definition = questionnaires.definition(draft.form_version_id)
    return url_for("collect.screen", instance_id=draft.instance_id, screen=screens(definition)[0].name)


# App ------------------------------------------------------------------------------------------------------------


@bp.get("/collect/<uuid:instance_id>/app")
@collector()
def app(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    if draft.sent_at is not None:
        return redirect(url_for("collect.receipt", instance_id=instance_id))
    if not service.consent_of(draft):
        return redirect(url_for("collect.start", instance_id=instance_id))
    drawing = service.drawing_of(draft, None)
    sha256 = hash_of(draft.form_version_id)
    return render_template(
        "collect/app.html",
        **_frame(draft),
        body=draw_blank(sha256, drawing),
        parts=bundle_of(sha256, drawing.definition, drawing.language).parts,
        plain_url=_first_screen(draft),
        client_texts=pages.client_texts(drawing.language, drawing.definition),
    )


@bp.post("/collect/<uuid:instance_id>/language")
@collector(late_write=True)
def choose_language(instance_id: uuid.UUID) -> ResponseReturnValue:
    """Go on in another language, at the same place; what was answered stays."""
    draft = service.get_draft(instance_id)
    db.begin_write()
    return _go_on_in(request.form.get("language", ""), draft, _own_page(request.form.get("next", ""), draft))


def _own_page(wish: str, draft: Draft) -> str:
    """The page of this interview that is asked for, else its first."""
    first = url_for("collect.start", instance_id=draft.instance_id)
    return wish if wish.startswith(first) and "\\" not in wish and "//" not in wish else first


def _go_on_in(language: str, draft: Draft, target: str) -> WerkzeugResponse:
    response = redirect(target, 303)
    if service.choose_language(draft, language):
        settings: Settings = service.settings()
        response.set_cookie("language", language, max_age=31_536_000, samesite="Lax", secure=settings.https)
    return response


# Plain screens --------------------------------------------------------------------------------------------------


@bp.get("/collect/<uuid:instance_id>/s/<path:screen>")
@collector()
def screen(instance_id: uuid.UUID, screen: str) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    if draft.sent_at is not None:
        return redirect(url_for("collect.receipt", instance_id=instance_id))
    if not service.consent_of(draft):
        return redirect(url_for("collect.start", instance_id=instance_id))
    shown = "checked" in request.args
    return _screen_page(draft, screen, service.interview_of(draft), shows_problems=shown)


@bp.post("/collect/<uuid:instance_id>/s/<path:screen>")
@collector(late_write=True)
def save_screen(instance_id: uuid.UUID, screen: str) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    saved = service.save_screen(draft, screen, request.form, request.files, _by())
    if wish := request.form.get("language"):
        return _go_on_in(wish, draft, url_for("collect.screen", instance_id=instance_id, screen=screen))
    target = _after_saving(draft, screen, saved)
    if target is not None:
        return redirect(target, 303)
    shows = request.form.get("go") == "next" and not saved.appeared
    page = _screen_page(draft, screen, saved.interview, shows_problems=shows, appeared=saved.appeared)
    return page, 422 if shows else 200


def _after_saving(draft: Draft, name: str, saved: service.Saved) -> str | None:
    """Where to go after a screen was saved; None to show it again."""
    here = url_for("collect.screen", instance_id=draft.instance_id, screen=name)
    if saved.focus:
        return f"{here}#{'W' if 'add' in request.form else 'R'}-{saved.focus}"
    before, after = service.neighbours(draft, saved.interview, name)
    go = request.form.get("go", "next")
    if go == "back":
        return _screen_url(draft, before) if before else url_for("collect.start", instance_id=draft.instance_id)
    if go == "next" and (saved.appeared or service.problems_on_screen(draft, saved.interview, name)):
        return None
    return _screen_url(draft, after) if after else url_for("collect.review", instance_id=draft.instance_id)


def _screen_url(draft: Draft, name: str) -> str:
    return url_for("collect.screen", instance_id=draft.instance_id, screen=name)


def _screen_page(
    draft: Draft, name: str, interview: Any, *, shows_problems: bool = False, appeared: tuple[str, ...] = ()
) -> str | WerkzeugResponse:
    view = service.screen_view(draft, interview, name, shows_problems)
    if view is None:
        return redirect(url_for("collect.review", instance_id=draft.instance_id))
    body = pages.draw_screen(view.drawing, view.screen, heading_id="S-here")
    links = [
        {"anchor": _anchor(address), "label": review_of.label_of(draft, interview, address)}
        for address in appeared[:20]
    ]
    return render_template(
        "collect/section.html",
        **_frame(draft),
        body=body,
        screen_name=name,
        drawn=" ".join(view.drawn),
        screen_title=pages.heading(view.drawing, view.screen)[0],
        number=view.number,
        total=view.total,
        previous=view.number > 1,
        is_last=view.number == view.total,
        appeared=links,
        problems=[
            {
                "anchor": _anchor(address),
                "label": review_of.label_of(draft, interview, address),
                "message": " ".join(words),
            }
            for address, words in view.drawing.problems.items()
        ],
    )


def _anchor(address: str) -> str:
    return f"Q-{address}"


# Review and sending ---------------------------------------------------------------------------------------------


@bp.get("/collect/<uuid:instance_id>/review")
@collector()
def review(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    if draft.sent_at is not None:
        return redirect(url_for("collect.receipt", instance_id=instance_id))
    return _review_page(draft)


def _review_page(draft: Draft, error: str = "") -> str:
    interview = service.interview_of(draft)
    found = review_of.findings(draft, interview)
    reasons = [f for f in found if f.grade == "reason"]
    open_points = [f for f in found if f.grade == "error"]
    messages = {f.address: f.message for f in found}
    parts = review_of.answers_of(draft, interview, messages)
    return render_template(
        "collect/review.html",
        **_frame(draft),
        error=error,
        open_count=len(open_points),
        is_stopped=any(f.grade == "stop" for f in found),
        parts=[_part(draft, part) for part in parts],
        problems=[
            {"grade": f.grade, "label": f.label, "message": f.message, "url": _answer_url(draft, f.screen, f.address)}
            for f in found
        ],
        reasons=[
            {
                "name": f.name,
                "label": f.label,
                "message": f.message,
                "given": request.form.get(f"reason.{f.name}", ""),
                "missing": bool(error) and not request.form.get(f"reason.{f.name}", "").strip(),
            }
            for f in reasons
        ],
        last_url=_screen_url(draft, parts[-1].screen) if parts else _first_screen(draft),
    )


def _answer_url(draft: Draft, screen_name: str, address: str) -> str:
    url = url_for("collect.screen", instance_id=draft.instance_id, screen=screen_name, checked=1)
    return f"{url}#{_anchor(address)}"


def _part(draft: Draft, part: review_of.Part) -> dict[str, Any]:
    lines = [
        {
            "title": block.title,
            "lines": [
                {
                    "label": line.label,
                    "answer": line.answer,
                    "problem": line.problem,
                    "url": _answer_url(draft, line.screen, line.address),
                }
                for line in block.lines
            ],
        }
        for block in part.blocks
    ]
    return {"title": part.title, "url": _screen_url(draft, part.screen), "blocks": lines}


@bp.post("/collect/<uuid:instance_id>/send")
@collector(late_write=True)
def send(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    if draft.sent_at is None:
        error = _reason_not_to_send(draft)
        if error:
            return _review_page(draft, error), 422
        reasons = {
            name.removeprefix("reason."): text.strip()[:1000]
            for name, text in request.form.items()
            if name.startswith("reason.") and text.strip()
        }
        intake.send_draft(draft, reasons)
    return redirect(url_for("collect.receipt", instance_id=instance_id), 303)


def _reason_not_to_send(draft: Draft) -> str:
    found = review_of.findings(draft, service.interview_of(draft))
    if any(f.grade == "stop" for f in found):
        return gettext("Some answers cannot be right together. Please correct them before sending.")
    if any(f.grade == "reason" and not request.form.get(f"reason.{f.name}", "").strip() for f in found):
        return gettext("Please give the reasons asked for below.")
    if any(f.grade == "error" for f in found) and not request.form.get("accept"):
        return gettext("Some points are open. Answer them, or tick that you want to send all the same.")
    return ""


@bp.get("/collect/<uuid:instance_id>/receipt")
@collector()
def receipt(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    found = service.get_submission(draft)
    definition = questionnaires.definition(draft.form_version_id)
    is_self = draft.mode == "self" and not service.record_of(found).is_refusal
    return render_template(
        "collect/receipt.html",
        **{**_frame(draft), "home": _home(draft) if draft.assessor_id else ""},
        receipt=receipts.receipt_of(found),
        texts=texts.texts_for(definition.form_id),
        open_points=sum(issue.severity == "error" for issue in found.issues),
        home_label=gettext("Back to my work"),
        result_url=url_for("results.show", instance_id=instance_id) if is_self else "",
    )


@bp.get("/collect/<uuid:instance_id>/receipt.pdf")
@collector()
def receipt_pdf(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    return _pdf(receipts.receipt_data(draft, service.get_submission(draft)), "receipt")


@bp.get("/collect/<uuid:instance_id>/answers.pdf")
@collector()
def answers_pdf(instance_id: uuid.UUID) -> ResponseReturnValue:
    draft = service.get_draft(instance_id)
    return _pdf(receipts.answers_data(draft, service.get_submission(draft)), "answers")


def _pdf(data: dict[str, Any], name: str) -> Response:
    response = make_response(papers.pdf(data))
    response.mimetype = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}-{data["number"]}.pdf"'
    return response


# Assessors ------------------------------------------------------------------------------------------------------


@bp.get("/work")
@allow(Permission.COLLECT)
def work() -> ResponseReturnValue:
    """An assessor's own list: returned, begun, to do, sent."""
    user = current_user()
    returned = submissions.list_returned(user)
    waiting = {(record.campaign_id, record.establishment_id) for _, record in returned}  # shown above, not twice
    items = [
        item for item in campaigns.work_of(user)
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
    found = visits.begin_visit(current_user(), request.form.get("assignment", 0, type=int))
    return redirect(url_for("collect.visit", visit_id=found.id), 303)


@bp.get("/work/visits/<int:visit_id>")
@allow(Permission.COLLECT)
def visit(visit_id: int) -> ResponseReturnValue:
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
    user = current_user()
    found = visits.get_visit(user, visit_id)
    draft = visits.open_form(found, request.form.get("form_version", 0, type=int), user)
    return redirect(url_for("collect.start", instance_id=draft.instance_id), 303)


@bp.post("/work/visits/<int:visit_id>/outcome")
@allow(Permission.COLLECT)
def close_visit(visit_id: int) -> ResponseReturnValue:
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
    draft = visits.correct(current_user(), record_id)
    return redirect(url_for("collect.start", instance_id=draft.instance_id), 303)


__all__ = ["bp"]
