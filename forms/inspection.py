"""What an author should know of a form beyond its errors: how long it is, what nobody will see, what nobody reads.

Everything here is found without asking anybody; `rehearsal` finds by trying what cannot be found by looking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from forms.answers import Interview
from forms.graph import Graph, graph_of
from forms.model import Call, Expression, Filter, FormDefinition, Instance, Item, Literal, Path, Question, Repeat, Text
from forms.program import walk
from forms.rehearsal import seconds_of
from forms.types import TYPES, Kind

_UNSEEN: Final = frozenset((Kind.CALCULATE, Kind.METADATA))
# Values that are not the same twice: a rule that asks for them is no constant.
_MOVING: Final = frozenset(("now", "today", "random", "uuid", "position", "once"))
_TEXTS: Final = ("label", "hint", "guidance", "constraint_message", "required_message", "unit")


@dataclass(frozen=True, slots=True)
class Length:
    """How long a form is. Rows of repeats are counted once; `longest` is no more than any respondent is asked."""

    questions: int
    notes: int
    groups: int
    repeats: int
    calculations: int
    longest: int
    minutes: float  # when everything is asked once


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Something that is never asked, and why: `hint` is a code of the catalogue of messages with its parameters."""

    path: str
    cell: str
    hint: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Untranslated:
    """A text that a language lacks: of the item at `path`, or of a choice ("choices/<list>/<name>")."""

    path: str
    cell: str
    column: str
    text: str  # as it stands in another language


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `inspect` found; lists are in the form's order."""

    length: Length
    unreachable: tuple[Unreachable, ...]
    unused_lists: tuple[str, ...]
    unused_calculations: tuple[str, ...]
    untranslated: Mapping[str, tuple[Untranslated, ...]]  # by language, the form's own first
    graph: Graph
    has_rows: bool  # read from a workbook, whose own pass tells of lists and translations with their cells


def inspect(definition: FormDefinition) -> Inspection:
    """Look a form through."""
    graph = graph_of(definition)
    return Inspection(
        length=_length(definition),
        unreachable=tuple(_unreachable(definition)),
        unused_lists=tuple(_unused_lists(definition)),
        unused_calculations=tuple(_unused_calculations(definition, graph)),
        untranslated=_untranslated(definition),
        graph=graph,
        has_rows=any("!" in item.cell for item in definition.items),
    )


# Length ---------------------------------------------------------------------------------------------------------


def _length(definition: FormDefinition) -> Length:
    items = list(definition.walk())
    asked = [item for item in items if isinstance(item, Question) and is_asked(item)]
    notes = sum(TYPES[item.type].kind is Kind.NOTE for item in asked)
    repeats = sum(isinstance(item, Repeat) for item in items)
    return Length(
        questions=len(asked) - notes,
        notes=notes,
        groups=sum(not isinstance(item, Question) for item in items) - repeats,
        repeats=repeats,
        calculations=sum(isinstance(item, Question) and item.calculation is not None for item in items),
        longest=_longest(definition),
        minutes=sum(seconds_of(definition, item) for item in asked) / 60,
    )


def is_asked(question: Question) -> bool:
    """True for what a respondent sees: a question or a note, not a calculation or what the device fills in."""
    is_computed = question.calculation is not None and not question.label
    return TYPES[question.type].kind not in _UNSEEN and TYPES[question.type].is_asked and not is_computed


def _longest(definition: FormDefinition) -> int:
    """Questions on the longest way through: of those that hang on one choice, only those of the fullest choice."""
    always, by_choice = 0, dict[tuple[str, ...], dict[str, int]]()
    for question, rules in _with_rules(definition.items):
        if not is_asked(question) or TYPES[question.type].kind is Kind.NOTE:
            continue
        condition = next((found for rule in rules for found in _choice_demanded(definition, rule)), None)
        if condition is None:
            always += 1
        else:
            counts = by_choice.setdefault(condition[0], {})
            counts[condition[1]] = counts.get(condition[1], 0) + 1
    return always + sum(max(counts.values()) for counts in by_choice.values())


def _with_rules(
    items: tuple[Item, ...], above: tuple[Expression, ...] = ()
) -> Iterator[tuple[Question, tuple[Expression, ...]]]:
    """Every question with its own relevance and that of the groups around it."""
    for item in items:
        rules = above if item.relevant is None else (*above, item.relevant)
        if isinstance(item, Question):
            yield item, rules
        else:
            yield from _with_rules(item.children, rules)


def _choice_demanded(definition: FormDefinition, rule: Expression) -> Iterator[tuple[tuple[str, ...], str]]:
    """(question, choice) for each choice of a select_one without which the rule cannot hold."""
    if not isinstance(rule, Call):
        return
    if rule.name == "and":
        for part in rule.arguments:
            yield from _choice_demanded(definition, part)
    for path, choice in _compared(rule) if rule.name in ("=", "selected") else ():
        question = definition.find(path)
        # In the rows of a repeat each row answers for itself, so one choice does not exclude the other.
        if isinstance(question, Question) and question.type == "select_one" and not _in_repeat(definition, path):
            yield path, choice


def _compared(rule: Call) -> Iterator[tuple[tuple[str, ...], str]]:
    if len(rule.arguments) != 2:
        return
    for one, other in (rule.arguments, rule.arguments[::-1]):
        if isinstance(one, Path) and isinstance(other, Literal):
            yield one.steps, str(other.value)


