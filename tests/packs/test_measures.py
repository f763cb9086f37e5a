"""The catalogue of measures: each fires on its trigger, and what they may save together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from forms import Interview, recommend_measures

Fill = Callable[..., Interview]

EVERY_MATURITY = [
    *(f"qa_c1_{name}" for name in ("commit", "team", "target")),
    *(f"qa_c2_{name}" for name in ("method", "finance")),
    *(f"qa_c3_{name}" for name in ("submeter", "norm", "balance", "wastecost")),
    *(f"qa_s1_{name}" for name in ("order", "leak", "maint", "idle", "storage", "sop")),
    *(f"qa_s2_{name}" for name in ("motor", "airleak", "insul", "comb", "heatrec")),
    *(f"qa_s3_{name}" for name in ("ctl", "reuse", "separate", "wwtp")),
    *(f"qa_s4_{name}" for name in ("yield", "chem", "sort", "subst")),
    *(f"qa_s5_{name}" for name in ("control", "equip", "newtech", "byprod", "product")),
]

# An establishment at the top of everything: nothing is recommended.
SILENT: dict[str, Any] = {
    **dict.fromkeys(EVERY_MATURITY, "m4"),
    "id_vsic": "2610", "qa_output_qty": 100, "qa_elec_kwh": 50000, "qa_elec_cost": 100, "qa_fuels": "lpg",
    "qa_fuel_cost": 50, "qa_water_m3": 500, "qa_water_cost": 10, "qa_raw_cost": 1000, "qa_waste_cost": 20,
    "qa_systems": "none", "qa_s2_light": "s4", "qa_c1_mgmtsys": "iso14001", "qa_techgroups": "none",
}  # fmt: skip
# code -> (answers that trigger it, the same with one answer beside the trigger)
TRIGGERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "M01": ({"qa_s1_order": "m1"}, {"qa_s1_order": "m2"}),
    "M02": ({"qa_s1_leak": "m1"}, {"qa_s1_leak": "m1", "qa_water_m3": 0}),
    "M03": ({"qa_systems": "boiler", "qa_s1_leak": "m2"}, {"qa_systems": "kiln", "qa_s1_leak": "m2"}),
    "M04": ({"qa_systems": "air", "qa_s2_airleak": "m1"}, {"qa_systems": "air", "qa_s2_airleak": "na"}),
    "M05": ({"qa_s1_idle": "m1"}, {"qa_s1_idle": "m2"}),
    "M06": ({"qa_s1_maint": "m0"}, {"qa_s1_maint": None}),
    "M07": ({"qa_s1_storage": "m1"}, {"qa_s1_storage": "m2"}),
    "M08": ({"qa_s1_storage": "m1", "qa_fuels": "lpg husk"}, {"qa_s1_storage": "m1", "qa_fuels": "lpg coke"}),
    "M09": ({"qa_s1_sop": "m1"}, {"qa_s1_sop": "m2"}),
    "M10": ({"qa_systems": "wet", "qa_s3_ctl": "m2"}, {"qa_systems": "wet", "qa_s3_ctl": "m3"}),
    "M11": ({"qa_s4_losspct": 3.1}, {"qa_s4_losspct": 3}),
    "M12": ({"qa_c1_commit": "m2", "qa_c2_method": "m1"}, {"qa_c1_commit": "m1", "qa_c2_method": "m1"}),
    "M13": ({"qa_c3_submeter": "m1"}, {"qa_c3_submeter": "m2"}),
    "M14": ({"qa_s3_ctl": "m1", "qa_water_m3": 1001}, {"qa_s3_ctl": "m1", "qa_water_m3": 1000}),
    "M15": ({"qa_c3_norm": "m1"}, {"qa_c3_norm": "m2"}),
    "M16": ({"qa_systems": "boiler", "qa_s2_comb": "m1"}, {"qa_systems": "none", "qa_s2_comb": "m1"}),
    "M17": ({"qa_systems": "air", "qa_s2_airbar": 7.5}, {"qa_systems": "air", "qa_s2_airbar": 7}),
    "M18": ({"qa_systems": "boiler", "qa_s2_comb": "m2"}, {"qa_systems": "dryer", "qa_s2_comb": "m2"}),
    "M19": ({"qa_elec_kwh": 200001, "qa_c1_target": "m2"}, {"qa_elec_kwh": 200000, "qa_c1_target": "m2"}),
    "M20": ({"qa_s2_cosphi": 0.89}, {"qa_s2_cosphi": 0.9}),
    "M21": ({"qa_systems": "ac", "qa_s1_idle": "m2"}, {"qa_systems": "air", "qa_s1_idle": "m2"}),
    "M22": ({"qa_s4_chem": "m1"}, {"qa_s4_chem": "na"}),
    "M23": ({"qa_systems": "dryer", "qa_s5_control": "m1"}, {"qa_systems": "dryer", "qa_s5_control": "m2"}),
    "M24": ({"id_vsic": "0810", "qa_s5_control": "m2"}, {"id_vsic": "2610", "qa_s5_control": "m2"}),
    "M25": ({"id_vsic": "1410", "qa_s4_yield": "m2"}, {"id_vsic": "1610", "qa_s4_yield": "m2"}),
    "M26": ({"qa_fuels": "coal56", "qa_s4_subst": "m1"}, {"qa_fuels": "coal34", "qa_s4_subst": "m1"}),
    "M27": ({"qa_systems": "coating", "qa_s4_subst": "m1"}, {"qa_systems": "coating", "qa_s4_subst": "m2"}),
    "M28": ({"id_vsic": "2394", "qa_s4_subst": "m2"}, {"id_vsic": "0810", "qa_s4_subst": "m2"}),
    "M29": ({"qa_s4_sort": "m1", "qa_s5_product": "m2"}, {"qa_s4_sort": "m1", "qa_s5_product": "m3"}),
    "M30": ({"qa_s2_light": "s2"}, {"qa_s2_light": "s3"}),
    "M31": ({"qa_systems": "motor", "qa_s2_motor": "m1"}, {"qa_systems": "motor", "qa_s2_motor": "m2"}),
    "M32": ({"qa_systems": "kiln", "qa_s2_insul": "m1"}, {"qa_systems": "refrig", "qa_s2_insul": "m1"}),
    "M33": ({"qa_systems": "boiler", "qa_s2_fluetemp": 201}, {"qa_systems": "boiler", "qa_s2_fluetemp": 200}),
    "M34": ({"qa_s3_ctl": "m1"}, {"qa_s3_ctl": "m2"}),
    "M35": (
        {"qa_systems": "motor", "qa_s2_motor": "m1", "qa_s1_maint": "m2"},
        {"qa_systems": "motor", "qa_s2_motor": "m1", "qa_s1_maint": "m1"},
    ),
    "M36": ({"qa_systems": "ac", "qa_s5_equip": "m2"}, {"qa_systems": "ac", "qa_s5_equip": "m3"}),
    "M37": ({"qa_systems": "dust", "qa_s1_maint": "m2"}, {"qa_systems": "dust", "qa_s1_maint": "m3"}),
    "M38": ({"qa_systems": "kiln", "qa_s2_comb": "m1"}, {"qa_systems": "boiler", "qa_s2_comb": "m1"}),
    "M39": ({"qa_systems": "plating", "qa_s3_reuse": "m1"}, {"qa_systems": "cooling", "qa_s3_reuse": "m1"}),
    "M40": ({"qa_systems": "plating", "qa_s4_yield": "m2"}, {"qa_systems": "plating", "qa_s4_yield": "m3"}),
    "M41": ({"id_vsic": "1410", "qa_s5_newtech": "m1"}, {"id_vsic": "1391", "qa_s5_newtech": "m1"}),
    "M42": (
        {"qa_systems": "air", "qa_s5_newtech": "m1", "qa_s2_airleak": "m2"},
        {"qa_systems": "air", "qa_s5_newtech": "m1", "qa_s2_airleak": "m1"},
    ),
    "M43": (
        {"id_vsic": "2392", "qa_systems": "kiln", "qa_s5_newtech": "m0"},
        {"id_vsic": "2392", "qa_systems": "kiln", "qa_s5_newtech": "m1"},
    ),
    "M44": ({"qa_elec_kwh": 100001}, {"qa_elec_kwh": 100000}),
    "M45": ({"qa_systems": "boiler", "qa_s2_heatrec": "m1"}, {"qa_systems": "kiln", "qa_s2_heatrec": "m1"}),
    "M46": ({"qa_systems": "cooling", "qa_s3_reuse": "m1"}, {"qa_systems": "wet", "qa_s3_reuse": "m1"}),
    "M47": ({"id_vsic": "2396", "qa_s3_reuse": "m1"}, {"id_vsic": "2396", "qa_s3_reuse": "na"}),
    "M48": ({"qa_systems": "dust", "qa_s4_sort": "m2"}, {"qa_systems": "dust", "qa_s4_sort": "m3"}),
    "M49": ({"qa_s4_losspct": 4, "qa_s4_yield": "m2"}, {"qa_s4_losspct": 4, "qa_s4_yield": "m3"}),
    "M50": ({"qa_s3_wwtp": "m3", "qa_s3_reuse": "m2"}, {"qa_s3_wwtp": "m2", "qa_s3_reuse": "m2"}),
    "M51": ({"qa_systems": "dryer", "qa_s2_heatrec": "m1"}, {"qa_systems": "boiler", "qa_s2_heatrec": "m1"}),
    "M52": ({"qa_s4_sort": "m1"}, {"qa_s4_sort": "m2"}),
    "M53": ({"id_vsic": "1629", "qa_s5_byprod": "m1"}, {"id_vsic": "1629", "qa_s5_byprod": "na"}),
    "M54": ({"id_vsic": "0810", "qa_s5_byprod": "m1"}, {"id_vsic": "1010", "qa_s5_byprod": "m1"}),
    "M55": ({"id_vsic": "1103", "qa_s5_byprod": "m1"}, {"id_vsic": "1629", "qa_s5_byprod": "m1"}),
    "M56": ({"qa_s5_product": "m1"}, {"qa_s5_product": "m2"}),
    "M57": ({"qa_s5_product": "m1", "qa_s4_losspct": 5.5}, {"qa_s5_product": "m1", "qa_s4_losspct": 5}),
    "M58": ({"id_vsic": "2394", "qa_s5_product": "m2"}, {"id_vsic": "2394", "qa_s5_product": "m3"}),
}


def codes(interview: Interview) -> set[str]:
    found = recommend_measures(interview)
    return {one.code for one in (*found.listed, *found.others, *found.investments)}


def test_nothing_is_recommended_to_an_establishment_that_does_everything(fill: Fill) -> None:
    assert codes(fill("rapid_assessment", SILENT)) == set()


def test_the_catalogue_has_58_measures_of_eight_groups(fill: Fill) -> None:
    measures = fill("rapid_assessment", {}).definition.measures
    assert {one.code for one in measures} == set(TRIGGERS)
    counted = [sum(one.technique == f"t{n}" for one in measures) for n in range(1, 9)]
    assert counted == [12, 13, 4, 11, 4, 7, 4, 3]
    assert {one.code for one in measures if one.group == "cost_only"} == {"M19", "M20"}
    assert {one.code for one in measures if one.group == "investment"} == {"M43", "M44"}


@pytest.mark.parametrize("code", TRIGGERS)
def test_a_measure_fires_on_its_trigger_and_stays_silent_beside_it(fill: Fill, code: str) -> None:
    fires, misses = TRIGGERS[code]
    assert code in codes(fill("rapid_assessment", {**SILENT, **fires}))
    assert code not in codes(fill("rapid_assessment", {**SILENT, **misses}))


@pytest.mark.parametrize(
    ("answers", "money"),
    [
        # lighting is 8 % of electricity, 40-60 % of it can go: 100 million * 0.08 * 0.5
        ({"qa_s2_light": "s2"}, {"elec": 4_000_000}),
        # 5S: 1-3 % of electricity, fuel and material
        ({"qa_s1_order": "m1"}, {"elec": 2_000_000, "fuel": 1_000_000, "material": 20_000_000}),
        # the only heat user: all its fuel, 5-12 %; beside a kiln: half of the fuel
        ({"qa_systems": "boiler", "qa_s2_heatrec": "m1"}, {"fuel": 4_250_000}),
        # no water cost: 500 m3 * 11,000 VND = 5.5 million, leaks 5-15 %
        ({"qa_s1_leak": "m1", "qa_water_cost": None}, {"water": 550_000}),
        # solid fuel 100 % when only solid fuels are ticked: storage 2-5 % of 50 million, and 1-3 % of the material
        (
            {"qa_s1_storage": "m1", "qa_fuels": "coal34 wood"},
            {"fuel": 1_750_000, "material": 20_000_000},
        ),
        ({"qa_s1_storage": "m1", "qa_fuels": "coal34 lpg"}, {"fuel": 875_000, "material": 20_000_000}),
        # cosphi: 1-5 % of the bill
        ({"qa_s2_cosphi": 0.8}, {"elec": 3_000_000}),
        # 5S and idle machines together: 1 - 0.98*0.97 = 4.94 % of electricity
        (
            {"qa_s1_order": "m1", "qa_s1_idle": "m1"},
            {"elec": 4_940_000, "fuel": 1_000_000, "material": 20_000_000},
        ),
    ],
)
def test_savings_follow_base_share_and_middle_of_the_range(
    fill: Fill, answers: dict[str, Any], money: dict[str, float]
) -> None:
    found = recommend_measures(fill("rapid_assessment", {**SILENT, **answers}))
    saved = {one.name: one.money.mid for one in found.resources if one.money and one.money.mid}
    assert saved == pytest.approx(money)


def test_half_of_the_fuel_counts_when_two_systems_burn_it(fill: Fill) -> None:
    record = {**SILENT, "qa_systems": "boiler kiln", "qa_s2_heatrec": "m1"}
    found = recommend_measures(fill("rapid_assessment", record))
    (condensate,) = (one for one in found.listed if one.code == "M45")
    assert condensate.saving is not None
    assert condensate.saving.mid == pytest.approx(50_000_000 * 0.5 * 0.085)


def test_measures_that_only_cut_the_bill_save_no_kilowatt_hours(fill: Fill) -> None:
    (elec,) = (
        one
        for one in recommend_measures(fill("rapid_assessment", {**SILENT, "qa_s2_cosphi": 0.8})).resources
        if one.name == "elec"
    )
    assert elec.money is not None
    assert elec.saved_quantity is not None
    assert elec.money.mid == pytest.approx(3_000_000)
    assert elec.saved_quantity.mid == 0


def test_at_most_ten_measures_are_listed_housekeeping_and_control_first(fill: Fill) -> None:
    poor = {name: "m1" if answer == "m4" else answer for name, answer in SILENT.items()}
    record = {**poor, "id_vsic": "2392", "qa_systems": "kiln motor air", "qa_s5_newtech": "m0", "qa_s2_light": "s1"}
    found = recommend_measures(fill("rapid_assessment", record))
    assert len(found.listed) == 10
    assert len(found.others) > 0
    groups = [one.technique in ("t1", "t2") for one in found.listed]
    assert groups == sorted(groups, reverse=True)
    assert "M43" in {one.code for one in found.investments}


def test_a_measure_for_fuel_is_not_listed_where_none_is_used(fill: Fill) -> None:
    record = {**SILENT, "qa_systems": "boiler", "qa_s2_heatrec": "m1", "qa_fuels": "none", "qa_fuel_cost": None}
    assert codes(fill("rapid_assessment", record)) == set()
