"""Random interviews over a form: what is done, what stands after each step, and whether both engines say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final, TypeAlias

from forms import Clock, FormDefinition, Interview, Question, Repeat, Value, compute_scores, to_bundle_json, to_json
from forms.nodes import AnswerNode
from forms.types import TYPES, Kind
from tests.fuzz.generator import INSTANCES, GeneratedForm

Step: TypeAlias = "tuple[str, str, Value]"
Seen: TypeAlias = "dict[str, Any]"
OFFSETS: Final = (420, 0, -330, 345, 840)
ODD: Final[tuple[Value, ...]] = (
    "abc", "12,5", "007", "1e5", " 5 ", "-0", -1, 0, 2.5, 1e15, 0.1, "2024-02-30", "2024-2-3", "2024-02-29", "zzz",
    "red red", "yes no", "91 0", "x" * 300, "e\u0301", "😀", "a\nb", "true", "OK", "25:00", "<b>&amp;</b>", "${a}", "NaN",
)  # fmt: skip

WORDS: Final = (
    "Abc", "12", "a", "bc", "Đường 5", "hai từ", "an@abc.vn", "0912345678", "2024-02-29", "xyz", "😀b", "z", "a😀 😀c",
    "😀😀d 5",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Session:
    """One interview, to be had again in either engine."""

    form: GeneratedForm
    clock: Clock
    language: str
    steps: tuple[Step, ...]

    def request(self) -> dict[str, Any]:
        """As the Node driver takes it."""
        now = int(self.clock.now.timestamp() * 1000)
        return {
            "clock": {"now": now, "offset": self.clock.offset},
            "language": self.language,
            "instances": INSTANCES,
            "steps": self.steps,
        }


@dataclass(frozen=True, slots=True)
class Transcript:
    """What stood after opening and after each step, as far as it differed from before."""

    changes: list[Seen]
    stale: list[list[str]]  # what changed although the engine did not say so
    evaluations: int  # expressions evaluated afresh and compared


# Having an interview -------------------------------------------------------------------------------------------------


def open_interview(session: Session) -> Interview:
    """The interview before its first step."""
    return Interview(
        session.form.loaded.definition, instances=INSTANCES, clock=session.clock, language=session.language
    )


def replay(session: Session) -> Transcript:
    """Have the interview in Python."""
    interview, counter = open_interview(session), _Counter(session.form.loaded.definition)
    before = snapshot(interview)
    changes, stale, count = [before], [list[str]()], counter.all(interview)
    for step in session.steps:
        take(interview, step)
        told = interview.changed()
        now = snapshot(interview)
        differences = _changed(before, now)
        changes.append(differences)
        stale.append([key for key in differences if _is_untold(key, told, before, now)])
        count += counter.of(interview, told)
        before = now
    return Transcript(changes, stale, count)


def take(interview: Interview, step: Step) -> None:
    """Do one thing."""
    kind, address, value = step
    if kind == "set":
        interview.set(address, value)
    elif kind == "add":
        interview.add_row(address, str(value))
    else:
        interview.remove_row(address, str(value))


def _changed(before: Seen, now: Seen) -> Seen:
    differences = {key: value for key, value in now.items() if key not in before or before[key] != value}
    return differences | {key: "gone" for key in before if key not in now}


def _is_untold(key: str, told: Any, before: Seen, now: Seen) -> bool:
    return not key.startswith("|") and key in before and key in now and key.partition("|")[0] not in told


def snapshot(interview: Interview) -> Seen:
    """Everything both engines must agree on."""
    seen: Seen = {"|name": interview.instance_name}
    if interview.definition.scores:
        seen["|scores"] = compute_scores(interview).summary()
    for node in interview.nodes():
        address = node.address
        seen[f"{address}|relevant"] = node.is_relevant
        if isinstance(node.spec.item, Repeat):
            seen[f"{address}|rows"] = interview.rows(address)
        elif isinstance(node.spec.item, Question):
            seen[f"{address}|value"] = interview.value(address)
            if node.is_relevant:
                _look(interview, address, node.spec.item, seen)
    return seen


def _look(interview: Interview, address: str, question: Question, seen: Seen) -> None:
    seen[f"{address}|required"] = interview.is_required(address)
    seen[f"{address}|read only"] = interview.is_read_only(address)
    if question.choices:
        choices = interview.choices(address)
        seen[f"{address}|choices"] = [f"{choice.name}={interview.text(choice.label)}" for choice in choices]
    if _has_references(question, interview.language):
        seen[f"{address}|label"] = interview.text(question.label, address)
    if question.unit_expression is not None:
        seen[f"{address}|unit"] = interview.unit(address)
    issue = interview.issue(address)
    seen[f"{address}|issue"] = [issue.code, issue.own_message.get(interview.language, "")] if issue else None


def _has_references(question: Question, language: str) -> bool:
    return any(not isinstance(part, str) for part in question.label.parts(language))


class _Counter:
    """Counts the expressions of a form that were evaluated afresh after a step."""

    def __init__(self, definition: FormDefinition) -> None:
        self._own: dict[tuple[str, ...], int] = {}
        for item in definition.walk():
            rules: list[object] = [item.relevant, item.read_only]
            if isinstance(item, Question):
                rules += [item.calculation, item.required, item.constraint, item.choice_filter, item.unit_expression]
                rules += [part for part in item.label.parts("en") if not isinstance(part, str)]
            elif isinstance(item, Repeat):
                rules.append(item.count)
            self._own[item.path] = sum(rule is not None for rule in rules)

    def all(self, interview: Interview) -> int:
        return sum(self._own[node.spec.path] for node in interview.nodes() if node.is_relevant)

    def of(self, interview: Interview, addresses: Any) -> int:
        nodes = (node for node in interview.nodes() if node.is_relevant and node.address in addresses)
        return sum(self._own[node.spec.path] for node in nodes)


# Making one up -------------------------------------------------------------------------------------------------------


def make_session(form: GeneratedForm, seed: int, steps: int) -> Session:
    """A random interview: answers that fit and answers that do not, blanks, changes of mind, rows that come and go."""
    random = Random(f"{form.seed}:{seed}")
    moment = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(
        minutes=random.randint(-900, 900), seconds=random.randint(0, 59)
    )
    clock = Clock(moment.astimezone(timezone(timedelta(minutes=random.choice(OFFSETS)))))
    language = random.choice(form.loaded.definition.languages)
    interview = open_interview(Session(form, clock, language, ()))
    taken: list[Step] = []
    for number in range(steps):
        step = _next(interview, random, taken, number)
        if step is not None:
            take(interview, step)
            taken.append(step)
    return Session(form, clock, language, tuple(taken))


def _next(interview: Interview, random: Random, taken: Sequence[Step], number: int) -> Step | None:
    nodes = list(interview.nodes())
    repeats = [node for node in nodes if isinstance(node.spec.item, Repeat) and node.spec.item.count is None]
    way = random.random()
    if repeats and way < 0.2:
        node = random.choice(repeats)
        if len(node.rows) > 3 or (node.rows and random.random() < 0.3):
            return "remove", node.address, random.choice(node.rows).id
        return "add", node.address, f"row{number}"
    earlier = [step for step in taken if step[0] == "set"]
    if earlier and way < 0.3:
        _, address, value = random.choice(earlier)
        return ("set", address, value) if any(node.address == address for node in nodes) else None
    # What the form calculates is nobody's to set.
    asked = [node for node in nodes if isinstance(node.spec.item, Question) and node.spec.item.calculation is None]
    likely = [node for node in asked if node.is_relevant]
    node = random.choice(likely if likely and random.random() < 0.95 else asked)
    return "set", node.address, _value(interview, node, random)


def _value(interview: Interview, node: AnswerNode, random: Random) -> Value:
    chance = random.random()
    if chance < 0.1:
        return random.choice((None, ""))
    if chance < 0.22:
        return random.choice(ODD)
    question = node.spec.item
    assert isinstance(question, Question)
    kind = TYPES[question.type].kind
    if kind in (Kind.CHOICE, Kind.CHOICES):
        names = [choice.name for choice in interview.choices(node.address)] or ["red"]
        count = 1 if kind is Kind.CHOICE else random.randint(1, len(names))
        return " ".join(random.sample(names, count))
    return _plain_value(kind, random)


def _plain_value(kind: Kind, random: Random) -> Value:
    day = f"{random.choice((1969, 2000, 2024, 2026))}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
    time = f"{random.randint(0, 23):02d}:{random.randint(0, 59):02d}:00"
    zone = random.choice(("", "Z", "+07:00", "-05:30"))
    match kind:
        case Kind.INTEGER:
            return random.choice((random.randint(0, 10), random.randint(-5, 2000)))
        case Kind.DECIMAL:
            half = random.randint(-9, 9) + 0.5
            return random.choice((round(random.uniform(-20, 20), 2), random.uniform(-1, 1000), half))
        case Kind.DATE:
            return day
        case Kind.TIME:
            return time + random.choice((zone, f".000{zone}"))
        case Kind.DATETIME:
            return f"{day}T{time}{random.choice(('', '.000'))}{zone}"
        case Kind.POINT:
            return f"{random.uniform(9, 12):.4f} {random.uniform(105, 108):.4f} 0 5"
    return random.choice(WORDS)


# Comparing -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the two engines part: the step (0 is the opening), what, and both values."""

    session: Session
    step: int
    key: str
    python: Any
    node: Any

    def __str__(self) -> str:
        steps = "\n".join(f"  {json.dumps(step, ensure_ascii=False)}" for step in self.session.steps)
        return (
            f"seed {self.session.form.seed}, step {self.step}, {self.key}: Python {self.python!r}, TypeScript {self.node!r}\n"
            f"clock {self.session.clock.now.isoformat()}, language {self.session.language}, steps:\n{steps}\n"
            f"{self.session.form.markdown}"
        )


MISSING: Final = "(the same as before)"


def differences(session: Session, python: Sequence[Seen], node: Sequence[Seen]) -> Iterator[Difference]:
    """Where two transcripts differ, the first step at which they do."""
    for step, (ours, theirs) in enumerate(zip(python, node, strict=True)):
        found = False
        for key in {**ours, **theirs}:
            one, other = ours.get(key, MISSING), theirs.get(key, MISSING)
            if one != other:
                found = True
                yield Difference(session, step, key, one, other)
        if found:
            return


def form_request(form: GeneratedForm, language: str) -> dict[str, Any]:
    """The definition as the driver takes it: the stored shape or, every second time, what a phone gets."""
    definition = form.loaded.definition
    shape = to_json(definition) if form.seed % 2 else to_bundle_json(definition, language)
    labels = ["/".join(question.path) for question in definition.questions() if _has_references(question, language)]
    return {"definition": shape, "labels": labels}
