"""The two engines behind one set of calls: Python's in this process, TypeScript's in a child of node.

A driver speaks to `Session`; every call and what it gave is kept, so that the two can be held against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from forms.answers import Interview
from forms.expressions.values import Clock
from forms.model import FormDefinition
from forms.serial import to_bundle_json
from tests.conformance.nodejs import NodeChild

NOW = datetime.fromisoformat("2026-11-23T22:50:00+07:00")
METADATA = {"deviceid": "device:1", "username": "an", "email": "an@example.org", "phonenumber": "0912345678"}


class Engine(Protocol):
    """Something that runs interviews."""

    name: str

    def open(self, definition: FormDefinition, language: str, answers: Mapping[str, Any] | None) -> None:
        """Begin an interview, or read one that was saved."""

    def switch(self, definition: FormDefinition, language: str) -> None:
        """The same interview in another language."""

    def call(self, operation: str, *arguments: Any) -> Any:
        """One operation, its result as JSON."""


@dataclass(slots=True)
class Session:
    """An interview on one engine, and the protocol of what was asked of it."""

    engine: Engine
    definition: FormDefinition
    language: str
    calls: list[tuple[str, tuple[Any, ...], Any]] = field(default_factory=list)

    def open(self, answers: Mapping[str, Any] | None = None) -> None:
        """Begin."""
        self.engine.open(self.definition, self.language, answers)

    def switch(self, language: str) -> None:
        """Go on in another language."""
        self.language = language
        self.engine.switch(self.definition, language)

    def call(self, operation: str, *arguments: Any) -> Any:
        """One operation."""
        found = self.engine.call(operation, *arguments)
        self.calls.append((operation, arguments, found))
        return found


class PythonEngine:
    """forms.Interview."""

    name = "Python"

    def __init__(self) -> None:
        self.interview: Interview | None = None

    def open(self, definition: FormDefinition, language: str, answers: Mapping[str, Any] | None) -> None:
        """Begin an interview."""
        self.interview = Interview(
            definition, answers, clock=Clock(NOW), language=language, metadata=METADATA, resumes=True
        )

    def switch(self, definition: FormDefinition, language: str) -> None:
        """What the server does: the same answers in an interview of the other language."""
        before = self._open()
        rows = {node.address: [row.id for row in node.rows] for node in before.nodes() if node.is_repeat}
        self.interview = Interview(definition, {}, clock=Clock(NOW), language=language, metadata=METADATA)
        self.interview.load(before.all_values, rows)

    def _open(self) -> Interview:
        assert self.interview is not None
        return self.interview

    def call(self, operation: str, *arguments: Any) -> Any:
        """One operation."""
        interview = self._open()
        match operation, arguments:
            case "set", (address, value):
                return interview.set(address, value)
            case "add", (address, row):
                return interview.add_row(address, row)
            case "remove", (address, row):
                return interview.remove_row(address, row)
            case "rows", (address,):
                return interview.rows(address)
            case "relevant", (address,):
                return interview.is_relevant(address)
            case "required", (address,):
                return interview.is_required(address)
            case "read_only", (address,):
                return interview.is_read_only(address)
            case "seen", (address,):
                return interview.seen(address)
            case "choices", (address,):
                return [[choice.name, interview.text(choice.label, address)] for choice in interview.choices(address)]
            case "label", (address,):
                item = definition_item(interview.definition, interview.schema_path(address))
                return interview.text(item.label, address)
            case "issue", (address,):
                issue = interview.issue(address) if interview.is_relevant(address) else None
                words = None if issue is None else issue.own_message
                return None if issue is None else [issue.code, _own(words or {}, interview.language)]
            case "issues", ():
                return [[issue.code, issue.where] for issue in interview.issues()]
            case "answers", ():
                return interview.answers
        raise AssertionError(operation)


def _own(messages: Mapping[str, str], language: str) -> str:
    return messages.get(language) or next(iter(messages.values()), "")


def definition_item(definition: FormDefinition, path: tuple[str, ...]) -> Any:
    """The item at a schema path."""
    item = definition.find(path)
    assert item is not None, path
    return item


class NodeEngine:
    """The client's Interview in a child of node, spoken to in lines of JSON."""

    name = "TypeScript"

    def __init__(self) -> None:
        self._child = NodeChild(Path(__file__).with_name("engine_child.ts"))
        self._definition: FormDefinition | None = None
        self._language = ""

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def open(self, definition: FormDefinition, language: str, answers: Mapping[str, Any] | None) -> None:
        """Begin an interview."""
        self._definition, self._language = definition, language
        self._ask({"op": "open", "definition": to_bundle_json(definition, language), "language": language,
                   "answers": answers, "now": NOW.isoformat(), "offset": 420, "metadata": METADATA})  # fmt: skip

    def switch(self, definition: FormDefinition, language: str) -> None:
        """What the app does: the bundle of the other language, and the same answers in it."""
        self._language = language
        self._ask({"op": "switch", "definition": to_bundle_json(definition, language), "language": language})

    def call(self, operation: str, *arguments: Any) -> Any:
        """One operation; a label that is not in the bundle stands in the page."""
        found = self._ask({"op": operation, "args": arguments})
        return self._drawn(arguments[0]) if operation == "label" and found is None else found

    def _drawn(self, address: str) -> str:
        assert self._definition is not None
        item: Any = None
        path: tuple[str, ...] = ()
        for name in address.split("/"):
            found = self._definition.find((*path, name))
            if found is not None:
                path, item = (*path, name), found
        return "".join(part for part in item.label.parts(self._language) if isinstance(part, str))

    def _ask(self, request: dict[str, Any]) -> Any:
        answer = self._child.ask(request)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]
