"""FormDefinition <-> JSON: the shape that is stored, and the smaller one that a phone gets.

Keys are the dataclasses' field names and defaults are left out, so the JSON needs no second list of fields; what a
field holds (a text, an expression, a path) is told by its name, in one table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from forms.expressions.parts import parts_called
from forms.expressions.syntax import expression_from_json, expression_to_json
from forms.issues import Issue, Severity
from forms.lists import in_language
from forms.model import (
    Action,
    CheckRow,
    Choice,
    ChoiceList,
    EntityRow,
    FileNeed,
    FormDefinition,
    Group,
    IndicatorRow,
    Item,
    MeasureRow,
    Question,
    Repeat,
    ResourceRow,
    ScoreRow,
    Text,
)

AST_VERSION: Final = 1
Json = dict[str, Any]
Encoder = Callable[[Text], Any]

_TEXTS: Final = frozenset({"label", "hint", "guidance", "constraint_message", "required_message", "unit", "message"})
_TEXTS_TOO: Final = frozenset({"base", "title"})
_EXPRESSIONS: Final = frozenset(
    [
        "relevant",
        "constraint",
        "required",
        "calculation",
        "read_only",
        "choice_filter",
        "unit_expression",
        "rule",
        "applies",
        "share",
        "cost",
        "quantity",
        "count",
        "instance_name",
        "expression",
        "target",
        "itemset",
        "entity_id",
        "create_if",
        "update_if",
        "entry_label",
    ]
)
_PATHS: Final = frozenset({"repeat", "question"})
_TUPLES: Final = frozenset({"parents", "resources", "languages", "first", "properties"})
_ROWS: Final[Mapping[str, type]] = {
    "scores": ScoreRow,
    "indicators": IndicatorRow,
    "resources": ResourceRow,
    "measures": MeasureRow,
    "checks": CheckRow,
    "entities": EntityRow,
}
_KINDS: Final[Mapping[str, type]] = {"question": Question, "group": Group, "repeat": Repeat}
# What the page already shows: a phone needs these only when they hold references.
_DRAWN: Final = frozenset({"label", "hint", "guidance"})


def to_json(definition: FormDefinition) -> Json:
    """Everything of a definition; `from_json` gives an equal one back."""
    return _definition(definition, _text, items=[_item(item, _text) for item in definition.items])


def to_bundle_json(definition: FormDefinition, language: str) -> Json:
    """What a phone needs to run the form in one language; nothing that must stay on the server."""

    def text(value: Text) -> Any:
        parts = value.parts(language)
        return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else _parts(parts)

    shown = _definition(definition, text, items=[_without_drawn(_item(item, text)) for item in definition.items])
    shown["languages"] = [language]
    shown.pop("files", None)  # what a page shows of them stands in the page
    del shown["entities"]
    for name in _ROWS:
        if name in shown:
            shown[name] = [_without(row, "cell") for row in shown[name] if row.get("where") != "server"]
    instances, shown["instances"] = shown["instances"], {}
    fields = _fields_read(shown)
    for name, items in instances.items():
        shown["instances"][name] = [_only(item, fields) if fields else item for item in in_language(items, language)]
    shown["parts"] = parts_called(shown)
    return shown


def _only(item: Json, names: frozenset[str]) -> Json:
    return {name: value for name, value in item.items() if name in names}


def _fields_read(shown: Json) -> frozenset[str]:
    """The fields of list items that a form may look at; none where a rule names one only when it runs."""
    found = {"name", "label", "geometry"}

    def look(node: Any) -> bool:
        if isinstance(node, dict):
            if "choices" in node and "parameters" in node:
                found.update(node["parameters"].get(name, "") for name in ("value", "label"))
            return all(look(child) for child in node.values())
        if not isinstance(node, list):
            return True
        if node and node[0] == "pulldata":
            if not all(isinstance(argument, str) for argument in node[2:4]):
                return False
            found.update(node[2:4])
        if node and node[0] in (".", "@") and isinstance(node[-1], str):
            found.update(node[-1].split("/"))
            if "*" in node[-1]:
                return False
        return all(look(child) for child in node)

    return frozenset(found) if look(shown) else frozenset()


def from_json(tree: Json) -> FormDefinition:
    """The definition that `to_json` wrote; raises ValueError when it is of a newer kind."""
    if tree.get("ast") != AST_VERSION:
        raise ValueError(f"form JSON of version {tree.get('ast')!r}, this is {AST_VERSION}")
    values: dict[str, Any] = {
        "items": tuple(_item_from(item, ()) for item in tree["items"]),
        "choice_lists": {
            name: ChoiceList(name, tuple(_choice_from(choice) for choice in choices))
            for name, choices in tree.get("choice_lists", {}).items()
        },
        "instances": {name: tuple(items) for name, items in tree.get("instances", {}).items()},
        "settings": dict(tree.get("settings", {})),
        "texts": {name: _text_from(text) for name, text in tree.get("texts", {}).items()},
        "order": tuple(_steps(path) for path in tree.get("order", ())),
        "files": tuple(_record_from(FileNeed, need) for need in tree.get("files", ())),
    }
    for name, type_ in _ROWS.items():
        values[name] = tuple(_record_from(type_, row) for row in tree.get(name, ()))
    for name in ("form_id", "version", "title", "languages", "instance_name"):
        if name in tree:
            values[name] = _value_from(FormDefinition, name, tree[name])
    return FormDefinition(**values)


# -- out --------------------------------------------------------------------------------------------------------------


def _definition(definition: FormDefinition, text: Encoder, items: list[Json]) -> Json:
    tree: Json = {
        "ast": AST_VERSION,
        "form_id": definition.form_id,
        "version": definition.version,
        "title": text(definition.title),
        "languages": list(definition.languages),
        "items": items,
        "choice_lists": {
            name: [_record(choice, text) for choice in list_.choices] for name, list_ in definition.choice_lists.items()
        },
        "instances": {name: [dict(item) for item in items] for name, items in definition.instances.items()},
        "settings": dict(definition.settings),
        "order": ["/".join(path) for path in definition.order],
    }
    if definition.instance_name is not None:
        tree["instance_name"] = expression_to_json(definition.instance_name)
    if definition.texts:
        tree["texts"] = {name: text(found) for name, found in definition.texts.items()}
    for name in _ROWS:
        tree[name] = [_record(row, text) for row in getattr(definition, name)]
    if definition.files:
        tree["files"] = [_record(need, text) for need in definition.files]
    return tree


def _item(item: Item, text: Encoder) -> Json:
    if isinstance(item, Question):
        return {"kind": "question", **_record(item, text)}
    kind = "repeat" if isinstance(item, Repeat) else "group"
    return {"kind": kind, **_record(item, text), "children": [_item(child, text) for child in item.children]}


def _record(record: Any, text: Encoder) -> Json:
    """A dataclass's fields but for defaults, the path (it follows from the place) and the children."""
    tree: Json = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name in ("path", "children") or _is_default(field, value):
            continue
        tree[field.name] = _value(type(record), field.name, value, text)
    return tree


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default is not MISSING:
        return bool(value == field.default and type(value) is type(field.default))
    return field.default_factory is not MISSING and not value


