"""Answers of many versions of a form -> flat tables, one for the form and one for each repeat.

A column bears the shortest name that is unambiguous in its table when it first appears, and keeps it in later
versions. A cell without the column's key was not asked; None was asked and left blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from forms.model import Answers, FormDefinition, Item, Question, Repeat, Text, Value
from forms.types import TYPES, Kind

MAIN: Final = "answers"
_WITHOUT_VALUE: Final = frozenset({Kind.NOTE})


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `path` is the question's schema path; `choice` names the choice of a 0/1 column."""

    name: str
    path: tuple[str, ...]
    kind: Kind
    label: Text
    choice: str = ""
    choices: Mapping[str, Text] = field(default_factory=dict)
    is_personal: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A flat table. Rows of a repeat's table hold "_record" (the position of their answers), "_id" and "_parent"."""

    name: str
    path: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: list[dict[str, Value]]


@dataclass(slots=True)
class _Growing:
    """A table while versions are being read."""

    name: str
    path: tuple[str, ...]
    columns: dict[tuple[tuple[str, ...], str], Column] = field(default_factory=dict)
    names: set[str] = field(default_factory=lambda: {"_record", "_id", "_parent"})
    rows: list[dict[str, Value]] = field(default_factory=list)


def tabulate(records: Iterable[tuple[FormDefinition, Answers]]) -> tuple[Table, ...]:
    """Flat tables of answers, each with the definition it was given to; older versions should come first."""
    tables: dict[tuple[str, ...], _Growing] = {(): _Growing(MAIN, ())}
    plans: dict[int, FormDefinition] = {}
    for number, (definition, answers) in enumerate(records):
        if id(definition) not in plans:
            plans[id(definition)] = definition
            _add_columns(definition, tables)
        row: dict[str, Value] = {"_record": number}
        tables[()].rows.append(row)
        _fill(definition.items, answers, row, tables[()], tables)
    return tuple(Table(table.name, table.path, tuple(table.columns.values()), table.rows) for table in tables.values())


def _add_columns(definition: FormDefinition, tables: dict[tuple[str, ...], _Growing]) -> None:
    new: dict[tuple[str, ...], list[Question]] = {}
    _collect(definition.items, (), new, tables)
    for path, questions in new.items():
        table = tables[path]
        for question in questions:
            if (question.path, "") not in table.columns:
                _add_question(question, questions, definition, table)
            elif TYPES[question.type].kind in (Kind.CHOICES, Kind.CHOICE, Kind.RANK):
                _widen(question, definition, table)


def _collect(
    items: Sequence[Item],
    above: tuple[str, ...],
    new: dict[tuple[str, ...], list[Question]],
    tables: dict[tuple[str, ...], _Growing],
) -> None:
    new.setdefault(above, [])
    for item in items:
        if isinstance(item, Repeat):
            if item.path not in tables:
                taken = {table.name for table in tables.values()}
                tables[item.path] = _Growing(_shortest(item.path, taken), item.path)
            _collect(item.children, item.path, new, tables)
        elif isinstance(item, Question):
            if TYPES[item.type].kind not in _WITHOUT_VALUE:
                new[above].append(item)
        else:
            _collect(item.children, above, new, tables)


def _add_question(question: Question, beside: Sequence[Question], definition: FormDefinition, table: _Growing) -> None:
    # A name that two questions of this table share would not tell them apart, whichever comes first.
    shared = {other.name for other in beside if other.name == question.name and other.path != question.path}
    name = _shortest(question.path, table.names | shared)
    table.names.add(name)
    kind = TYPES[question.type].kind
    choices = _choices(question, definition)
    column = Column(name, question.path, kind, question.label, "", choices, question.is_personal)
    table.columns[question.path, ""] = column
    if kind is Kind.CHOICES:
        _add_choices(column, choices, table)


def _add_choices(column: Column, choices: Mapping[str, Text], table: _Growing) -> None:
    for choice, label in choices.items():
        if (column.path, choice) in table.columns:
            continue
        name = f"{column.name}.{choice}"
        table.names.add(name)
        one = Column(name, column.path, Kind.INTEGER, label, choice, {}, column.is_personal)
        table.columns[column.path, choice] = one


def _widen(question: Question, definition: FormDefinition, table: _Growing) -> None:
    """Choices that a later version added join the column that is there already."""
    column = table.columns[question.path, ""]
    choices = {**column.choices, **_choices(question, definition)}
    if len(choices) == len(column.choices):
        return
    table.columns[question.path, ""] = Column(
        column.name, column.path, column.kind, column.label, "", choices, column.is_personal
    )
    if column.kind is Kind.CHOICES:
        _add_choices(column, choices, table)


def _choices(question: Question, definition: FormDefinition) -> dict[str, Text]:
    list_ = definition.choice_lists.get(question.choices or "")
    return {choice.name: choice.label for choice in list_.choices} if list_ else {}


def _shortest(path: tuple[str, ...], taken: set[str]) -> str:
    """The last names of a path that are enough to tell it from those taken; numbered when all are."""
    for length in range(1, len(path) + 1):
        name = ".".join(path[-length:])
        if name not in taken:
            return name
    number = 2
    while f"{'.'.join(path)}_{number}" in taken:
        number += 1
    return f"{'.'.join(path)}_{number}"


def _fill(
    items: Sequence[Item],
    answers: Mapping[str, Any],
    row: dict[str, Value],
    table: _Growing,
    tables: dict[tuple[str, ...], _Growing],
) -> None:
    for item in items:
        if item.name not in answers:
            continue
        value = answers[item.name]
        if isinstance(item, Question):
            _fill_question(item, value, row, table)
        elif isinstance(item, Repeat):
            for position, below in enumerate(value if isinstance(value, list) else ()):
                _fill_row(item, below, position, row, tables)
        elif isinstance(value, Mapping):
            _fill(item.children, value, row, table, tables)


def _fill_row(
    repeat: Repeat, answers: Any, position: int, parent: dict[str, Value], tables: dict[tuple[str, ...], _Growing]
) -> None:
    if not isinstance(answers, Mapping):
        return
    table = tables[repeat.path]
    row_id = str(answers.get("_id") or f"{parent.get('_id', '')}{repeat.name}[{position + 1}]")
    row: dict[str, Value] = {"_record": parent["_record"], "_id": row_id, "_parent": parent.get("_id")}
    table.rows.append(row)
    _fill(repeat.children, answers, row, table, tables)


def _fill_question(question: Question, value: Any, row: dict[str, Value], table: _Growing) -> None:
    column = table.columns.get((question.path, ""))
    if column is None or isinstance(value, (list, dict)):
        return
    row[column.name] = value
    if column.kind is Kind.CHOICES and TYPES[question.type].kind in (Kind.CHOICES, Kind.CHOICE):
        chosen = set(str(value).split()) if value is not None else set()
        for name in column.choices:
            row[f"{column.name}.{name}"] = None if value is None else int(name in chosen)
