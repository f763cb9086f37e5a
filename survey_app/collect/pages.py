"""Draws a form: each question by the template of its type, the same for the page without JavaScript and the app.

Hides how answers, relevance and choices become what a template needs. With an interview the page holds the answers
and only what is asked ("plain"); without one it holds every question once, empty, for the client to bind ("app").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from babel.messages.pofile import read_po
from flask import render_template
from markupsafe import Markup

from forms import (
    Call,
    Choice,
    Expression,
    FormDefinition,
    Group,
    Interview,
    Item,
    Literal,
    Question,
    Repeat,
    Screen,
    Text,
    Value,
    read_number,
)
from survey_app.collect import rich
from survey_app.languages import DEFAULT_LANGUAGE, FOLDER, translate, translate_issue

# Longer lists are filled by the client from the bundle: options, not questions, are what costs a phone.
LONGEST_DRAWN_LIST = 50
ROW_MARK = "__row__"

# Question type -> template in templates/collect/questions/. "nothing" draws no control: the value is not for people.
TEMPLATES: Mapping[str, str] = {
    "text": "text",
    "barcode": "barcode",
    "integer": "number",
    "decimal": "number",
    "range": "range",
    "date": "date",
    "time": "time",
    "dateTime": "datetime",
    "select_one": "select_one",
    "select_multiple": "select_multiple",
    "rank": "rank",
    "note": "note",
    "acknowledge": "acknowledge",
    "geopoint": "geopoint",
    "geotrace": "geotrace",
    "geoshape": "geotrace",
    "image": "image",
    "audio": "media",
    "video": "media",
    "file": "media",
    "calculate": "nothing",
    "hidden": "nothing",
    "start-geopoint": "nothing",
    "start": "nothing",
    "end": "nothing",
    "today": "nothing",
    "deviceid": "nothing",
    "username": "nothing",
    "email": "nothing",
    "phonenumber": "nothing",
}
NUMBERS = frozenset({"integer", "decimal", "range"})
# Behind a number that can be read in two ways, so that it stays as typed and is flagged until somebody chooses.
UNSURE = " ?"
TWO_WAYS = "This can be read in two ways. Please choose one:"
SELECTS = frozenset({"select_one", "select_multiple", "rank"})


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """One choice as a template needs it."""

    name: str
    label: Markup
    is_chosen: bool = False
    is_exclusive: bool = False
    position: int = 0  # in a ranking: 1 is first, 0 is not placed


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question as its template needs it."""

    template: str
    type: str
    path: str
    address: str
    label: Markup
    label_is_filled: bool  # the label holds answers: the client fills it
    hint: Markup
    guidance: Markup
    unit: str
    unit_is_filled: bool
    value: str
    shown: str  # the value as a person would type it
    echo: str
    is_required: bool
    may_be_required: bool
    is_read_only: bool
    is_conditional: bool
    appearance: frozenset[str]
    parameters: Mapping[str, str]
    choices: tuple[ChoiceView, ...]
    list_name: str
    is_long_list: bool
    errors: tuple[str, ...]
    readings: tuple[tuple[str, str], ...]  # a number that can be read in two ways: each as a value and in words
    media: Mapping[str, str]
    keyboard: str
    autocomplete: str
    evidence: QuestionView | None = None
    kind: str = "question"

    @property
    def described_by(self) -> str:
        """Ids of what explains the control: hint, unit, error."""
        ids = [f"H-{self.address}"] if self.hint else []
        ids += [f"U-{self.address}"] if self.unit or self.unit_is_filled else []
        return " ".join([*ids, f"E-{self.address}"])

    @property
    def rules(self) -> Markup:
        """Attributes that say what explains the control and what is asked of it."""
        flags = {" aria-required": self.is_required, " aria-invalid": bool(self.errors)}
        spoken = Markup("").join(Markup('{}="true"').format(name) for name, holds in flags.items() if holds)
        read_only = Markup(" readonly" if self.is_read_only else "")  # noqa: S704
        return Markup(' aria-describedby="{}"').format(self.described_by) + spoken + read_only

    @property
    def control(self) -> Markup:
        """Attributes of the one control of a question."""
        return Markup(' id="Q-{0}" name="{0}"').format(self.address) + self.rules

    @property
    def columns(self) -> str:
        """CSS class for the appearance of a list of choices."""
        tokens = self.appearance
        number = next((t.removeprefix("columns-") for t in sorted(tokens) if t.startswith("columns-")), "")
        names = {"likert", "list-nolabel", "label", "columns-pack", "horizontal", "no-buttons"} & tokens
        if number.isdigit():
            names |= {f"columns-{min(int(number), 6)}"}
        elif "columns" in tokens:
            names |= {"columns-2"}
        return " ".join(sorted(names))


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group inside a screen, or one row of a repeat (`row_id`)."""

    path: str
    address: str
    label: Markup
    children: tuple[NodeView, ...]
    appearance: frozenset[str] = frozenset()
    row_id: str = ""
    row_title: str = ""
    row_number: int = 0
    is_conditional: bool = False
    kind: str = "group"


@dataclass(frozen=True, slots=True)
class RepeatView:
    """A repeat: its rows, and the empty row the client clones."""

    path: str
    address: str
    label: Markup
    rows: tuple[GroupView, ...]
    blank: GroupView | None
    is_counted: bool  # the number of rows follows from answers: nobody adds or removes
    is_conditional: bool = False
    kind: str = "repeat"


NodeView = QuestionView | GroupView | RepeatView


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn and how: the form, its language, and the interview when answers go into the page."""

    definition: FormDefinition
    language: str
    interview: Interview | None
    is_self_completed: bool = False
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)


