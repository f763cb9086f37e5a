"""Pages of the questionnaires: the list, an upload with every issue shown, a version, publishing it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from flask import Blueprint, current_app, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from forms import MESSAGES, Change, Issue, Unreachable
from survey_app.access import Permission, allow, collector, current_user
from survey_app.config import Settings
from survey_app.files import file_response
from survey_app.languages import gettext, language_name, translate_issue
from survey_app.questionnaires import service
from survey_app.questionnaires.inspection import remarks_of

UNNAMED_LANGUAGE = "und"  # of texts in a column without one
bp = Blueprint("questionnaires", __name__, url_prefix="/questionnaires", template_folder="templates")
bp.add_app_template_global(translate_issue, "issue_text")
bp.add_app_template_global(remarks_of, "remarks_of")


@bp.app_template_global()
def change_text(change: Change) -> str:
    """A difference between two versions, in the request's language."""
    return gettext(MESSAGES[change.code], path=change.path, before=change.before, after=change.after)


@bp.app_template_global()
def form_language(code: str) -> str:
    """What a language of a form calls itself."""
    return gettext("no language named") if code == UNNAMED_LANGUAGE else language_name(code)


@bp.app_template_global()
def consequence_text(change: Change) -> str:
    """What a difference means for answers given before."""
    return gettext(MESSAGES[change.consequence])


@bp.app_template_global()
def hint_text(found: Unreachable) -> str:
    """Why something is never asked."""
    return gettext(MESSAGES[found.hint], **found.parameters)


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
    """Read the workbook with the files beside it: a draft version, or the same page with every issue."""
    user, sent = current_user(), _sent("workbook")
    workbook, reading, files = service.read_uploads(sent[0] if sent else None, _sent("files"))
    if reading.errors:
        return render_template("questionnaires/upload.html", issues=reading.issues, name=workbook.name), 422
    version = service.add_version(reading, workbook.content, workbook.name, by=user, files=files)
    flash(gettext("The workbook was read without errors. Look through it, then publish it."))
    return redirect(url_for(".version", version_id=version.id))


def _sent(field: str) -> list[service.Upload]:
    return [service.Upload(file.filename, file.read()) for file in request.files.getlist(field) if file.filename]


@bp.url_value_preprocessor
def _make_room(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """A questionnaire may come with its pictures and films, which is more than any other page takes."""
    if endpoint in ("questionnaires.add", "questionnaires.add_files"):
        settings: Settings = current_app.config["SETTINGS"]
        request.max_content_length = settings.limits.workbook_bytes + settings.limits.form_bytes


@bp.get("/versions/<int:version_id>/files")
@allow(Permission.MANAGE_FORMS)
def files(version_id: int) -> ResponseReturnValue:
    """The files beside a version: what it names, what is there, what is missing."""
    return _files_page(version_id)


def _files_page(version_id: int, issues: Sequence[Issue] = ()) -> str:
    found = service.get_version(version_id)
    return render_template("questionnaires/files.html", version=found, files=service.files_of(found), issues=issues)


@bp.post("/versions/<int:version_id>/files")
@allow(Permission.MANAGE_FORMS, late_write=True)
def add_files(version_id: int) -> ResponseReturnValue:
    """Put files beside a draft."""
    reading = service.add_files(service.get_version(version_id), _sent("files"), by=current_user())
    if reading.errors:
        return _files_page(version_id, reading.issues), 422
    flash(gettext("The files were added."))
    return redirect(url_for(".files", version_id=version_id), 303)


@bp.post("/versions/<int:version_id>/files/remove")
@allow(Permission.MANAGE_FORMS, late_write=True)
def remove_file(version_id: int) -> ResponseReturnValue:
    """Take a file away from a draft."""
    name = request.form.get("name", "")
    reading = service.remove_file(service.get_version(version_id), name, by=current_user())
    if reading.errors:
        return _files_page(version_id, reading.issues), 422
    flash(gettext("The file was removed."))
    return redirect(url_for(".files", version_id=version_id), 303)


@bp.get("/versions/<int:version_id>/files/<name>")
@collector()
def file(version_id: int, name: str) -> ResponseReturnValue:
    """A file of a version, for who fills it in or looks after it; players ask for parts of it."""
    found = service.get_file(version_id, name)
    response = file_response(found.path, found.name, found.media_type)
    if found.is_frozen:
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    size = found.path.stat().st_size
    return response.make_conditional(request, accept_ranges=True, complete_length=size)


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
        looked=service.inspect_version(found),
        part="overview",
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
