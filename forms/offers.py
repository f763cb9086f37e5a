"""Which choices a question offers: the form's own list or a secondary instance, and what its filter lets through."""

from __future__ import annotations

from collections.abc import Sequence

from forms.expressions.evaluate import keeps
from forms.expressions.values import Environment, TooMuchWork
from forms.model import Choice, FormDefinition, Question, Text
from forms.nodes import AnswerNode
from forms.program import choice_item


def all_choices(definition: FormDefinition, environment: Environment, question: Question) -> Sequence[Choice]:
    """Every choice of the question's list, before any filter."""
    choices = definition.choice_lists.get(question.choices or "")
    if choices is not None:
        return choices.choices
    value, label = question.parameters.get("value", "name"), question.parameters.get("label", "label")
    items = environment.instances.get((question.choices or "").removesuffix(".csv"), ())
    items = items or environment.instances.get(question.choices or "", ())
    return [
        Choice(item.get(value, ""), Text({environment.language: (item.get(label, item.get(value, "")),)}), extra=item)
        for item in items
    ]


def is_offered(environment: Environment, choice: Choice, node: AnswerNode) -> bool:
    """True when the question's filter lets a choice through."""
    predicate = node.spec.choice_filter
    if predicate is None:
        return True
    try:
        return keeps(predicate, choice_item(choice, environment.language), node.row.scope(environment, node))
    except (TooMuchWork, RecursionError):
        return True


def unknown_choice(
    definition: FormDefinition, environment: Environment, node: AnswerNode, question: Question
) -> str | None:
    """A name in the answer that the question does not offer now."""
    names = [str(node.value)] if question.type == "select_one" else str(node.value).split()
    known = node.spec.choices
    if known is not None and node.spec.choice_filter is None:
        return next((name for name in names if name not in known), None)
    if known is None:
        known = {choice.name: [choice] for choice in all_choices(definition, environment, question)}
    for name in names:
        if not any(is_offered(environment, choice, node) for choice in known.get(name, ())):
            return name
    return None
