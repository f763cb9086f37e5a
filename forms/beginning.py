"""What an XForm's primary instance says of the beginning of an interview: templates, rows that are there at once, and
what is preset before anybody answers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from forms.model import Action, Call, Expression, Literal

MAX_DEPTH: Final = 40  # groups and repeats in one another
EVENTS: Final = frozenset(("odk-instance-first-load", "odk-instance-load", "odk-new-repeat", "xforms-value-changed"))
_PREDICATE: Final = re.compile(r"\[[^\[\]]*\]")
_PRESET: Final[Mapping[tuple[str, str], Expression]] = {
    ("date", "today"): Call("today"),
    ("timestamp", "start"): Call("now"),
}


def is_too_deep(element: ET.Element | None, most: int) -> bool:
    """True when nodes stand more than `most` deep in one another; found without recursion: a form may be hostile."""
    level = [] if element is None else [element]
    for _ in range(most + 1):
        level = [child for above in level for child in above]
    return bool(level)


def local(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def is_template(element: ET.Element) -> bool:
    """True for the model of a repeat's further rows."""
    return any(local(key) == "template" for key in element.attrib)


def children(element: ET.Element) -> Iterator[ET.Element]:
    """The child nodes, each name once; of a repeat its template, or its first row when there is none."""
    found: dict[str, ET.Element] = {}
    for child in element:
        name = local(child.tag)
        if name and (name not in found or (is_template(child) and not is_template(found[name]))):
            found[name] = child
    yield from found.values()


def first_rows(
    parent: ET.Element, name: str, is_repeat: Callable[[tuple[str, ...]], bool], path: tuple[str, ...]
) -> tuple[Mapping[str, Any], ...]:
    """The rows of a repeat that stand in the instance beside its template, as trees of what they hold."""
    rows = [child for child in parent if local(child.tag) == name and not is_template(child)]
    return tuple(_tree(row, is_repeat, path) for row in rows)


def _tree(element: ET.Element, is_repeat: Callable[[tuple[str, ...]], bool], path: tuple[str, ...]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for child in children(element):
        here = (*path, local(child.tag))
        if is_repeat(here):
            tree[here[-1]] = list(first_rows(element, here[-1], is_repeat, here))
        elif len(child):
            tree[here[-1]] = _tree(child, is_repeat, here)
        else:
            tree[here[-1]] = (child.text or "").strip()
    return tree


def without_predicates(reference: str) -> str:
    """The path of a reference that names only some of its nodes."""
    while "[" in reference and (shorter := _PREDICATE.sub("", reference)) != reference:
        reference = shorter
    return reference


def preset(preload: str, parameter: str, is_in_repeat: bool) -> tuple[Action, ...]:
    """A preload of a question that people also see: set once, when the form or its row begins."""
    value = Call("concat", (Literal("uuid:"), Call("uuid"))) if preload == "uid" else _PRESET.get((preload, parameter))
    if value is None:
        return ()
    events = ("odk-instance-first-load", *(("odk-new-repeat",) if is_in_repeat else ()))
    return tuple(Action(event, value) for event in events)
