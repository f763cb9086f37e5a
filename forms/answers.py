"""One interview: answers, relevance, calculations and repeats, kept right after every change.

Answers live in a tree of nodes beside the form's tree of specs. A change wakes what depends on it, in order of rank;
everything that only a page asks for (required, choices, texts, issues) is evaluated when asked. Hidden answers are
blank to expressions, left out of `answers`, kept, and back when their question is asked again.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from forms.expressions.evaluate import Test, Thunk, compiled
from forms.expressions.functions import shuffled
from forms.expressions.values import (
    STEPS,
    Clock,
    Environment,
    Result,
    Scope,
    TooMuchWork,
    stamp,
    to_number,
    to_text,
)
from forms.issues import Issue
from forms.model import Answers, Choice, Expression, FormDefinition, Question, Repeat, Text, Value
from forms.nodes import AnswerNode, Row, find_node, fits, nodes_of, read_value, stored
from forms.offers import all_choices, is_offered, unknown_choice
from forms.program import Program, Spec, program_of
from forms.screens import Screen as Screen
from forms.screens import screens as screens
from forms.waiting import Waiting

MAX_ROWS = 1000
_OWN_NAMES = frozenset(("_id", "meta"))  # a row's id, and the block an XForm adds
_MANY_TRIGGERS = 20  # a chain of triggers longer than this runs in a circle


class Interview:
    """A form being answered. Addresses are "group/repeat/<row id>/question"; see the module's docstring."""

    def __init__(
        self,
        definition: FormDefinition,
        answers: Mapping[str, Any] | None = None,
        *,
        instances: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
        clock: Clock | None = None,
        language: str | None = None,
        metadata: Mapping[str, str] | None = None,
        seed: int = 1,
    ) -> None:
        self.definition = definition
        self.program: Program = program_of(definition)
        self.language = language or (definition.languages[0] if definition.languages else "")
        self.clock = clock or Clock.utc()
        self.strays: list[Issue] = []  # what in `answers` the form has no place for
        self.remembered: dict[Any, Any] = {}  # what was computed from the answers as they stand
        self._metadata = metadata or {}
        own: dict[str, Sequence[dict[str, str]]] = dict(self.program.instances(self.language))
        own |= {name: _as_items(items) for name, items in (instances or {}).items()}
        self.root = Row(None, None, "")
        self._environment = Environment(
            self.clock, self.root, self.language, own, self._choice_name, seed, definition.version
        )
        self._top = self.root.scope(self._environment)
        self._waiting = Waiting()
        self._touched: dict[AnswerNode, None] = {}
        self._is_opening = True
        self._open(answers)

    # -- opening ------------------------------------------------------------------------------------------------------

    def _open(self, answers: Mapping[str, Any] | None) -> None:
        self._fill(self.root, self.program.top, answers, "")
        self._run()
        self._is_opening = False
        if answers is None:
            self._fire("odk-instance-first-load", self.root)
        self._touched = {}

    def _fill(self, row: Row, specs: Sequence[Spec], answers: Mapping[str, Any] | None, prefix: str) -> None:
        if answers:
            self._note_strays(specs, answers, prefix)
        for spec in specs:
            node = AnswerNode(spec, row)
            row.nodes[spec.path] = node
            self._waiting.add(node)
            given = answers.get(spec.item.name) if answers is not None else None
            item = spec.item
            if spec.is_leaf:
                node.value = self._initial(item) if answers is None else read_value(spec, given)  # type: ignore[arg-type]
            elif spec.is_repeat:
                self._fill_rows(node, given)
            else:
                below = given if isinstance(given, Mapping) else None if answers is None else {}
                if given is not None and not isinstance(given, Mapping):
                    self._misplaced(f"{prefix}{item.name}", given, "group")
                self._fill(row, spec.children, below, f"{prefix}{item.name}/")

    def _note_strays(self, specs: Sequence[Spec], answers: Mapping[str, Any], prefix: str) -> None:
        known = {spec.item.name for spec in specs}
        for name in answers:
            if name not in known and name not in _OWN_NAMES:
                address = f"{prefix}{name}"[:300]
                self.strays.append(Issue("unknown_question", address, {"name": str(name)[:80]}))

    def _misplaced(self, address: str, given: Any, kind: str) -> None:
        self.strays.append(Issue("wrong_type", address, {"value": str(given)[:80], "type": kind}))

    def _fill_rows(self, node: AnswerNode, given: Any) -> None:
        if given is not None and not isinstance(given, list):
            self._misplaced(node.address, given, "repeat")
        if isinstance(given, list) and len(given) > MAX_ROWS:
            self.strays.append(Issue("repeat_too_long", node.address, {"most": MAX_ROWS}))
        for place, tree in enumerate(given[:MAX_ROWS] if isinstance(given, list) else ()):
            answers = tree if isinstance(tree, Mapping) else {}
            if not isinstance(tree, Mapping):
                self._misplaced(node.address, tree, "row")
            row_id = answers.get("_id")
            known = {row.id for row in node.rows}
            if not isinstance(row_id, str) or not row_id or "/" in row_id or len(row_id) > 64 or row_id in known:
                row_id = str(place + 1) if str(place + 1) not in known else str(uuid.uuid4())
            row = Row(node.spec, node, row_id)
            node.rows.append(row)
            self._fill(row, node.spec.children, answers, row.prefix)

    def _initial(self, question: Question) -> Value:
        if question.type == "start":
            return stamp(self.clock.now)
        if question.type == "today":
            return self.clock.now.date().isoformat()
        if question.type in self._metadata:
            return self._metadata[question.type]
        return None if question.default is None else stored(question, question.default)

    # -- answers in and out -------------------------------------------------------------------------------------------

    def set(self, address: str, value: Value) -> None:
        """Take an answer; a wrong one is kept as it came and flagged. KeyError when there is no such question."""
        node = self._node(address)
        if type(node.spec.item) is not Question:
            raise KeyError(address)
        self._begin()
        self._assign(node, read_value(node.spec, value), 0)

    def load(self, values: Mapping[str, Value], rows: Mapping[str, Sequence[str]]) -> None:
        """Put saved values and rows over a fresh interview, all at once; nothing is triggered, unknown ones ignored."""
        self._begin()
        for address in sorted(rows, key=len):
            repeat = find_node(self.root, address)
            if repeat is not None and type(repeat.spec.item) is Repeat:
                self._load_rows(repeat, rows[address])
        for address, value in values.items():
            node = find_node(self.root, address)
            if node is not None and type(node.spec.item) is Question:
                node.value = read_value(node.spec, value)
                self._wake(node)
                self._waiting.add(node)
        self._run()

    def _load_rows(self, repeat: AnswerNode, ids: Sequence[str]) -> None:
        known = {row.id for row in repeat.rows}
        for row_id in ids[:MAX_ROWS]:
            if row_id not in known:
                self._insert_row(repeat, row_id)

    def value(self, address: str) -> Value:
        """The answer kept at an address, asked or not; None when blank."""
        return self._node(address).value

    def changed(self, prefix: str = "") -> AbstractSet[str]:
        """Addresses that the last change may have altered: value, relevance, rows, texts, choices or rules."""
        addresses = {node.address for node in self._touched}
        return {address for address in addresses if _is_below(address, prefix)}

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
                    tree[item.name] = node.value
            elif type(item) is Repeat:
                tree[item.name] = [{"_id": row.id, **self._tree(spec.children, row)} for row in node.rows]
            else:
                tree[item.name] = self._tree(spec.children, row)
        return tree

    @property
    def all_values(self) -> dict[str, Value]:
        """Every answer by address, hidden ones included."""
        return {
            node.address: node.value
            for node in self.nodes()
            if type(node.spec.item) is Question and node.value is not None
        }

    def nodes(self, row: Row | None = None) -> Iterator[AnswerNode]:
        """Every node in the form's order, the rows of repeats one after the other."""
        for node in (row or self.root).nodes.values():
            yield node
            for inner in node.rows:
                yield from self.nodes(inner)

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
        offered = [
            choice
            for choice in all_choices(self.definition, self._environment, item)
            if is_offered(self._environment, choice, node)
        ]
        if item.parameters.get("randomize") == "true":
            return shuffled(offered, to_number(item.parameters.get("seed", "") or float(self._environment.seed)))
        return offered

    def _choice_name(self, value: str, reference: str, scope: Scope) -> str:
        steps = tuple(reference.strip().strip("/").split("/"))
        spec = self.program.by_path.get(steps) or self.program.by_path.get(steps[1:])
        if spec is None or not isinstance(spec.item, Question):
            return ""
        choices = all_choices(self.definition, self._environment, spec.item)
        found = next((choice for choice in choices if choice.name == value), None)
        return "" if found is None else self._text(found.label, scope)

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

    def _text(self, text: Text, scope: Scope, language: str | None = None) -> str:
        parts = text.parts(language or self.language)
        return "".join(part if isinstance(part, str) else self._shown(part, scope) for part in parts)

    def _shown(self, expression: Expression, scope: Scope) -> str:
        try:
            return compiled(expression).text(scope)
        except (TooMuchWork, RecursionError):
            return ""

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

    def _asked(self, row: Row, prefix: str) -> Iterator[AnswerNode]:
        for node in row.nodes.values():
            if not node.is_relevant:
                continue
            if node.is_leaf and (not prefix or _is_below(node.address, prefix)):
                yield node
            for inner in node.rows:
                yield from self._asked(inner, prefix)

    def _issue(self, node: AnswerNode) -> Issue | None:
        spec, item, value = node.spec, node.spec.item, node.value
        if not isinstance(item, Question) or item.type == "note":
            return None
        if value is None:
            if spec.required is None or not self._truth(spec.required, node):
                return None
            return Issue("required", node.address, own_message=self._own(item.required_message, node))
        is_known = spec.choices is not None and value in spec.choices  # then it is a name, and fits
        if not is_known and not fits(spec, value):
            shown = value if type(value) is not str else value[:80]
            return Issue("wrong_type", node.address, {"value": shown, "type": item.type})
        unknown = None
        if item.choices is not None:
            unknown = unknown_choice(self.definition, self._environment, node, item)
        if unknown is not None:
            return Issue("unknown_choice", node.address, {"value": unknown[:80]})
        if spec.constraint is None or self._truth(spec.constraint, node):
            return None
        return Issue("constraint", node.address, own_message=self._own(item.constraint_message, node))

    def _own(self, message: Text, node: AnswerNode) -> dict[str, str]:
        scope = node.row.scope(self._environment, node)
        return {
            language: self._text(message, scope, language) for language, parts in message.by_language.items() if parts
        }

    # -- repeats ------------------------------------------------------------------------------------------------------

    def add_row(self, address: str, row_id: str | None = None) -> str:
        """Add a row at the end of a repeat and return its id; KeyError when there is no such repeat."""
        repeat = self._node(address)
        if type(repeat.spec.item) is not Repeat or (row_id is not None and "/" in row_id):
            raise KeyError(address)
        row_id = row_id or str(uuid.uuid4())
        self._begin()
        if len(repeat.rows) < MAX_ROWS and all(row.id != row_id for row in repeat.rows):
            self._insert_row(repeat, row_id)
            self._run()
        return row_id

    def remove_row(self, address: str, row_id: str) -> None:
        """Take a row out of a repeat; nothing happens when it is not there."""
        repeat = self._node(address)
        self._begin()
        for row in repeat.rows:
            if row.id == row_id:
                repeat.rows.remove(row)
                self._forget(row)
                self._rows_changed(repeat)
                self._run()
                return

    def _insert_row(self, repeat: AnswerNode, row_id: str) -> None:
        row = Row(repeat.spec, repeat, row_id)
        repeat.rows.append(row)
        self._fill(row, repeat.spec.children, None, row.prefix)
        self._rows_changed(repeat)
        if not self._is_opening:
            self._run()
            self._fire("odk-new-repeat", row)

    def _forget(self, row: Row) -> None:
        for node in row.nodes.values():
            self._waiting.drop(node)
            self._touched.pop(node, None)
            for inner in node.rows:
                self._forget(inner)

    def _rows_changed(self, repeat: AnswerNode) -> None:
        """Everybody who counts, sums or numbers rows hears of one that came or went."""
        self._touched[repeat] = None
        stack = [repeat.spec]
        while stack:
            spec = stack.pop()
            for dependent in spec.dependents:
                self._wake_one(
                    dependent.spec, min(dependent.pinned, len(repeat.spec.repeats)), dependent.is_state, repeat
                )
            stack.extend(spec.children)

    def _count_rows(self, repeat: AnswerNode, count: Thunk) -> None:
        number = to_number(self._evaluate(count, repeat))
        wanted = min(MAX_ROWS, max(0, math.floor(number))) if math.isfinite(number) else 0
        if len(repeat.rows) == wanted:
            return
        while len(repeat.rows) > wanted:
            row = repeat.rows.pop()
            self._forget(row)
            repeat.spare.append(row)
        while len(repeat.rows) < wanted:
            if repeat.spare:
                row = repeat.spare.pop()
                repeat.rows.append(row)
                self._revive(row)
            else:
                self._insert_row(repeat, self._free_id(repeat))
        self._rows_changed(repeat)

    def _free_id(self, repeat: AnswerNode) -> str:
        known, place = {row.id for row in repeat.rows}, len(repeat.rows) + 1
        while str(place) in known:
            place += 1
        return str(place)

    def _revive(self, row: Row) -> None:
        for node in self.nodes(row):
            self._waiting.add(node)

    # -- keeping everything right -------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.remembered = {}
        self._touched = {}
        self._environment.steps = STEPS

    def _assign(self, node: AnswerNode, value: Value, depth: int) -> None:
        self._touched[node] = None
        if node.value == value and type(node.value) is type(value):
            return
        node.value = value
        self._wake(node)
        self._run()
        if depth < _MANY_TRIGGERS:
            for spec, action in self.program.triggers.get(node.spec.path, ()):
                for target in self._targets(spec, node.row):
                    self._act(target, action.expression, depth + 1)

    def _act(self, target: AnswerNode, expression: Expression, depth: int) -> None:
        if isinstance(target.spec.item, Question):
            value = self._evaluate(compiled(expression).value, target)
            self._assign(target, stored(target.spec.item, value), depth)

    def _targets(self, spec: Spec, row: Row) -> list[AnswerNode]:
        shared = 0
        for mine, other in zip(row.chain, spec.repeats, strict=False):
            if mine.spec is not other:
                break
            shared += 1
        return self._instances(spec, row, shared)

    def _fire(self, event: str, row: Row) -> None:
        for spec, action in self.program.events.get(event, ()):
            if spec.path[: row.depth] != row.schema or len(spec.repeats) < len(row.chain):
                continue
            for target in self._instances(spec, row, len(row.chain)):
                self._act(target, action.expression, 1)

    def _wake(self, node: AnswerNode) -> None:
        self._touched[node] = None
        for dependent in node.spec.dependents:
            self._wake_one(dependent.spec, dependent.pinned, dependent.is_state, node)

    def _wake_one(self, spec: Spec, pinned: int, is_state: bool, node: AnswerNode) -> None:
        if self._is_opening and (not is_state or spec.rank > node.spec.rank):
            return  # it waits already
        for target in self._instances(spec, node.row, pinned):
            if is_state:
                self._waiting.add(target)
            else:
                self._touched[target] = None

    def _instances(self, spec: Spec, row: Row, shared: int) -> list[AnswerNode]:
        found = nodes_of(spec, row, shared, self.root)
        self._environment.spend(len(found))
        return found

    def _run(self) -> None:
        """Settle everything that waits, lowest rank first; a form that goes in circles stops at its limit of work."""
        while self._waiting:
            nodes = self._waiting.pop()
            for node in nodes:
                try:
                    self._settle(node)
                except (TooMuchWork, RecursionError):
                    self._give_up(node, nodes)
                    return

    def _give_up(self, node: AnswerNode, nodes: dict[AnswerNode, None]) -> None:
        """A form asked for too much work: what still waits counts as asked, so that no answer is lost."""
        for waiting in (node, *nodes, *self._waiting):
            waiting.is_relevant = True
        self._waiting.clear()
        self.strays.append(Issue("too_much_work", node.address))

    def _settle(self, node: AnswerNode) -> None:
        spec = node.spec
        self._environment.spend()
        was_relevant, before = node.is_relevant, node.value
        is_relevant = self._is_parent_relevant(node)
        if is_relevant and spec.relevant is not None:
            is_relevant = spec.relevant(Scope(self._environment, node.row.chain, node))
        node.is_relevant = is_relevant
        if (
            is_relevant
            and spec.calculation is not None
            and not (self._is_opening and spec.is_volatile and before is not None)
        ):
            node.value = stored(spec.item, self._evaluate(spec.calculation, node))  # type: ignore[arg-type]
        if (was_relevant is not is_relevant or before != node.value) and (spec.looks_back or not self._is_opening):
            self._wake(node)  # while it opens, everything that comes later waits already
        if is_relevant and spec.count is not None:
            self._count_rows(node, spec.count)

    def _is_parent_relevant(self, node: AnswerNode) -> bool:
        parent = node.spec.parent
        if parent is None:
            return True
        row = node.row
        if parent is row.spec:
            return row.repeat is not None and row.repeat.is_relevant
        return row.nodes[parent.path].is_relevant

    def _evaluate(self, rule: Thunk | None, node: AnswerNode) -> Result:
        return "" if rule is None else rule(Scope(self._environment, node.row.chain, node))

    def _truth(self, rule: Test, node: AnswerNode) -> bool:
        try:
            return rule(Scope(self._environment, node.row.chain, node))
        except (TooMuchWork, RecursionError):
            return True

    # -- addresses ----------------------------------------------------------------------------------------------------

    def schema_path(self, address: str) -> tuple[str, ...]:
        """The schema path of an address: the same without the ids of rows."""
        return self._node(address).spec.path

    def _node(self, address: str) -> AnswerNode:
        node = find_node(self.root, address)
        if node is None:
            raise KeyError(address)
        return node


def _as_items(items: Sequence[Mapping[str, str]]) -> Sequence[dict[str, str]]:
    """Items as expressions read them; copied only when they are of another sort."""
    if all(type(item) is dict for item in items):
        return items  # type: ignore[return-value]
    return [dict(item) for item in items]


def _is_below(address: str, prefix: str) -> bool:
    return not prefix or address == prefix or address.startswith(prefix.rstrip("/") + "/")
