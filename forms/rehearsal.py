"""Many made-up respondents fill a form: where they get stuck, what nobody is asked, how long it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Final

from forms.answers import Interview
from forms.expressions.values import Clock
from forms.model import FormDefinition, Question, Value
from forms.nodes import AnswerNode
from forms.respondent import Wishes, respond
from forms.scoring import compute_scores
from forms.types import TYPES, Kind

# Seconds an answer takes beside the reading of its question: an estimate to compare forms by, not a promise.
SECONDS: Final[Mapping[Kind, float]] = {
    Kind.TEXT: 20, Kind.INTEGER: 12, Kind.DECIMAL: 15, Kind.RANGE: 8, Kind.DATE: 12, Kind.TIME: 12, Kind.DATETIME: 20,
    Kind.CHOICE: 8, Kind.CHOICES: 12, Kind.RANK: 25, Kind.POINT: 20, Kind.TRACE: 60, Kind.SHAPE: 60, Kind.FILE: 30,
    Kind.NOTE: 2, Kind.ACKNOWLEDGE: 4,
}  # fmt: skip
WORDS_A_SECOND: Final = 3.3
NOT_SHOWN: Final = frozenset((Kind.CALCULATE, Kind.METADATA))


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """A question that respondents could not get past: no answer they tried was accepted."""

    path: str  # schema path, "group/question"
    cell: str  # "survey!A14"
    code: str  # of the issue: constraint, required, unknown_choice, wrong_type
    example: Value  # an answer that was refused; None where none could be given
    message: str  # what the form said to it, in its first language
    count: int  # respondents who stopped here


@dataclass(frozen=True, slots=True)
class RandomRun:
    """What a run of random respondents showed; figures are None where nobody finished or nothing is scored."""

    respondents: int  # those who were run: fewer than wanted when time was up
    finished: int
    dead_ends: tuple[DeadEnd, ...]  # the most frequent first
    never_asked: tuple[str, ...]  # schema paths, in the form's order
    questions_median: float | None
    questions_range: tuple[int, int] | None
    minutes_median: float | None
    scores: Mapping[str, tuple[float, float, float]]  # index -> (lowest, median, highest)


def random_run(
    definition: FormDefinition,
    respondents: int = 1000,
    seed: int = 1,
    *,
    instances: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    wishes: Wishes | None = None,
    clock: Clock | None = None,
    seconds: float = 20.0,
) -> RandomRun:
    """Let random respondents fill the form, as many as wanted or as `seconds` allow; the same seed, the same run."""
    tally, until = _Tally(), time.monotonic() + seconds
    lengths = {question.path: seconds_of(definition, question) for question in definition.questions()}
    clock = clock or Clock.utc()
    for number in range(respondents):
        interview = Interview(definition, instances=instances, clock=clock, seed=number + 1)
        respond(interview, Random(f"{seed}:{number}"), wishes)  # noqa: S311  # not a secret
        _count(tally, interview, lengths)
        if time.monotonic() > until:
            break
    return _summed(tally, definition)


@dataclass(slots=True)
class _Tally:
    respondents: int = 0
    finished: int = 0
    questions: list[int] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)
    asked: set[tuple[str, ...]] = field(default_factory=set)
    ends: dict[tuple[str, str], DeadEnd] = field(default_factory=dict)
    stops: dict[tuple[str, str], int] = field(default_factory=dict)
    scores: dict[str, list[float]] = field(default_factory=dict)


def _count(tally: _Tally, interview: Interview, lengths: Mapping[tuple[str, ...], float]) -> None:
    tally.respondents += 1
    shown = list(_shown(interview))
    tally.asked.update(node.spec.path for node in shown)
    issues = interview.issues()
    if issues:
        for code, address in {(issue.code, issue.where): None for issue in issues}:
            _note_end(tally, interview, code, address)
        return
    tally.finished += 1
    tally.questions.append(sum(node.spec.item.type != "note" for node in shown))  # type: ignore[union-attr]
    tally.minutes.append(sum(lengths[node.spec.path] for node in shown) / 60)
    for index in compute_scores(interview).indexes if interview.definition.scores else ():
        if index.value is not None:
            tally.scores.setdefault(index.name, []).append(index.value)


def _shown(interview: Interview) -> Iterator[AnswerNode]:
    """The questions and notes this respondent sees."""
    for node in interview.nodes():
        item = node.spec.item
        if node.is_relevant and isinstance(item, Question) and TYPES[item.type].kind not in NOT_SHOWN:
            yield node


def _note_end(tally: _Tally, interview: Interview, code: str, address: str) -> None:
    path = interview.schema_path(address)
    key = ("/".join(path), code)
    tally.stops[key] = tally.stops.get(key, 0) + 1
    if key in tally.ends:
        return
    item, issue = interview.definition.find(path), interview.issue(address)
    message = next(iter(issue.own_message.values()), "") if issue is not None else ""
    tally.ends[key] = DeadEnd(key[0], item.cell if item else "", code, interview.value(address), message, 0)


def _summed(tally: _Tally, definition: FormDefinition) -> RandomRun:
    ends = (
        DeadEnd(end.path, end.cell, end.code, end.example, end.message, tally.stops[key])
        for key, end in tally.ends.items()
    )
    return RandomRun(
        respondents=tally.respondents,
        finished=tally.finished,
        dead_ends=tuple(sorted(ends, key=lambda end: (-end.count, end.path))),
        never_asked=tuple(
            "/".join(question.path)
            for question in definition.questions()
            if TYPES[question.type].kind not in NOT_SHOWN and question.path not in tally.asked
        ),
        questions_median=median(tally.questions) if tally.questions else None,
        questions_range=(min(tally.questions), max(tally.questions)) if tally.questions else None,
        minutes_median=median(tally.minutes) if tally.minutes else None,
        scores={name: (min(found), median(found), max(found)) for name, found in tally.scores.items()},
    )


def seconds_of(definition: FormDefinition, question: Question) -> float:
    """The time a question takes: its words, and giving the answer."""
    words = sum(len(text.plain(definition.languages[0]).split()) for text in (question.label, question.hint))
    return words / WORDS_A_SECOND + SECONDS.get(TYPES[question.type].kind, 0)
