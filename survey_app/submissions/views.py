"""Pages of review: the list of records, one record, its files, approving and returning, downloads."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import BinaryIO

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey_app.access import Permission, allow, current_user
from survey_app.files import disposition, file_response
from survey_app.languages import gettext
from survey_app.problems import Invalid
from survey_app.submissions import export, review
from survey_app.submissions.review import Filters
from survey_app.submissions.webforms import DecisionWebForm

bp = Blueprint("submissions", __name__, url_prefix="/submissions", template_folder="templates")
P = Permission
STATE_NAMES = {"submitted": "submitted", "returned": "returned", "approved": "approved", "superseded": "superseded"}
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@bp.app_template_global()
def state_name(state: str) -> str:
    """A record's state in the request's language."""
    return gettext(STATE_NAMES.get(state, state))


@bp.get("")
@allow(P.VIEW_SUBMISSIONS)
def index() -> ResponseReturnValue:
    """Records the caller may see, filtered and paged."""
    user, filters = current_user(), _filters()
    page = review.list_records(user, filters, request.args.get("page", 1, type=int))
    query = {name: value for name, value in request.args.items() if name != "page" and value}
    return render_template(
        "submissions/index.html", page=page, filters=filters, choices=review.choices(user),
        state_choices=[(state, state_name(state)) for state in review.STATES],
        query=query, downloads=_downloads(filters),
    )


def _filters() -> Filters:
    args = request.args
    return Filters(
        state=args.get("state", "") if args.get("state") in review.STATES else "",
        campaign_id=args.get("campaign", type=int), questionnaire_id=args.get("questionnaire", type=int),
        area=args.get("area", "")[:32], issues=args.get("issues", "")[:16], search=args.get("search", "")[:200],
    )


def _downloads(filters: Filters) -> tuple[str, dict[str, int | None]] | None:
    if filters.questionnaire_id is None:
        return None
    user = current_user()
    if not any(key == str(filters.questionnaire_id) for key, _ in review.choices(user, P.EXPORT)["questionnaires"]):
        return None
    return export.tables_of(user, filters)


@bp.get("/<int:record_id>")
@allow(P.VIEW_SUBMISSIONS)
def show(record_id: int) -> ResponseReturnValue:
    """One record: answers, problems, files, revisions, decisions."""
    return _page(record_id, DecisionWebForm())


def _page(record_id: int, form: DecisionWebForm, status: int = 200) -> ResponseReturnValue:
    found = review.view(current_user(), record_id, request.args.get("revision", type=uuid.UUID))
    form.revision.data = str(found.submission.instance_id)
    return render_template("submissions/show.html", view=found, form=form), status


@bp.post("/<int:record_id>/approve")
@allow(P.REVIEW)
def approve(record_id: int) -> ResponseReturnValue:
    """Approve the revision shown."""
    review.get_record(current_user(), record_id, P.REVIEW)
    review.approve(current_user(), record_id, _revision())
    flash(gettext("The record is approved. It now counts."))
    return redirect(url_for(".show", record_id=record_id))


@bp.post("/<int:record_id>/return")
@allow(P.REVIEW)
def give_back(record_id: int) -> ResponseReturnValue:
    """Return the revision shown, with a comment."""
    form = DecisionWebForm()
    review.get_record(current_user(), record_id, P.REVIEW)
    if not form.validate_on_submit():
        return _page(record_id, form, 422)
    review.return_to_sender(current_user(), record_id, _revision(), form.comment.data)
    flash(gettext("The record is returned with your comment."))
    return redirect(url_for(".show", record_id=record_id))


def _revision() -> uuid.UUID:
    revision = request.form.get("revision", type=uuid.UUID)
    if revision is None:
        raise Invalid("The page is incomplete. Reload it and try again.")
    return revision


@bp.get("/<uuid:instance_id>/attachments/<path:name>")
@allow(P.VIEW_SUBMISSIONS)
def attachment(instance_id: uuid.UUID, name: str) -> ResponseReturnValue:
    """A file of a submission; pictures without EXIF unless the original is asked for by who may see it."""
    shown = review.get_file(current_user(), instance_id, name, original=request.args.get("original") == "1")
    return file_response(shown.path, shown.name, shown.content_type).make_conditional(request)


@bp.post("/download")
@allow(P.EXPORT, late_write=True)
def download() -> ResponseReturnValue:
    """The filtered records of one questionnaire as XLSX or CSV."""
    form = request.form
    filters = Filters(
        state=form.get("state", ""), campaign_id=form.get("campaign", type=int), area=form.get("area", "")[:32],
        questionnaire_id=form.get("questionnaire", type=int), issues=form.get("issues", "")[:16],
        search=form.get("search", "")[:200],
    )
    found = export.download(current_user(), filters, form.get("kind", "xlsx"), form.get("table", ""))
    response = Response(_pieces(found.content), content_type=MEDIA_TYPES[found.kind])
    response.content_length = found.size
    response.headers["Content-Disposition"] = disposition("attachment", found.name)
    response.headers["X-Row-Counts"] = "; ".join(f"{name}={count}" for name, count in found.counts.items())
    return response


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """A file piece by piece; closed, and with that gone, after the last one."""
    with file:
        while piece := file.read(65_536):
            yield piece
