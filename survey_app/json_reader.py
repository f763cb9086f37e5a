"""JSON from strangers, read with every guard; and the one canonical way to write it.

Python's own reader takes what others cannot store or read back: NaN, the last of two equal keys, half a surrogate
pair, NUL, integers past 64 bits, nesting without end. Here each of them is a `Problem` that says what was wrong.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from survey_app.config import Limits
from survey_app.problems import Problem, TooLarge

LARGEST_INTEGER = 2**63 - 1
NO_CONSTANT = "The JSON holds {name}, which is not a number. Send a number or null."
NO_DUPLICATE = "The JSON names “{name}” twice in one object. Send each name once."


class BadJson(Problem):
    """The body is not JSON as we take it; the message says why. Nothing was changed."""

    code, message = "bad_json", "This is not valid JSON. Nothing was changed; please send it again."


def read_json(body: bytes, limits: Limits) -> Any:
    """The value written in `body`; BadJson or TooLarge when it breaks a rule, whatever the bytes are."""
    if len(body) > limits.body_bytes:
        raise TooLarge(limit=f"{limits.body_bytes // 1024 // 1024} MB")
    try:
        value = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant)
        _check(value, limits.json_depth)
    except RecursionError:
        raise BadJson("The JSON is nested too deeply: at most {depth} levels.", depth=limits.json_depth) from None
    except UnicodeDecodeError:
        raise BadJson("The JSON is not written in UTF-8.") from None
    except ValueError:
        raise BadJson from None
    return value


def canonical_json(value: Any) -> bytes:
    """UTF-8, keys sorted, no spaces, numbers as JavaScript writes them: equal values give equal bytes."""
    plain = _plain(value)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


class StrictJson(DefaultJSONProvider):
    """Makes `request.get_json()` read with the guards of `read_json`."""

    ensure_ascii = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """As read_json, with the limits of the running application."""
        body = s.encode(errors="surrogatepass") if isinstance(s, str) else s
        return read_json(body, self._app.config["SETTINGS"].limits)


def init_app(app: Flask) -> None:
    """Read every JSON body of `app` with the guards."""
    app.json = StrictJson(app)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadJson(NO_DUPLICATE, name=_printable(twice))
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise BadJson(NO_CONSTANT, name=name)


def _printable(text: str) -> str:
    return "".join(character for character in text[:60] if character.isprintable())


def _check(value: Any, depth: int) -> None:
    """Walk level by level, so that neither depth nor breadth costs stack."""
    level: list[Any] = [value]
    while level:
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                _check_text(item)
            elif kind is dict:
                below.extend(item.values())
                for name in item:
                    _check_text(name)
            elif kind is list:
                below.extend(item)
            elif kind is int or kind is float:
                _check_number(item)
            if depth <= 0 and kind in (dict, list):
                raise RecursionError
        level, depth = below, depth - 1


def _check_text(text: str) -> None:
    if text.isascii():
        if "\x00" in text:
            raise BadJson("A text holds the character NUL, which cannot be stored. Remove it and send again.")
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadJson("A text holds half a character (a lone surrogate). Correct it and send again.") from None
    if "\x00" in text:
        raise BadJson("A text holds the character NUL, which cannot be stored. Remove it and send again.")


def _check_number(number: int | float) -> None:
    if isinstance(number, int):
        if not -LARGEST_INTEGER <= number <= LARGEST_INTEGER:
            raise BadJson("A number is too large to be stored: at most 18 digits.")
    elif not math.isfinite(number):
        raise BadJson(NO_CONSTANT, name="Infinity")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value
