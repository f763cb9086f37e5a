"""What the receipt and the answers on paper say, in the words of the request's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from survey_app.collect import review, service
from survey_app.collect import texts as words
from survey_app.languages import current_language, format_time, gettext
from survey_app.models import Draft, Submission
from survey_app.questionnaires import service as questionnaires


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What the receipt page shows."""

    number: str
    sha256: str
    received_at: datetime


def receipt_of(submission: Submission) -> ReceiptView:
    """The receipt of a stored submission."""
    return ReceiptView(submission.receipt_number, submission.body_sha256, submission.received_at)


def receipt_data(draft: Draft, submission: Submission) -> dict[str, Any]:
    """The receipt: number, time, what, for whom, and the hash."""
    texts = words.texts_for(questionnaires.definition(draft.form_version_id).form_id)
    facts = [
        [gettext("Receipt number"), submission.receipt_number, False],
        [gettext("Received"), format_time(submission.received_at), False],
        [gettext("Questionnaire"), service.title_of(draft), False],
        [gettext("Establishment"), f"{draft.establishment.name} ({draft.establishment.code})", False],
        [gettext("Instance"), str(submission.instance_id), True],
        [gettext("Fingerprint (SHA-256)"), submission.body_sha256, True],
    ]
    return {
        "title": gettext("Receipt {number}", number=submission.receipt_number),
        "heading": gettext("Receipt"),
        "number": submission.receipt_number,
        "language": current_language(),
        "programme": texts["programme"],
        "facts": facts,
        "parts": [],
        "lines": [gettext("Keep the number. The fingerprint proves later that your answers were not changed.")],
    }


def answers_data(draft: Draft, submission: Submission) -> dict[str, Any]:
    """The receipt followed by every answer."""
    parts = review.answers_of(draft, service.interview_of_submission(draft, submission))
    return {
        **receipt_data(draft, submission),
        "heading": gettext("Your answers"),
        "parts": [
            {
                "title": part.title,
                "blocks": [
                    {
                        "title": block.title,
                        "lines": [[line.label, line.answer or gettext("no answer")] for line in block.lines],
                    }
                    for block in part.blocks
                ],
            }
            for part in parts
        ],
    }
