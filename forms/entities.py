"""The sheet `entities` and the column `save_to`: what a form would write into a register, computed and never written.

ODK's rules (XForms specification, "Entities", 2024.1.0): with an `entity_id` the form updates, without one it creates;
`create_if` and `update_if` say when; with both and an id it creates where there is none yet. `save_to` names the
property that a question fills, as `property` or, with several lists in one form, `list#property`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from forms.expressions.resolve import REPEAT, Steps
from forms.expressions.values import to_text
from forms.model import EntityRow, Expression, Value
from forms.nodes import Row as AnswerRow
from forms.nodes import nodes_of
from forms.workbook import Row, Sheet, iter_rows

if TYPE_CHECKING:
    from forms.answers import Interview
    from forms.extras import SheetReader
    from forms.xlsform import Entry

_SPACE: Final = uuid.UUID("6f2a3a2e-6a55-4b0e-9a53-0d9b4c5b7c11")


@dataclass(frozen=True, slots=True)
class EntityChange:
    """One entry of a register that a set of answers would create or update; `values` are property -> answer."""

    dataset: str
    operation: str  # create or update
    entity_id: str  # of the entry to update; of a new one, the same whenever the same submission is read again
    label: str
    values: Mapping[str, Value]


# -- reading ----------------------------------------------------------------------------------------------------------


def read_entities(sheets: Mapping[str, Sheet], entries: Sequence[Entry], reader: SheetReader) -> tuple[EntityRow, ...]:
    """The rows of the sheet with the questions saved to them; every issue is noted with its cell."""
    rows = list(iter_rows(sheets, "entities"))
    datasets = {row.get("list_name"): row for row in rows}
    saved: dict[str, dict[str, Steps]] = {name: {} for name in datasets}
    for entry in entries:
        _save(entry, saved, reader)
    return tuple(_entity(row, saved[row.get("list_name")], reader) for row in rows)


def _save(entry: Entry, saved: Mapping[str, dict[str, Steps]], reader: SheetReader) -> None:
    """Note what a question is saved to."""
    text = entry.row.get("save_to")
    if not text:
        return
    where = entry.row.cell("save_to")
    dataset, separator, name = text.rpartition("#")
    if not separator and len(saved) == 1:
        dataset = next(iter(saved))
    if dataset not in saved:
        reader.complain("entity_unknown_list", where, name=dataset or text)
    elif name in saved[dataset]:
        reader.complain("entity_twice", where, name=name, other="/".join(saved[dataset][name]))
    else:
        saved[dataset][name] = entry.path


def _entity(row: Row, saved: Mapping[str, Steps], reader: SheetReader) -> EntityRow:
    repeat = _repeat_of(row, saved, reader)
    dataset = row.get("list_name")
    if not dataset:
        reader.complain("extra_missing", row.cell("list_name"), name="list_name")
    entity = EntityRow(
        dataset=dataset,
        cell=row.cell("list_name"),
        repeat=repeat,
        entity_id=reader.expression(row, "entity_id", repeat or ()),
        create_if=reader.expression(row, "create_if", repeat or ()),
        update_if=reader.expression(row, "update_if", repeat or ()),
        entry_label=reader.expression(row, "label", repeat or ()),
        properties=tuple(saved),
        questions=tuple(saved.values()),
    )
    if entity.update_if is not None and entity.entity_id is None:
        reader.complain("extra_missing", row.cell("entity_id"), name="entity_id")
    if entity.entity_id is None and entity.entry_label is None and not row.get("label"):
        reader.complain("extra_missing", row.cell("label"), name="label")
    return entity


def _repeat_of(row: Row, saved: Mapping[str, Steps], reader: SheetReader) -> Steps | None:
    """The repeat whose every row is an entry: named by the sheet, else the one the saved questions stand in."""
    named = row.get("repeat").removeprefix("${").removesuffix("}")
    if named:
        found = [path for path in reader.schema.by_name.get(named, ()) if reader.schema.kinds.get(path) == REPEAT]
        if not found:
            reader.complain("extra_unknown", row.cell("repeat"), name=named)
        return found[0] if found else None
    above = [path[:depth] for path in saved.values() for depth in range(1, len(path))]
    repeats = [path for path in above if reader.schema.kinds.get(path) == REPEAT]
    return max(repeats, key=len) if repeats else None


# -- what answers would change ----------------------------------------------------------------------------------------


def entity_changes(interview: Interview, instance_id: uuid.UUID) -> Iterator[EntityChange]:
    """Every entry these answers would create or update, in the order of the sheet and of the rows."""
    for entity in interview.definition.entities:
        for row in _rows(interview, entity):
            change = _change(interview, entity, row, instance_id)
            if change is not None:
                yield change


def _rows(interview: Interview, entity: EntityRow) -> list[AnswerRow]:
    if entity.repeat is None:
        return [interview.root]
    spec = interview.program.by_path.get(entity.repeat)
    found = nodes_of(spec, interview.root, 0, interview.root) if spec is not None else []
    return [row for node in found if node.is_relevant for row in node.rows]


def _change(interview: Interview, entity: EntityRow, row: AnswerRow, instance_id: uuid.UUID) -> EntityChange | None:
    known = _text(interview, entity.entity_id, row)
    operation = _operation(interview, entity, row, known)
    if operation is None:
        return None
    new_id = str(uuid.uuid5(_SPACE, f"{instance_id}/{entity.dataset}/{row.id}"))
    values = dict(_values(interview, entity, row))
    label = _text(interview, entity.entry_label, row)
    return EntityChange(entity.dataset, operation, known or new_id, label, values)


def _operation(interview: Interview, entity: EntityRow, row: AnswerRow, known: str) -> str | None:
    def holds(condition: Expression | None) -> bool:
        return condition is not None and interview.truth(condition, row)

    is_conditional = entity.create_if is not None or entity.update_if is not None
    if known and (holds(entity.update_if) or not is_conditional):
        return "update"
    if holds(entity.create_if) or (entity.entity_id is None and entity.create_if is None):
        return "create"
    return None


def _text(interview: Interview, expression: Expression | None, row: AnswerRow) -> str:
    return "" if expression is None else to_text(interview.evaluate(expression, row))


def _values(interview: Interview, entity: EntityRow, row: AnswerRow) -> Iterator[tuple[str, Value]]:
    """The saved answers that are asked; a question above the repeat gives every row the same."""
    for name, path in zip(entity.properties, entity.questions, strict=True):
        holder = next((above for above in (row, *reversed(row.chain), interview.root) if path in above.nodes), None)
        if holder is not None and holder.nodes[path].is_relevant:
            yield name, holder.nodes[path].value
