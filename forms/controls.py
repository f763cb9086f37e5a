"""What a control of an XForm and its bind say of a question: its type, its parameters, and whether we run it at all."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from forms.expressions.syntax import ExpressionError, RawCall, parse_raw
from forms.issues import Issue
from forms.model import Call, Expression, Literal

_XF: Final = "{http://www.w3.org/2002/xforms}"
_JR: Final = "{http://openrosa.org/javarosa}"
_ORX: Final = "{http://openrosa.org/xforms}"
_BY_BIND: Final = {
    "int": "integer",
    "integer": "integer",
    "decimal": "decimal",
    "date": "date",
    "time": "time",
    "dateTime": "dateTime",
    "geopoint": "geopoint",
    "geotrace": "geotrace",
    "geoshape": "geoshape",
    "barcode": "barcode",
}
_BY_CONTROL: Final = {
    "select1": "select_one",
    "select": "select_multiple",
    "rank": "rank",
    "trigger": "acknowledge",
    "range": "range",
}
CONTROLS: Final = frozenset({"input", "secret", "textarea", "upload", *_BY_CONTROL})
_SEARCH: Final = re.compile(r"search\s*\(")
# Types of binds that hold plain text; any other is refused where somebody would have to answer it.
_PLAIN: Final = frozenset({"", "string", "select", "select1", "binary", "boolean", "anyURI", "long", "short", "double"})


@dataclass(slots=True)
class Control:
    """What the body says of a node."""

    tag: str
    element: ET.Element


def foreign(control: Control | None, bind: Mapping[str, str]) -> Issue | None:
    """What a question of an XForm asks for and we do not run, by name; None for all else."""
    if control is None:
        return None
    if _SEARCH.search(control.element.get("appearance") or ""):
        return Issue("unsupported_search", "")
    if control.element.get("query"):
        return Issue("unsupported_type", "", {"name": "select_one_external"})
    if control.tag == "upload" and (control.element.get("mediatype") or "").startswith("osm"):
        return Issue("unsupported_type", "", {"name": "osm"})
    kind = bind.get("type", "").rpartition(":")[2]
    is_known = kind in _PLAIN or kind in _BY_BIND or control.tag in _BY_CONTROL or control.tag == "upload"
    return None if is_known else Issue("unsupported_type", "", {"name": bind.get("type", "")})


def item_columns(itemset: ET.Element) -> dict[str, str]:
    """Which fields of an item are value and label, where they are not the usual ones."""
    found = {}
    for name, usual in (("value", "name"), ("label", "label")):
        element = itemset.find(f"{_XF}{name}")
        ref = "" if element is None else element.get("ref", "").strip()
        if ref and ref != usual and "(" not in ref:
            found[name] = ref
    return found


def parameters_of(control: Control | None, bind: Mapping[str, str]) -> dict[str, str]:
    """The parameters that an XForm writes as attributes."""
    found = {}
    if control and control.tag == "range":
        found = {name: control.element.get(name, "") for name in ("start", "end", "step")}
    if f"{_ORX}max-pixels" in bind:
        found["max-pixels"] = bind[f"{_ORX}max-pixels"]
    if control and control.element.get("rows"):
        found["rows"] = control.element.get("rows", "")
    return {name: value for name, value in found.items() if value}


_PRELOADS: Final[Mapping[tuple[str, str], str]] = {
    ("timestamp", "start"): "start",
    ("timestamp", "end"): "end",
    ("date", "today"): "today",
    ("property", "deviceid"): "deviceid",
    ("property", "username"): "username",
    ("property", "email"): "email",
    ("property", "phonenumber"): "phonenumber",
}


def type_of(control: Control | None, bind: Mapping[str, str]) -> str:
    """The type of a node of an XForm written elsewhere, from its control and bind."""
    kind = bind.get("type", "string").rpartition(":")[2]
    if control is None:
        preload = _PRELOADS.get((bind.get(f"{_JR}preload", ""), bind.get(f"{_JR}preloadParams", "")))
        return preload or ("calculate" if bind.get("calculate") else "hidden")
    if control.tag in _BY_CONTROL:
        return _BY_CONTROL[control.tag]
    if control.tag == "upload":
        media = (control.element.get("mediatype") or "").partition("/")[0]
        return media if media in ("image", "audio", "video") else "file"
    is_fixed = bind.get("readonly", "").strip() == "true()" and not bind.get("calculate")
    return "note" if kind == "string" and is_fixed else _BY_BIND.get(kind, "text")


def text_id(text: str) -> str | None:
    """The id of a text that a call of jr:itext names, also in parts put together; None for a text itself."""
    if not text.strip().startswith("jr:itext("):
        return None
    try:
        call = parse_raw(text)
    except ExpressionError:
        return None
    argument = call.arguments[0] if isinstance(call, RawCall) and call.name == "jr:itext" and call.arguments else None
    parts = argument.arguments if isinstance(argument, RawCall) and argument.name == "concat" else (argument,)
    return "".join(str(part.value) for part in parts if isinstance(part, Literal))


def cast(calculation: Expression | None, bind: Mapping[str, str], type_: str) -> Expression | None:
    """What a bind calculates; where it is a whole number that nobody is asked for, without its decimals."""
    is_whole = type_ == "calculate" and bind.get("type", "").rpartition(":")[2] in ("int", "integer")
    return Call("int", (calculation,)) if is_whole and calculation is not None else calculation
