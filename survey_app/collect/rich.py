"""Markdown in the texts of forms and packs -> safe HTML. No raw HTML, no foreign pictures, web and mail links only.

The few HTML tags that XLSForm allows in a label (https://xlsform.org/en/#styling-prompts) become our own: a colour is a
class, for an inline style would break the content security policy and vanish in the dark.
"""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

_INLINE = {"em", "strong", "code", "br", "a", "del", "span", "u", "sub", "sup", "small"}
_BLOCK = _INLINE | {"p", "ul", "ol", "li", "h2", "h3", "h4", "blockquote", "hr"}
_MARKS = set("*_`[<&\\\n~#")
_COLOURS = {
    "red": "red", "crimson": "red", "darkred": "red", "firebrick": "red", "maroon": "red", "tomato": "red",
    "orange": "orange", "darkorange": "orange", "yellow": "orange", "gold": "orange", "brown": "orange",
    "green": "green", "darkgreen": "green", "lime": "green", "limegreen": "green", "seagreen": "green", "teal": "green",
    "blue": "blue", "darkblue": "blue", "navy": "blue", "royalblue": "blue", "dodgerblue": "blue", "steelblue": "blue",
    "purple": "purple", "magenta": "purple", "fuchsia": "purple", "violet": "purple", "indigo": "purple",
    "gray": "gray", "grey": "gray", "darkgray": "gray", "darkgrey": "gray", "silver": "gray", "lightgray": "gray",
}  # fmt: skip
_LOOKS = {f"ink-{colour}" for colour in _COLOURS.values()} | {"heading", "large", "bold"}
_READER = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough").disable("image")
_READER.validateLink = lambda url: re.match(r"(?i)(https?:|mailto:|tel:|/(?!/))", url) is not None  # type: ignore[method-assign]
_TAG = re.compile(r"<(/?)(span|font|b|i|u|strong|em|small|sub|sup|p|div|center|h[1-6]|br)\b([^<>]*?)/?>", re.I)
_SAME = {"b": "strong", "i": "em", "font": "span", "p": "span", "div": "span", "center": "span"}
_STYLE = re.compile(r"""style\s*=\s*["']([^"']*)["']|color\s*=\s*["']?([#\w]+)""", re.I)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*$", re.M)
_BULLET = re.compile(r"^[ \t]*[-*+][ \t]+(?=\S)", re.M)
# Marks that no keyboard types stand for our own tags while Markdown is read.
_OPEN, _CLOSE = "\ue010", "\ue011"
_MARKED = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


@lru_cache(maxsize=4096)
def inline(text: str) -> Markup:
    """A label or hint: emphasis, code, links and line breaks, never a block; headings and lists as lines."""
    if not _MARKS & set(text) and not text.startswith(("- ", "+ ")):
        return escape(text)
    lines = _HEADING.sub(rf'{_OPEN}span class="heading"{_CLOSE}\1{_OPEN}/span{_CLOSE}', _with_marks(text.strip()))
    return _clean(_READER.renderInline(_BULLET.sub("• ", lines)), _INLINE)


@lru_cache(maxsize=256)
def block(text: str) -> Markup:
    """A longer text: paragraphs, lists and headings below the page's own."""
    return _clean(_READER.render(_with_marks(text)), _BLOCK)


@lru_cache(maxsize=1024)
def note(text: str) -> Markup:
    """A note of a form: as a longer text, its headings below that of the screen."""
    if not _MARKS & set(text) and not text.startswith(("- ", "+ ", "1")):
        return Markup("<p>{}</p>").format(text) if text else Markup("")
    html = _READER.render(_with_marks(text))
    for old, new in (("h4", "h5"), ("h3", "h4"), ("h2", "h4"), ("h1", "h3")):
        html = html.replace(f"<{old}>", f"<{new}>").replace(f"</{old}>", f"</{new}>")
    return _clean(html, _BLOCK)


def _with_marks(text: str) -> str:
    """The tags an author may write, as marks that Markdown leaves alone; any other tag stays text."""
    return _TAG.sub(_mark, text.replace(_OPEN, "").replace(_CLOSE, ""))


def _mark(match: re.Match[str]) -> str:
    closing, tag, rest = match[1], match[2].lower(), match[3]
    if tag == "br":
        return "\n"
    name = "span" if tag[0] == "h" else _SAME.get(tag, tag)
    if closing:
        return f"{_OPEN}/{name}{_CLOSE}" + ("\n" if tag in ("p", "div", "center") or tag[0] == "h" else "")
    looks = " ".join(sorted(_looks(rest) | ({"heading"} if tag[0] == "h" else set())))
    attributes = f' class="{looks}"' if looks else ""
    return f"{_OPEN}{name}{attributes}{_CLOSE}"


def _looks(attributes: str) -> set[str]:
    """The classes that stand for what a style asks for."""
    found: set[str] = set()
    for style, colour in _STYLE.findall(attributes):
        rules = dict(re.findall(r"([\w-]+)\s*:\s*([^;]+)", style.lower())) | ({"color": colour} if colour else {})
        if name := _colour(rules.get("color", "").strip()):
            found.add(f"ink-{name}")
        if rules.get("font-weight", "").strip() in ("bold", "bolder", "600", "700", "800", "900"):
            found.add("bold")
        if re.search(r"large|[2-9]\d(px|pt)|1[8-9](px|pt)|1\.[2-9]|[2-9]e", rules.get("font-size", "")):
            found.add("large")
    return found


def _colour(text: str) -> str:
    """The nearest of our colours to a named or #rgb one; "" for black, white and what is no colour."""
    if text in _COLOURS:
        return _COLOURS[text]
    match = re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", text)
    if match is None:
        return ""
    digits = match[1] if len(match[1]) == 6 else "".join(d * 2 for d in match[1])
    red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
    if max(red, green, blue) - min(red, green, blue) < 40:
        return "gray" if 60 < red < 200 else ""
    if red >= max(green, blue):
        return "purple" if blue > 0.6 * red else "orange" if green > 0.45 * red else "red"
    if green >= blue:
        return "green"
    return "purple" if red > 0.6 * blue else "blue"


def _clean(html: str, tags: set[str]) -> Markup:
    html = _MARKED.sub(lambda match: f"<{match[1]}>".replace("&quot;", '"'), html)
    safe = nh3.clean(
        html,
        tags=tags,
        attributes={"a": {"href"}},
        allowed_classes={"span": _LOOKS},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"https", "http", "mailto", "tel"},
    )
    return Markup(safe.strip())  # noqa: S704