def draw_screen(drawing: Drawing, screen: Screen, *, heading_id: str) -> Markup:
    """One screen's HTML: `<section class="screen" data-screen=...>`."""
    group = screen.items[0] if len(screen.items) == 1 else None
    whole = group if isinstance(group, Group) and not isinstance(group, Repeat) else None
    parent = "/".join(whole.path) if whole else None
    title, is_repeated = heading(drawing, screen)
    return Markup(  # noqa: S704
        render_template(
            "collect/screen.html",
            screen=screen,
            heading_id=heading_id,
            group=parent,
            title=title,
            nodes=nodes_of(drawing, whole.children if whole else screen.items, parent),
            hides_heading=is_repeated,
            in_app=drawing.interview is None,
        )
    )


def heading(drawing: Drawing, screen: Screen) -> tuple[Markup, bool]:
    """A screen's heading, and whether it only repeats what the screen's one question says itself.

    A question that has a screen of its own stands under the name of its section.
    """
    item = screen.items[0]
    if isinstance(item, Question) and len(item.path) > 1:
        section = drawing.definition.find(item.path[:-1])
        if section is not None and section.label:
            return text_html(drawing, section.label, "/".join(item.path[:-1])), False
    address = "/".join(item.path) if not isinstance(item, Question) else ""
    label = screen.label or drawing.definition.title
    is_repeated = isinstance(item, Repeat) or (isinstance(item, Question) and bool(screen.label))
    return text_html(drawing, label, address), is_repeated


def nodes_of(drawing: Drawing, items: Iterable[Item], parent: str | None = None) -> tuple[NodeView, ...]:
    """What to draw of these items, in order; a photo offered as evidence stands under its number."""
    items = tuple(items)
    evidence = {item.evidence for item in items if isinstance(item, Question) and item.evidence}
    photos = {item.name: item for item in items if isinstance(item, Question) and item.name in evidence}
    nodes: list[NodeView] = []
    for item in items:
        address = "/".join(item.path) if parent is None else f"{parent}/{item.name}"
        if item.name in photos and isinstance(item, Question):
            continue
        if drawing.interview is not None and not drawing.interview.is_relevant(address):
            continue
        node = _node(drawing, item, address)
        if isinstance(node, QuestionView) and isinstance(item, Question) and item.evidence in photos:
            node = replace(node, evidence=_evidence(drawing, photos[item.evidence], address))
        if node is not None:
            nodes.append(node)
    return tuple(nodes)


