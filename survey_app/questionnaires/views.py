"""Pages of the questionnaires: the list, an upload with every issue shown, a version, publishing it."""

from __future__ import annotations

from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from forms import MESSAGES, Change
from survey_app.access import Permission, allow, current_user
from survey_app.languages import gettext, translate_issue
from survey_app.problems import Invalid
from survey_app.questionnaires import service

bp = Blueprint("questionnaires", __name__, url_prefix="/questionnaires", template_folder="templates")
bp.add_app_template_global(translate_issue, "issue_text")


@bp.app_template_global()
def change_text(change: Change) -> str:
    """A difference between two versions, in the request's language."""
    return gettext(MESSAGES[change.code], path=change.path, before=change.before, after=change.after)


@bp.get("")
@allow(Permission.MANAGE_FORMS)
def index() -> ResponseReturnValue:
    """Every questionnaire with its newest version."""
    return render_template("questionnaires/index.html", summaries=service.list_questionnaires())


@bp.get("/upload")
@allow(Permission.MANAGE_FORMS)
def upload() -> ResponseReturnValue:
    """Choose a workbook."""
    return render_template("questionnaires/upload.html", issues=(), name="")


@bp.post("/upload")
@allow(Permission.MANAGE_FORMS, late_write=True)
def add() -> ResponseReturnValue:
    """Read the workbook: a draft version, or the same page with every issue."""
    user, file = current_user(), request.files.get("workbook")
    if file is None or not file.filename:
        raise Invalid("Choose a workbook: .xlsx, .xls, .csv or .md.")
    source, name = file.read(), file.filename
    reading = service.read(source, name)
    if reading.errors:
        return render_template("questionnaires/upload.html", issues=reading.issues, name=name), 422
    version = service.add_version(reading, source, name, by=user)
    flash(gettext("The workbook was read without errors. Look through it, then publish it."))
    return redirect(url_for(".version", version_id=version.id))


@bp.get("/<int:questionnaire_id>")
@allow(Permission.MANAGE_FORMS)
def show(questionnaire_id: int) -> ResponseReturnValue:
    """A questionnaire with its versions."""
    return render_template("questionnaires/show.html", questionnaire=service.get_questionnaire(questionnaire_id))


@bp.post("/<int:questionnaire_id>/retire")
@allow(Permission.PUBLISH)
def retire(questionnaire_id: int) -> ResponseReturnValue:
    """Take a questionnaire out of use for new campaigns, or put it back."""
    questionnaire = service.get_questionnaire(questionnaire_id)
    service.retire(questionnaire, questionnaire.retired_at is None)
    return redirect(url_for(".show", questionnaire_id=questionnaire_id))


@bp.get("/versions/<int:version_id>")
@allow(Permission.MANAGE_FORMS)
def version(version_id: int) -> ResponseReturnValue:
    """One version: its questions, languages, warnings, and what changed since the one before."""
    found = service.get_version(version_id)
    previous = service.find_previous(found)
    form = service.definition(version_id)
    return render_template(
        "questionnaires/version.html",
        version=found,
        form=form,
        items=service.outline(form),
        previous=previous,
        warnings=service.warnings_of(found),
        campaigns=service.list_campaigns_using(found),
        changes=service.changes_since(previous, found) if previous else (),
    )


@bp.get("/versions/<int:version_id>/workbook")
@allow(Permission.MANAGE_FORMS)
def workbook(version_id: int) -> ResponseReturnValue:
    """The workbook as it was uploaded."""
    found = service.get_version(version_id)
    content = BytesIO(service.workbook_of(found))
    return send_file(content, "application/octet-stream", as_attachment=True, download_name=found.workbook_name)


@bp.post("/versions/<int:version_id>/publish")
@allow(Permission.PUBLISH)
def publish(version_id: int) -> ResponseReturnValue:
    """Freeze a version."""
    service.publish(service.get_version(version_id), by=current_user())
    flash(gettext("Published. Campaigns can use this version now."))
    return redirect(url_for(".version", version_id=version_id))


@bp.post("/versions/<int:version_id>/remove")
@allow(Permission.MANAGE_FORMS)
def remove(version_id: int) -> ResponseReturnValue:
    """Throw away a draft."""
    service.remove_draft(service.get_version(version_id))
    flash(gettext("The draft was removed."))
    return redirect(url_for(".index"))
