"""Markdown in the texts of forms and packs -> safe HTML. No raw HTML, no foreign pictures, https links only."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

_INLINE = {"em", "strong", "code", "br", "a", "del"}
_BLOCK = _INLINE | {"p", "ul", "ol", "li", "h2", "h3", "h4", "blockquote", "hr"}
_MARKS = set("*_`[<&\\\n~#")
_READER = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable("image")


@lru_cache(maxsize=4096)
def inline(text: str) -> Markup:
    """A label or hint: emphasis, code, links and line breaks, never a block."""
    if not _MARKS & set(text):
        return escape(text)
    return _clean(_READER.renderInline(text), _INLINE)


@lru_cache(maxsize=256)
def block(text: str) -> Markup:
    """A longer text: paragraphs, lists and headings below the page's own."""
    return _clean(_READER.render(text), _BLOCK)


def _clean(html: str, tags: set[str]) -> Markup:
    safe = nh3.clean(html, tags=tags, attributes={"a": {"href"}}, url_schemes={"https", "mailto", "tel"})
    return Markup(safe.strip())  # noqa: S704
