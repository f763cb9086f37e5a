"""Packs as data: the first pack is complete and honest about its sources, and another programme loads the same way."""

from __future__ import annotations

import re
import shutil
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

import survey_app
from forms import Clock, Environment, Interview, Scope, compute_indicators, evaluate, load_form, parse, to_text
from survey_app.programme.pack import Pack, PackError, RegisterSpec, instance_items, load_pack

ROOT = Path(survey_app.__file__).parent.parent
TINY = Path(__file__).parent / "tiny_pack"
TODAY = date(2026, 11, 23)


def holds(rule: str, **row: str) -> bool:
    return value(f"boolean({rule})", **row) == "true"


def value(rule: str, **row: str) -> str:
    return to_text(evaluate(parse(rule), Scope(Environment(Clock.utc(), root=row, instances={}))))


@pytest.fixture
def register(pack: Pack) -> RegisterSpec:
    return pack.registers["establishments"]


# The first pack ----------------------------------------------------------------------------------------------------


def test_every_row_of_every_list_names_its_source_and_what_comes_from_memory_is_unconfirmed(pack: Pack) -> None:
    for reference in pack.lists.values():
        for row in reference.rows:
            assert row["source"], (reference.name, row)
            if row["source"].endswith("(from memory)"):
                assert row["status"] == "unconfirmed", (reference.name, row)
    assert {"wood", "husk", "steam", "grid"} <= {row["name"] for row in pack.lists["factors"].unconfirmed()}


def test_the_geography_of_2016_has_145_communes_in_8_units_and_todays_has_129(pack: Pack) -> None:
    then = pack.lists["units"].in_force(date(2016, 8, 17))
    kinds = [row["kind"] for row in then]
    assert [kinds.count(kind) for kind in ("district", "ward", "township", "commune")] == [8, 17, 7, 121]
    assert {row["parent"] for row in then if row["kind"] == "commune"} <= {row["code"] for row in then}
    now = pack.lists["units"].in_force(date(2025, 7, 1))
    kinds = [row["kind"] for row in now]
    assert [kinds.count(kind) for kind in ("district", "ward", "commune")] == [0, 32, 97]
    assert sum(bool(row["districts_2016"]) for row in now) == 39
    assert sum(row["crosses_2016"] == "yes" for row in now) == 6


@pytest.mark.parametrize(
    ("day", "communes", "districts"),
    [(date(2016, 9, 1), 145, 8), (date(2020, 2, 1), 143, 8), (date(2025, 1, 1), 125, 7), (date(2025, 7, 1), 129, 0)],
)
def test_each_reorganisation_leaves_the_official_number_of_units(
    pack: Pack, day: date, communes: int, districts: int
) -> None:
    kinds = [row["kind"] for row in pack.lists["units"].in_force(day)]
    assert sum(kind in ("ward", "township", "commune") for kind in kinds) == communes
    assert kinds.count("district") == districts


def test_a_code_used_again_for_another_unit_is_another_row(pack: Pack) -> None:
    rows = [(row["valid_from"], row["name"]) for row in pack.lists["units"].rows if row["code"] == "14428"]
    assert rows == [("2016-01-01", "Văn Phong"), ("2025-01-01", "Nho Quan"), ("2025-07-01", "Nho Quan")]
    keys = [(row["code"], row["valid_from"]) for row in pack.lists["units"].rows]
    assert len(keys) == len(set(keys))
    links = pack.lists["unit_links"].rows
    assert {(r["predecessor"], r["predecessor_from"]) for r in links} <= set(keys)
    assert {(r["successor"], r["successor_from"]) for r in links} <= set(keys)
    split = [(row["successor"], row["extent"]) for row in links if row["predecessor"] == "14503"]
    assert sorted(split) == [("14488", "part"), ("14533", "part")]


