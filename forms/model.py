"""A form as the rest of the system knows it: frozen, slotted data built by the loader, then only read.

Expressions are trees of five kinds, resolved at load so that evaluation never searches the form:

* `Literal`  a number or a string.
* `Path`     answers of the form. `steps` are the names from the root; of the repeats met on the way the first
             `pinned` are fixed to the row the expression stands in, the others give one node per row.
* `Field`    inside a predicate: a child of the item being tested (`steps` empty: the item itself).
* `Filter`   nodes of `source` kept by `predicates`, then `steps` below them. Among steps ".." is the node above, "*"
             every node below and "" (as between the slashes of "//") the node with everything below it.
* `Call`     a function or an operator ("+", "and", "=", "neg", "|", ...) with its arguments.

Their JSON, which phones walk too: a number or a string stands for itself; `["$", pinned, "a/b/c"]` Path;
`[".", "a/b"]` Field; `["@", source, [predicate, ...], "a/b"]` Filter, whose source is a Path, a Call that yields nodes,
another Filter or `["instance", "id", "root/item"]`; any other array is a Call: `["name", argument, ...]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = str | int | float | None
# The XForm's own tree. Key missing: not asked. None: asked, no answer. A repeat is a list of rows; each row is a tree
# with its own "_id" (a UUID as text). select_multiple, dates, points and file names are strings, as in an XForm.
Answers: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: str | float


@dataclass(frozen=True, slots=True)
class Path:
    """Answers of the form, see the module's docstring."""

    steps: tuple[str, ...]
    pinned: int = 0


@dataclass(frozen=True, slots=True)
class Field:
    """A child of the item a predicate is testing."""

    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """The items of a secondary instance: `instance('id')/root/item`."""

    id: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Items kept by predicates, then the nodes below them."""

    source: Path | Instance | Filter | Field | Call
    predicates: tuple[Expression, ...]
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator with its arguments."""

    name: str
    arguments: tuple[Expression, ...] = ()


Expression: TypeAlias = Literal | Path | Field | Instance | Filter | Call
# A label may hold `${}` references: text and expressions in turn.
Rich: TypeAlias = tuple["str | Expression", ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the form's languages: language code ("vi") -> parts. Empty for a text the author left out."""

    by_language: Mapping[str, Rich] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.by_language.values())

    def parts(self, language: str) -> Rich:
        """The parts in `language`, else in the first language that has the text, else none."""
        if self.by_language.get(language):
            return self.by_language[language]
        return next((parts for parts in self.by_language.values() if parts), ())

    def plain(self, language: str) -> str:
        """The text with every reference shown as an ellipsis; for lists of questions, never for an interview."""
        return "".join(part if isinstance(part, str) else "…" for part in self.parts(language))


@dataclass(frozen=True, slots=True)
class Action:
    """A value set by an event: dynamic default, calculation with a trigger."""

    event: str  # odk-instance-first-load, odk-new-repeat, xforms-value-changed
    expression: Expression
    trigger: tuple[str, ...] | None = None  # schema path of the question whose change runs it
    target: Expression | None = None  # the nodes it sets, where they are not those of the trigger's own row


