"""The interface's languages: catalogues, the request's language, and how numbers and dates are written.

Texts in code are English msgids with `{name}` parameters. Each language is a folder of Babel catalogues
(`translations/<language>/*.po`, one per feature), read at start-up; adding a language needs no code. The language
"qps" is made from the English ones: longer, accented, so that a fixed or clipped text shows.
"""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from flask import Flask, g, has_request_context, request
from markupsafe import Markup, escape

from forms.issues import MESSAGES, Issue

FOLDER = Path(__file__).parent / "translations"
SOURCE_LANGUAGE = "en"
PSEUDO_LANGUAGE = "qps"
DEFAULT_LANGUAGE = "vi"
TIME_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def available_languages() -> tuple[str, ...]:
    """Codes of the languages people may choose, the default first."""
    others = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir() and folder.name != DEFAULT_LANGUAGE)
    return (DEFAULT_LANGUAGE, SOURCE_LANGUAGE, *others)


def language_name(code: str) -> str:
    """The language's own name for itself."""
    if code == PSEUDO_LANGUAGE:
        return "Ƥşḗŭḓǿ"
    try:
        name = Locale.parse(code).get_display_name(code) or code
    except (UnknownLocaleError, ValueError):  # an author may write any code
        name = code
    return name[:1].upper() + name[1:]


@cache
def catalogue(language: str) -> dict[str, str]:
    """msgid -> translation of every catalogue of a language; empty for the source language."""
    texts: dict[str, str] = {}
    for file in sorted((FOLDER / language).glob("*.po")):
        with file.open("rb") as source:
            texts.update({str(m.id): str(m.string) for m in read_po(source) if m.id and m.string})
    return texts


def current_language() -> str:
    """The language of this request: ?lang= for this page, else the cookie, else the person's, else Vietnamese."""
    if not has_request_context():
        return DEFAULT_LANGUAGE
    if "language" not in g:
        allowed = {*available_languages(), PSEUDO_LANGUAGE}
        wishes = (request.args.get("lang"), request.cookies.get("language"))
        g.language = next((wish for wish in wishes if wish in allowed), DEFAULT_LANGUAGE)
    return str(g.language)


def translate(message: str, language: str, /, **parameters: Any) -> str:
    """`message` in `language` with its parameters filled in; the English text where a translation is missing."""
    text = _pseudo(message) if language == PSEUDO_LANGUAGE else catalogue(language).get(message, message)
    return text.format_map(parameters) if parameters else text


def gettext(message: str, /, **parameters: Any) -> str:
    """`message` in the request's language."""
    return translate(message, current_language(), **parameters)


def gettext_html(message: str, /, **parameters: Any) -> str | Markup:
    """As gettext, for templates: parameters are escaped unless they are Markup, and Markup stays Markup."""
    text = gettext(message)
    if not parameters:
        return text
    if any(isinstance(value, Markup) for value in parameters.values()):
        return Markup(str(escape(text)).format_map({k: escape(v) for k, v in parameters.items()}))  # noqa: S704
    return text.format_map(parameters)


def translate_issue(issue: Issue, language: str | None = None) -> str:
    """An issue's words: the form author's own where there are any, else the catalogue's."""
    language = language or current_language()
    if issue.own_message:
        return issue.own_message.get(language) or next(iter(issue.own_message.values()))
    parameters = dict(issue.parameters)
    if issue.code.startswith("appearance_") and "reason" in parameters:
        parameters["reason"] = translate(str(parameters["reason"]), language)  # a note of forms.appearances
    return translate(MESSAGES[issue.code], language, **parameters)


def locale_of(language: str) -> str:
    """The locale by which a language's numbers and dates are written."""
    return "en_GB" if language in (SOURCE_LANGUAGE, PSEUDO_LANGUAGE) else language


def format_number(value: float | int | None, decimals: int | None = None) -> str:
    """1234.5 as "1.234,5" in Vietnamese; "–" for a missing one."""
    if value is None:
        return "–"
    pattern = "#,##0." + "0" * decimals if decimals else ("#,##0" if decimals == 0 else "#,##0.######")
    return format_decimal(value, format=pattern, locale=locale_of(current_language()))


def format_day(value: date | None) -> str:
    """A day as dd/mm/yyyy, which both languages of the product read the same way."""
    return "–" if value is None else babel_date(value, "dd/MM/yyyy", locale=locale_of(current_language()))


def format_time(value: datetime | None) -> str:
    """A moment on the province's clock, to the minute."""
    if value is None:
        return "–"
    return babel_datetime(value, "dd/MM/yyyy HH:mm", tzinfo=TIME_ZONE, locale=locale_of(current_language()))


def text_of(texts: dict[str, str] | None) -> str:
    """A text stored as {language: text} in the request's language, else in any."""
    if not texts:
        return ""
    return texts.get(current_language()) or next(iter(texts.values()), "")


def fold(text: str) -> str:
    """A text as searches see it: no accents, "đ" as "d", lower case, punctuation and runs of space as one space."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    letters = (c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join("".join(letters).lower().split())


_ACCENTS = str.maketrans("aceinouyACEINOUY", "ȧƈḗīƞǿŭẏȦƇḖĪƝǾŬẎ")


def _pseudo(message: str) -> str:
    parts = message.replace("{", "\0{").replace("}", "}\0").split("\0")
    text = "".join(part if part.startswith("{") else part.translate(_ACCENTS) for part in parts)
    return f"[{text}{' ~' * (len(message) // 8)}]"


def init_app(app: Flask) -> None:
    """Give templates `_`, the language, and the number and date formats."""
    app.jinja_env.globals.update(
        _=gettext_html, current_language=current_language, available_languages=available_languages,
        language_name=language_name, text_of=text_of,
    )
    app.jinja_env.filters.update(number=format_number, day=format_day, time=format_time)
