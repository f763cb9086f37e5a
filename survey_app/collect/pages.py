"""Draws a form: each question by the template of its type, the same for the page without JavaScript and the app.

Hides how answers, relevance and choices become what a template needs. With an interview the page holds the answers
and only what is asked ("plain"); without one it holds every question once, empty, for the client to bind ("app").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import quote

from babel.messages.pofile import read_po
from flask import render_template
from markupsafe import Markup

from forms import Choice, FormDefinition, Group, Item, Question, Repeat, Screen, Value
from survey_app.collect import shown
from survey_app.collect.drawing import Drawing, is_always, media_of, note_html, text_html
from survey_app.collect.shown import CHOOSING, UNSURE, answer_words, plain_number, shown_value
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
_RICH = frozenset({"map", "image-map", "maps", "placement-map", "draw", "annotate", "signature"})
TWO_WAYS = "This can be read in two ways. Please choose one:"


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """One choice as a template needs it."""

    name: str
    label: Markup
    is_chosen: bool = False
    is_exclusive: bool = False
    position: int = 0  # in a ranking: 1 is first, 0 is not placed
    media: Mapping[str, str] = field(default_factory=dict)  # image, audio, video -> address of the file


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question as its template needs it."""

    template: str
    type: str
    path: str
    address: str
    look: str  # which of its type's ways to ask; "" where there is one
    label: Markup
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
    parts: tuple[tuple[str, str], ...]  # of a date asked for by day, month and year: each with its value
    file_url: str  # where the file it names can be seen
    width: str  # CSS class: its share of a row
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
        """CSS classes for the appearance of a list of choices."""
        tokens = self.appearance
        names = {"likert", "list-nolabel", "list", "no-buttons", "vertical"} & tokens
        numbered = [t.rpartition("-")[2] for t in sorted(tokens) if t.startswith(("columns-", "compact-"))]
        number = next((number for number in numbered if number.isdigit()), "")
        if number:
            names |= {f"columns-{min(max(int(number), 1), 10)}"}
        elif {"columns-pack", "horizontal", "compact", "quickcompact"} & tokens:
            names |= {"columns-pack"}
        elif "columns" in tokens:
            names |= {"columns"}
        return " ".join(sorted(names))

    @property
    def has_search(self) -> bool:
        """True when the author asks for a field to search in the choices."""
        return bool({"autocomplete", "search"} & self.appearance)

    @property
    def has_map(self) -> bool:
        """True for a place that is set or shown on a map."""
        return self.type in ("geotrace", "geoshape") or bool({"maps", "placement-map"} & self.appearance)

    @property
    def chosen_words(self) -> str:
        """The labels of what is chosen, for a list that folds away."""
        return "; ".join(str(choice.label.striptags()) for choice in self.choices if choice.is_chosen)


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group inside a screen, or one row of a repeat (`row_id`)."""

    path: str
    address: str
    label: Markup
    children: tuple[NodeView, ...]
    appearance: frozenset[str] = frozenset()
    headings: tuple[Markup, ...] = ()  # of a table of choices, whose questions draw them no more
    width: str = ""
    media: Mapping[str, str] = field(default_factory=dict)
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
    media: Mapping[str, str] = field(default_factory=dict)
    kind: str = "repeat"


NodeView = QuestionView | GroupView | RepeatView


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
            media=media_of(drawing, whole.media) if whole else {},
            nodes=nodes_of(drawing, whole.children if whole else screen.items, parent),
            hides_heading=is_repeated,
            in_app=drawing.interview is None,
            has_grid=drawing.has_grid,
            headings=_headings(drawing, whole.children) if whole else (),
            appearance=frozenset(whole.appearance.split()) if whole else frozenset(),
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
    address = "/".join(item.path)
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
        headings=_headings(drawing, item.children),
        width=_width(item.appearance, "full"),
        media=media_of(drawing, item.media),
        is_conditional=item.relevant is not None,
    )


def _headings(drawing: Drawing, items: Iterable[Item]) -> tuple[Markup, ...]:
    """The choices over a table of questions, where no question of the appearance "label" draws them."""
    asked = [item for item in items if isinstance(item, Question) and item.choices]
    rows = [item for item in asked if "list-nolabel" in item.appearance.split()]
    if not rows or any("label" in item.appearance.split() for item in asked):
        return ()
    address = "/".join(rows[0].path)
    choices = shown.all_choices(drawing, rows[0], address)
    return tuple(text_html(drawing, choice.label, address, f"choice:{choice.name}") for choice in choices)


def _width(appearance: str, otherwise: str) -> str:
    """The class of a share of the row: w1 to w12."""
    widths = (token for token in appearance.split() if token[:1] == "w" and token[1:].isdigit())
    return next((f"w{min(max(int(token[1:]), 1), 12)}" for token in widths), otherwise)


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
        media=media_of(drawing, item.media),
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
    choices, is_long = _choices(drawing, question, address, value)
    text = plain_number(value)
    is_note = template == "note"
    return QuestionView(
        template=template,
        type=question.type,
        path="/".join(question.path),
        address=address,
        look=_look(question, appearance, is_long),
        label=note_html(drawing, question.label, address) if is_note else text_html(drawing, question.label, address),
        hint=text_html(drawing, question.hint, address, "hint"),
        guidance=text_html(drawing, question.guidance, address, "guidance"),
        unit=shown.unit_of(drawing, question, address),
        unit_is_filled=not interview and question.unit_expression is not None,
        value=text,
        shown=shown_value(question, value),
        echo=shown.echo(drawing, question, value, address),
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
        readings=shown.readings(drawing, question, value),
        media=media_of(drawing, question.media),
        keyboard=_keyboard(question, appearance),
        autocomplete=_autocomplete(drawing, question),
        parts=shown.date_parts(question, text) if shown.is_in_parts(question) else (),
        file_url=f"{drawing.files_url}{quote(text)}" if text and drawing.files_url else "",
        width=_width(question.appearance, "full" if is_note else ""),
    )


def _look(question: Question, appearance: frozenset[str], is_long: bool) -> str:
    """Which of a type's ways to ask: its template draws each."""
    if question.type in ("select_one", "select_multiple"):
        if "label" in appearance:
            return "headings"
        folds = bool({"minimal", "spinner"} & appearance)
        if question.type == "select_multiple":
            return "folded" if folds else "buttons"
        return "list" if is_long or folds or {"autocomplete", "search"} & appearance else "buttons"
    if question.type == "range":
        return _range_look(question, appearance)
    return "parts" if shown.is_in_parts(question) else ""


