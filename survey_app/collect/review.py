"""Every answer and every problem of an interview, in words: for the review page, and for the answers on paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from forms import FormDefinition, Group, Interview, Item, Question, Repeat, Screen, run_checks
from survey_app.collect import pages, service
from survey_app.collect.posted import question_at
from survey_app.models import Draft
from survey_app.questionnaires import service as questionnaires


@dataclass(frozen=True, slots=True)
class Line:
    """One answer on the review page or in the PDF."""

    address: str
    screen: str
    label: str
    answer: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Answers that belong together: a group, or one row of a repeat."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A screen's answers."""

    title: str
    screen: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at before sending. grade: error, note, reason or stop."""

    address: str
    screen: str
    label: str
    message: str
    grade: str
    name: str = ""  # of a soft check, under which its reason is kept


def findings(draft: Draft, interview: Interview) -> list[Finding]:
    """Every problem of the interview in the order of the form: broken rules, then soft checks."""
    definition = questionnaires.definition(draft.form_version_id)
    found = [
        Finding(where, service.screen_of(definition, where), label_of(draft, interview, where), message, "error")
        for where, messages in pages.problems_of(interview.issues(), interview.language).items()
        for message in messages
    ]
    return [*found, *_checks(draft, definition, interview)]


def _checks(draft: Draft, definition: FormDefinition, interview: Interview) -> Iterator[Finding]:
    for result in run_checks(interview):
        if not result.holds:
            where, message = result.address, dict(result.message)
            words = message.get(interview.language) or next(iter(message.values()), "")
            yield Finding(
                where,
                service.screen_of(definition, where),
                label_of(draft, interview, where),
                words,
                result.grade,
                result.name,
            )


def label_of(draft: Draft, interview: Interview, address: str) -> str:
    """A question's label as plain words."""
    definition = questionnaires.definition(draft.form_version_id)
    question = question_at(definition, address)
    if question is None:
        return address
    return (
        str(pages.text_html(service.drawing_of(draft, interview), question.label, address).striptags()) or question.name
    )


def answers_of(draft: Draft, interview: Interview, problems: Mapping[str, str] | None = None) -> list[Part]:
    """Every answer, screen by screen; parts of one section (one question a screen) stand together."""
    definition = questionnaires.definition(draft.form_version_id)
    drawing = service.drawing_of(draft, interview)
    parts: list[Part] = []
    for screen in service.shown_screens(definition, interview):
        blocks = [
            Block(title, tuple(lines))
            for title, lines in _blocks(drawing, interview, screen, screen.items, None, "", problems or {})
            if lines
        ]
        title = pages.heading(drawing, screen)[0]
        if parts and parts[-1].title == str(title):
            blocks = [*parts.pop().blocks, *blocks] if parts[-1].screen else blocks
        parts.append(Part(str(title), screen.name, tuple(blocks)))
    return parts


def _blocks(
    drawing: pages.Drawing,
    interview: Interview,
    screen: Screen,
    items: Sequence[Item],
    parent: str | None,
    title: str,
    problems: Mapping[str, str],
) -> Iterator[tuple[str, list[Line]]]:
    lines: list[Line] = []
    for item in items:
        address = "/".join(item.path) if parent is None else f"{parent}/{item.name}"
        if not interview.is_relevant(address):
            continue
        if isinstance(item, Question):
            line = _line(drawing, screen, item, address, problems)
            lines += [line] if line else []
            continue
        yield title, lines
        lines = []
        yield from _inner(drawing, interview, screen, item, address, parent is None, problems)
    yield title, lines


def _inner(
    drawing: pages.Drawing,
    interview: Interview,
    screen: Screen,
    item: Group,
    address: str,
    is_top: bool,
    problems: Mapping[str, str],
) -> Iterator[tuple[str, list[Line]]]:
    name = str(pages.text_html(drawing, item.label, address).striptags())
    if not isinstance(item, Repeat):
        yield from _blocks(drawing, interview, screen, item.children, address, "" if is_top else name, problems)
        return
    for number, row in enumerate(interview.rows(address), 1):
        words = pages.row_title(drawing, item, f"{address}/{row}")
        title = f"{name} – {number}{': ' + words if words else ''}"
        yield from _blocks(drawing, interview, screen, item.children, f"{address}/{row}", title, problems)


def _line(
    drawing: pages.Drawing, screen: Screen, question: Question, address: str, problems: Mapping[str, str]
) -> Line | None:
    is_heading = question.type.startswith("select") and "label" in question.appearance.split()
    if is_heading or pages.TEMPLATES.get(question.type, "text") in ("nothing", "note"):
        return None
    words = pages.answer_words(drawing, question, address)
    if not words and _is_offered(drawing, question):
        return None
    label = str(pages.text_html(drawing, question.label, address).striptags())
    return Line(
        address,
        screen.name,
        label or question.name,
        words,
        problems.get(address, ""),
    )


def _is_offered(drawing: pages.Drawing, question: Question) -> bool:
    """True for a photo offered under a figure: nobody was asked for it."""
    definition = drawing.interview.definition if drawing.interview else None
    return definition is not None and any(one.evidence == question.name for one in definition.questions())


__all__ = ["Block", "Finding", "Line", "Part", "answers_of", "findings", "label_of"]
