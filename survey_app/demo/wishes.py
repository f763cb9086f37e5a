"""How a pack writes down made-up values: constants, ranges, choices, weights and expressions, drawn from a seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import Any, Final, TypeAlias

from forms import Clock, Environment, Expression, FormDefinition, Interview, Scope, Value, evaluate, parse, to_text

Spec: TypeAlias = Any  # as read from TOML; the heading of a pack's demo.toml says what each form of it means
Known: TypeAlias = Mapping[str, Any]

_REFERENCES: Final = re.compile(r"\$\{(\w+)\}")
_DRAWS: Final = ("u", "v", "w")


def draw(spec: Spec, known: Known, random: Random) -> Any:
    """One value of a spec; blanks are None."""
    if isinstance(spec, str):
        value = _evaluated(spec[1:], known, random) if spec.startswith("=") else spec
        return None if value == "" else value
    if isinstance(spec, list):
        return _from_list(spec, known, random)
    if isinstance(spec, Mapping):
        return random.choices(list(spec), weights=list(spec.values()))[0]
    return spec


def draw_all(specs: Mapping[str, Spec], known: Known, random: Random) -> dict[str, Any]:
    """What was known with every spec drawn in its order; a later one may use an earlier one."""
    found = dict(known)
    for name, spec in specs.items():
        found[name] = draw(spec, found, random)
    return found


def wishes_for(
    form: FormDefinition, specs: Mapping[str, Spec], by_list: Mapping[str, Spec], known: Known
) -> dict[str, Value | Callable[[Interview, str, Random], Value]]:
    """Wishes for a made-up respondent: a spec for a question's name, else one for its list of choices."""
    wanted = {q.name: by_list[q.choices] for q in form.questions() if q.choices and q.choices in by_list}
    wanted |= specs
    return {name: _wish(spec, known) for name, spec in wanted.items()}


def _wish(spec: Spec, known: Known) -> Callable[[Interview, str, Random], Value]:
    names = _REFERENCES.findall(spec) if isinstance(spec, str) else ()
    asked = [name for name in names if name not in known and name not in (*_DRAWS, "row")]

    def wish(interview: Interview, address: str, random: Random) -> Value:
        answers = {name: _answer(interview, address, name) for name in asked}
        row = next((step for step in reversed(address.split("/")) if step.isdigit()), "")
        value: Value = draw(spec, {**known, **answers, "row": row}, random)
        return value

    return wish


def _answer(interview: Interview, address: str, name: str) -> Value:
    """An answer given before: in the same row or group, else wherever the question stands outside of repeats."""
    places = [f"{address.rpartition('/')[0]}/{name}"]
    places += ["/".join(q.path) for q in interview.definition.questions() if q.name == name]
    for place in places:
        try:
            return interview.value(place)
        except KeyError:
            continue
    return None


def _from_list(spec: list[Spec], known: Known, random: Random) -> Any:
    if len(spec) == 2 and all(isinstance(one, int) for one in spec):
        return random.randint(*spec)
    if len(spec) == 2 and all(isinstance(one, float) for one in spec):
        return round(random.uniform(*spec), 4)
    return draw(random.choice(spec), known, random)


def _evaluated(rule: str, known: Known, random: Random) -> Any:
    alone = _REFERENCES.fullmatch(rule)
    if alone and alone[1] not in _DRAWS:
        return known.get(alone[1])  # most rules only name something known
    row = {name: _text(known[name]) for name in _REFERENCES.findall(rule) if known.get(name) is not None}
    row |= {name: f"{random.random():.6f}" for name in _DRAWS}
    return to_text(evaluate(_parsed(rule), Scope(Environment(Clock.utc(), root=row))))


@lru_cache(maxsize=1000)
def _parsed(rule: str) -> Expression:
    return parse(rule)


def _text(value: Any) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


__all__ = ["Known", "Spec", "draw", "draw_all", "wishes_for"]
