"""What changed between two versions of a form, and whether data collected with the old one still lines up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from forms.expressions.written import written
from forms.issues import MESSAGES
from forms.model import (
    Action,
    Call,
    Field,
    Filter,
    FormDefinition,
    Instance,
    Item,
    Literal,
    Path,
    Question,
    Repeat,
    Text,
)
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


_COLUMNS: Final[Mapping[str, str]] = {
    "guidance": "guidance_hint",
    "actions": "default",
    "unit_expression": "unit",
    "count": "repeat_count",
}
# What becomes of answers that were given to the older version, by the code of the change; see issues.MESSAGES.
CONSEQUENCES: Final[Mapping[str, str]] = {
    "change_form_id": "data_other_form",
    "change_language_added": "data_same",
    "change_language_removed": "data_same",
    "change_added": "data_blank_before",
    "change_removed": "data_kept_apart",
    "change_list": "data_choices",
    "change_unit": "data_not_comparable",
    "change_personal": "data_personal",
    "change_text": "data_text",
    "change_logic": "data_logic",
    "change_shown": "data_same",
    "change_choice_added": "data_choice_added",
    "change_choice_removed": "data_choice_removed",
    "change_choice_text": "data_text",
}
_EXPRESSIONS: Final = (Literal, Path, Field, Instance, Filter, Call)


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell of a row before and after; `language` is "" for a column that has none."""

    column: str
    before: str
    after: str
    language: str = ""


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
    cells: tuple[CellChange, ...] = ()

    @property
    def consequence(self) -> str:
        """The code of the message that says what it means for answers given before."""
        if self.code in ("change_moved", "change_type"):
            return "data_same" if self.lines_up else "data_not_comparable"
        return CONSEQUENCES.get(self.code, "data_recomputed")

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
            columns = dict.fromkeys(_COLUMNS.get(name, name) for name in different)
            cells = tuple(cell for name in different for cell in _cells(old, new, name))
            yield Change(code, path, new.label, "", ", ".join(columns), cells=cells)


def _cells(old: object, new: object, name: str) -> Iterator[CellChange]:
    """The cells behind a field, as an author would have written them."""
    before, after, column = getattr(old, name, None), getattr(new, name, None), _COLUMNS.get(name, name)
    if isinstance(before, Text) or isinstance(after, Text):
        texts = [text if isinstance(text, Text) else Text() for text in (before, after)]
        for language in dict.fromkeys((*texts[0].by_language, *texts[1].by_language)):
            one, other = (_said(text, language) for text in texts)
            if one != other:
                yield CellChange(column, one, other, language)
        return
    one = shown_cell(before, getattr(old, "path", ()))
    other = shown_cell(after, getattr(new, "path", ()))
    if one != other:
        yield CellChange(column, one, other)


def _said(text: Text, language: str) -> str:
    parts = text.by_language.get(language, ())
    return "".join(part if isinstance(part, str) else written(part) for part in parts)


def shown_cell(value: object, own: tuple[str, ...] = ()) -> str:
    """A value of a row as its cell would show it: an expression as written, parameters as “a=1 b=2”."""
    if isinstance(value, _EXPRESSIONS):
        return written(value, own)
    if isinstance(value, Action):
        return written(value.expression, own)
    if isinstance(value, Text):
        return " / ".join(_said(value, language) for language in value.by_language)
    if isinstance(value, Mapping):
        return " ".join(f"{key}={shown_cell(part)}" for key, part in value.items())
    if isinstance(value, tuple):
        inner = isinstance(value[0], tuple) if value else False
        return ", ".join(part[-1] if inner else shown_cell(part, own) for part in value)
    return "" if value is None else str(value)


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
        before = {_key(row): row for row in getattr(old, sheet)}
        after = {_key(row): row for row in getattr(new, sheet)}
        for key in (*before, *(key for key in after if key not in before)):
            one, other = before.get(key), after.get(key)
            if _comparable(one) == _comparable(other):
                continue
            code = "change_row_added" if one is None else "change_row_removed"
            code = "change_row" if one is not None and other is not None else code
            label = getattr(other or one, "label", None) or Text()
            yield Change(code, f"{sheet}/{key}", label, cells=tuple(_row_cells(one, other)))


def _row_cells(one: object, other: object) -> Iterator[CellChange]:
    if one is None or other is None:
        return
    for name in getattr(type(one), "__dataclass_fields__", {}):
        if name not in ("cell", "questions") and getattr(one, name) != getattr(other, name):
            yield from _cells(one, other, name)


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