def test_dated_rows_of_one_thing_never_overlap(pack: Pack) -> None:
    for name in ("prices", "factors", "limits"):
        seen: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for row in pack.lists[name].rows:
            key = tuple(row.get(column, "") for column in ("area", "name", "column"))
            key += (row["low"],) if row["name"] in ("kf", "kp") else ()
            seen.setdefault(key, []).append((row["valid_from"], row["valid_to"] or "9999-12-31"))
        for key, spans in seen.items():
            spans.sort()
            assert all(a[1] < b[0] for a, b in pairwise(spans)), (name, key)


@pytest.mark.parametrize(
    ("year", "price"),
    [(2010, 1622.01), (2017, 1622.01), (2018, 1720.65), (2019, 1864.44), (2022, 1864.44), (2030, 2204.07)],
)
def test_the_price_of_a_year_is_the_one_in_force_on_1_july_and_the_first_reaches_back(
    pack: Pack, year: int, price: float
) -> None:
    items = [row for row in instance_items(pack.lists["prices"]) if row["name"] == "elec"]
    found = [row for row in items if int(row["first_year"]) <= year <= int(row["last_year"])]
    assert [float(row["value"]) for row in found] == [price]


def test_a_later_price_is_not_known_to_an_earlier_record(pack: Pack) -> None:
    known = instance_items(pack.lists["prices"], date(2018, 5, 1))
    assert [row["value"] for row in known if row["name"] == "elec"] == ["1622.01", "1720.65"]


def test_the_plan_has_its_phases_and_targets(pack: Pack) -> None:
    plan = pack.plans["plan_1051"]
    assert [(phase.start, phase.end) for phase in plan.phases] == [
        (date(2016, 8, 17), date(2017, 12, 31)), (date(2018, 1, 1), date(2020, 12, 31)),
    ]  # fmt: skip
    targets = {one.name: dict(one.targets) for one in plan.indicators if one.targets}
    assert targets["G1"] == {"total": 95}
    assert targets["G2a"] == {"total": 35}
    assert targets["G3"] == {"total": 100}
    assert targets["A2.2"] == {"I": 5, "II": 25, "total": 30}
    assert targets["A2.4"] == {"I": 25, "II": 75}
    assert (plan.deadlines[0].month, plan.deadlines[0].day) == (12, 14)


@pytest.mark.parametrize("today", [date(2020, 2, 29), date(2026, 11, 23), date(2031, 1, 1)])
def test_the_open_phase_of_the_demo_plan_holds_any_present_day(pack: Pack, today: date) -> None:
    loaded = load_pack(pack.folder, today)
    demo = loaded.plans["demo_plan"]
    assert demo.is_demo
    phase = demo.phase_on(today)
    assert phase is not None
    assert phase.name == "II"
    assert demo.document["phase"][1]["start"] == phase.start.isoformat()
    targets = [{one.name: one.targets for one in plan.indicators} for plan in loaded.plans.values()]
    assert targets[0] == targets[1]


def test_every_source_of_an_indicator_is_a_row_of_its_instrument(pack: Pack) -> None:
    rows = {
        name: {row.name for row in load_form(source, f"{name}.md").definition.indicators}
        for name, source in pack.instruments()
    }
    for plan in pack.plans.values():
        for indicator in plan.indicators:
            named = [*indicator.sources, *(x for x in (indicator.denominator, indicator.excluded_by) if ":" in x)]
            for source in named:
                form, _, name = source.partition(":")
                assert name in rows[form], source
            assert set(indicator.definition) == {"vi", "en"}


def test_the_open_questions_are_settings_marked_as_not_confirmed(pack: Pack) -> None:
    assert pack.setting("scope").value == "D_core"
    assert pack.setting("cov_reading").value == "A"
    assert len(pack.unconfirmed()) == len(pack.settings) >= 9


