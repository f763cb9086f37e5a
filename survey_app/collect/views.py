"""Pages of an interview: link, start, screens, review, receipt. Those of an assessor's work are in `work`."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response as WerkzeugResponse

from forms import screens
from survey_app import db
from survey_app.access import (
    RESPONDENT_COOKIE,
    collector,
    current_invitation,
    find_invitation,
    find_user,
    public,
    respondent,
)
from survey_app.assets import asset
from survey_app.collect import pages, papers, receipts, rich, service, texts
from survey_app.collect import review as review_of
from survey_app.collect.blank import draw_blank
from survey_app.collect.bundle import bundle_of, hash_of
from survey_app.config import Settings
from survey_app.languages import TIME_ZONE, gettext
from survey_app.models import Draft
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions import intake

bp = Blueprint("collect", __name__, template_folder="templates")
# Browsers inside chat applications lose storage and refuse files: https://developers.facebook.com/ and vendors' notes.
CHAT_BROWSERS = re.compile(r"Zalo|FBAN|FBAV|FB_IAB|Instagram|Line/|MicroMessenger|; wv\)")


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
    """Who asks and why, before anything is opened; looking at it changes nothing."""
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
    """Take up a link: this browser becomes its respondent."""
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
    """Go on with the questionnaire that the result offers."""
    draft = service.open_offered(current_invitation(), form_id)
    return redirect(url_for("collect.start", instance_id=draft.instance_id), 303)


@bp.get("/collect/<uuid:instance_id>/paused")
@collector()
def paused(instance_id: uuid.UUID) -> ResponseReturnValue:
    """What was answered is kept; how to go on later."""
    draft = service.get_draft(instance_id)
    return render_template("collect/paused.html", **_frame(draft))


# Start ----------------------------------------------------------------------------------------------------------


@bp.get("/collect/<uuid:instance_id>/")
@collector()
def start(instance_id: uuid.UUID) -> ResponseReturnValue:
    """The notice and the question for consent, before anything personal."""
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
    """Keep the answer to the question for consent and begin, or end with thanks."""
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
    """Every screen of the questionnaire at once, for browsers with a script."""
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
    """One screen as a form that works without a script."""
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
    """Save one screen, show what became relevant on it, else the next one."""
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
    """Every answer and problem before sending, each a link to its question."""
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
    """Hand the answers in, in plain mode."""
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
    """Number, time and fingerprint of what was received."""
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
    """The receipt as a PDF."""
    draft = service.get_draft(instance_id)
    return _pdf(receipts.receipt_data(draft, service.get_submission(draft)), "receipt")


@bp.get("/collect/<uuid:instance_id>/answers.pdf")
@collector()
def answers_pdf(instance_id: uuid.UUID) -> ResponseReturnValue:
    """The answers as a PDF."""
    draft = service.get_draft(instance_id)
    return _pdf(receipts.answers_data(draft, service.get_submission(draft)), "answers")


def _pdf(data: dict[str, Any], name: str) -> Response:
    response = make_response(papers.pdf(data))
    response.mimetype = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}-{data["number"]}.pdf"'
    return response


__all__ = ["bp"]
