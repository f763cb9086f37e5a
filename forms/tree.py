"""The answers of one interview as a tree that keeps itself right after every change.

Answers live in a tree of nodes beside the form's tree of specs. A change wakes what depends on it, in order of rank.
Hidden answers are blank to expressions, left out of what is sent, kept, and back when their question is asked again.
Whatever a form demands, work, rows and rounds have a bound: then what still waits counts as asked, and it is flagged.
"""

from __future__ import annotations

import math
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from forms.expressions.evaluate import Thunk, compiled
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
from forms.model import Expression, FormDefinition, Question, Text, Value
from forms.nodes import AnswerNode, Row, find_node, nodes_of, put, stored
from forms.offers import Offers
from forms.program import Program, Spec, program_of
from forms.waiting import Waiting

MAX_ROWS: Final = 1000  # of one repeat in one place
MAX_NODES: Final = 25_000  # of an interview: rows beyond are not made
ROUNDS: Final = 100  # a node in a circle that is not at rest after so many looks never will be
_OWN_NAMES = frozenset(("_id", "meta"))  # a row's id, and the block an XForm adds
_MANY_TRIGGERS = 20  # a chain of triggers longer than this runs in a circle


class AnswerTree:
    """Nodes, rows and events of a form being answered; what a page or a server asks of it is in Interview."""

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
        resumes: bool = False,
    ) -> None:
        self.definition = definition
        self.program: Program = program_of(definition)
        self.language = language or (definition.languages[0] if definition.languages else "")
        self.clock = clock or Clock.utc()
        self.strays: list[Issue] = []  # what in `answers` the form has no place for
        self.remembered: dict[Any, Any] = {}  # what was computed from the answers as they stand
        self.settled = 0  # nodes looked at since the last change began
        self._metadata = metadata or {}
        own: dict[str, Sequence[dict[str, str]]] = dict(self.program.instances(self.language))
        own |= {name: _as_items(items) for name, items in (instances or {}).items()}
        self.root = Row(None, None, "")
        self._environment = Environment(
            self.clock,
            self.root,
            self.language,
            own,
            choice_name=self._choice_name,
            itext=self._itext,
            seed=seed,
            version=definition.version,
        )
        self._top = self.root.scope(self._environment)
        self._offers = Offers(definition, self._environment)
        self._waiting = Waiting()
        self._touched: dict[AnswerNode, None] = {}
        self._rounds: dict[AnswerNode, int] = {}
        self._newborn: deque[Row] = deque()
        self._missing: list[AnswerNode] = []
        self._size = 0
        self._is_firing = False
        self._is_loading = True
        self._is_straight = True  # it opens, and nothing settled so far was woken again: all that comes later waits
        self._rank = 0  # of what is being settled
        self._open(answers, resumes)

    # -- opening ------------------------------------------------------------------------------------------------------

    def _open(self, answers: Mapping[str, Any] | None, resumes: bool) -> None:
        self._fill(self.root, self.program.top, answers, None, "")
        self._run()
        self._is_loading = self._is_straight = False
        for node in self._missing:
            if not node.is_relevant:  # it was hidden when the answers were sent: as it would begin when it is asked
                put(node, node.spec.item.default)  # type: ignore[union-attr]
        if answers is None:
            self._fire("odk-instance-first-load", self.root)
        if answers is None or resumes:
            self._fire("odk-instance-load", self.root)
            self._run()
        self._newborn.clear()
        self._touched = {}

    def _fill(
        self,
        row: Row,
        specs: Sequence[Spec],
        answers: Mapping[str, Any] | None,
        start: Mapping[str, Any] | None,
        prefix: str,
    ) -> None:
        """Make a row's nodes: with `answers` that came, else as the form begins them, `start` over its defaults."""
        if answers:
            self._note_strays(specs, answers, prefix)
        self._size += len(specs)
        for spec in specs:
            node = AnswerNode(spec, row)
            row.nodes[spec.path] = node
            self._waiting.add(node)
            name = spec.item.name
            given = answers.get(name) if answers is not None else None
            begun = start.get(name) if start is not None else None
            if spec.is_leaf:
                self._fill_leaf(node, answers, given, begun)
            elif spec.is_repeat:
                self._fill_rows(node, answers, given, begun)
            else:
                below = given if isinstance(given, Mapping) else None if answers is None else {}
                if given is not None and not isinstance(given, Mapping):
                    self._misplaced(f"{prefix}{name}", given, "group")
                self._fill(row, spec.children, below, begun, f"{prefix}{name}/")

    def _fill_leaf(self, node: AnswerNode, answers: Mapping[str, Any] | None, given: Any, begun: str | None) -> None:
        item = node.spec.item
        if answers is None:
            node.value = self._initial(item) if begun is None else stored(item, begun)  # type: ignore[arg-type]
            return
        put(node, given)
        node.is_received = given is not None
        if given is None and item.default is not None and item.name not in answers:  # type: ignore[union-attr]
            self._missing.append(node)

    def _note_strays(self, specs: Sequence[Spec], answers: Mapping[str, Any], prefix: str) -> None:
        known = {spec.item.name for spec in specs}
        for name in answers:
            if name not in known and name not in _OWN_NAMES:
                address = f"{prefix}{name}"[:300]
                self.strays.append(Issue("unknown_question", address, {"name": str(name)[:80]}))

    def _misplaced(self, address: str, given: Any, kind: str) -> None:
        self.strays.append(Issue("wrong_type", address, {"value": str(given)[:80], "type": kind}))

    def _fill_rows(self, node: AnswerNode, answers: Mapping[str, Any] | None, given: Any, begun: Any) -> None:
        if answers is None:
            for tree in node.spec.item.first if begun is None else begun:  # type: ignore[union-attr]
                self._make_row(node, _free_id(node.rows, {row.id for row in node.rows}), start=tree)
            return
        if given is not None and not isinstance(given, list):
            self._misplaced(node.address, given, "repeat")
        if isinstance(given, list) and len(given) > MAX_ROWS:
            self.strays.append(Issue("repeat_too_long", node.address, {"most": MAX_ROWS}))
        known: set[str] = set()
        for place, tree in enumerate(given[:MAX_ROWS] if isinstance(given, list) else ()):
            if not isinstance(tree, Mapping):
                self._misplaced(node.address, tree, "row")
                tree = {}
            row_id = tree.get("_id")
            if not isinstance(row_id, str) or not row_id or "/" in row_id or len(row_id) > 64 or row_id in known:
                row_id = str(place + 1) if str(place + 1) not in known else str(uuid.uuid4())
            known.add(row_id)
            self._make_row(node, row_id, answers=tree)

    def _initial(self, question: Question) -> Value:
        if question.type == "start":
            return stamp(self.clock.now)
        if question.type == "today":
            return self.clock.now.date().isoformat()
        if question.type in self._metadata:
            return self._metadata[question.type]
        return None if question.default is None else stored(question, question.default)

    def load(self, values: Mapping[str, Value], rows: Mapping[str, Sequence[str]]) -> None:
        """Put saved values and rows over a fresh interview, all at once; nothing is triggered, unknown ones ignored."""
        self._begin()
        self._is_loading = True
        for address in sorted(rows, key=len):
            repeat = find_node(self.root, address)
            if repeat is not None and repeat.is_repeat:
                self._load_rows(repeat, rows[address])
        for address, value in values.items():
            node = find_node(self.root, address)
            if node is not None and node.is_leaf:
                put(node, value)
                self._wake(node)
                self._waiting.add(node)
        self._run()
        self._newborn.clear()
        self._is_loading = False

    def _load_rows(self, repeat: AnswerNode, ids: Sequence[str]) -> None:
        known = {row.id for row in repeat.rows}
        since = len(repeat.rows)
        for row_id in ids[:MAX_ROWS]:
            if row_id not in known and "/" not in row_id and self._has_room(repeat):
                self._make_row(repeat, row_id)
        self._rows_changed(repeat, since)

    def nodes(self, row: Row | None = None) -> Iterator[AnswerNode]:
        """Every node in the form's order, the rows of repeats one after the other."""
        for node in (row or self.root).nodes.values():
            yield node
            for inner in node.rows:
                yield from self.nodes(inner)

    # -- repeats ------------------------------------------------------------------------------------------------------

    def add_row(self, address: str, row_id: str | None = None) -> str:
        """Add a row at the end of a repeat and return its id; KeyError when there is no such repeat."""
        repeat = self._node(address)
        if not repeat.is_repeat or (row_id is not None and "/" in row_id):
            raise KeyError(address)
        row_id = row_id or str(uuid.uuid4())
        self._begin()
        if self._has_room(repeat) and all(row.id != row_id for row in repeat.rows):
            self._newborn.append(self._make_row(repeat, row_id))
            self._rows_changed(repeat, len(repeat.rows) - 1)
            self._run()
        return row_id

    def remove_row(self, address: str, row_id: str) -> None:
        """Take a row out of a repeat; nothing happens when it is not there."""
        repeat = self._node(address)
        self._begin()
        for place, row in enumerate(repeat.rows):
            if row.id == row_id:
                del repeat.rows[place]
                self._forget(row)
                self._rows_changed(repeat, place)
                self._run()
                return

    def _has_room(self, repeat: AnswerNode) -> bool:
        return len(repeat.rows) < MAX_ROWS and self._size + repeat.spec.size <= MAX_NODES

    def _make_row(
        self,
        repeat: AnswerNode,
        row_id: str,
        answers: Mapping[str, Any] | None = None,
        start: Mapping[str, Any] | None = None,
    ) -> Row:
        row = Row(repeat.spec, repeat, row_id)
        repeat.rows.append(row)
        self._fill(row, repeat.spec.children, answers, start, row.prefix)
        return row

    def _forget(self, row: Row) -> None:
        row.is_gone = True
        self._size -= len(row.nodes)
        for node in row.nodes.values():
            self._waiting.drop(node)
            self._touched.pop(node, None)
            for inner in node.rows:
                self._forget(inner)

    def _revive(self, row: Row) -> None:
        row.is_gone = False
        self._size += len(row.nodes)
        for node in row.nodes.values():
            self._waiting.add(node)
            for inner in node.rows:
                self._revive(inner)

    def _rows_changed(self, repeat: AnswerNode, since: int) -> None:
        """Everybody who counts or sums rows hears of one that came or went; of those who look at their own row only
        the ones whose place is another now, from `since` on, and only when they look at the place."""
        self._touched[repeat] = None
        own = len(repeat.spec.repeats)
        stack = [repeat.spec]
        while stack:
            spec = stack.pop()
            for dependent in spec.dependents:
                if dependent.is_child:
                    continue
                if dependent.pinned <= own:
                    self._wake_one(dependent.spec, dependent.pinned, dependent.is_state, repeat.row)
                elif spec is repeat.spec:
                    for row in repeat.rows[since:]:
                        self._wake_one(dependent.spec, own + 1, dependent.is_state, row)
            stack.extend(spec.children)

    def _count_rows(self, repeat: AnswerNode, count: Thunk) -> None:
        """As many rows as the form counts; a count that is no number leaves them as they are."""
        number = to_number(self._evaluate(count, repeat))
        if math.isnan(number):
            return
        before = len(repeat.rows)
        wanted = math.floor(min(MAX_ROWS, max(0, number)))
        while len(repeat.rows) > wanted:
            row = repeat.rows.pop()
            self._forget(row)
            repeat.spare.append(row)
        known = {row.id for row in (*repeat.rows, *repeat.spare)} if len(repeat.rows) < wanted else set()
        while len(repeat.rows) < wanted and self._has_room(repeat):
            if repeat.spare:
                row = repeat.spare.pop()
                repeat.rows.append(row)
                self._revive(row)
            else:
                row = self._make_row(repeat, _free_id(repeat.rows, known))
                known.add(row.id)
                self._newborn.append(row)
        if len(repeat.rows) != before:
            self._rows_changed(repeat, before)

    # -- events -------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.remembered = {}
        self.settled = 0
        self._touched = {}
        self._rounds = {}
        self._environment.steps = STEPS

    def _assign(self, node: AnswerNode, value: Value, depth: int) -> None:
        self._touched[node] = None
        before = node.value, type(node.value), node.given
        put(node, value)
        node.is_received = False
        if node.spec.is_listed:
            self._narrow(node)
        if before == (node.value, type(node.value), node.given):
            return
        self._wake(node)
        self._run()
        if depth < _MANY_TRIGGERS:
            for spec, action in self.program.triggers.get(node.spec.path, ()):
                for target in self._targets(spec, action.target, node):
                    self._act(target, action.expression, depth + 1)

    def _act(self, target: AnswerNode, expression: Expression, depth: int) -> None:
        if target.is_leaf:
            value = self._evaluate(compiled(expression).value, target)
            self._assign(target, stored(target.spec.item, value), depth)  # type: ignore[arg-type]

    def _targets(self, spec: Spec, where: Expression | None, source: AnswerNode) -> list[AnswerNode]:
        """Where a trigger sets: in the rows it shares with its source, or where the form says."""
        if where is not None:
            found = self._evaluate(compiled(where).value, source)
            return [node for node in found if type(node) is AnswerNode] if isinstance(found, list) else []
        shared = 0
        for mine, other in zip(source.row.chain, spec.repeats, strict=False):
            if mine.spec is not other:
                break
            shared += 1
        return self._instances(spec, source.row, shared)

    def _fire(self, event: str, row: Row) -> None:
        self._rounds = {}
        for spec, action in self.program.events.get(event, ()):
            if spec.path[: row.depth] != row.schema or len(spec.repeats) < len(row.chain):
                continue
            for target in self._instances(spec, row, len(row.chain)):
                if target.is_relevant:  # what is hidden when its form or row begins is not preset
                    self._act(target, action.expression, 1)

    # -- keeping everything right -------------------------------------------------------------------------------------

    def _wake(self, node: AnswerNode) -> None:
        self._touched[node] = None
        for dependent in node.spec.dependents:
            if self._is_straight and (not dependent.is_state or dependent.spec.rank > node.spec.rank):
                continue  # it waits already
            self._wake_one(dependent.spec, dependent.pinned, dependent.is_state, node.row)

    def _wake_one(self, spec: Spec, pinned: int, is_state: bool, row: Row) -> None:
        if is_state and spec.rank <= self._rank:
            self._is_straight = False
        for target in self._instances(spec, row, pinned):
            if is_state:
                self._waiting.add(target)
            else:
                self._touched[target] = None

    def _instances(self, spec: Spec, row: Row, shared: int) -> list[AnswerNode]:
        found = nodes_of(spec, row, shared, self.root)
        self._environment.spend(len(found))
        return found

    def _run(self) -> None:
        """Settle everything that waits, then tell the rows that came what they begin with."""
        self._drain()
        if self._is_firing or self._is_loading:
            return
        self._is_firing = True
        while self._newborn:
            row = self._newborn.popleft()
            if not row.is_gone:
                self._fire("odk-new-repeat", row)
        self._is_firing = False

    def _drain(self) -> None:
        """Lowest rank first; a form that goes in circles stops at its limit of work."""
        while self._waiting:
            nodes = self._waiting.pop()
            for node in nodes:
                if node.row.is_gone:
                    continue
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
        self._newborn.clear()
        self.strays.append(Issue("too_much_work", node.address))

    def _settle(self, node: AnswerNode) -> None:
        spec = node.spec
        self._rank = spec.rank
        self.settled += 1
        self._environment.spend()
        if spec.looks_back:
            self._count_round(node)
        was_relevant, before = node.is_relevant, node.value
        is_relevant = self._is_parent_relevant(node)
        if is_relevant and spec.relevant is not None:
            is_relevant = spec.relevant(Scope(self._environment, node.row.chain, node))
        node.is_relevant = is_relevant
        if is_relevant and spec.calculation is not None:
            if not (self._is_loading and spec.is_volatile and before is not None):
                node.given, node.flag = None, ""
                node.value = stored(spec.item, self._evaluate(spec.calculation, node))  # type: ignore[arg-type]
        elif is_relevant and spec.is_listed and (spec.has_moving_choices or self._is_loading):
            self._narrow(node)
        if (was_relevant is not is_relevant or before != node.value) and (spec.looks_back or not self._is_straight):
            self._wake(node)
        if is_relevant and spec.count is not None:
            self._count_rows(node, spec.count)

    def _count_round(self, node: AnswerNode) -> None:
        rounds = self._rounds.get(node, 0) + 1
        self._rounds[node] = rounds
        if rounds > ROUNDS:
            raise TooMuchWork

    def _narrow(self, node: AnswerNode) -> None:
        """Of the names chosen those count that are on offer; a form without an end to its filters keeps them all."""
        try:
            self._offers.narrow(node)
        except RecursionError:
            node.value = node.kept

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

    # -- names and texts that expressions ask for ---------------------------------------------------------------------

    def _choice_name(self, value: str, reference: str, scope: Scope) -> str:
        steps = tuple(reference.strip().strip("/").split("/"))
        spec = self.program.by_path.get(steps) or self.program.by_path.get(steps[1:])
        if spec is None or not isinstance(spec.item, Question):
            return ""
        found = (self._offers.known(spec.item) or {}).get(value)
        return "" if not found else self._text(found[0].label, scope)

    def _itext(self, name: str) -> str:
        found = self.definition.texts.get(name)
        return "" if found is None else self._text(found, self._top)

    def _text(self, text: Text, scope: Scope, language: str | None = None) -> str:
        parts = text.parts(language or self.language)
        return "".join(part if isinstance(part, str) else self._shown(part, scope) for part in parts)

    def _shown(self, expression: Expression, scope: Scope) -> str:
        try:
            return to_text(compiled(expression).text(scope))
        except (TooMuchWork, RecursionError):
            return ""

    def _node(self, address: str) -> AnswerNode:
        node = find_node(self.root, address)
        if node is None:
            raise KeyError(address)
        return node


def _free_id(rows: Sequence[Row], known: AbstractSet[str]) -> str:
    """Rows that a count makes are numbered, so that the phone and the server give them the same ids."""
    place = len(rows) + 1
    while str(place) in known:
        place += 1
    return str(place)


def _as_items(items: Sequence[Mapping[str, str]]) -> Sequence[dict[str, str]]:
    """Items as expressions read them; copied only when they are of another sort."""
    if all(type(item) is dict for item in items):
        return items  # type: ignore[return-value]
    return [dict(item) for item in items]
