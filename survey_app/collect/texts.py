"""The programme's words around an interview, as the pack gives them in the request's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from survey_app.languages import TIME_ZONE, current_language, text_of
from survey_app.models import utc_now
from survey_app.programme import service as programme


def texts_for(form_id: str) -> dict[str, Any]:
    """The programme's words for a respondent in this request's language; "" for what the pack leaves out."""
    pack = programme.pack()
    controller = pack.controller(utc_now().astimezone(TIME_ZONE).date())

    name = text_of(dict(controller.name)) if controller else ""
    return {
        "programme": _find("programme.name") or text_of(dict(pack.title)),
        "controller": name,
        "share_title": _find("landing.preview_title"),
        "share_text": _find("landing.preview_description"),
        "landing": _paragraphs("landing", "who", "why", "benefit", "confidential", "voluntary"),
        "decision": _find("programme.decision"),
        "contact": _find("contact.text"),
        "minutes": _find(f"forms.{form_id}.minutes"),
        "prepare": _bullets(_find(f"forms.{form_id}.prepare")),
        "notice_title": _find("notice.title"),
        "receipt": _paragraphs("receipt", "next"),
        "notice": _bullets(_find("notice.paragraphs")).replace("{controller}", name),
    }


def _find(key: str) -> Any:
    return programme.pack().in_language(current_language()).find(key) or ""


def _paragraphs(section: str, *keys: str) -> str:
    return "\n\n".join(text for key in keys if (text := _find(f"{section}.{key}")))


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def notice_version() -> str:
    """The version of the notice people are shown."""
    return str(_find("notice.version") or "1")
