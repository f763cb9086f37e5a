"""Made-up establishments, valid by the pack's own checks, each with the facts that all its answers rest on."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from sqlalchemy import select

from survey_app import db
from survey_app.demo.wishes import draw_all
from survey_app.models import Establishment, Register
from survey_app.programme import service as programme
from survey_app.registers import service as registers

ATTEMPTS = 40  # a code with a check digit may need several draws
Facts = dict[str, Any]


def make_register(demo: Mapping[str, Any], count: int, year: int, random: Random) -> dict[int, Facts]:
    """Fill the demo's register; returns the facts behind every establishment by its id."""
    register = registers.get_register(demo["register"])
    kinds = demo["kind"]
    chosen = random.choices(kinds, weights=[kind["weight"] for kind in kinds], k=count)
    made = [_make(demo, register, kind, {"number": number, "year": year}, random)
            for number, kind in enumerate(chosen, 1)]
    db.session().add_all(unit for unit, _facts in made)
    db.session().flush()
    return {unit.id: facts for unit, facts in made}


def facts_of_others(register: Register, year: int) -> dict[int, Facts]:
    """The little that is known of units the pack itself names."""
    query = select(Establishment).where(Establishment.register_id == register.id).order_by(Establishment.id)
    units = db.session().scalars(query)
    return {unit.id: {"number": place, "year": year, "area": unit.area} for place, unit in enumerate(units, 1)}


def _make(
    demo: Mapping[str, Any], register: Register, kind: Mapping[str, Any], start: Facts, random: Random
) -> tuple[Establishment, Facts]:
    spec = programme.register_spec(register.name)
    for _ in range(ATTEMPTS):
        facts = draw_all({**kind, **demo["variables"]}, start, random)
        drawn = draw_all(demo["fields"], facts, random)
        texts = {name: str(drawn[name]) for name in demo["fields"] if drawn[name] is not None}
        values, reasons = registers.read_fields(spec, texts, typed=True)
        reasons = reasons or registers.spec_reasons(spec, values)
        if not reasons:
            unit = Establishment(register_id=register.id, is_demo=True)
            registers.apply_values(unit, values, programme.derive(spec, values))
            return unit, {**facts, **drawn}
    raise ValueError(f"demo.toml makes establishments its own register refuses: {reasons}")


__all__ = ["Facts", "facts_of_others", "make_register"]
