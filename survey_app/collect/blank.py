"""The empty form as the app's page carries it: drawn once for a version and language, and kept: no answer is in it.

Each screen waits in a `<template>` until it is first shown. In it a question's address stands once, at the question;
ids, names and references around its control hold a mark instead, and the client writes the address there when it puts
the screen into the page. Both spare a phone bytes and work for screens that nobody has opened yet.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from threading import Lock

from markupsafe import Markup

from forms import screens
from survey_app.collect import pages
from survey_app.languages import current_language

MARK = "~"  # no name of a question holds it
MOST_KEPT = 16_000_000  # characters of drawn pages
_QUESTION = re.compile(r'(?=<div class="question[ "])')
_HEAD = re.compile(r'(<div class="question[^>]*? data-question="([^"]*)"[^>]*?)( data-address="([^"]*)")')
_TAG = re.compile(r"<[a-z][^>]*>")
_NAMING = re.compile(r' (id|name|for|data-of|aria-describedby|aria-controls|aria-labelledby)="([^"]*)"')
_ADDRESS = re.compile(r"([A-Z]-)?([^.]*)(\..*)?")

_lock = Lock()
_kept: OrderedDict[tuple[str, str, str, bool, str], Markup] = OrderedDict()


def draw_blank(sha256: str, drawing: pages.Drawing) -> Markup:
    """Every screen of the form whose definition has this hash, as the app's page holds them."""
    key = (sha256, drawing.language, current_language(), drawing.is_self_completed, drawing.media_url)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    body = _draw(drawing)
    with _lock:
        _kept[key] = body
        while len(_kept) > 1 and sum(map(len, _kept.values())) > MOST_KEPT:
            _kept.popitem(last=False)
    return body


def _draw(drawing: pages.Drawing) -> Markup:
    drawn = (
        pages.draw_screen(drawing, screen, heading_id=f"S-{number}")
        for number, screen in enumerate(screens(drawing.definition), 1)
    )
    return Markup(shorten("".join(drawn)))  # noqa: S704


def shorten(html: str) -> str:
    """Drawn screens in which a question's address stands once; lines without anything go."""
    packed = re.sub(r"\n\s*\n+", "\n", html)
    return "".join(map(_shorten_question, _QUESTION.split(packed)))


def _shorten_question(part: str) -> str:
    head = _HEAD.match(part)
    if head is None:
        return part
    opening, path, place, address = head.groups()
    rest = _TAG.sub(lambda tag: _marked(tag[0], address), part[head.end() :])
    return opening + ("" if path == address else place) + rest


def _marked(tag: str, address: str) -> str:
    def mark(attribute: re.Match[str]) -> str:
        words = " ".join(_mark(word, address) for word in attribute[2].split(" "))
        return f' {attribute[1]}="{words}"'

    return _NAMING.sub(mark, tag)


def _mark(word: str, address: str) -> str:
    found = _ADDRESS.fullmatch(word)
    return f"{found[1] or ''}{MARK}{found[3] or ''}" if found and found[2] == address else word


__all__ = ["draw_blank", "shorten"]
