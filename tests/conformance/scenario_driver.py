"""Drives a recorded form session: a cursor over its questions, the steps taken, and what was expected after them.

The steps are those of a form entry controller: `next` to the following question, group or row, `answer` there or at a
reference such as `/data/repeat[2]/name`, rows added and removed, answers and choices looked at.
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from forms import FormDefinition, Group, Question, Repeat, load_form, read_instance, write_instance
from forms.issues import FormError
from forms.xform import language_code
from tests.conformance.engines import Engine, Session

BEGINNING, END = "BEGINNING_OF_FORM", "END_OF_FORM"
_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")
_STEP = re.compile(r"(?:[\w-]+:)?([\w.-]+)(?:\[(\d+)\])?")
_UNASKED = frozenset(
    ("calculate", "hidden", "start", "end", "today", "deviceid", "username", "email", "phonenumber", "uid")
)
LOST = object()  # what a recording could not keep


class Mismatch(Exception):
    """The engine went another way than the recording."""


class Refused(Exception):
    """What a session needs and this language does not have, or its recording left out."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the session, by its reference; two are equal when they are the same node."""

    driver: Driver = field(compare=False, repr=False)
    reference: str


@dataclass(eq=False, slots=True)
class Choices:
    """The choices on offer: (name, label)."""

    found: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The first question that does not hold."""

    failed: Place | None


@dataclass(slots=True)
class Driver:
    """One session on one engine."""

    engine: Engine
    xml: str
    definition: FormDefinition
    session: Session
    position: str = BEGINNING
    instance_id: str = field(default_factory=lambda: f"uuid:{uuid.uuid4()}")
    deprecated_id: str = ""
    added: int = 0

    @classmethod
    def of(cls, engine: Engine, xml: str, language: str = "") -> Driver:
        """A session begun; Refused when the form is not run."""
        definition = load(xml)
        session = Session(engine, definition, language or definition.languages[0])
        session.open()
        return cls(engine, xml, definition, session)

    # -- references and addresses ---------------------------------------------------------------------------------

    @property
    def root(self) -> str:
        """The name of the instance's root, as references bear it."""
        return primary(self.xml).tag.rpartition("}")[2]

    def address(self, reference: str) -> str:
        """The address of a node; a repeat's row is its repeat's address and the row's id."""
        address = ""
        path: tuple[str, ...] = ()
        steps = steps_of(reference)
        for place, (name, index) in enumerate(steps):
            path = (*path, name)
            item = self.definition.find(path)
            if item is None:
                raise Mismatch(f"no node {reference}")
            address = f"{address}/{name}" if address else name
            if isinstance(item, Repeat) and (index is not None or place + 1 < len(steps)):
                rows = self.session.call("rows", address)
                at = (index or 1) - 1
                if at >= len(rows):
                    raise Mismatch(f"no row {reference}")
                address = f"{address}/{rows[at]}"
        return address

    def item(self, reference: str) -> Question | Group:
        """The item of a reference."""
        found = self.definition.find(tuple(name for name, _ in steps_of(reference)))
        if found is None:
            raise Mismatch(f"no node {reference}")
        return found

    # -- the cursor -----------------------------------------------------------------------------------------------

    def positions(self) -> list[str]:
        """Where a respondent may stop: groups, rows, prompts for a further row, questions."""
        bodies = {
            (element.get("ref") or element.get("nodeset") or "")
            for element in ET.fromstring(self.xml).iter("{http://www.w3.org/2002/xforms}group")  # noqa: S314
        }
        return [BEGINNING, *self._below(self.definition.items, f"/{self.root}", "", bodies), END]

    def _below(self, items: Sequence[Any], above: str, address: str, bodies: set[str]) -> Iterator[str]:
        for item in items:
            here, there = f"{above}/{item.name}", f"{address}/{item.name}" if address else item.name
            if not self.session.call("relevant", there):
                continue
            if isinstance(item, Question):
                if item.type not in _UNASKED:
                    yield here
            elif isinstance(item, Repeat):
                for index, row in enumerate(self.session.call("rows", there), 1):
                    yield f"{here}[{index}]"
                    yield from self._below(item.children, f"{here}[{index}]", f"{there}/{row}", bodies)
                if item.count is None:
                    yield here
            else:
                if re.sub(r"\[\d+\]", "", here) in bodies:
                    yield here
                yield from self._below(item.children, here, there, bodies)

    def next(self, expected: str | None = None) -> Place:
        """The following position."""
        stops = self.positions()
        at = stops.index(self.position) + 1 if self.position in stops else 0
        self.position = stops[min(at, len(stops) - 1)]
        if expected is not None and self.position != expected:
            raise Mismatch(f"next is {self.position}, not {expected}")
        return Place(self, self.position)

    # -- steps ----------------------------------------------------------------------------------------------------

    def take(self, name: str, arguments: list[Any]) -> Any:
        """One recorded step."""
        if LOST in arguments:
            raise Refused("recording: a value that JSON cannot hold")
        snake = _CAPITAL.sub(lambda match: "_" + match[0], name).lower()
        step = getattr(self, f"step_{snake}", None)
        if step is None:
            raise Refused(f"step {name}")
        return step(*arguments)

    def step_next(self, expected: str | None = None) -> Place:
        """`next`."""
        return self.next(expected)

    def step_at_question(self) -> bool:
        """`atQuestion`."""
        return self.position not in (BEGINNING, END) and isinstance(self.item(self.position), Question)

    def step_at_the_end_of_form(self) -> bool:
        """`atTheEndOfForm`."""
        return self.position == END

    def step_jump_to_beginning_of_form(self) -> None:
        """`jumpToBeginningOfForm`."""
        self.position = BEGINNING

    def step_ref_at_index(self) -> Place:
        """`refAtIndex`."""
        return Place(self, self.position)

    def step_index_of(self, reference: str) -> Place | None:
        """`indexOf`: a position, or nothing when there is no such node."""
        try:
            self.address(reference)
        except Mismatch:
            return None
        return Place(self, reference)

    def step_answer(self, *given: Any) -> Place:
        """`answer` here, or at a reference."""
        is_here = not (isinstance(given[0], str) and given[0].startswith("/") and len(given) > 1)
        if not is_here:
            self.position = given[0]
        values = given if is_here else given[1:]
        item = self.item(self.position)
        if not isinstance(item, Question):
            raise Mismatch(f"no question at {self.position}")
        self.session.call("set", self.address(self.position), as_value(item, values))
        return Place(self, self.position)

    def step_answer_of(self, reference: str) -> Place:
        """`answerOf`."""
        if "meta" not in reference:
            self.address(reference)
        return Place(self, reference)

    def step_get_instance_node(self, reference: str) -> Place:
        """`getInstanceNode`."""
        if reference != f"/{self.root}" and "meta" not in reference:
            self.address(reference)
        return Place(self, reference)

    def step_create_new_repeat(self, where: str | dict[str, str]) -> Place:
        """`createNewRepeat` at a reference, or at the prompt where the cursor stands."""
        if isinstance(where, dict):
            where = where["assertCurrentReference"]
            if self.position != where:
                raise Mismatch(f"at {self.position}, not {where}")
        address = self.address(where)
        self.added += 1
        self.session.call("add", address, f"new-{self.added}")
        self.position = f"{where}[{len(self.session.call('rows', address))}]"
        return Place(self, self.position)

    def step_proposed_add_explicit_create_new_repeat_call_here(self, where: str, _options: Any = None) -> Place:
        """`createNewRepeat`, where the original made rows by answering in them."""
        return self.step_create_new_repeat(where)

    def step_proposed_can_create_or_remove_repeat(self, reference: str) -> bool:
        """Whether rows may be added or removed."""
        item = self.item(reference)
        try:
            address = self.address(reference)
        except Mismatch:
            return False
        return isinstance(item, Repeat) and item.count is None and bool(self.session.call("relevant", address))

    def step_remove_repeat(self, reference: str) -> None:
        """`removeRepeat` of a row."""
        address, _, row = self.address(reference).rpartition("/")
        self.session.call("remove", address, row)

    def step_count_repeat_instances_of(self, reference: str) -> int:
        """`countRepeatInstancesOf`."""
        return len(self.session.call("rows", self.address(reference)))

    def step_choices_of(self, reference: str) -> Choices:
        """`choicesOf`."""
        return Choices([(name, label) for name, label in self.session.call("choices", self.address(reference))])

    def step_proposed_get_available_option_labels(self, where: dict[str, str]) -> list[str]:
        """The labels on offer where the cursor stands."""
        return [label for _, label in self.step_choices_of(self._here(where)).found]

    def step_proposed_get_selected_option_labels_as_text(self, where: dict[str, str]) -> list[str]:
        """The labels of what is chosen where the cursor stands."""
        labels = dict(self.step_choices_of(self._here(where)).found)
        chosen = self.session.call("seen", self.address(self.position)).split()
        return [labels.get(name, name) for name in chosen]

    def _here(self, where: dict[str, str]) -> str:
        if self.position != where["assertCurrentReference"]:
            raise Mismatch(f"at {self.position}, not {where['assertCurrentReference']}")
        return self.position

    def step_get_question_label(self, where: dict[str, str]) -> str:
        """The label where the cursor stands."""
        return str(self.session.call("label", self.address(self._here(where))))

    def step_get_question_label_text(self, where: dict[str, str]) -> str:
        """The same as text."""
        return self.step_get_question_label(where)

    def step_set_language(self, name: str) -> None:
        """`setLanguage`, by the name that the form gives it."""
        if language_code(name) not in self.definition.languages:
            raise Mismatch(f"no language {name}")
        self.session.switch(language_code(name))

    def step_get_form_def(self) -> Driver:
        """The form itself."""
        return self

    def step_is_repeat_relevant(self, where: dict[str, str]) -> bool:
        """Whether a row is asked; rows that are not there are not."""
        reference = where["getRef"]
        steps = steps_of(reference)
        above = "/".join(["", self.root, *(f"{n}[{i}]" if i else n for n, i in steps[:-1]), steps[-1][0]])
        try:
            return bool(self.session.call("relevant", self.address(above)))
        except Mismatch:
            return False

    def step_get_validation_outcome(self) -> Outcome:
        """The first question that does not hold."""
        issues = self.session.call("issues")
        return Outcome(Place(self, self.reference(issues[0][1])) if issues else None)

    def reference(self, address: str) -> str:
        """The reference of an address."""
        found, path, names = f"/{self.root}", (), iter(address.split("/"))
        at = ""
        for name in names:
            path, at = (*path, name), f"{at}/{name}" if at else name
            found += f"/{name}"
            if isinstance(self.definition.find(path), Repeat) and (row := next(names, None)) is not None:
                found += f"[{self.session.call('rows', at).index(row) + 1}]"
                at += f"/{row}"
        return found

    # -- documents ------------------------------------------------------------------------------------------------

    def document(self) -> str:
        """The instance as it is sent."""
        return write_instance(self.definition, self.session.call("answers"), self.instance_id, self.deprecated_id)

    def meta(self, name: str) -> str:
        """What the document's meta block says."""
        raw = read_instance(self.definition, self.document().encode())
        return {"instanceID": raw.instance_id, "deprecatedID": raw.deprecated_id}.get(name, "")

    def step_proposed_serialize_instance(self) -> Driver:
        """The document, which is looked at when something is expected of it."""
        return self

    def step_prepare_web_forms_instance_payload(self) -> Driver:
        """The document that is sent."""
        return self

    def step_proposed_serialize_and_restore_instance_state(self) -> Driver:
        """The same answers, written as XML and read again."""
        return self._reopened(self.instance_id, "")

    def step_edit_current_instance(self) -> Driver:
        """The same answers under a new id."""
        return self._reopened(f"uuid:{uuid.uuid4()}", self.instance_id)

    def step_new_instance(self) -> Driver:
        """A further session of the form."""
        return Driver.of(self.engine, self.xml)

    def _reopened(self, instance_id: str, deprecated_id: str) -> Driver:
        raw = read_instance(self.definition, self.document().encode())
        session = Session(self.engine, self.definition, self.session.language, self.session.calls)
        session.open(raw.answers)
        again = Driver(self.engine, self.xml, self.definition, session)
        again.instance_id, again.deprecated_id = instance_id, deprecated_id
        return again

    def edit(self, document: str) -> None:
        """Begin with answers sent before."""
        self.session.open(read_instance(self.definition, document.encode()).answers)