def _evidence(drawing: Drawing, photo: Question, beside: str) -> QuestionView | None:
    address = f"{beside.rpartition('/')[0]}/{photo.name}".lstrip("/")
    if drawing.interview is not None and not drawing.interview.is_relevant(address):
        return None
    return _question(drawing, photo, address)


def _node(drawing: Drawing, item: Item, address: str) -> NodeView | None:
    if isinstance(item, Question):
        view = _question(drawing, item, address)
        return None if view.template == "nothing" else view
    if isinstance(item, Repeat):
        return _repeat(drawing, item, address)
    children = nodes_of(drawing, item.children, address)
    return _group(drawing, item, address, children) if children else None


def _group(drawing: Drawing, item: Group, address: str, children: tuple[NodeView, ...]) -> GroupView:
    return GroupView(
        path="/".join(item.path),
        address=address,
        label=text_html(drawing, item.label, address),
        children=children,
        appearance=frozenset(item.appearance.split()),
        is_conditional=item.relevant is not None,
    )


def _repeat(drawing: Drawing, item: Repeat, address: str) -> RepeatView:
    rows: list[GroupView] = []
    if drawing.interview is not None:
        for number, row_id in enumerate(drawing.interview.rows(address), 1):
            rows.append(_row(drawing, item, f"{address}/{row_id}", row_id, number))
    blank = _row(drawing, item, f"{address}/{ROW_MARK}", ROW_MARK, 0) if drawing.interview is None else None
    return RepeatView(
        path="/".join(item.path),
        address=address,
        label=text_html(drawing, item.label, address),
        rows=tuple(rows),
        blank=blank,
        is_counted=item.count is not None,
        is_conditional=item.relevant is not None,
    )


def _row(drawing: Drawing, item: Repeat, address: str, row_id: str, number: int) -> GroupView:
    view = _group(drawing, item, address, nodes_of(drawing, item.children, address))
    return replace(view, row_id=row_id, row_number=number, row_title=row_title(drawing, item, address))


def row_title(drawing: Drawing, item: Repeat, address: str) -> str:
    """What a row is called: its first answer in words, "" while it has none."""
    if drawing.interview is None:
        return ""
    for child in item.children:
        if isinstance(child, Question):
            words = answer_words(drawing, child, f"{address}/{child.name}")
            if words:
                return words[:80]
    return ""


def _question(drawing: Drawing, question: Question, address: str) -> QuestionView:
    interview, appearance = drawing.interview, frozenset(question.appearance.split())
    template = TEMPLATES.get(question.type, "text")
    value = interview.value(address) if interview else None
    choices, is_long = _choices(drawing, question, address, value) if template in SELECTS else ((), False)
    return QuestionView(
        template=template,
        type=question.type,
        path="/".join(question.path),
        address=address,
        label=text_html(drawing, question.label, address),
        label_is_filled=not interview and _is_filled(question.label),
        hint=text_html(drawing, question.hint, address),
        guidance=text_html(drawing, question.guidance, address),
        unit=_unit(drawing, question, address),
        unit_is_filled=not interview and question.unit_expression is not None,
        value="" if value is None else plain_number(value),
        shown=shown_value(question, value),
        echo=_echo(drawing, question, value, address),
        is_required=_is_required(drawing, question, address),
        may_be_required=question.required is not None,
        is_read_only=_is_read_only(drawing, question, address),
        is_conditional=question.relevant is not None,
        appearance=appearance,
        parameters=question.parameters,
        choices=choices,
        list_name=question.choices or "",
        is_long_list=is_long,
        errors=tuple(drawing.problems.get(address, ())),
        readings=_readings(drawing, question, value),
        media={kind: text.plain(drawing.language) for kind, text in question.media.items()},
        keyboard=_keyboard(question, appearance),
        autocomplete=_autocomplete(drawing, question),
    )