@dataclass(frozen=True, slots=True)
class Question:
    """One row that holds an answer (or shows a note)."""

    name: str
    type: str  # a name of forms.types
    path: tuple[str, ...]  # schema path from the root, this name last
    cell: str  # "survey!A14", for messages
    label: Text = field(default_factory=Text)
    hint: Text = field(default_factory=Text)
    guidance: Text = field(default_factory=Text)
    relevant: Expression | None = None
    constraint: Expression | None = None
    constraint_message: Text = field(default_factory=Text)
    required: Expression | None = None
    required_message: Text = field(default_factory=Text)
    calculation: Expression | None = None
    default: str | None = None
    actions: tuple[Action, ...] = ()
    read_only: Expression | None = None
    choices: str | None = None  # name in FormDefinition.choice_lists, or of a secondary instance
    choice_filter: Expression | None = None
    itemset: Expression | None = None  # the rows of a repeat that are its choices; `choices` is then their path
    appearance: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    media: Mapping[str, Text] = field(default_factory=dict)  # image, audio, video -> file name per language
    unit: Text = field(default_factory=Text)  # own column: a word
    unit_expression: Expression | None = None  # own column: where the unit depends on an answer
    is_personal: bool = False  # own column
    evidence: str = ""  # own column: name of the photo question offered under this one


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together; a section of the form when at the top level."""

    name: str
    path: tuple[str, ...]
    cell: str
    children: tuple[Item, ...]
    label: Text = field(default_factory=Text)
    relevant: Expression | None = None
    read_only: Expression | None = None
    appearance: str = ""
    media: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repeat(Group):
    """A group answered many times: a list of answer trees."""

    count: Expression | None = None
    actions: tuple[Action, ...] = ()
    first: tuple[Mapping[str, Any], ...] = ()  # rows that are there when its place comes to be: names -> what they hold


Item: TypeAlias = Question | Group | Repeat


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice; `extra` holds the author's own columns, usable in a choice filter."""

    name: str
    label: Text
    media: Mapping[str, Text] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChoiceList:
    """Choices by list name, in the author's order."""

    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A row of the sheet `scores`, see docs/authoring.md. kind: value, item, dimension, index, band."""

    kind: str
    name: str
    label: Text
    cell: str
    parents: tuple[str, ...] = ()
    rule: Expression | None = None
    applies: Expression | None = None
    questions: tuple[tuple[str, ...], ...] = ()  # schema paths the rule names
    repeat: tuple[str, ...] | None = None  # the repeat in whose rows a value is computed
    weight: float | None = None
    method: str = "mean"  # mean or sum
    decimals: int = 1
    minimum_share: float | None = None  # an index is withheld below this share of answered applicable items
    unit: Text = field(default_factory=Text)
    where: str = "phone"  # phone or server: a server row, its rule and its key never reach a phone


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """A row of the sheet `indicators`: a statement or number of one record."""

    name: str
    label: Text
    cell: str
    kind: str  # truth, number or text
    rule: Expression
    applies: Expression | None = None
    where: str = "phone"


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A row of the sheet `measures`: what to recommend when, and what it may save."""

    code: str
    label: Text
    cell: str
    trigger: Expression
    technique: str
    resources: tuple[str, ...]  # names of the form's resources the saving applies to
    base: Text  # what the percentages refer to, in words
    share: Expression  # part of the resource the measure works on, 0 to 1
    saving_low: float  # of that base, 0 to 1
    saving_high: float
    payback_low: float  # months
    payback_high: float
    group: str = "low_cost"  # low_cost, cost_only or investment
    questions: tuple[tuple[str, ...], ...] = ()  # the answers the trigger names: "why"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A row of the sheet `checks`: a soft check. `rule` true means all is well."""

    name: str
    cell: str
    question: tuple[str, ...]
    rule: Expression
    grade: str  # note, reason (a reason must be given) or stop
    message: Text
    relevant: Expression | None = None


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """A row of the sheet `resources`: a cost pool that measures save from."""

    name: str
    label: Text
    cost: Expression  # VND of the year; blank when unknown
    quantity: Expression | None = None
    unit: Text = field(default_factory=Text)
    cap: float = 0.3  # the largest share that all measures together may save


@dataclass(frozen=True, slots=True)
class EntityRow:
    """A row of the sheet `entities`: the entry of a register that a record (or each row of a repeat) proposes."""

    dataset: str  # the register's name
    cell: str
    repeat: tuple[str, ...] | None = None
    entity_id: Expression | None = None
    create_if: Expression | None = None
    update_if: Expression | None = None
    entry_label: Expression | None = None
    properties: tuple[str, ...] = ()  # names in the register, each filled by the question in the same place
    questions: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class FileNeed:
    """A file that the form names and that comes beside it: a medium to show, or a list."""

    name: str
    kind: str  # image, audio, video or list
    cell: str  # who names it first
    instance: str = ""  # of a list: the secondary instance it fills


@dataclass(frozen=True, slots=True)
class FormDefinition:
    """A whole form. `languages[0]` is the default; texts without a language stand under it."""

    form_id: str
    version: str
    title: Text
    languages: tuple[str, ...]
    items: tuple[Item, ...]
    choice_lists: Mapping[str, ChoiceList] = field(default_factory=dict)
    # secondary instances written in the workbook itself (external lists): id -> items
    instances: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Text] = field(default_factory=dict)  # those that expressions ask for by id, with jr:itext()
    instance_name: Expression | None = None
    scores: tuple[ScoreRow, ...] = ()
    indicators: tuple[IndicatorRow, ...] = ()
    resources: tuple[ResourceRow, ...] = ()
    measures: tuple[MeasureRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    entities: tuple[EntityRow, ...] = ()
    order: tuple[tuple[str, ...], ...] = ()  # paths with a calculation, each after what it depends on
    files: tuple[FileNeed, ...] = ()  # what must lie beside the form before anybody can be asked

    def walk(self) -> Iterator[Item]:
        """Every item, parents before children, in the author's order."""
        yield from _walk(self.items)

    def questions(self) -> Iterator[Question]:
        """Every question in the author's order."""
        return (item for item in self.walk() if isinstance(item, Question))

    def find(self, path: tuple[str, ...]) -> Item | None:
        """The item at a schema path, or None."""
        items: tuple[Item, ...] = self.items
        found: Item | None = None
        for name in path:
            found = next((item for item in items if item.name == name), None)
            if found is None:
                return None
            items = () if isinstance(found, Question) else found.children
        return found


def _walk(items: tuple[Item, ...]) -> Iterator[Item]:
    for item in items:
        yield item
        if not isinstance(item, Question):
            yield from _walk(item.children)
