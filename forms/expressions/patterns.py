"""Regular expressions in the subset that Python and JavaScript read alike and that cannot run away.

Refused: look-around, back-references, named groups, flags, lazy of possessive repeats, properties, and repeats whose
nesting or neighbourhood makes matching slow (a repeat inside an endless repeat, endless repeats of overlapping
characters side by side, more than two that overlap in a row).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_SUBJECT = 2000
_MANY = 50  # a repeat that may run longer than this counts as endless
_OTHER = 128  # stands for every character beyond ASCII
_ALL = frozenset(range(129))
_DIGIT = frozenset(range(48, 58))
_WORD = _DIGIT | frozenset(range(65, 91)) | frozenset(range(97, 123)) | {95}
_BLANK = frozenset((9, 10, 11, 12, 13, 32))
_CLASSES = {
    "d": ("[0-9]", _DIGIT),
    "D": ("[^0-9]", _ALL - _DIGIT),
    "w": ("[A-Za-z0-9_]", _WORD),
    "W": ("[^A-Za-z0-9_]", _ALL - _WORD),
    "s": (r"[ \t\n\r\f\v]", _BLANK),
    "S": (r"[^ \t\n\r\f\v]", _ALL - _BLANK),
}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_BRACES = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{0,4}))?\}")


class PatternError(ValueError):
    """The pattern is outside the subset; the text says why."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is known of a part of a pattern: its Python source, its characters, how it may vary."""

    source: str
    characters: frozenset[int]
    first: frozenset[int]
    may_be_empty: bool = False
    varies: bool = False
    endless: bool = False


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def peek(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def take(self) -> str:
        character = self.peek()
        if not character:
            raise PatternError("the pattern ends too early")
        self.at += 1
        return character


def check_pattern(pattern: str) -> str | None:
    """Why a pattern is refused, or None when it may be used."""
    try:
        _compile(pattern)
    except (PatternError, re.error, OverflowError, RecursionError) as error:
        return str(error) or "the pattern is not understood"
    return None


def matches(subject: str, pattern: str) -> bool:
    """True when the pattern matches the whole subject; a refused pattern or an overlong subject never matches."""
    if len(subject) > MAX_SUBJECT:
        return False
    try:
        return _compile(pattern).fullmatch(subject) is not None
    except (PatternError, re.error, OverflowError, RecursionError):
        return False


@lru_cache(maxsize=500)
def _compile(pattern: str) -> re.Pattern[str]:
    if len(pattern) > MAX_SUBJECT:
        raise PatternError("the pattern is too long")
    reader = _Reader(pattern)
    piece = _alternatives(reader, 0)
    if reader.peek():
        raise PatternError("a closing bracket has no opening one")
    return re.compile(piece.source, re.ASCII)


def _alternatives(reader: _Reader, depth: int, distinct: list[bool] | None = None) -> _Piece:
    if depth > 20:
        raise PatternError("brackets are nested too deeply")
    branches = [_sequence(reader, depth)]
    while reader.peek() == "|":
        reader.take()
        branches.append(_sequence(reader, depth))
    if distinct is not None:
        seen: set[int] = set()
        for branch in branches:
            distinct.append(not (seen & branch.first) and not branch.may_be_empty)
            seen |= branch.first
    return _Piece(
        "|".join(branch.source for branch in branches),
        frozenset[int]().union(*(branch.characters for branch in branches)),
        frozenset[int]().union(*(branch.first for branch in branches)),
        any(branch.may_be_empty for branch in branches),
        any(branch.varies for branch in branches),
        any(branch.endless for branch in branches),
    )


def _sequence(reader: _Reader, depth: int) -> _Piece:
    pieces: list[_Piece] = []
    chain: list[frozenset[int]] = []
    adjacent = False
    while reader.peek() not in ("", "|", ")"):
        piece = _repeated(reader, depth)
        pieces.append(piece)
        if piece.endless:
            overlapping = sum(1 for characters in chain if characters & piece.characters)
            if overlapping and (adjacent or overlapping > 1):
                raise PatternError("endless repeats of the same characters follow each other")
            chain.append(piece.characters)
            adjacent = True
        elif not piece.may_be_empty:
            adjacent = False
            if not any(characters & piece.characters for characters in chain):
                chain.clear()
    return _joined(pieces)


def _joined(pieces: list[_Piece]) -> _Piece:
    first: frozenset[int] = frozenset()
    for piece in pieces:
        first |= piece.first
        if not piece.may_be_empty:
            break
    return _Piece(
        "".join(piece.source for piece in pieces),
        frozenset[int]().union(*(piece.characters for piece in pieces)),
        first,
        all(piece.may_be_empty for piece in pieces),
        any(piece.varies for piece in pieces),
        any(piece.endless for piece in pieces),
    )


def _repeated(reader: _Reader, depth: int) -> _Piece:
    distinct: list[bool] = []
    piece = _atom(reader, depth, distinct)
    bounds = _quantifier(reader)
    if bounds is None:
        return piece
    low, high, source = bounds
    if piece.source in ("^", r"\Z", r"\b", r"\B"):
        raise PatternError("a position cannot be repeated")
    endless = high is None or high > _MANY
    if endless and (piece.endless or piece.varies or piece.may_be_empty or not all(distinct)):
        raise PatternError("a repeat stands inside an endless repeat")
    if piece.endless and high != 1:
        raise PatternError("an endless repeat stands inside a repeat")
    return _Piece(
        piece.source + source,
        piece.characters,
        piece.first,
        low == 0 or piece.may_be_empty,
        low != high or piece.varies,
        endless or piece.endless,
    )


def _quantifier(reader: _Reader) -> tuple[int, int | None, str] | None:
    sign = reader.peek()
    if sign in ("*", "+", "?") and sign:
        reader.take()
        bounds: tuple[int, int | None, str] = (
            (0, None, "*") if sign == "*" else (1, None, "+") if sign == "+" else (0, 1, "?")
        )
    elif sign == "{":
        match = _BRACES.match(reader.pattern, reader.at)
        if match is None:
            raise PatternError("a brace must give numbers, such as {2,5}")
        reader.at = match.end()
        low = int(match[1])
        high = low if match[2] is None else int(match[3]) if match[3] else None
        if high is not None and high < low:
            raise PatternError("a repeat ends before it begins")
        bounds = (low, high, match[0])
    else:
        return None
    if reader.peek() in ("?", "+", "*", "{") and reader.peek():
        raise PatternError("a repeat follows a repeat")
    return bounds


def _atom(reader: _Reader, depth: int, distinct: list[bool]) -> _Piece:
    character = reader.take()
    if character == "(":
        return _group(reader, depth, distinct)
    if character == "[":
        return _class(reader)
    if character == "\\":
        return _escape(reader)
    if character == "^":
        return _Piece("^", frozenset(), frozenset(), may_be_empty=True)
    if character == "$":
        return _Piece(r"\Z", frozenset(), frozenset(), may_be_empty=True)
    if character == ".":
        points = _ALL - {10, 13}
        return _Piece("[^\\n\\r\u2028\u2029]", points, points)
    if character in "*+?{}]":
        raise PatternError(f"{character} stands where nothing can be repeated")
    return _literal(character)


def _literal(character: str) -> _Piece:
    points = frozenset((min(ord(character), _OTHER),))
    return _Piece(re.escape(character), points, points)


def _group(reader: _Reader, depth: int, distinct: list[bool]) -> _Piece:
    if reader.peek() == "?":
        reader.take()
        if reader.take() != ":":
            raise PatternError("look-around, names and flags in brackets are not supported")
    inner = _alternatives(reader, depth + 1, distinct)
    if reader.peek() != ")":
        raise PatternError("an opening bracket has no closing one")
    reader.take()
    return _Piece(f"(?:{inner.source})", inner.characters, inner.first, inner.may_be_empty, inner.varies, inner.endless)


def _escape(reader: _Reader) -> _Piece:
    character = reader.take()
    if character in _CLASSES:
        source, points = _CLASSES[character]
        return _Piece(source, points, points)
    if character in "bB":
        return _Piece("\\" + character, frozenset(), frozenset(), may_be_empty=True)
    return _literal(_escaped(character))


def _escaped(character: str) -> str:
    if character in _CONTROL:
        return _CONTROL[character]
    if character.isascii() and character.isalnum():
        raise PatternError(f"\\{character} is not supported")
    return character


def _class(reader: _Reader) -> _Piece:
    negated = reader.peek() == "^"
    if negated:
        reader.take()
    parts: list[str] = []
    points: frozenset[int] = frozenset()
    while reader.peek() != "]":
        source, members = _class_member(reader)
        parts.append(source)
        points |= members
    reader.take()
    if not parts:
        raise PatternError("a class in square brackets is empty")
    # Characters beyond ASCII are one lot: a negated class may still hold some of them.
    points = (_ALL - points) | {_OTHER} if negated else points
    return _Piece(f"[{'^' if negated else ''}{''.join(parts)}]", points, points)


def _class_member(reader: _Reader) -> tuple[str, frozenset[int]]:
    character = reader.take()
    if character == "[":
        raise PatternError("[ inside square brackets must be written \\[")
    if character == "\\":
        kind = reader.take()
        if kind in "dws":
            return _CLASSES[kind][0][1:-1], _CLASSES[kind][1]
        character = _escaped(kind)
    if reader.peek() != "-" or reader.pattern[reader.at + 1 : reader.at + 2] in ("]", ""):
        return re.escape(character), frozenset((min(ord(character), _OTHER),))
    reader.take()
    last = reader.take()
    if last == "\\":
        last = _escaped(reader.take())
    if ord(last) < ord(character):
        raise PatternError(f"{character}-{last} runs backwards")
    points = frozenset(min(point, _OTHER) for point in range(ord(character), min(ord(last), 200) + 1))
    return f"{re.escape(character)}-{re.escape(last)}", points or frozenset((_OTHER,))