def _value(type_: type, name: str, value: Any, text: Encoder) -> Any:
    if isinstance(value, Text):
        return text(value)
    if name == "media":
        return {key: text(file) for key, file in value.items()}
    if name == "actions":
        return [_record(action, text) for action in value]
    if _is_expression(type_, name):
        return expression_to_json(value)
    if name in _PATHS or name == "trigger":
        return "/".join(value)
    if name == "questions":
        return ["/".join(path) for path in value]
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _is_expression(type_: type, name: str) -> bool:
    return name in _EXPRESSIONS or (name == "trigger" and type_ is MeasureRow)


def _text(text: Text) -> Json:
    return {
        language: parts[0] if len(parts) == 1 and isinstance(parts[0], str) else _parts(parts)
        for language, parts in text.by_language.items()
    }


def _parts(parts: tuple[Any, ...]) -> list[Any]:
    return [part if isinstance(part, str) else {"x": expression_to_json(part)} for part in parts]


def _without_drawn(item: Json) -> Json:
    """An item without its cell, its media, and the texts that stand in the page already."""
    kept = {
        name: value
        for name, value in item.items()
        if name not in ("cell", "media") and not (name in _DRAWN and isinstance(value, str))
    }
    if "children" in kept:
        kept["children"] = [_without_drawn(child) for child in kept["children"]]
    return {name: value for name, value in kept.items() if not (name in _DRAWN and value == [])}


def _without(tree: Json, name: str) -> Json:
    return {key: value for key, value in tree.items() if key != name}


# -- back -------------------------------------------------------------------------------------------------------------


def _item_from(tree: Json, above: tuple[str, ...]) -> Item:
    path = (*above, tree["name"])
    values = {"path": path, "cell": tree.get("cell", "")}
    if tree["kind"] != "question":
        values["children"] = tuple(_item_from(child, path) for child in tree["children"])
    item: Item = _record_from(_KINDS[tree["kind"]], tree, values)
    return item


def _choice_from(tree: Json) -> Choice:
    choice: Choice = _record_from(Choice, tree, {"label": Text()})
    return choice


def _record_from(type_: type, tree: Json, values: Mapping[str, Any] | None = None) -> Any:
    names = {field.name for field in fields(type_)} - {"path", "children"}
    read = {name: _value_from(type_, name, value) for name, value in tree.items() if name in names}
    return type_(**{**(values or {}), **read})


def _value_from(type_: type, name: str, value: Any) -> Any:
    if name in _TEXTS or name in _TEXTS_TOO:
        return _text_from(value)
    if name == "media":
        return {key: _text_from(file) for key, file in value.items()}
    if name == "actions":
        return tuple(_record_from(Action, action) for action in value)
    if _is_expression(type_, name):
        return expression_from_json(value)
    if name in _PATHS or name == "trigger":
        return _steps(value)
    if name == "questions":
        return tuple(_steps(path) for path in value)
    return tuple(value) if name in _TUPLES else value


def _text_from(tree: Json) -> Text:
    return Text({language: _parts_from(parts) for language, parts in tree.items()})


def _parts_from(parts: Any) -> tuple[Any, ...]:
    if isinstance(parts, str):
        return (parts,)
    return tuple(part if isinstance(part, str) else expression_from_json(part["x"]) for part in parts)


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("/")) if path else ()


# --- issues


def issue_to_json(issue: Issue) -> dict[str, Any]:
    """An issue as stored with a version."""
    return {
        "code": issue.code,
        "where": issue.where,
        "parameters": dict(issue.parameters),
        "severity": str(issue.severity),
        "own_message": dict(issue.own_message),
    }


def issue_from_json(document: dict[str, Any]) -> Issue:
    """An issue as it was before storing."""
    return Issue(
        document["code"],
        document["where"],
        document["parameters"],
        Severity(document["severity"]),
        document["own_message"],
    )
