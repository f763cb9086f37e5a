"""A respondent's own result."""

from __future__ import annotations

import uuid

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey_app.access import collector
from survey_app.languages import current_language, gettext
from survey_app.problems import Invalid
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from survey_app.results import service

bp = Blueprint("results", __name__, template_folder="templates")
WORDS = {"done": "Done already", "will_do": "We will do it", "not_suitable": "Not suitable for us"}


@bp.get("/collect/<uuid:instance_id>/result")
@collector()
def show(instance_id: uuid.UUID) -> ResponseReturnValue:
    """The result of answers that were sent."""
    return _page(instance_id)


def _page(instance_id: uuid.UUID, error: str = "", measure: str = "") -> str:
    draft = service.get_draft(instance_id)
    texts = programme.pack().in_language(current_language())
    definition = questionnaires.definition(draft.form_version_id)
    return render_template(
        "results/result.html",
        result=service.result_of(draft),
        draft=draft,
        texts=texts,
        error=error,
        measure=measure,
        title=definition.title.plain(current_language()),
        decisions=[(name, gettext(text)) for name, text in WORDS.items()],
        decided={name: gettext(text) for name, text in WORDS.items()},
    )


@bp.post("/collect/<uuid:instance_id>/result/measures/<measure>")
@collector()
def decide(instance_id: uuid.UUID, measure: str) -> ResponseReturnValue:
    """Keep what the establishment says of a measure."""
    draft = service.get_draft(instance_id)
    try:
        service.decide(draft, measure, request.form.get("decision", ""), request.form.get("reason", ""))
    except Invalid as problem:
        return _page(instance_id, gettext(problem.message), measure), 422
    return redirect(url_for(".show", instance_id=instance_id, _anchor=f"M-{measure}"), 303)