@pytest.mark.parametrize(
    ("code", "is_right"),
    [
        ("0100047516", True),  # 31*0+29*1+23*0+19*0+17*0+13*4+7*7+5*5+3*1 = 158, 158 mod 11 = 4, 10 - 4 = 6
        ("0100047516-001", True),
        ("0100047517", False),
        ("0100047516-000", False),
        ("010004751", False),
        ("2700000007", False),
        ("27A0047516", False),
    ],
)
def test_the_tenth_digit_of_a_tax_code_is_its_check(register: RegisterSpec, code: str, is_right: bool) -> None:
    (check,) = (one for one in register.checks if one.name == "tax_code")
    assert holds(check.expression, tax_code=code, legal="llc") is is_right


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"legal": "llc", "vsic": "1410", "workers": "201"}, "enterprise|G|w201_300"),
        ({"legal": "household", "vsic": "0810", "workers": "10"}, "household|V|le10"),
        ({"legal": "coop", "vsic": "1629", "workers": ""}, "enterprise|K|unknown"),
        ({"legal": "jsc", "vsic": "1701", "workers": "11"}, "enterprise|O|w11_50"),
        ({"legal": "fdi", "vsic": "33", "workers": "300"}, "enterprise|M|w201_300"),
        ({"legal": "llc", "vsic": "2396", "boiler": "yes", "boiler_th": "1"}, "enterprise|V|unknown"),
    ],
)
def test_strata_are_legal_class_sector_and_size(register: RegisterSpec, row: dict[str, str], expected: str) -> None:
    assert stratum(register, row) == expected


@pytest.mark.parametrize(
    "fact",
    [
        {"workers": "301"}, {"toe": "1000"}, {"kiln": "yes"}, {"boiler": "yes", "boiler_th": "1.5"},
        {"plating": "yes"}, {"dyeing": "yes"},
    ],
)  # fmt: skip
def test_units_taken_whole_are_a_stratum_of_their_own(register: RegisterSpec, fact: dict[str, str]) -> None:
    assert stratum(register, {"legal": "household", "vsic": "2392", **fact}) == "certain|household|V"


def stratum(register: RegisterSpec, row: dict[str, str]) -> str:
    """As an import derives it: a later classifier may use an earlier one."""
    known = dict(row)
    for name, rule in register.classifiers.items():
        known[name] = value(rule, **known)
    return known["stratum"]


@pytest.mark.parametrize(
    ("row", "scopes"),
    [
        ({"legal": "llc"}, {"D_ent", "D_core", "D_all"}),
        ({"legal": "household", "workers": "9"}, {"D_all"}),
        ({"legal": "household", "workers": "10"}, {"D_core", "D_all"}),
        ({"legal": "household", "kiln": "yes"}, {"D_core", "D_all"}),
        ({"legal": "household", "stone_sawing": "yes"}, {"D_core", "D_all"}),
        ({"legal": "household", "zone": "craft"}, {"D_core", "D_all"}),
        ({"legal": "household", "zone": "none", "boiler": "no"}, {"D_all"}),
        ({"legal": "llc", "vsic": "3510"}, set()),
    ],
)
def test_scopes_follow_legal_form_size_and_process(
    register: RegisterSpec, row: dict[str, str], scopes: set[str]
) -> None:
    whole = dict.fromkeys(register.names, "") | {"vsic": "2396"} | row
    assert {scope.name for scope in register.scopes if holds(scope.expression, **whole)} == scopes


def test_each_prefilled_question_stands_in_the_instruments(pack: Pack) -> None:
    forms = [load_form(source, f"{name}.md").definition for name, source in pack.instruments()]
    questions = {question.name for form in forms for question in form.questions()}
    for register in pack.registers.values():
        assert {spec.question for spec in register.fields if spec.question} <= questions


def test_the_units_register_is_the_eight_units_of_2016(pack: Pack) -> None:
    units = pack.registers["units"]
    assert [row["name"] for row in units.units] == [f"u{n}" for n in (369, 370, 372, 373, 374, 375, 376, 377)]
    assert all(re.fullmatch(units.code_pattern, row["name"]) for row in units.units)


