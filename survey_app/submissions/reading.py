"""A submission as people read it: its answers section by section with labels, units, problems and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from forms import TYPES, Interview, Item, Kind, Question, Repeat, Value
from survey_app.languages import current_language, format_day, format_number, gettext


@dataclass(frozen=True, slots=True)
class Line:
    """One question with its answer; `hidden` when the reader may not see personal answers."""

    address: str
    label: str
    answer: str
    unit: str = ""
    hidden: bool = False
    file: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """An issue at an answer, in the reader's language."""

    severity: str
    message: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Answers under one heading; `level` says how deep it stands (2 for a section of the form)."""

    heading: str
    level: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer that two revisions give differently."""

    label: str
    before: str
    after: str
    hidden: bool = False


@dataclass(slots=True)
class _Reader:
    interview: Interview
    sees_personal: bool
    problems: Mapping[str, Sequence[Problem]]
    found: list[Section] = field(default_factory=list)

    def read(self, heading: str, level: int, items: Sequence[Item], prefix: str) -> None:
        lines = [
            self.line(item, prefix + item.name)
            for item in items
            if isinstance(item, Question) and self.is_shown(item, prefix + item.name)
        ]
        place = len(self.found)
        for item in items:
            if not isinstance(item, Question) and self.interview.is_relevant(prefix + item.name):
                self.read_group(item, level, prefix + item.name)
        if lines:
            self.found.insert(place, Section(heading, level, tuple(lines)))

    def read_group(self, item: Item, level: int, address: str) -> None:
        if isinstance(item, Question):
            return
        heading = self.interview.text(item.label, address) or item.name
        below = min(level + 1, 4)
        if not isinstance(item, Repeat):
            self.read(heading, below, item.children, f"{address}/")
            return
        for number, row in enumerate(self.interview.rows(address), 1):
            self.read(f"{heading} {number}", below, item.children, f"{address}/{row}/")

    def is_shown(self, question: Question, address: str) -> bool:
        kind = TYPES[question.type].kind
        if kind is Kind.NOTE or not self.interview.is_relevant(address):
            return False
        if kind is Kind.FILE and self.figure_of(question) is not None:
            return self.interview.value(address) is not None  # a photo offered under a figure, and taken
        return bool(question.label) or kind not in (Kind.CALCULATE, Kind.METADATA)

    def label(self, question: Question, address: str) -> str:
        """The question's words; for a photo under a figure, the figure's."""
        figure = self.figure_of(question)
        if figure is None or (question.label and question.label != figure.label):
            return self.interview.text(question.label, address) or question.name
        return gettext("Photo: {figure}", figure=self.interview.text(figure.label, address))

    def figure_of(self, question: Question) -> Question | None:
        """The figure under which this photo is offered, None for any other question."""
        return next((one for one in self.interview.definition.questions() if one.evidence == question.name), None)

    def line(self, question: Question, address: str) -> Line:
        value = self.interview.value(address)
        hidden = question.is_personal and not self.sees_personal and value is not None
        is_file = TYPES[question.type].kind is Kind.FILE and isinstance(value, str)
        return Line(
            address,
            self.label(question, address),
            "" if hidden else shown(self.interview, question, value),
            self.interview.unit(address) if value is not None and "year" not in question.appearance.split() else "",
            hidden,
            str(value) if is_file and not hidden else "",
            tuple(self.problems.get(address, ())),
        )


def sections(
    interview: Interview, sees_personal: bool, problems: Mapping[str, Sequence[Problem]] | None = None
) -> list[Section]:
    """Every answer asked for, in the form's order."""
    reader = _Reader(interview, sees_personal, problems or {})
    definition = interview.definition
    reader.read(definition.title.plain(current_language()), 2, definition.items, "")
    return [Section(s.heading, max(2, s.level - 1), s.lines) for s in reader.found]


def shown(interview: Interview, question: Question, value: Value) -> str:
    """An answer in words: labels of choices, numbers and days as people write them."""
    if value is None:
        return ""
    kind = TYPES[question.type].kind
    if kind in (Kind.CHOICE, Kind.CHOICES, Kind.RANK):
        names = [str(value)] if kind is Kind.CHOICE else str(value).split()
        path = "/".join(question.path)
        return ", ".join(interview.choice_label(path, name) or name for name in names)
    if isinstance(value, (int, float)):
        return str(value) if "year" in question.appearance.split() else format_number(value)
    if kind is Kind.POINT:
        return place_in_words(value)
    if kind is Kind.DATE:
        try:
            return format_day(date.fromisoformat(value))
        except ValueError:
            return value
    return value


def place_in_words(value: str) -> str:
    """A point as people read it out: latitude, longitude, and how exact it is; text that is no point as it came."""
    parts = value.split()
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return value
    if not 2 <= len(numbers) <= 4:
        return value
    found = gettext(
        "latitude {latitude}, longitude {longitude}",
        latitude=format_number(numbers[0], 5), longitude=format_number(numbers[1], 5),
    )
    if len(numbers) < 4 or not numbers[3]:
        return found
    return f"{found} ({gettext('within {metres} m', metres=format_number(round(numbers[3]), 0))})"


def differences(before: Interview, after: Interview, sees_personal: bool) -> list[Difference]:
    """What the newer revision answers differently, in the form's order; rows are told apart by their id."""
    old, new = dict(_answers(before)), dict(_answers(after))
    found = []
    for address in [*new, *(address for address in old if address not in new)]:
        (question, was), (_, now) = old.get(address) or (new[address][0], None), new.get(address) or (None, None)
        if was == now or TYPES[question.type].kind in (Kind.NOTE, Kind.CALCULATE, Kind.METADATA):
            continue
        interview = after if address in new else before
        label = interview.text(question.label, address) or question.name
        hidden = question.is_personal and not sees_personal
        texts = ("", "") if hidden else (shown(before, question, was), shown(after, question, now))
        found.append(Difference(label, *texts, hidden))
    return found


def _answers(interview: Interview) -> Iterator[tuple[str, tuple[Question, Value]]]:
    yield from _below(interview, interview.definition.items, interview.answers, "")


def _below(
    interview: Interview, items: Sequence[Item], answers: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, tuple[Question, Value]]]:
    for item in items:
        if item.name not in answers:
            continue
        value, address = answers[item.name], prefix + item.name
        if isinstance(item, Question):
            yield address, (item, value)
        elif isinstance(item, Repeat):
            for row in value:
                yield from _below(interview, item.children, row, f"{address}/{row['_id']}/")
        else:
            yield from _below(interview, item.children, value, f"{address}/")


def personal_files(interview: Interview) -> frozenset[str]:
    """File names given to questions marked personal: nobody without the right may open them."""
    return frozenset(
        str(value)
        for _address, (question, value) in _answers(interview)
        if question.is_personal and TYPES[question.type].kind is Kind.FILE and value
    )
