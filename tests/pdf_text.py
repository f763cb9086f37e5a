"""The words of a PDF as a reader would copy them out: page streams, fonts and their tables of letters.

Just enough of ISO 32000-1 for the papers we make: numbered objects, object streams, deflated streams, composite fonts
with a ToUnicode map, and the operators that show text. A letter without an entry in its font's map comes out as U+FFFD.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping

_OBJECT = re.compile(rb"(?<!\d)(\d+) 0 obj\b(.*?)\bendobj\b", re.S)
_STREAM = re.compile(rb"(.*?)stream\r?\n(.*?)\nendstream", re.S)
_SHOWN = re.compile(rb"/(\S+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|(\()|(\bT[dDm*]\b|\bET\b)")
_IN_LITERAL = re.compile(rb"\\.|[()]", re.S)
_MARKED = re.compile(rb"/\w+\s*<<.*?>>\s*BDC", re.S)  # says what a part is, and in which language; shows nothing
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.S)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_RANGE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f]+)>|\[(.*?)\])", re.S)
_PAIR = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]*)>")


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, words of one line of the layout joined, lines apart."""
    assert pdf.startswith(b"%PDF-"), pdf[:20]
    objects = dict(_objects(pdf))
    pages = [body for body in objects.values() if re.search(rb"/Type\s*/Page\b", body)]
    return [_text(page, objects) for page in pages]


def text_of(pdf: bytes) -> str:
    """All words of a PDF, with single spaces."""
    return " ".join(" ".join(pages_of(pdf)).split())


def _objects(pdf: bytes) -> Iterator[tuple[int, bytes]]:
    for number, body in _OBJECT.findall(pdf):
        yield int(number), body
        if re.search(rb"/Type\s*/ObjStm", body):
            yield from _packed(body)


def _packed(body: bytes) -> Iterator[tuple[int, bytes]]:
    first = int(re.search(rb"/First\s+(\d+)", body)[1])  # type: ignore[index]
    content = _content(body)
    index = [int(word) for word in content[:first].split()]
    starts = list(zip(index[::2], index[1::2], strict=True))
    for place, (number, start) in enumerate(starts):
        end = starts[place + 1][1] if place + 1 < len(starts) else None
        yield number, content[first + start : None if end is None else first + end]


def _content(body: bytes) -> bytes:
    found = _STREAM.match(body)
    assert found, body[:80]
    # A return before the last line break may belong to the data: bytes behind a packed stream are no fault.
    return zlib.decompressobj().decompress(found[2]) if b"/FlateDecode" in found[1] else found[2].rstrip(b"\r")


def _text(page: bytes, objects: Mapping[int, bytes]) -> str:
    fonts = {name: _letters(number, objects) for name, number in _fonts(page, objects)}
    numbers = re.findall(rb"(\d+) 0 R", _entry(page, b"Contents"))
    return "".join(_shown(_content(objects[int(number)]), fonts) for number in numbers)


def _entry(body: bytes, key: bytes) -> bytes:
    """The value of a key: a dictionary, an array, or up to the next key."""
    found = re.search(rb"/" + key + rb"\s*(<<.*?>>|\[.*?\]|[^/>]+)", body, re.S)
    return found[1] if found else b""


def _fonts(page: bytes, objects: Mapping[int, bytes]) -> Iterator[tuple[bytes, int]]:
    resources = re.search(rb"/Resources\s+(\d+) 0 R", page)
    body = objects[int(resources[1])] if resources else page
    listed = re.search(rb"/Font\s+(\d+) 0 R", body)
    fonts = objects[int(listed[1])] if listed else _entry(body, b"Font")
    for name, number in re.findall(rb"/(\S+)\s+(\d+) 0 R", fonts):
        yield name, int(number)


def _letters(font: int, objects: Mapping[int, bytes]) -> dict[int, str]:
    """Glyph code -> letters, by the font's ToUnicode map."""
    found = re.search(rb"/ToUnicode\s+(\d+) 0 R", objects[font])
    assert found, "a font without ToUnicode: nothing can be copied out of this paper"
    table = _content(objects[int(found[1])])
    letters: dict[int, str] = {}
    for part in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.S):
        letters.update((int(code, 16), _utf16(text)) for code, text in _PAIR.findall(part))
    for part in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.S):
        for low, high, start, several in _RANGE.findall(part):
            codes = range(int(low, 16), int(high, 16) + 1)
            texts = re.findall(rb"<([0-9A-Fa-f]+)>", several)
            shown = (texts[place] if texts else b"%04X" % (int(start, 16) + place) for place in range(len(codes)))
            letters.update(zip(codes, (_utf16(text) for text in shown), strict=True))
    return letters


def _utf16(text: bytes) -> str:
    return bytes.fromhex(text.decode()).decode("utf-16-be")


def _shown(content: bytes, fonts: Mapping[bytes, Mapping[int, str]]) -> str:
    letters: Mapping[int, str] = {}
    found: list[str] = []
    content, place = _MARKED.sub(b"", content), 0
    while (match := _SHOWN.search(content, place)) is not None:
        font, codes, literal, moved = match.groups()
        place = _end_of_literal(content, match.end()) if literal else match.end()
        if font:
            letters = fonts[font]
        elif moved:
            found.append(" ")
        else:
            raw = bytes.fromhex(codes.decode()) if codes else _ESCAPE.sub(_unescaped, content[match.end() : place - 1])
            glyphs = (int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2))
            found += [letters.get(glyph, "\ufffd") for glyph in glyphs]
    return "".join(found)


def _end_of_literal(content: bytes, start: int) -> int:
    """Behind the parenthesis that closes a literal text; pairs inside need no backslash."""
    depth, place = 1, start
    while depth:
        match = _IN_LITERAL.search(content, place)
        assert match, content[start : start + 80]
        place = match.end()
        depth += {b"(": 1, b")": -1}.get(match[0], 0)
    return place


def _unescaped(escape: re.Match[bytes]) -> bytes:
    sign = escape[1]
    return bytes([int(sign, 8)]) if sign[:1].isdigit() else _ESCAPED.get(sign, sign)


__all__ = ["pages_of", "text_of"]
