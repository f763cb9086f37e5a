"""Which choices a question offers: the form's own list or a secondary instance, and what its filter lets through.

An answer that is no longer offered does not count, as a hidden one does not, and is back when its choice is. A rank
always holds every choice on offer: those not yet placed follow in the order of the list.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from forms.expressions.evaluate import compiled, keeps
from forms.expressions.values import Environment, TooMuchWork, to_text
from forms.model import Choice, FormDefinition, Question, Text
from forms.nodes import AnswerNode, Row
from forms.program import choice_item

ByName = dict[str, list[Choice]]


class Offers:
    """The lists of one interview."""

    __slots__ = ("_definition", "_environment", "_lists")

    def __init__(self, definition: FormDefinition, environment: Environment) -> None:
        self._definition = definition
        self._environment = environment
        self._lists: dict[int, tuple[Sequence[Choice], ByName]] = {}  # of secondary instances, by question

    def all(self, question: Question) -> Sequence[Choice]:
        """Every choice of the question's list, before any filter."""
        choices = self._definition.choice_lists.get(question.choices or "")
        return choices.choices if choices is not None else self._foreign(question)[0]

    def known(self, question: Question) -> ByName | None:
        """The choices by name; None when the list is not there at all."""
        choices = self._definition.choice_lists.get(question.choices or "")
        return self._foreign(question)[1] or None if choices is None else _by_name(choices.choices)

    def offered(self, node: AnswerNode, question: Question) -> list[Choice]:
        """The choices on offer where a node stands."""
        if question.itemset is not None:
            return self._of_rows(node, question)
        return [choice for choice in self.all(question) if self._is_offered(choice, node)]

    def narrow(self, node: AnswerNode) -> None:
        """What counts of the names chosen; a name that is in no list stays in the answers, flagged."""
        question, kept = node.spec.item, node.kept
        if kept is None or node.flag == "wrong_type" or not isinstance(question, Question):
            return
        names = [str(kept)] if question.type == "select_one" else str(kept).split()
        known = self._known_at(node, question)
        if known is None:
            node.given, node.flag = kept, "unknown_choice"
            return
        counting = [name for name in names if any(self._is_offered(one, node) for one in known.get(name, ()))]
        if question.type == "rank":
            counting += [one.name for one in self.offered(node, question) if one.name not in counting]
        node.value = kept if counting == names else " ".join(counting) or None
        dropped = [name for name in names if name not in counting]
        node.given = None if node.value == kept else kept
        is_strange = any(name not in known for name in dropped) or (bool(dropped) and node.is_received)
        node.flag = "unknown_choice" if is_strange else ""

    def _known_at(self, node: AnswerNode, question: Question) -> ByName | None:
        if question.itemset is not None:
            return _by_name(self._of_rows(node, question))
        return self.known(question) if node.spec.choices is None else node.spec.choices

    def _of_rows(self, node: AnswerNode, question: Question) -> list[Choice]:
        """The rows of a repeat as choices: those whose name is given."""
        environment = self._environment
        value, label = question.parameters.get("value", "name"), question.parameters.get("label", "label")
        found = compiled(question.itemset).value(node.row.scope(environment, node))  # type: ignore[arg-type]
        choices = []
        for row in found if isinstance(found, list) else ():
            name = to_text(row.below(value)) if isinstance(row, Row) else ""
            if name != "":
                choices.append(Choice(name, Text({environment.language: (to_text(row.below(label)) or name,)})))
        return choices

    def _is_offered(self, choice: Choice, node: AnswerNode) -> bool:
        predicate = node.spec.choice_filter
        if predicate is None:
            return True
        environment = self._environment
        try:
            return keeps(predicate, choice_item(choice, environment.language), node.row.scope(environment, node))
        except (TooMuchWork, RecursionError):
            return True

    def _foreign(self, question: Question) -> tuple[Sequence[Choice], ByName]:
        found = self._lists.get(id(question))
        if found is None:
            found = self._lists[id(question)] = self._read(question)
        return found

    def _read(self, question: Question) -> tuple[Sequence[Choice], ByName]:
        value, label = question.parameters.get("value", "name"), question.parameters.get("label", "label")
        instances, name = self._environment.instances, question.choices or ""
        items = instances.get(name.removesuffix(".csv"), ()) or instances.get(name, ())
        return _choices_of(items, value, label, self._environment.language)


_shared: OrderedDict[tuple[int, str, str, str], tuple[Sequence[Mapping[str, str]], Sequence[Choice], ByName]] = (
    OrderedDict()
)
_REMEMBERED: Final = 64


def _choices_of(
    items: Sequence[Mapping[str, str]], value: str, label: str, language: str
) -> tuple[Sequence[Choice], ByName]:
    """Items as choices; those of the form's own lists, which may be long, are made once for all interviews."""
    key = (id(items), value, label, language)
    known = _shared.get(key)
    if known is not None and known[0] is items:
        return known[1], known[2]
    choices = [
        Choice(item.get(value, ""), Text({language: (item.get(label, item.get(value, "")),)}), extra=item)
        for item in items
    ]
    by_name = _by_name(choices)
    if isinstance(items, tuple):  # a form's own are tuples, what is given at run time are lists
        _shared[key] = items, choices, by_name
        while len(_shared) > _REMEMBERED:
            _shared.popitem(last=False)
    return choices, by_name


def _by_name(choices: Sequence[Choice]) -> ByName:
    found: ByName = {}
    for choice in choices:
        found.setdefault(choice.name, []).append(choice)
    return found
