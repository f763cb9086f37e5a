"""One interview: what a page, a phone's server or a reviewer asks of a form being answered.

What only a page asks for (required, choices, texts, issues) is evaluated when asked; the rest keeps itself right in
`forms.tree`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from forms.expressions.evaluate import compiled
from forms.expressions.functions import shuffled
from forms.expressions.values import STEPS, Result, Scope, TooMuchWork, to_text
from forms.issues import Issue
from forms.judging import Judging, is_below
from forms.model import Answers, Choice, Expression, Question, Repeat, Text, Value
from forms.nodes import AnswerNode, Row, find_node, nodes_of
from forms.program import Spec
from forms.screens import Screen as Screen
from forms.screens import screens as screens
from forms.tree import MAX_ROWS as MAX_ROWS


class Interview(Judging):
    """A form being answered. Addresses are "group/repeat/<row id>/question"; see the module's docstring."""

    # -- answers in and out -------------------------------------------------------------------------------------------

    def set(self, address: str, value: Value) -> None:
        """Take an answer; a wrong one is kept as it came and flagged. KeyError when there is no such question."""
        node = self._node(address)
        if not node.is_leaf:
            raise KeyError(address)
        self._begin()
        self._assign(node, value, 0)

    def value(self, address: str) -> Value:
        """The answer kept at an address, asked or not; None when blank."""
        return self._node(address).kept

    def seen(self, address: str) -> str:
        """The answer as expressions see it: blank when it is hidden, does not fit or is not on offer."""
        node = self._node(address)
        return node.text() if node.is_relevant else ""

    def changed(self, prefix: str = "") -> AbstractSet[str]:
        """Addresses that the last change may have altered: value, relevance, rows, texts, choices or rules."""
        addresses = {node.address for node in self._touched}
        return {address for address in addresses if is_below(address, prefix)}

    @property
    def answers(self) -> Answers:
        """The tree of what is asked: key missing, not asked; None, asked and blank."""
        return self._tree(self.program.top, self.root)

    def _tree(self, specs: Sequence[Spec], row: Row) -> Answers:
        tree: Answers = {}
        for spec in specs:
            node, item = row.nodes[spec.path], spec.item
            if not node.is_relevant:
                continue
            if type(item) is Question:
                if item.type != "note":
                    tree[item.name] = node.sent
            elif type(item) is Repeat:
                tree[item.name] = [{"_id": row.id, **self._tree(spec.children, row)} for row in node.rows]
            else:
                tree[item.name] = self._tree(spec.children, row)
        return tree

    @property
    def all_values(self) -> dict[str, Value]:
        """Every answer by address, hidden ones included."""
        return {node.address: node.kept for node in self.nodes() if node.is_leaf and node.kept is not None}

    # -- what a page asks ---------------------------------------------------------------------------------------------

    def is_relevant(self, address: str) -> bool:
        """True when the question, group or repeat is asked."""
        return self._node(address).is_relevant

    def is_required(self, address: str) -> bool:
        """True when the question needs an answer now."""
        node = self._node(address)
        return node.spec.required is not None and self._truth(node.spec.required, node)

    def is_read_only(self, address: str) -> bool:
        """True when nobody may type here: calculated, or closed by its own or a group's rule."""
        node = self._node(address)
        if node.spec.calculation is not None:
            return True
        spec: Spec | None = node.spec
        while spec is not None:
            if spec.read_only is not None and self._truth(spec.read_only, node):
                return True
            spec = spec.parent
        return False

    def rows(self, address: str) -> list[str]:
        """The ids of a repeat's rows, in order."""
        return [row.id for row in self._node(address).rows]

    def choices(self, address: str) -> list[Choice]:
        """The choices on offer, by the choice filter and the other answers."""
        node = self._node(address)
        item = node.spec.item
        if not isinstance(item, Question) or item.choices is None:
            return []
        self._environment.steps = STEPS
        offered = self._offers.offered(node, item)
        if item.parameters.get("randomize") == "true":
            return shuffled(offered, self._seed(node, item.parameters.get("seed", "")))
        return offered

    def _seed(self, node: AnswerNode, seed: str) -> Result:
        """The seed of an order: a number, or the answer at "/" and a path, in the rows shared with the question."""
        spec = self.program.by_path.get(tuple(seed[1:].split("/"))) if seed.startswith("/") else None
        if spec is None:
            return seed or float(self._environment.seed)
        found = nodes_of(spec, node.row, len(node.row.chain), self.root)
        return found[0].text() if found and found[0].is_relevant else ""

    def choice_label(self, schema_path: str, value: str) -> str:
        """The label of a choice of the question at a schema path; empty when there is no such choice."""
        return self._choice_name(value, schema_path, self.root.scope(self._environment))

    def text(self, text: Text, address: str = "", language: str | None = None) -> str:
        """A text with its references filled in, as seen from an address."""
        wanted = language or self.language
        fixed = text.by_language.get(wanted) or text.parts(wanted)
        if not fixed:
            return ""
        if len(fixed) == 1 and isinstance(fixed[0], str):
            return fixed[0]
        node = find_node(self.root, address) if address else None
        row = node.row if node is not None else self.root
        self._environment.steps = STEPS
        return self._text(text, row.scope(self._environment, node), language)

    def unit(self, address: str) -> str:
        """The unit shown beside the question."""
        node = self._node(address)
        item = node.spec.item
        if not isinstance(item, Question):
            return ""
        return to_text(self._evaluate(node.spec.unit, node)) if node.spec.unit else self.text(item.unit, address)

    @property
    def instance_name(self) -> str:
        """What this interview is called in lists, by the form's own rule; empty without one."""
        rule = self.definition.instance_name
        return "" if rule is None else to_text(self.evaluate(rule))

    def evaluate(self, expression: Expression, row: Row | None = None, node: AnswerNode | None = None) -> Result:
        """The value of any expression over this interview, at the top or in a row."""
        try:
            return compiled(expression).value(self._scope(row, node))
        except (TooMuchWork, RecursionError):
            return ""

    def truth(self, expression: Expression, row: Row | None = None, node: AnswerNode | None = None) -> bool:
        """Whether an expression over this interview holds, at the top or in a row."""
        try:
            return compiled(expression).truth(self._scope(row, node))
        except (TooMuchWork, RecursionError):
            return False

    def number(self, expression: Expression) -> float:
        """An expression over this interview as a number; NaN for what is none."""
        try:
            return compiled(expression).number(self._scope(None, None))
        except (TooMuchWork, RecursionError):
            return math.nan

    def _scope(self, row: Row | None, node: AnswerNode | None) -> Scope:
        self._environment.steps = STEPS
        return self._top if row is None and node is None else (row or self.root).scope(self._environment, node)

    # -- issues -------------------------------------------------------------------------------------------------------

    def issues(self, address_prefix: str = "") -> list[Issue]:
        """What is wrong with the answers asked for, in the form's order, one issue a question."""
        self._environment.steps = STEPS
        found = (self._issue(node) for node in self._asked(self.root, address_prefix))
        return [issue for issue in found if issue is not None]

    def issue(self, address: str) -> Issue | None:
        """What is wrong with one answer, or None."""
        self._environment.steps = STEPS
        return self._issue(self._node(address))

    # -- addresses ----------------------------------------------------------------------------------------------------

    def schema_path(self, address: str) -> tuple[str, ...]:
        """The schema path of an address: the same without the ids of rows."""
        return self._node(address).spec.path