# Texts ----------------------------------------------------------------------------------------------------------


def text_of_form(drawing: Drawing, text: Text, address: str) -> str:
    """A text of the form with its references filled in, as Markdown source."""
    if not text:
        return ""
    if drawing.interview is not None and _is_filled(text):
        return drawing.interview.text(text, address)
    return text.plain(drawing.language)


def text_html(drawing: Drawing, text: Text, address: str) -> Markup:
    """A text of the form as safe HTML."""
    return rich.inline(text_of_form(drawing, text, address))


def _is_filled(text: Text) -> bool:
    return any(not isinstance(part, str) for parts in text.by_language.values() for part in parts)


def _unit(drawing: Drawing, question: Question, address: str) -> str:
    if drawing.interview is not None:
        return drawing.interview.unit(address)
    return question.unit.plain(drawing.language)


def is_always(expression: Expression | None) -> bool:
    """True for a rule that holds whatever was answered: true()."""
    return expression == Call("true") or (isinstance(expression, Literal) and bool(expression.value))


def _is_required(drawing: Drawing, question: Question, address: str) -> bool:
    return drawing.interview.is_required(address) if drawing.interview else is_always(question.required)


def _is_read_only(drawing: Drawing, question: Question, address: str) -> bool:
    return drawing.interview.is_read_only(address) if drawing.interview else is_always(question.read_only)


def _keyboard(question: Question, appearance: frozenset[str]) -> str:
    """The on-screen keyboard that fits: an inputmode."""
    if question.type in ("integer", "range"):
        return "numeric"
    if question.type == "decimal":
        return "decimal"
    last = question.name.rpartition("_")[2].lower()
    if {"tel", "phone"} & appearance or last in ("phone", "tel", "telephone", "mobile"):
        return "tel"
    if last in ("email", "mail") or "email" in appearance:
        return "email"
    if "url" in appearance:
        return "url"
    return "numeric" if "numbers" in appearance else ""


def _autocomplete(drawing: Drawing, question: Question) -> str:
    """What a browser may offer: a respondent's own details, never another person's on an assessor's phone."""
    if not (drawing.is_self_completed and question.is_personal):
        return "off"
    last = question.name.rpartition("_")[2].lower()
    known = {
        "name": "name",
        "email": "email",
        "phone": "tel",
        "role": "organization-title",
        "position": "organization-title",
    }
    return known.get(last, "on")


# Values ---------------------------------------------------------------------------------------------------------


