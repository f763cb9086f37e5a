"""Who reads whom in a form: for every question, what it depends on, and what is lost or changed when it goes.

The links are those the interview itself follows (`program.paths_read`), and those of our own sheets; so what an
author sees is what happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from forms.model import Expression, FormDefinition, Item, Question, Repeat, Text
from forms.program import paths_read

SETTINGS: Final = "settings/instance_name"
_RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "scores": ("rule", "applies"),
    "indicators": ("rule", "applies"),
    "resources": ("cost", "quantity"),
    "measures": ("trigger", "share"),
    "checks": ("rule", "relevant"),
    "entities": ("entity_id", "create_if", "update_if", "entry_label"),
}
_QUESTION_TEXTS: Final = ("hint", "guidance", "constraint_message", "required_message", "unit")


@dataclass(frozen=True, slots=True)
class Link:
    """`target` reads `source` in its column `column`.

    Both are paths, "group/question"; rows of our own sheets are "scores/<name>", "checks/<name>" and so on.
    """

    source: str
    target: str
    column: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Every link of a form, in the order of the rows that read."""

    links: tuple[Link, ...]
    by_target: Mapping[str, tuple[Link, ...]]
    by_source: Mapping[str, tuple[Link, ...]]

    def depends_on(self, path: str) -> tuple[Link, ...]:
        """What the row at `path` reads."""
        return self.by_target.get(path, ())

    def used_by(self, path: str) -> tuple[Link, ...]:
        """Who reads the row at `path`."""
        return self.by_source.get(path, ())


def graph_of(definition: FormDefinition) -> Graph:
    """The links of a form: rules, texts, defaults, triggers, and the rows of our own sheets."""
    figures = {score.name for score in definition.scores}
    found: dict[Link, None] = {}
    for target, column, expression in _expressions(definition):
        for steps, _ in paths_read(expression):
            source = _place(definition, steps, figures)
            if source and source != target:
                found[Link(source, target, column)] = None
    for link in _named(definition):
        found[link] = None
    by_target: dict[str, list[Link]] = {}
    by_source: dict[str, list[Link]] = {}
    for link in found:
        by_target.setdefault(link.target, []).append(link)
        by_source.setdefault(link.source, []).append(link)
    return Graph(
        tuple(found),
        {path: tuple(links) for path, links in by_target.items()},
        {path: tuple(links) for path, links in by_source.items()},
    )


def _place(definition: FormDefinition, steps: tuple[str, ...], figures: set[str]) -> str:
    """Where a path leads: an item of the form, or a figure of the sheet scores, which rules read like a question."""
    if definition.find(steps) is not None:
        return "/".join(steps)
    return f"scores/{steps[-1]}" if steps and steps[-1] in figures else ""


def _expressions(definition: FormDefinition) -> Iterator[tuple[str, str, Expression]]:
    """(path of the row, column, expression) of everything that is evaluated."""
    for item in definition.walk():
        for column, expression in _of_item(item):
            yield "/".join(item.path), column, expression
    for sheet, columns in _RULES.items():
        for row in getattr(definition, sheet, ()):
            place = f"{sheet}/{row_name(row)}"
            for column in columns:
                yield from _some(place, column, getattr(row, column))
            for text in (getattr(row, "message", None), getattr(row, "label", None)):
                yield from ((place, "message", part) for part in _parts(text))
    yield from _some(SETTINGS, "instance_name", definition.instance_name)


def row_name(row: object) -> str:
    """What a row of our own sheets is called."""
    return str(getattr(row, "code", "") or getattr(row, "name", "") or getattr(row, "dataset", ""))


def _some(place: str, column: str, expression: Expression | None) -> Iterator[tuple[str, str, Expression]]:
    if expression is not None:
        yield place, column, expression


def _of_item(item: Item) -> Iterator[tuple[str, Expression]]:
    columns: dict[str, Expression | None] = {"relevant": item.relevant, "read_only": item.read_only}
    if isinstance(item, Question):
        columns |= {
            "calculation": item.calculation, "constraint": item.constraint, "required": item.required,
            "choice_filter": item.choice_filter, "unit": item.unit_expression,
        }  # fmt: skip
    elif isinstance(item, Repeat):
        columns["repeat_count"] = item.count
    yield from ((column, expression) for column, expression in columns.items() if expression is not None)
    if isinstance(item, Question | Repeat):
        for action in item.actions:
            yield ("calculation" if action.trigger else "default"), action.expression
    yield from (("label", part) for part in _parts(item.label))
    for name in _QUESTION_TEXTS if isinstance(item, Question) else ():
        yield from ((name, part) for part in _parts(getattr(item, name)))


def _parts(text: Text | None) -> Iterator[Expression]:
    for parts in text.by_language.values() if text else ():
        yield from (part for part in parts if not isinstance(part, str))


def _named(definition: FormDefinition) -> Iterator[Link]:
    """Links by name rather than by expression: triggers, parents, resources, the question a check stands at."""
    for item in definition.walk():
        for action in item.actions if isinstance(item, Question | Repeat) else ():
            if action.trigger:
                yield Link("/".join(action.trigger), "/".join(item.path), "trigger")
        if isinstance(item, Question) and item.evidence:
            yield Link("/".join((*item.path[:-1], item.evidence)), "/".join(item.path), "evidence")
    for score in definition.scores:
        yield from (Link(f"scores/{score.name}", f"scores/{parent}", "parents") for parent in score.parents)
    for measure in definition.measures:
        yield from (Link(f"resources/{name}", f"measures/{measure.code}", "resources") for name in measure.resources)
    yield from (Link("/".join(check.question), f"checks/{check.name}", "question") for check in definition.checks)
    for entity in getattr(definition, "entities", ()):
        yield from (Link("/".join(path), f"entities/{entity.dataset}", "save_to") for path in entity.questions)


def layers(graph: Graph, paths: Iterable[str]) -> list[list[str]]:
    """These paths in columns from left to right, each right of all it depends on; members of a circle stay put."""
    wanted = dict.fromkeys(paths)
    before = {path: [link.source for link in graph.depends_on(path) if link.source in wanted] for path in wanted}
    level = dict.fromkeys(wanted, 0)
    for _ in range(len(wanted)):
        moved = False
        for path, sources in before.items():
            least = max((level[source] + 1 for source in sources), default=0)
            if level[path] < least <= len(wanted):
                level[path], moved = least, True
        if not moved:
            break
    columns: dict[int, list[str]] = {}
    for path, column in level.items():
        columns.setdefault(column, []).append(path)
    return [columns[column] for column in sorted(columns)]
