"""What is drawn and how, and the form's texts in it: Markdown as safe HTML, references filled in or left to the client.

A reference is text, whatever was answered: it is put in after Markdown was read, and so never becomes a mark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from markupsafe import Markup, escape

from forms import Call, Expression, FormDefinition, Interview, Literal, Text
from survey_app.collect import rich

# Letters of no script stand for the n-th reference while Markdown is read.
_OPEN, _CLOSE = "\ue000", "\ue001"
_IN_TEXT = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_IN_ADDRESS = re.compile(f"{quote(_OPEN)}([0-9]+){quote(_CLOSE)}")


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn and how: the form, its language, and the interview when answers go into the page."""

    definition: FormDefinition
    language: str
    interview: Interview | None
    is_self_completed: bool = False
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files_url: str = ""  # where the files of this interview lie, ending in "/"
    media_url: str = ""  # where the pictures, sounds and films of the form lie, ending in "/"

    @property
    def has_grid(self) -> bool:
        """True when the author lays questions out in twelfths of a row (style theme-grid)."""
        return "theme-grid" in self.definition.settings.get("style", "").split()


def text_html(drawing: Drawing, text: Text, address: str, which: str = "label") -> Markup:
    """A text of the form as safe HTML in a line; `which` tells the client what it fills in there."""
    return _filled(drawing, text, address, which, is_note=False)


def note_html(drawing: Drawing, text: Text, address: str) -> Markup:
    """The text of a note, which may hold paragraphs, headings and lists."""
    return _filled(drawing, text, address, "label", is_note=True)


def _filled(drawing: Drawing, text: Text, address: str, which: str, *, is_note: bool) -> Markup:
    parts = text.parts(drawing.language)
    references = [part for part in parts if not isinstance(part, str)]
    numbers = iter(range(len(references)))
    source = "".join(part if isinstance(part, str) else f"{_OPEN}{next(numbers)}{_CLOSE}" for part in parts)
    html = rich.note(source) if is_note else rich.inline(source)
    if not references:
        return html
    words = [_words(drawing, part, address) for part in references]
    in_place = [_place(address, which, number, word) for number, word in enumerate(words)]
    in_links = _IN_ADDRESS.sub(lambda match: quote(words[int(match[1])] or "", safe=""), str(html))
    return Markup(_IN_TEXT.sub(lambda match: str(in_place[int(match[1])]), in_links))  # noqa: S704


def _words(drawing: Drawing, part: Expression, address: str) -> str | None:
    if drawing.interview is None:
        return None
    return drawing.interview.text(Text({drawing.language: (part,)}), address)


def _place(address: str, which: str, number: int, words: str | None) -> Markup:
    if words is None:
        return Markup('<span data-part="{}:{}" data-of="{}"></span>').format(which, number, address)
    return escape(words).replace("\n", Markup("<br>"))


def media_of(drawing: Drawing, media: Mapping[str, Text]) -> dict[str, str]:
    """Where the form's pictures, sounds and films for a text are, by their kind."""
    names = {kind: text.plain(drawing.language) for kind, text in media.items()}
    return {kind: drawing.media_url + quote(name) for kind, name in names.items() if name and drawing.media_url}


def is_always(expression: Expression | None) -> bool:
    """True for a rule that holds whatever was answered: true()."""
    return expression == Call("true") or (isinstance(expression, Literal) and bool(expression.value))


__all__ = ["Drawing", "is_always", "media_of", "note_html", "text_html"]