def test_names_of_the_demonstration_cannot_be_taken_for_real_ones(pack: Pack) -> None:
    demo = pack.demo
    assert demo["marker"] in demo["fields"]["name"]
    assert "Thử Nghiệm" in demo["fields"]["name"]
    assert demo["fields"]["email"].endswith("@mau.example')")
    assert sum(one["weight"] for one in demo["kind"]) == pytest.approx(1)
    areas = {row["name"] for row in pack.registers["units"].units}
    assert all(set(one["area"]) <= areas for one in demo["kind"])


def test_the_notice_has_one_version_in_every_language(pack: Pack) -> None:
    assert len({texts.text("notice.version") for texts in pack.texts.values()}) == 1
    counts = {len(texts.find("notice.paragraphs")) for texts in pack.texts.values()}
    assert len(counts) == 1
    for name in pack.instrument_names:
        assert all(texts.find(f"forms.{name}.minutes") for texts in pack.texts.values())


def test_the_controller_is_the_one_of_the_day(pack: Pack) -> None:
    before, after = pack.controller(date(2020, 1, 1)), pack.controller(TODAY)
    assert before is not None
    assert after is not None
    assert before != after


# Another programme -------------------------------------------------------------------------------------------------


def test_another_programme_loads_through_the_same_door() -> None:
    tiny = load_pack(TINY, TODAY)
    assert tiny.plans["water_plan"].phase_on(TODAY) is not None
    ((name, source),) = tiny.instruments()
    definition = load_form(source, f"{name}.md").definition
    answers = {"cafe": "C001", "meter": "yes", "litres": 5500, "guests": 500}
    norms = {"norms": [dict(row) for row in tiny.lists["norms"].in_force(TODAY)]}
    found = compute_indicators(Interview(definition, answers, instances=norms))
    assert found == {"has_meter": True, "thrifty": False}  # 11 litres a guest against 10
    assert tiny.in_language("vi").text("programme.name") == "Café water survey"


def test_every_mistake_of_a_pack_is_reported_with_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(TINY, folder)
    streets = "name,en,source,status\nquay,Quay,,maybe\nhill,Hill\n"
    (folder / "lists" / "streets.csv").write_text(streets, encoding="utf-8")
    plan = folder / "plans" / "water_plan.toml"
    wrong = plan.read_text(encoding="utf-8").replace('"today-10d"', '"soon"').replace("now = 80", "later = 80")
    plan.write_text(wrong, encoding="utf-8")
    (folder / "instruments" / "cafe_water.md").unlink()
    register = folder / "register.toml"
    register.write_text(register.read_text().replace('"streets"', '"roads"'), encoding="utf-8")
    (folder / "texts" / "en.toml").write_text("[programme", encoding="utf-8")
    with pytest.raises(PackError) as caught:
        load_pack(folder, TODAY)
    text = str(caught.value)
    for expected in (
        "lists/streets.csv: line 2: status must be", "lists/streets.csv: line 2: source is missing",
        "lists/streets.csv: line 3: has not 4 cells", "phase now: start: needs a date", "there is no phase later",
        "instruments/cafe_water.md: the file is missing", "there is no list roads", "en.toml: ",
    ):  # fmt: skip
        assert expected in text


SPECIAL = re.compile(
    r"SXSH|\bNB-|VSIC|Ninh|[Mm]ã số thuế|\btax.?code|\bCTNH\b|\bQCVN|1051|\bu3(69|7\d)\b"
    r"|\b(qa|df|te_[etrhio]|en_(ww|lg|hw))_[a-z]",
)


def test_no_word_of_the_first_programme_stands_in_the_code() -> None:
    files = [
        path
        for folder in ("forms", "analysis", "survey_app")
        for path in (ROOT / folder).rglob("*.py")
        if "packs" not in path.parts and "node_modules" not in path.parts
    ]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if SPECIAL.search(line)
    ]
    assert found == []