def _in_repeat(definition: FormDefinition, path: tuple[str, ...]) -> bool:
    return any(isinstance(definition.find(path[:end]), Repeat) for end in range(1, len(path)))


# Never asked ----------------------------------------------------------------------------------------------------


def _unreachable(definition: FormDefinition) -> Iterator[Unreachable]:
    interview = Interview(definition)
    closed: list[tuple[str, ...]] = []
    for item in definition.walk():
        if any(item.path[: len(path)] == path for path in closed):
            continue
        found = never_because(definition, interview, item.relevant)
        if found is not None:
            closed.append(item.path)
            yield Unreachable("/".join(item.path), item.cell, *found)


def never_because(
    definition: FormDefinition, interview: Interview, rule: Expression | None
) -> tuple[str, dict[str, str]] | None:
    """Why a relevance can never hold, None where it may: it is constant, or waits for a choice that is not there."""
    if rule is None:
        return None
    if is_constant(rule):
        return None if interview.truth(rule) else ("never_constant", {})
    if isinstance(rule, Call) and rule.name == "and":
        reasons = (never_because(definition, interview, part) for part in rule.arguments)
        return next((reason for reason in reasons if reason), None)
    if isinstance(rule, Call) and rule.name == "or":
        parts = [never_because(definition, interview, part) for part in rule.arguments]
        return parts[0] if all(parts) else None
    if isinstance(rule, Call) and rule.name in ("=", "selected"):
        return next(_choices_missing(definition, rule), None)
    return None


def is_constant(rule: Expression) -> bool:
    """True for an expression that reads no answer, no list and no clock."""
    return not any(
        isinstance(part, Path | Filter | Instance) or (isinstance(part, Call) and part.name in _MOVING)
        for part in walk(rule)
    )


def _choices_missing(definition: FormDefinition, rule: Call) -> Iterator[tuple[str, dict[str, str]]]:
    for path, wanted in _compared(rule):
        question = definition.find(path)
        if not isinstance(question, Question) or TYPES[question.type].kind not in (Kind.CHOICE, Kind.CHOICES):
            continue
        offered = definition.choice_lists.get(question.choices or "")
        if offered is not None and wanted and wanted not in {choice.name for choice in offered.choices}:
            yield "never_choice", {"choice": wanted, "name": question.name, "list": offered.name}


# Not used -------------------------------------------------------------------------------------------------------


def _unused_lists(definition: FormDefinition) -> Iterator[str]:
    used = {question.choices for question in definition.questions()}
    used |= {
        part.id
        for expression in _every_expression(definition)
        for part in walk(expression)
        if isinstance(part, Instance)
    }
    yield from (name for name in definition.choice_lists if name not in used)


def _every_expression(definition: FormDefinition) -> Iterator[Expression]:
    for item in definition.walk():
        yield from (rule for rule in (item.relevant, item.read_only) if rule is not None)
        if isinstance(item, Question):
            rules = (item.calculation, item.constraint, item.required, item.choice_filter, item.unit_expression)
            yield from (rule for rule in rules if rule is not None)
            yield from (action.expression for action in item.actions)
        texts = (getattr(item, name, None) for name in _TEXTS)
        for parts in (parts for text in texts if text for parts in text.by_language.values()):
            yield from (part for part in parts if not isinstance(part, str))
    for rows in (
        definition.scores,
        definition.indicators,
        definition.checks,
        definition.measures,
        definition.resources,
    ):
        for row in rows:
            named = ("rule", "applies", "relevant", "trigger", "share", "cost", "quantity")
            yield from (rule for name in named if (rule := getattr(row, name, None)) is not None)


def _unused_calculations(definition: FormDefinition, graph: Graph) -> Iterator[str]:
    for question in definition.questions():
        path = "/".join(question.path)
        if TYPES[question.type].kind is Kind.CALCULATE and question.calculation and not graph.used_by(path):
            yield path


# Translations ---------------------------------------------------------------------------------------------------


def _untranslated(definition: FormDefinition) -> dict[str, tuple[Untranslated, ...]]:
    found: dict[str, list[Untranslated]] = {language: [] for language in definition.languages}
    for path, cell, column, text in _texts_of(definition):
        for language in definition.languages:
            if not has_words(text, language):
                words = next((text.plain(other) for other in definition.languages if has_words(text, other)), "")
                found[language].append(Untranslated(path, cell, column, words))
    return {language: tuple(texts) for language, texts in found.items()}


def has_words(text: Text, language: str) -> bool:
    """True where a text says something in a language; "-" is what a reader puts where a translation is missing."""
    return text.by_language.get(language, ()) not in ((), ("-",), ("",))


def _texts_of(definition: FormDefinition) -> Iterator[tuple[str, str, str, Text]]:
    """(path, cell, column, text) of every text that is there in some language."""
    for item in definition.walk():
        for name in _TEXTS:
            text = getattr(item, name, None)
            if text and any(has_words(text, language) for language in definition.languages):
                yield "/".join(item.path), item.cell, name, text
    for list_ in definition.choice_lists.values():
        for choice in list_.choices:
            if any(has_words(choice.label, language) for language in definition.languages):
                yield f"choices/{list_.name}/{choice.name}", "choices", "label", choice.label
    for sheet in ("scores", "indicators", "resources", "measures", "checks"):
        for row in getattr(definition, sheet):
            text = getattr(row, "message", None) or getattr(row, "label", None)
            if text:
                name = getattr(row, "code", "") or row.name
                yield f"{sheet}/{name}", getattr(row, "cell", sheet), "label", text