def load(xml: str) -> FormDefinition:
    """The form of a session; Refused, with what it is called, when it is not run."""
    try:
        return load_form(xml.encode(), "form.xml").definition
    except FormError as error:
        issue = error.issues[0]
        raise Refused(f"form: {issue.code} {issue.where} {dict(issue.parameters)}") from None


def primary(xml: str) -> ET.Element:
    """The root of the primary instance."""
    found = ET.fromstring(xml).find(".//{http://www.w3.org/2002/xforms}instance")  # noqa: S314
    if found is None or not len(found):
        raise Refused("form: no instance")
    return found[0]


def steps_of(reference: str) -> list[tuple[str, int | None]]:
    """Names and places of a reference, without the root."""
    found = []
    for step in reference.strip("/").split("/")[1:]:
        match = _STEP.fullmatch(step)
        if match is None:
            raise Refused(f"reference {reference}")
        found.append((match[1], int(match[2]) if match[2] else None))
    return found


def as_value(item: Question, values: Sequence[Any]) -> Any:
    """What a step gives as the question's type takes it."""
    if len(values) > 1:
        return " ".join(str(value) for value in values)
    (value,) = values
    if isinstance(value, bool):
        return ("OK" if value else None) if item.type == "acknowledge" else "1" if value else "0"
    if isinstance(value, dict) and "latitude" in value:
        altitude = value.get("altitude", 0 if "accuracy" in value else None)
        if not any(value.values()):  # how the interface of the recording says that there is no point
            return None
        parts = [value["latitude"], value["longitude"], altitude, value.get("accuracy")]
        return " ".join(str(part) for part in parts if part is not None)
    return value
