"""What is wrong with an answer: missing, of the wrong type, not on offer, or against the form's own rule."""

from __future__ import annotations

from collections.abc import Iterator

from forms.expressions.evaluate import Test
from forms.expressions.values import Scope, TooMuchWork
from forms.issues import Issue
from forms.model import Question, Text
from forms.nodes import AnswerNode, Row
from forms.tree import AnswerTree


class Judging(AnswerTree):
    """An answer tree that can say what is wrong with its answers."""

    def _asked(self, row: Row, prefix: str) -> Iterator[AnswerNode]:
        for node in row.nodes.values():
            if not node.is_relevant:
                continue
            if node.is_leaf and (not prefix or is_below(node.address, prefix)):
                yield node
            for inner in node.rows:
                yield from self._asked(inner, prefix)

    def _issue(self, node: AnswerNode) -> Issue | None:
        spec, item, value = node.spec, node.spec.item, node.value
        if not isinstance(item, Question) or item.type == "note":
            return None
        if node.flag:
            return self._flagged(node, item)
        if value is None:
            if spec.required is None or not self._truth(spec.required, node):
                return None
            return Issue("required", node.address, own_message=self._own(item.required_message, node))
        if spec.constraint is None or self._truth(spec.constraint, node):
            return None
        return Issue("constraint", node.address, own_message=self._own(item.constraint_message, node))

    def _flagged(self, node: AnswerNode, item: Question) -> Issue:
        given = node.given
        if node.flag == "wrong_type":
            shown = given if type(given) is not str else given[:80]
            return Issue("wrong_type", node.address, {"value": shown, "type": item.type})  # type: ignore[dict-item]
        counting = set() if node.value is None or node.value == given else set(str(node.value).split())
        names = [str(given)] if item.type == "select_one" else str(given).split()
        unknown = next((name for name in names if name not in counting), "")
        return Issue("unknown_choice", node.address, {"value": unknown[:80]})

    def _own(self, message: Text, node: AnswerNode) -> dict[str, str]:
        scope = node.row.scope(self._environment, node)
        return {
            language: self._text(message, scope, language) for language, parts in message.by_language.items() if parts
        }

    def _truth(self, rule: Test, node: AnswerNode) -> bool:
        try:
            return rule(Scope(self._environment, node.row.chain, node))
        except (TooMuchWork, RecursionError):
            return True


def is_below(address: str, prefix: str) -> bool:
    """True when an address is another one or stands below it."""
    return not prefix or address == prefix or address.startswith(prefix.rstrip("/") + "/")
