"""What changed between two versions of a form, and whether data collected with the old one still lines up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from forms.issues import MESSAGES
from forms.model import FormDefinition, Item, Question, Repeat, Text
from forms.types import TYPES, Kind

_TEXTS: Final = ("label", "hint", "guidance", "constraint_message", "required_message", "unit")
_LOGIC: Final = (
    "relevant",
    "constraint",
    "required",
    "calculation",
    "default",
    "actions",
    "read_only",
    "choice_filter",
    "unit_expression",
    "count",
)
_SHOWN: Final = ("appearance", "parameters", "media", "evidence")
# A value of the first kind can be read as one of the second without loss.
_WIDER: Final = frozenset(
    {
        (Kind.INTEGER, Kind.DECIMAL),
        (Kind.INTEGER, Kind.TEXT),
        (Kind.DECIMAL, Kind.TEXT),
        (Kind.CHOICE, Kind.CHOICES),
        (Kind.CHOICE, Kind.TEXT),
        (Kind.DATE, Kind.TEXT),
        (Kind.TIME, Kind.TEXT),
        (Kind.DATETIME, Kind.TEXT),
        (Kind.RANGE, Kind.DECIMAL),
        (Kind.INTEGER, Kind.CALCULATE),
        (Kind.DECIMAL, Kind.CALCULATE),
        (Kind.TEXT, Kind.CALCULATE),
    }
)
_SHEETS: Final = ("scores", "indicators", "resources", "measures", "checks")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` is "group/question", or "scores/<name>" for our sheets; codes are in issues.MESSAGES.

    `lines_up` false: the same column would hold things that cannot be compared, or old answers lose their meaning.
    """

    code: str
    path: str
    label: Text
    before: str = ""
    after: str = ""
    lines_up: bool = True

    @property
    def message(self) -> str:
        """The catalogue's English message, filled in."""
        return MESSAGES[self.code].format(path=self.path, before=self.before, after=self.after)

    def __str__(self) -> str:
        return self.message


def compare(old: FormDefinition, new: FormDefinition) -> tuple[Change, ...]:
    """Every difference between two versions, those that break old data first."""
    changes = [*_settings(old, new), *_items(old, new), *_choices(old, new), *_sheets(old, new)]
    return tuple(sorted(changes, key=lambda change: change.lines_up))


def _settings(old: FormDefinition, new: FormDefinition) -> Iterator[Change]:
    if old.form_id != new.form_id:
        yield Change("change_form_id", "", new.title, old.form_id, new.form_id, lines_up=False)
    for language in new.languages:
        if language not in old.languages:
            yield Change("change_language_added", "", new.title, "", language)
    for language in old.languages:
        if language not in new.languages:
            yield Change("change_language_removed", "", new.title, language)


def _items(old: FormDefinition, new: FormDefinition) -> Iterator[Change]:
    before = {item.path: item for item in old.walk()}
    after = {item.path: item for item in new.walk()}
    gone = [item for path, item in before.items() if path not in after]
    come = [item for path, item in after.items() if path not in before]
    moved = dict(_moves(gone, come))
    for item in gone:
        place = moved.get(item.path)
        if place is not None:
            # A column is known by its name as long as that is unambiguous, but rows of a repeat are another table.
            same_table = _repeats(old, item.path) == _repeats(new, place.path)
            yield Change("change_moved", "/".join(item.path), item.label, "", "/".join(place.path), same_table)
            yield from _item(item, place)
        else:
            yield Change("change_removed", "/".join(item.path), item.label)
    arrived = {place.path for place in moved.values()}
    for item in come:
        if item.path not in arrived:
            yield Change("change_added", "/".join(item.path), item.label)
    for path, item in after.items():
        if path in before:
            yield from _item(before[path], item)


def _moves(gone: list[Item], come: list[Item]) -> Iterator[tuple[tuple[str, ...], Item]]:
    """Questions that left one place and came up in one other under the same name."""
    for item in gone:
        left = [other for other in gone if other.name == item.name]
        places = [other for other in come if other.name == item.name and type(other) is type(item)]
        if isinstance(item, Question) and len(left) == 1 and len(places) == 1:
            yield item.path, places[0]


def _repeats(definition: FormDefinition, path: tuple[str, ...]) -> tuple[str, ...]:
    ends = range(1, len(path) + 1)
    return tuple(path[end - 1] for end in ends if isinstance(definition.find(path[:end]), Repeat))


def _item(old: Item, new: Item) -> Iterator[Change]:
    path = "/".join(new.path)
    if type(old) is not type(new):
        names = (type(old).__name__.lower(), type(new).__name__.lower())
        yield Change("change_type", path, new.label, *names, lines_up=False)
        return
    if isinstance(old, Question) and isinstance(new, Question):
        if old.type != new.type:
            yield Change("change_type", path, new.label, old.type, new.type, _is_wider(old.type, new.type))
        if old.choices != new.choices:
            yield Change("change_list", path, new.label, old.choices or "", new.choices or "")
        if old.unit_expression is None and new.unit_expression is None and old.unit != new.unit and old.unit:
            yield Change("change_unit", path, new.label, _first(old.unit), _first(new.unit), lines_up=False)
        if old.is_personal != new.is_personal:
            yield Change("change_personal", path, new.label, _yes(old.is_personal), _yes(new.is_personal))
    groups: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("change_text", _TEXTS),
        ("change_logic", _LOGIC),
        ("change_shown", _SHOWN),
    )
    for code, fields in groups:
        different = [name for name in fields if getattr(old, name, None) != getattr(new, name, None)]
        if different:
            yield Change(code, path, new.label, "", ", ".join(different))


def _is_wider(old: str, new: str) -> bool:
    before, after = TYPES[old].kind, TYPES[new].kind
    return before is after or (before, after) in _WIDER


def _choices(old: FormDefinition, new: FormDefinition) -> Iterator[Change]:
    for name, list_ in new.choice_lists.items():
        if name not in old.choice_lists:
            continue
        before = {choice.name: choice for choice in old.choice_lists[name].choices}
        after = {choice.name: choice for choice in list_.choices}
        for key, choice in before.items():
            if key not in after:
                yield Change("change_choice_removed", f"choices/{name}/{key}", choice.label, key, lines_up=False)
        for key, choice in after.items():
            if key not in before:
                yield Change("change_choice_added", f"choices/{name}/{key}", choice.label, "", key)
            elif choice.label != before[key].label:
                texts = (_first(before[key].label), _first(choice.label))
                yield Change("change_choice_text", f"choices/{name}/{key}", choice.label, *texts)


def _sheets(old: FormDefinition, new: FormDefinition) -> Iterator[Change]:
    for sheet in _SHEETS:
        before = {_key(row): _comparable(row) for row in getattr(old, sheet)}
        after = {_key(row): _comparable(row) for row in getattr(new, sheet)}
        for key in (*before, *(key for key in after if key not in before)):
            if before.get(key) == after.get(key):
                continue
            code = "change_row_added" if key not in before else "change_row_removed"
            code = "change_row" if key in before and key in after else code
            yield Change(code, f"{sheet}/{key}", Text())


def _key(row: object) -> str:
    return str(getattr(row, "code", "") or getattr(row, "name", ""))


def _comparable(row: object) -> tuple[object, ...]:
    """A row without its cell: that it moved on its sheet is no change."""
    names = getattr(type(row), "__dataclass_fields__", {})
    return tuple(getattr(row, name) for name in names if name != "cell")


def _first(text: Text) -> str:
    return text.plain(next(iter(text.by_language), ""))


def _yes(value: bool) -> str:
    return "yes" if value else "no"