def plain_number(value: Value) -> str:
    """A value as text with a decimal point and without an exponent; what forms and files carry."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(value, ".15g")
    return "" if value is None else str(value)


def shown_value(question: Question, value: Value) -> str:
    """A value as people type it: a decimal comma, no zone behind a date and time."""
    text = plain_number(value)
    if question.type in NUMBERS and isinstance(value, (int, float)):
        return text.replace(".", ",")
    if question.type in NUMBERS:
        return text.removesuffix(UNSURE)
    if TEMPLATES.get(question.type) == "datetime":
        return text[:16]
    if question.type == "time":
        return text[:5]
    return text


def number_words(value: float, language: str) -> str:
    """1234.5 as "1.234,5" in Vietnamese."""
    from babel.numbers import format_decimal

    from survey_app.languages import locale_of

    return str(format_decimal(value, format="#,##0.######", locale=locale_of(language)))


def _readings(drawing: Drawing, question: Question, value: Value) -> tuple[tuple[str, str], ...]:
    """The two numbers that what was typed may mean; none where it is clear."""
    if question.type not in NUMBERS or not isinstance(value, str):
        return ()
    candidates = read_number(value.removesuffix(UNSURE), drawing.language).candidates
    return tuple((str(number), number_words(float(number), drawing.language)) for number in candidates)


def _echo(drawing: Drawing, question: Question, value: Value, address: str) -> str:
    if not isinstance(value, (int, float)) or question.type not in ("integer", "decimal") or _is_year(question):
        return ""
    return f"= {number_words(value, drawing.language)} {_unit(drawing, question, address)}".strip()


def _is_year(question: Question) -> bool:
    """True for a number that names a year: it is never grouped and needs no unit behind it."""
    return "year" in question.appearance.split()


def answer_words(drawing: Drawing, question: Question, address: str) -> str:
    """An answer in words: labels of choices, numbers with their unit, days as dd/mm/yyyy; "" for none."""
    interview = drawing.interview
    value = interview.value(address) if interview else None
    if interview is None or value is None or value == "":
        return ""
    template = TEMPLATES.get(question.type, "text")
    if template in SELECTS:
        names = str(value).split() if template != "select_one" else [str(value)]
        labels = {c.name: c.label.plain(drawing.language) for c in _all_choices(drawing, question)}
        return "; ".join(labels.get(name, name) for name in names)
    if isinstance(value, (int, float)) and _is_year(question):
        return plain_number(value)
    if isinstance(value, (int, float)):
        return f"{number_words(value, drawing.language)} {_unit(drawing, question, address)}".strip()
    if template == "date" and len(str(value)) == 10:
        year, month, day = str(value).split("-")
        return f"{day}/{month}/{year}"
    return str(value)


# Choices --------------------------------------------------------------------------------------------------------


def _all_choices(drawing: Drawing, question: Question) -> Sequence[Choice]:
    found = drawing.definition.choice_lists.get(question.choices or "")
    return found.choices if found else ()


def _choices(drawing: Drawing, question: Question, address: str, value: Value) -> tuple[tuple[ChoiceView, ...], bool]:
    everything = _all_choices(drawing, question)
    is_long = len(everything) > LONGEST_DRAWN_LIST or (not everything and bool(question.choices))
    if drawing.interview is None and is_long and question.type != "rank":
        return (), True
    offered = drawing.interview.choices(address) if drawing.interview else everything
    chosen = [str(value)] if question.type.startswith("select_one") else str(value or "").split()
    return tuple(_choice(drawing, choice, chosen) for choice in offered), is_long


def _choice(drawing: Drawing, choice: Choice, chosen: list[str]) -> ChoiceView:
    return ChoiceView(
        name=choice.name,
        label=rich.inline(choice.label.plain(drawing.language)),
        is_chosen=choice.name in chosen,
        position=chosen.index(choice.name) + 1 if choice.name in chosen else 0,
        is_exclusive=choice.extra.get("exclusive", "").lower() in ("yes", "true", "1"),
    )


# The page around the questions ----------------------------------------------------------------------------------


@cache
def _client_messages() -> tuple[str, ...]:
    file = FOLDER / DEFAULT_LANGUAGE / "client.po"
    if not file.exists():
        return ()
    with file.open("rb") as source:
        return tuple(str(message.id) for message in read_po(source) if message.id)


def client_texts(language: str) -> dict[str, str]:
    """msgid -> text of everything the client says, for the island the page carries."""
    return {message: translate(message, language) for message in _client_messages()}


def problems_of(issues: Iterable[Any], language: str) -> dict[str, list[str]]:
    """Issues of an interview by the address of their question, in words."""
    found: dict[str, list[str]] = {}
    for issue in issues:
        is_unsure = issue.code == "wrong_type" and str(issue.parameters.get("value", "")).endswith(UNSURE)
        words = translate(TWO_WAYS, language) if is_unsure else translate_issue(issue, language)
        found.setdefault(issue.where, []).append(words)
    return found
