"""Texts that match a pattern, for made-up answers; patterns are those that `forms.expressions.patterns` accepts."""

from __future__ import annotations

from random import Random
from typing import Final

_CLASSES: Final = {"d": "0123456789", "w": "abcdefghkmnprstuvwxyz", "s": " ", "D": "abc", "W": "-", "S": "abc123"}
_CONTROL: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_PRINTABLE: Final = "".join(map(chr, range(33, 127)))
_LONGEST: Final = 6  # how far a repeat without an end goes


def text_matching(pattern: str, random: Random) -> str:
    """One text that the whole pattern matches, chosen at random."""
    return _Maker(pattern, random).alternatives()


class _Maker:
    """Reads the pattern from left to right and writes a text as it goes."""

    def __init__(self, pattern: str, random: Random) -> None:
        self.pattern, self.random, self.at = pattern, random, 0

    def peek(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def take(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]

    def alternatives(self) -> str:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.take()
            branches.append(self.sequence())
        return self.random.choice(branches)

    def sequence(self) -> str:
        text = ""
        while self.peek() not in ("", "|", ")"):
            start = self.at
            part = self.atom()
            times = self.times()
            after = self.at
            for _ in range(times - 1):
                self.at = start
                part += self.atom()
            self.at = after
            text += part if times else ""
        return text

    def times(self) -> int:
        sign, least, most = self.peek(), 1, 1
        if sign and sign in "*+?":
            self.take()
            least, most = {"*": (0, _LONGEST), "+": (1, _LONGEST), "?": (0, 1)}[sign]
        elif sign == "{":
            numbers = self.pattern[self.at + 1 : self.pattern.index("}", self.at)]
            self.at += len(numbers) + 2
            low, comma, high = numbers.partition(",")
            least = int(low)
            most = int(high) if high else least + _LONGEST if comma else least
        return self.random.randint(least, most)

    def atom(self) -> str:
        sign = self.take()
        if sign == "(":
            if self.pattern.startswith("?:", self.at):
                self.at += 2
            text = self.alternatives()
            self.take()
            return text
        if sign == "[":
            return self.random.choice(self.members())
        if sign == "\\":
            return self.random.choice(self.escaped())
        return "" if sign in "^$" else self.random.choice(_PRINTABLE) if sign == "." else sign

    def escaped(self) -> str:
        letter = self.take()
        return _CLASSES.get(letter) or _CONTROL.get(letter, letter)

    def members(self) -> str:
        is_negative = self.peek() == "^"
        if is_negative:
            self.take()
        found = ""
        while self.peek() != "]" or not found:
            sign = self.take()
            if sign == "\\":
                found += self.escaped()
            elif self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.take()
                found += "".join(map(chr, range(ord(sign), ord(self.take()) + 1)))
            else:
                found += sign
        self.take()
        return "".join(sign for sign in _PRINTABLE if sign not in found) if is_negative else found


__all__ = ["text_matching"]
