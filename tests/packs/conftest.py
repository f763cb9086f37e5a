"""The first pack, its forms, and interviews filled from plain records: question name -> answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest

from forms import Clock, FormDefinition, Group, Interview, Question, Repeat, load_form
from survey_app.programme.pack import PACKS, Pack, instance_items, load_pack

TODAY = date(2020, 3, 2)
COMMON = {
    "id_establishment": "NB-000123",
    "id_name": "Cơ sở mẫu 0123",
    "id_legal": "llc",
    "id_tax": "0100047516",
    "id_unit2016": "u373",
    "id_commune": "14464",
    "id_vsic": "2392",
    "id_ref_year": 2019,
    "id_mode": "visit",
    "id_visit_date": "2020-03-02",
    "id_consent": "yes",
    "id_resp_name": "Người trả lời mẫu",
    "id_phone": "0912345678",
}
Fill = Callable[..., Interview]


@cache
def ninh_binh() -> Pack:
    return load_pack(PACKS / "ninh_binh", TODAY)


@cache
def definition_of(form_id: str) -> FormDefinition:
    return load_form(dict(ninh_binh().instruments())[form_id], f"{form_id}.md").definition


@cache
def lists_on(day: date) -> dict[str, tuple[dict[str, str], ...]]:
    return {name: instance_items(reference, day) for name, reference in ninh_binh().lists.items()}


def tree(items: tuple[Any, ...], record: Mapping[str, Any]) -> dict[str, Any]:
    """The answer tree of a flat record; a repeat's rows stand under the repeat's name."""
    found: dict[str, Any] = {}
    for item in items:
        if isinstance(item, Question):
            if item.name in record:
                found[item.name] = record[item.name]
        elif isinstance(item, Repeat):
            rows = record.get(item.name, ())
            found[item.name] = [{"_id": f"row{n}", **tree(item.children, row)} for n, row in enumerate(rows, 1)]
        elif isinstance(item, Group):
            found[item.name] = tree(item.children, record)
    return found


@pytest.fixture(scope="session")
def pack() -> Pack:
    return ninh_binh()


@pytest.fixture(scope="session")
def fill() -> Fill:
    """Fill a form: `fill("rapid_assessment", record, workers="8")`; keywords are fields of the register."""

    def filled(form_id: str, record: Mapping[str, Any], today: date = TODAY, **register: str) -> Interview:
        definition = definition_of(form_id)
        common = {} if form_id == "officer_capacity" else COMMON
        answers = tree(definition.items, {**common, **record})
        noon = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
        item = {"code": "NB-000123", **register}
        return Interview(definition, answers, instances={**lists_on(today), "register": [item]}, clock=Clock(noon))

    return filled
