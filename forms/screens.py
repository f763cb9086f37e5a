"""How a form is cut into screens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from forms.model import FormDefinition, Group, Item, Question, Repeat, Text

_COMPUTED = frozenset(("calculate", "hidden"))


@dataclass(frozen=True, slots=True)
class Screen:
    """What is shown at once: a section, a question standing alone at the top, or one question."""

    name: str
    items: tuple[Item, ...]
    label: Text = field(default_factory=Text)
    is_repeat: bool = False


def screens(definition: FormDefinition) -> tuple[Screen, ...]:
    """The form cut into screens: top-level groups and runs of loose questions, or single questions if it says so."""
    single = definition.settings.get("screen") == "question"
    found: list[Screen] = []
    loose: list[Item] = []
    for item in definition.items:
        if isinstance(item, Group) and single and not isinstance(item, Repeat) and "field-list" not in item.appearance:
            _close(found, loose)
            found.extend(_single(item))
        elif isinstance(item, Group):
            _close(found, loose)
            found.extend(_sections(item))
        else:
            loose.append(item)
            if single:
                _close(found, loose)
    _close(found, loose)
    return tuple(found)


def _sections(group: Group) -> Iterator[Screen]:
    """A group that only wraps groups (to give them one relevance) is no section itself."""
    wraps = all(isinstance(child, Group) for child in group.children) and not isinstance(group, Repeat)
    if wraps and "field-list" not in group.appearance:
        for child in group.children:
            if isinstance(child, Group):
                yield from _sections(child)
    else:
        yield Screen("/".join(group.path), (group,), group.label, isinstance(group, Repeat))


def _single(group: Group) -> Iterator[Screen]:
    for child in group.children:
        if isinstance(child, Group) and not isinstance(child, Repeat) and "field-list" not in child.appearance:
            yield from _single(child)
        elif not isinstance(child, Question) or _is_shown(child):
            yield Screen("/".join(child.path), (child,), child.label, isinstance(child, Repeat))


def _close(found: list[Screen], loose: list[Item]) -> None:
    shown = [item for item in loose if isinstance(item, Question) and _is_shown(item)]
    if shown:
        found.append(Screen(shown[0].name, tuple(loose), shown[0].label if len(shown) == 1 else Text()))
    loose.clear()


def _is_shown(question: Question) -> bool:
    return question.type not in _COMPUTED and not (question.calculation is not None and not question.label)
