"""What is compared: the instruments of the pack and generated forms, with random answers to each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

from forms import Answers, Clock, Interview, LoadedForm, Question, load_form, respond
from forms.nodes import AnswerNode
from forms.types import TYPES, Kind
from survey_app.programme.pack import PACKS, instance_items, load_pack
from tests.fuzz.generator import INSTANCES, generate
from tools.compare.javarosa import HOURS

# JavaRosa's today() cannot be set: ours is that of the run.
CLOCK = Clock(datetime.now(timezone(timedelta(hours=HOURS))))


LANGUAGE = "en"  # JavaRosa writes the names of months and days in the language of the machine


@dataclass(frozen=True, slots=True)
class Subject:
    """A form, and what it reads besides the answers."""

    name: str
    loaded: LoadedForm
    instances: Mapping[str, Sequence[Mapping[str, str]]]
    wishes: Mapping[str, Any] = field(default_factory=dict)

    def interview(self, answers: Answers | None = None) -> Interview:
        """An interview of the form, with or without answers."""
        return Interview(self.loaded.definition, answers, instances=self.instances, clock=CLOCK, language=LANGUAGE)

    def write_media(self, folder: Path) -> None:
        """The secondary instances as the CSV files that other engines read."""
        for name, items in self.instances.items():
            columns = list(dict.fromkeys(column for item in items for column in item))
            text = io.StringIO()
            writer = csv.DictWriter(text, columns)
            writer.writeheader()
            writer.writerows(items)
            (folder / f"{name}.csv").write_text(text.getvalue(), "utf-8")


def instruments() -> Iterator[Subject]:
    """Every instrument of the pack."""
    pack = load_pack(PACKS / "ninh_binh", date(2026, 11, 23))
    instances = {name: list(instance_items(found)) for name, found in pack.lists.items()}
    instances["register"] = [{"code": "NB-000001", "name": "Cơ sở mẫu"}]
    instances["previous"] = [{"code": ""}]
    for name, source in pack.instruments():
        yield Subject(name, load_form(source, f"{name}.md"), instances, {"id_consent": "yes"})


def generated(count: int, seed: int) -> Iterator[Subject]:
    """Generated forms that keep to what JavaRosa reads."""
    for number in range(seed, seed + count):
        form = generate(number, is_portable=True)
        yield Subject(f"fuzz_{number}", form.loaded, INSTANCES)


def random_answers(subject: Subject, seed: int) -> Answers:
    """A filled form. Every second one breaks rules here and there, so that constraints are seen to fail too."""
    random = Random(f"{subject.name}:{seed}")  # noqa: S311  # not a secret
    interview = subject.interview()
    respond(interview, random, subject.wishes)
    if seed % 2:
        for address in [node.address for node in interview.nodes() if _may_change(node) and random.random() < 0.25]:
            # An earlier change may have taken away its row.
            node = next((node for node in interview.nodes() if node.address == address), None)
            if node is not None:
                interview.set(address, _any_value(node, random))
    return _trimmed(interview.answers)


def _trimmed(tree: Answers) -> Answers:
    """Texts without blanks around them: JavaRosa drops those when it reads a saved instance."""
    return {name: _trimmed_value(value) for name, value in tree.items()}


def _trimmed_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _trimmed(value)
    if isinstance(value, list):
        return [_trimmed(row) for row in value]
    return value.strip() or None if isinstance(value, str) else value


def _may_change(node: AnswerNode) -> bool:
    item = node.spec.item
    return isinstance(item, Question) and item.calculation is None and TYPES[item.type].kind in _ANY


_ANY = {Kind.INTEGER, Kind.DECIMAL, Kind.TEXT, Kind.DATE}


def _any_value(node: AnswerNode, random: Random) -> str | float | None:
    match TYPES[node.spec.item.type].kind:  # type: ignore[union-attr]
        case Kind.INTEGER:
            return random.choice((0, -1, random.randint(0, 20), random.randint(0, 100_000), None))
        case Kind.DECIMAL:
            return random.choice((0, -0.5, 0.1, round(random.uniform(0, 1e6), 2), None))
        case Kind.DATE:
            return f"{random.choice((1969, 2024, 2026))}-0{random.randint(1, 9)}-{random.randint(10, 28)}"
    return random.choice(("a", "Abc", "12", "0912345678", "an@abc.vn", "hai từ", "Đường 5", None))