def _range_look(question: Question, appearance: frozenset[str]) -> str:
    steps = len(shown.steps_of(question))
    if "picker" in appearance and steps:
        return "list"
    if "rating" in appearance and 0 < steps <= shown.FEW_STEPS:
        return "rating"
    return "buttons" if 0 < steps <= shown.FEW_STEPS and "no-ticks" not in appearance else "number"


# Texts ----------------------------------------------------------------------------------------------------------


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


# Choices --------------------------------------------------------------------------------------------------------


def _choices(drawing: Drawing, question: Question, address: str, value: Value) -> tuple[tuple[ChoiceView, ...], bool]:
    """What to draw of a question's choices, and whether the list is one that the client fills."""
    if question.type == "range":
        return _steps(drawing, question, value), False
    if question.type not in CHOOSING:
        return (), False
    listed = drawing.definition.choice_lists.get(question.choices or "")
    is_long = listed is None or len(listed.choices) > LONGEST_DRAWN_LIST
    if drawing.interview is None and is_long and question.type != "rank":
        return (), True
    every = listed.choices if listed else ()
    offered = drawing.interview.choices(address) if drawing.interview else every
    chosen = [str(value)] if question.type == "select_one" else str(value or "").split()
    return tuple(_choice(drawing, choice, chosen, address) for choice in offered), is_long


def _steps(drawing: Drawing, question: Question, value: Value) -> tuple[ChoiceView, ...]:
    """The steps of a range as choices; the author may name some of them (parameter tick_labelset)."""
    named = drawing.definition.choice_lists.get(question.parameters.get("tick_labelset", ""))
    names = {choice.name: choice.label.plain(drawing.language) for choice in named.choices} if named else {}
    text = plain_number(value)
    return tuple(_step(step, names.get(step, ""), step == text, drawing.language) for step in shown.steps_of(question))


def _step(step: str, name: str, is_chosen: bool, language: str) -> ChoiceView:
    number = step.replace(".", ",") if language == "vi" else step
    label = Markup('{} <span class="step-name">{}</span>').format(number, name) if name else Markup(number)  # noqa: S704
    return ChoiceView(step, label, is_chosen)


def _choice(drawing: Drawing, choice: Choice, chosen: list[str], address: str) -> ChoiceView:
    return ChoiceView(
        name=choice.name,
        label=text_html(drawing, choice.label, address, f"choice:{choice.name}"),
        is_chosen=choice.name in chosen,
        position=chosen.index(choice.name) + 1 if choice.name in chosen else 0,
        is_exclusive=choice.extra.get("exclusive", "").lower() in ("yes", "true", "1"),
        media=media_of(drawing, choice.media),
    )


# The page around the questions ----------------------------------------------------------------------------------


@cache
def _client_messages(catalogue: str) -> tuple[str, ...]:
    file = FOLDER / DEFAULT_LANGUAGE / catalogue
    if not file.exists():
        return ()
    with file.open("rb") as source:
        return tuple(str(message.id) for message in read_po(source) if message.id)


def client_texts(language: str, definition: FormDefinition | None = None) -> dict[str, str]:
    """msgid -> text of what the client says, for the island the page carries; maps and drawing only where asked for."""
    messages = _client_messages("client.po")
    if definition is None or has_widgets(definition):
        messages += _client_messages("client_widgets.po")
    return {message: translate(message, language) for message in messages}


def has_widgets(definition: FormDefinition) -> bool:
    """True for a form with what is loaded apart: maps, sheets to draw on, pictures with areas, a layout in twelfths."""
    is_laid_out = "theme-grid" in definition.settings.get("style", "").split()
    return is_laid_out or any(_is_rich(question) for question in definition.questions())


def _is_rich(question: Question) -> bool:
    return question.type in ("geotrace", "geoshape", "barcode") or bool(_RICH & set(question.appearance.split()))


def problems_of(issues: Iterable[Any], language: str) -> dict[str, list[str]]:
    """Issues of an interview by the address of their question, in words."""
    found: dict[str, list[str]] = {}
    for issue in issues:
        is_unsure = issue.code == "wrong_type" and str(issue.parameters.get("value", "")).endswith(UNSURE)
        words = translate(TWO_WAYS, language) if is_unsure else translate_issue(issue, language)
        found.setdefault(issue.where, []).append(words)
    return found


__all__ = [
    "TEMPLATES",
    "Drawing",
    "QuestionView",
    "answer_words",
    "client_texts",
    "draw_screen",
    "has_widgets",
    "heading",
    "nodes_of",
    "problems_of",
    "row_title",
    "text_html",
]
