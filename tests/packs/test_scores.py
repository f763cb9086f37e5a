"""Scores, derivations and soft checks of the six instruments against records worked out by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from forms import Interview, compute_indicators, compute_scores, run_checks

Fill = Callable[..., Interview]


def indexes(interview: Interview) -> dict[str, tuple[float | None, str | None]]:
    return {one.name: (one.value, one.band) for one in compute_scores(interview).indexes}


def dimensions(interview: Interview) -> dict[str, float | None]:
    found = {one.name: one.score for one in compute_scores(interview).dimensions}
    return {name: None if score is None else round(score, 4) for name, score in found.items()}


def failed(interview: Interview) -> set[str]:
    return {one.name for one in run_checks(interview) if not one.holds}


# (a) rapid assessment ----------------------------------------------------------------------------------------------

A_FULL: dict[str, Any] = {
    "qa_output_qty": 20000, "qa_output_unit": "brick1000", "qa_elec_kwh": 500000, "qa_elec_cost": 800,
    "qa_fuels": "coal56", "qa_fuel_cost": 4000, "qa_water_m3": 10000, "qa_raw_cost": 3000, "qa_waste_cost": 100,
    "qa_systems": "kiln motor air",
    "qa_c1_commit": "m3", "qa_c1_team": "m2", "qa_c1_target": "m2", "qa_c1_mgmtsys": "iso9001",
    "qa_c2_heard": "know", "qa_c2_benefits": "cost waste", "qa_c2_trained": 3, "qa_c2_method": "m1",
    "qa_c2_finance": "m2",
    "qa_c3_submeter": "m1", "qa_c3_norm": "m2", "qa_c3_balance": "m1", "qa_c3_wastecost": "m0", "qa_c3_years": 2,
    "qa_s1_order": "m2", "qa_s1_leak": "m1", "qa_s1_maint": "m2", "qa_s1_idle": "m3", "qa_s1_storage": "m1",
    "qa_s1_sop": "m2",
    "qa_s2_light": "s2", "qa_s2_motor": "m1", "qa_s2_airleak": "m1", "qa_s2_insul": "m2", "qa_s2_comb": "m1",
    "qa_s2_heatrec": "m0",
    "qa_s3_ctl": "m1", "qa_s3_reuse": "m1", "qa_s3_separate": "m2", "qa_s3_wwtp": "m2",
    "qa_s4_yield": "m2", "qa_s4_chem": "m2", "qa_s4_sort": "m3", "qa_s4_subst": "m1",
    "qa_s5_control": "m1", "qa_s5_equip": "m2", "qa_s5_newtech": "m0", "qa_s5_byprod": "m1", "qa_s5_product": "m2",
    "qa_techgroups": "t1 t4", "qa_barriers": "finance", "qa_support": "training", "qa_willing": "yes",
}  # fmt: skip


def test_a_full_rapid_assessment_scores_as_worked_out_by_hand(fill: Fill) -> None:
    interview = fill("rapid_assessment", A_FULL, workers="60")
    # C1 (75 + 50 + 50 + 50)/4 = 56.25      C2 trained 3 -> 75; (75 + 25 + 50)/3 = 50
    # C3 2 years -> 75; (25+50+25+0+75)/5 = 35
    # S1 (50+25+50+75+25+50)/6 = 45.8333    S2 (50+25+25+50+25+0)/6 = 29.1667             S3 (25+25+50+50)/4 = 37.5
    # S4 (50+50+75+25)/4 = 50               S5 (25+50+0+25+50)/5 = 30
    assert dimensions(interview) == {
        "C1": 56.25, "C2": 50, "C3": 35, "S1": 45.8333, "S2": 29.1667, "S3": 37.5, "S4": 50, "S5": 30,
    }  # fmt: skip
    # capacity (15*56.25 + 10*50 + 15*35)/40 = 1868.75/40 = 46.71875
    # status   (15*45.8333 + 15*29.1667 + 10*37.5 + 10*50 + 10*30)/60 = 2300/60 = 38.3333
    # overall  (1868.75 + 2300)/100 = 41.6875
    assert indexes(interview) == {"overall": (41.7, "basic"), "capacity": (46.7, "basic"), "status": (38.3, "basic")}
    overall = compute_scores(interview).indexes[0]
    assert (overall.answered, overall.applicable) == (37, 37)


A_NOT_APPLICABLE: dict[str, Any] = {
    **A_FULL, "qa_systems": "none",
    **dict.fromkeys(
        ["qa_c1_commit", "qa_c1_team", "qa_c1_target", "qa_c2_method", "qa_c2_finance", "qa_c3_submeter", "qa_c3_norm",
         "qa_c3_balance", "qa_c3_wastecost", "qa_s1_order", "qa_s1_leak", "qa_s1_maint", "qa_s1_idle", "qa_s1_storage",
         "qa_s1_sop", "qa_s4_yield", "qa_s4_sort", "qa_s5_control", "qa_s5_equip"], "m4"),
    **dict.fromkeys(
        ["qa_s3_ctl", "qa_s3_reuse", "qa_s3_separate", "qa_s3_wwtp", "qa_s4_chem", "qa_s4_subst", "qa_s5_byprod",
         "qa_s5_product"], "na"),
    "qa_c1_mgmtsys": "none", "qa_c2_trained": 1, "qa_c3_years": 3, "qa_s2_light": "s4", "qa_s5_newtech": "m3",
}  # fmt: skip


def test_what_does_not_apply_is_left_out_and_its_weight_is_shared(fill: Fill) -> None:
    interview = fill("rapid_assessment", A_NOT_APPLICABLE, workers="8", figures_year="2019")
    # C1 (100+100+100+0)/4 = 75; C2 one trained of 8 workers -> 100: (100+100+100)/3 = 100; C3 100; S1 100
    # S2 only lighting 100; S3 nothing applies: dropped; S4 (100+100)/2 = 100; S5 (100+100+75)/3 = 91.6667
    # capacity (15*75 + 10*100 + 15*100)/40 = 3625/40 = 90.625
    # status   (15*100 + 15*100 + 10*100 + 10*91.6667)/50 = 4916.667/50 = 98.3333
    # overall  (3625 + 4916.667)/90 = 94.9074
    assert dimensions(interview)["S3"] is None
    assert indexes(interview) == {"overall": (94.9, "good"), "capacity": (90.6, "good"), "status": (98.3, "good")}


def test_one_trained_person_counts_half_where_workers_are_many_or_unknown(fill: Fill) -> None:
    # C2 trained 1 -> 50: (50+100+100)/3 = 83.3333, also when the register's figure is of another year
    for register in ({"workers": "60"}, {}, {"workers": "8", "figures_year": "2016"}):
        interview = fill("rapid_assessment", A_NOT_APPLICABLE, **register)
        assert dimensions(interview)["C2"] == pytest.approx(83.3333)


def test_below_four_fifths_of_the_items_nothing_is_issued(fill: Fill) -> None:
    blank = ["qa_s1_order", "qa_s1_leak", "qa_s1_maint", "qa_s1_idle", "qa_s1_storage", "qa_s1_sop", "qa_s5_control",
             "qa_s5_equip"]  # fmt: skip
    # 29 of 37 items = 78.4 %: not even the capacity index, whose own 12 items are all answered
    record = {name: value for name, value in A_FULL.items() if name not in blank}
    assert indexes(fill("rapid_assessment", record)) == dict.fromkeys(["overall", "capacity", "status"], (None, None))
    # 30 of 37 = 81.1 %; S5 = (25 + 0 + 25 + 50)/4 = 25, S1 dropped: status (15*29.1667+375+500+250)/45 = 34.7222
    # overall = (1868.75 + 1562.5)/85 = 40.3676
    again = fill("rapid_assessment", {**record, "qa_s5_control": "m1"})
    assert indexes(again) == {"overall": (40.4, "basic"), "capacity": (46.7, "basic"), "status": (34.7, "basic")}


def test_awareness_needs_the_concept_and_two_true_benefits(fill: Fill) -> None:
    def aware(**answers: str) -> tuple[Any, Any]:
        found = compute_indicators(fill("rapid_assessment", {**A_FULL, **answers}))
        return found["aware"], found["aware_loose"]

    assert aware() == (True, True)
    assert aware(qa_c2_heard="heard") == (False, True)
    assert aware(qa_c2_benefits="cost x_fee x_noetp") == (False, True)
    assert aware(qa_c2_benefits="dk") == (False, True)
    assert aware(qa_c2_heard="never") == (False, False)


@pytest.mark.parametrize(
    ("answers", "level"),
    [
        ({"qa_techgroups": "none"}, 0),
        ({"qa_techgroups": "t1"}, 1),
        ({"qa_measures": [{"qa_m_evidence": "none", "qa_m_saved": 5}]}, 1),
        ({"qa_measures": [{"qa_m_evidence": "bill"}]}, 1),
        ({"qa_measures": [{"qa_m_evidence": "none"}, {"qa_m_evidence": "bill", "qa_m_saved_vnd": 12}]}, 2),
        ({"qa_measures": [{"qa_m_evidence": "record", "qa_m_saved": 5}], "qa_c2_method": "m3"}, 3),
        ({"qa_measures": [{"qa_m_evidence": "record", "qa_m_saved": 5}], "qa_c2_method": "m3", "qa_c1_team": "m1"}, 2),
        ({"qa_c2_method": "m4", "qa_c1_team": "m4"}, 1),
    ],
)
def test_the_assessors_level_is_the_highest_that_holds(fill: Fill, answers: dict[str, Any], level: int) -> None:
    found = compute_indicators(fill("rapid_assessment", {**A_FULL, **answers}))
    assert found["level"] == level
    assert (found["level_1"], found["applies_cp"]) == (level >= 1, level >= 2)


def test_soft_checks_of_the_rapid_assessment_ask_about_unlikely_figures(fill: Fill) -> None:
    # 800 million / 500,000 kWh = 1,600 VND; 500,000/20,000 = 25 kWh per 1,000 bricks (20-50): fine
    assert failed(fill("rapid_assessment", {**A_FULL, "qa_measures": [{"qa_m_name": "x"}]})) == set()
    odd = {
        **A_FULL,
        "qa_elec_cost": 80, "qa_output_qty": 2000, "qa_s2_cosphi": 1, "qa_s2_fluetemp": 80, "id_ref_year": 2018,
    }  # fmt: skip
    expected = {"elec_price", "range_kwh", "cosphi", "flue_temp", "ref_year", "measure_rows"}
    assert failed(fill("rapid_assessment", odd)) == expected


# (b) technology ----------------------------------------------------------------------------------------------------

B_FULL: dict[str, Any] = {
    "te_lines": 2, "te_process": "Trộn, ép, nung", "te_year_start": 2009, "te_cap_design": 30000,
    "te_cap_unit": "brick1000", "te_output": 24000, "te_prod_cost": 9000, "te_revenue": 12000,
    "te_equip": [
        {"te_e_name": "A", "te_e_qty": 1, "te_e_value": 6000, "te_e_residual": 3000, "te_e_year_made": 2014,
         "te_e_origin": "g7", "te_e_auto": "a4"},
        {"te_e_name": "B", "te_e_qty": 2, "te_e_value": 3000, "te_e_residual": 600, "te_e_year_made": 2009,
         "te_e_origin": "cn", "te_e_auto": "a2"},
        {"te_e_name": "C", "te_e_qty": 4, "te_e_value": 1000, "te_e_year_made": 1999, "te_e_origin": "self",
         "te_e_auto": "a0"},
    ],
    "te_t_renew": 20, "te_t_sync": "y2", "te_t_energy": 12, "te_t_material": 50, "te_t_export": 0,
    "te_h_workers": 120, "te_h_univ": 9, "te_h_skilled": 30, "te_h_trained": 90,
    "te_i_docs": "m2", "te_i_software": "acc energy", "te_i_update": "m1",
    "te_o_use": 80, "te_o_newprod": 2, "te_o_strategy": "m2", "te_o_qms": "iso9001", "te_o_env": "m3",
    "te_r_spend": 100, "te_r_transfer": "no", "te_r_plan": "y1", "te_r_barrier": "finance", "te_r_support": "loan",
}  # fmt: skip


def test_a_full_technology_survey_scores_as_worked_out_by_hand(fill: Fill) -> None:
    interview = fill("technology_survey", B_FULL)
    # wear (3000+600)/(6000+3000) = 40; origin (6000*100+3000*50+1000*0)/10000 = 75
    # automation (600000+150000)/10000 = 75
    # renewal 20 % -> 50; matching 70; energy 12 % in 23 (thresholds doubled: <= 20) -> 75; export 0 -> 0
    # T = (40+75+75+50+70+75+0)/7 = 55
    # H degree 7.5 % -> 50; skilled 25 % -> 100; trained 75 -> 75: 75    I (50 + 60 + 25)/3 = 45
    # O (80 + 70 + 50 + 50 + 75)/5 = 65
    assert dimensions(interview) == {"T": 55, "H": 75, "I": 45, "O": 65}
    # 0.45*55 + 0.22*75 + 0.15*45 + 0.18*65 = 24.75 + 16.5 + 6.75 + 11.7 = 59.7
    assert indexes(interview) == {"tech_index": (59.7, "average")}
    found = compute_indicators(interview)
    # age (6000*5 + 3000*10 + 1000*20)/10000 = 8; value share of a3, a4: 6000/10000
    assert (found["equipment_age"], found["automation_share"]) == (8, 60)
    assert found["score_basis"] == "04/2014/TT-BKHCN"


def test_equipment_without_a_value_is_weighted_by_quantity_and_worn_by_age(fill: Fill) -> None:
    record = {
        **B_FULL, "id_vsic": "1410",
        "te_equip": [
            {"te_e_qty": 1, "te_e_value": 0, "te_e_year_made": 2009, "te_e_origin": "vn", "te_e_auto": "a1"},
            {"te_e_qty": 3, "te_e_value": 500, "te_e_year_made": 2001, "te_e_origin": "kr_tw", "te_e_auto": "a3"},
        ],
        "te_t_renew": 0, "te_t_sync": "y0", "te_t_export": 80, "te_h_workers": 10, "te_h_univ": 0, "te_h_skilled": 0,
        "te_h_trained": 5, "te_i_docs": "m0", "te_i_software": "none", "te_i_update": "m0", "te_o_use": 50,
        "te_o_newprod": 0, "te_o_strategy": "m1", "te_o_qms": "none", "te_o_env": "m0",
    }  # fmt: skip
    interview = fill("technology_survey", record)
    # age (1*10 + 3*18)/4 = 16 -> wear 100 - 5*16 = 20; origin (50 + 3*75)/4 = 68.75; automation (25 + 3*75)/4 = 62.5
    # energy 12 % in 14 -> 50; export 80 -> 100; T = (20+68.75+62.5+0+0+50+100)/7 = 43.0357
    # H (0 + 0 + 50)/3 = 16.6667; I 0; O (50+0+25+0+0)/5 = 15
    # 0.45*43.0357 + 0.22*16.6667 + 0 + 0.18*15 = 19.3661 + 3.6667 + 2.7 = 25.7327
    assert indexes(interview) == {"tech_index": (25.7, "outdated")}
    assert "zero_value" in failed(interview)
    assert compute_indicators(interview)["weighted_by_quantity"] is True


def test_a_technology_survey_with_too_few_answers_is_withheld(fill: Fill) -> None:
    blank = ["te_t_renew", "te_t_sync", "te_t_export", "te_i_docs"]  # 14 of 18 items = 77.8 %
    record = {name: value for name, value in B_FULL.items() if name not in blank}
    assert indexes(fill("technology_survey", record)) == {"tech_index": (None, None)}
    # 15 of 18 = 83.3 %: T (40+75+75+50+75)/5 = 63; I (60+25)/2 = 42.5; 28.35 + 16.5 + 6.375 + 11.7 = 62.925
    found = indexes(fill("technology_survey", {**record, "te_t_renew": 20}))
    assert found == {"tech_index": (62.9, "above_average")}


# (c) environment ---------------------------------------------------------------------------------------------------

C_FULL: dict[str, Any] = {
    "en_output_qty": 20000, "en_output_unit": "brick1000", "en_days": 300,
    "en_energy": [
        {"en_e_type": "elec", "en_e_qty": 600000, "en_e_cost": 1100},
        {"en_e_type": "coal56", "en_e_qty": 2000},
        {"en_e_type": "do", "en_e_qty": 10000},
        {"en_e_type": "husk", "en_e_qty": 50},
    ],
    "en_w_tap": 5000, "en_w_ground": 30000, "en_w_surface": 0, "en_w_permit": "no",
    "en_material": [{"en_m_name": n} for n in ("đất", "than", "dầu")],
    "en_ww_day": 100, "en_ww_treat": "own", "en_ww_cap": 120, "en_ww_receive": "canal", "en_ww_permit": "yes",
    "en_ww_col": "b", "en_ww_date": "2019-06-10",
    "en_ww_ph": 7, "en_ww_bod": 49.5, "en_ww_cod": 160, "en_ww_tss": 80, "en_ww_n": 30, "en_ww_p": 7, "en_ww_oil": 5,
    "en_stack": [{"en_st_source": "lò", "en_st_treat": "none", "en_st_flow": 30000, "en_st_dust": 180, "en_st_so2": 500,
                  "en_st_nox": 700}],
    "en_noise_day": 70, "en_noise_night": 56,
    "en_sw_dom": 100, "en_sw_ind": 20, "en_sw_reuse": 40, "en_sw_dispose": "sell landfill",
    "en_hw_kg": 800, "en_hw_types": "oil", "en_hw_store": "yes", "en_hw_contract": "no", "en_hw_register": "yes",
    "en_lg_doc": "khbvmt", "en_lg_monitor": "m6", "en_lg_report": "yes", "en_lg_staff": 1,
}  # fmt: skip


def test_a_full_environment_survey_scores_as_worked_out_by_hand(fill: Fill) -> None:
    interview = fill("environment_survey", C_FULL, workers="60")
    # E1 dossier 100, well without permit 0, discharge permit 100, register (800 > 600 kg) 100: 75
    # Cmax = B * Kq 0.9 (canal) * Kf 1.1 (50 < 100 <= 500) = B * 0.99:
    # BOD 49.5, COD 148.5, TSS 99, N 39.6, P 5.94, oil 9.9
    # passed: pH, BOD (at the limit), TSS, N, oil = 5 of 7 -> 71.4286; E2 (100 + 71.4286)/2 = 85.7143
    # air: Kp 0.9 (20,000 < 30,000), zone unknown 3 -> 1.0: dust 180 passes at 180, SO2 500 > 450, NOx 700 <= 765
    # noise 70 passes, 56 > 55: passed 3 of 5 -> E3 60
    # E4 (40 + 50 + 100 + 0)/4 = 47.5     E5 (75 + 100 + 100)/3 = 91.6667
    assert dimensions(interview) == {"E1": 75, "E2": 85.7143, "E3": 60, "E4": 47.5, "E5": 91.6667}
    # 0.25*75 + 0.25*85.7143 + 0.15*60 + 0.2*47.5 + 0.15*91.6667 = 18.75 + 21.4286 + 9 + 9.5 + 13.75 = 72.4286
    assert indexes(interview) == {"env_index": (72.4, None)}
    found = compute_indicators(interview)
    # TOE 600000*0.0001543 = 92.58; 2000*0.5 = 1000; 10000*0.00088 = 8.8; 50*0.32 = 16: 1117.38
    assert found["energy_toe"] == pytest.approx(1117.38)
    assert found["key_energy_user"] is True
    # GJ 600000*0.0036 = 2160; 2000*20.93 = 41860; 10000*0.03684 = 368.4; 50*13.4 = 670: 45058.4
    assert found["energy_gj"] == pytest.approx(45058.4)
    # CO2 600000*0.8458 = 507480; 2000*2058 = 4116000; 10000*2.73 = 27300; husk 0: 4650780
    assert found["co2_kg"] == pytest.approx(4_650_780)
    assert (found["ww_tested"], found["ww_passed"]) == (7, 5)
    assert (found["kwh_unit"], found["m3_unit"]) == (30, 1.75)
    assert found["zone_assumed"] is True


def test_an_establishment_without_wastewater_or_hazardous_waste_is_judged_on_the_rest(fill: Fill) -> None:
    record = {
        **C_FULL, "en_w_ground": 0, "en_ww_day": 0, "en_stack": [], "en_noise_day": None, "en_noise_night": None,
        "en_sw_ind": 5, "en_sw_reuse": 80, "en_sw_dispose": "contract", "en_hw_kg": 0, "en_lg_doc": "exempt",
        "en_lg_monitor": "y1", "en_lg_staff": 0,
    }  # fmt: skip
    interview = fill("environment_survey", record, workers="8", figures_year="2019")
    # E1, E2, E3 have nothing to judge; E4 (80 + 100)/2 = 90; E5 without staff (8 workers): (50 + 100)/2 = 75
    assert dimensions(interview) == {"E1": None, "E2": None, "E3": None, "E4": 90, "E5": 75}
    # (20*90 + 15*75)/35 = 2925/35 = 83.5714
    assert indexes(interview) == {"env_index": (83.6, None)}


def test_an_environment_survey_with_too_few_answers_is_withheld(fill: Fill) -> None:
    # required items: dossier, 2 permits, register, treatment, 4 of waste, 3 of monitoring = 12; 9 answered = 75 %
    record = {k: v for k, v in C_FULL.items() if k not in ("en_lg_doc", "en_lg_monitor", "en_lg_staff")}
    assert indexes(fill("environment_survey", record, workers="60")) == {"env_index": (None, None)}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"en_ww_date": None}, 50),  # nothing tested: 0 beside treatment 100
        ({"en_ww_date": None, "en_ww_col": "iz"}, 100),  # a zone's own standard is not tested
        ({"en_ww_date": None, "en_ww_treat": "contract"}, 75),
        ({"en_ww_receive": "sewer"}, 85.7143),  # Cmax = C: COD 160 > 150, P 7 > 6; 5 of 7
        ({"en_ww_col": "a"}, 57.1429),  # A * 0.99: only pH passes (oil 5 > 4.95); (100 + 14.2857)/2
        ({"en_ww_col": "dk"}, 85.7143),  # unknown column: tested as B
        ({"en_ww_kq": 0.6, "en_ww_kf": 0.9}, 64.2857),  # B * 0.54: pH and oil (5 <= 5.4); (100 + 28.5714)/2
    ],
)
def test_wastewater_is_judged_by_column_and_coefficients(fill: Fill, answers: dict[str, Any], expected: float) -> None:
    found = dimensions(fill("environment_survey", {**C_FULL, **answers}))["E2"]
    assert found == pytest.approx(expected, abs=1e-3)


def test_a_later_year_has_another_threshold_of_the_hazardous_waste_register(fill: Fill) -> None:
    # 800 kg in 2022 lies below 1,200 kg: E1 = (100 + 0 + 100)/3
    record = {**C_FULL, "id_ref_year": 2022, "id_visit_date": "2023-03-02", "en_hw_register": "no"}
    assert dimensions(fill("environment_survey", record, today=date(2023, 3, 2)))["E1"] == pytest.approx(66.6667)


def test_more_wastewater_than_capacity_asks_for_a_reason(fill: Fill) -> None:
    assert "ww_capacity" in failed(fill("environment_survey", {**C_FULL, "en_ww_day": 130}))
    # 600,000 kWh for 1,100 million = 1,833 VND; 30 kWh per 1,000 bricks; 100*300 <= 35,000*1.1
    assert failed(fill("environment_survey", C_FULL)) == {"key_user"}


# (d) safety and health ---------------------------------------------------------------------------------------------

D_FULL: dict[str, Any] = {
    "os_workers": 250, "os_female": 100, "os_hours": 500000, "os_hazard_n": 40, "os_staff": "yes", "os_network": "yes",
    "os_plan": "m3", "os_risk": "m2", "os_selfcheck": "m1",
    "os_t1_need": 10, "os_t1_ok": 8, "os_t2_need": 2, "os_t2_ok": 2, "os_t3_need": 30, "os_t3_ok": 24,
    "os_t4_need": 200, "os_t4_ok": 150, "os_t6_need": 8, "os_t6_ok": 0,
    "os_a_total": 0, "os_a_victims": 0, "os_a_fatal": 0, "os_a_serious": 0, "os_a_days": 0,
    "os_h_exam": 225, "os_h_exam_hz": 30, "os_h_od_exam": 44, "os_h_od": 0, "os_h_file": "yes", "os_h_firstaid": "no",
    "os_w_year": 2018, "os_w_samples": 50, "os_w_exceed": 5,
    "os_e_strict": 10, "os_e_inspected": 9, "os_e_guard": "m3", "os_ppe": "m2", "os_fire": "m4", "os_chem": "m1",
    "os_r_acc": "yes", "os_r_osh": "no",
}  # fmt: skip


def test_a_full_safety_survey_scores_as_worked_out_by_hand(fill: Fill) -> None:
    interview = fill("osh_survey", D_FULL)
    # O1 (100+100+75+50+25+100+0)/7 = 64.2857     O2 (8+2+24+150+0)/(10+2+30+200+8) = 184/250 = 73.6
    # O3 90; 30/40 = 75; 44/40 capped 100; 100; 0: 73     O4 2018 = 2019-1 -> 100; 45/50 -> 90: 95
    # O5 90, 75, 50, 100, 25: 68
    assert dimensions(interview) == {"O1": 64.2857, "O2": 73.6, "O3": 73, "O4": 95, "O5": 68}
    # (64.2857 + 73.6 + 73 + 95 + 68)/5 = 74.7771
    assert indexes(interview) == {"osh_index": (74.8, None)}
    assert failed(interview) == {"zero_accidents", "od_exam"}


def test_a_small_workshop_is_not_judged_on_what_it_need_not_have(fill: Fill) -> None:
    record = {
        **D_FULL, "os_workers": 8, "os_hazard_n": 0, "os_hours": None, "os_staff": "na", "os_network": "na",
        "os_plan": "m0", "os_risk": "m0", "os_selfcheck": "m2",
        **{f"os_t{n}_{part}": 0 for n in range(1, 5) for part in ("need", "ok")}, "os_t6_need": None, "os_t6_ok": None,
        "os_h_exam": 6, "os_h_file": "no", "os_h_firstaid": "yes", "os_w_year": 0, "os_e_strict": 0,
        "os_e_guard": "m1", "os_ppe": "m1", "os_fire": "m2", "os_chem": "na", "os_r_acc": "na", "os_r_osh": "na",
    }  # fmt: skip
    interview = fill("osh_survey", record)
    # O1 (0+0+50)/3 = 16.6667; nobody to train: O2 dropped; O3 (75+0+100)/3 = 58.3333; never measured: O4 0
    # O5 (25+25+50)/3 = 33.3333; (16.6667 + 58.3333 + 0 + 33.3333)/4 = 27.0833
    assert dimensions(interview) == {"O1": 16.6667, "O2": None, "O3": 58.3333, "O4": 0, "O5": 33.3333}
    assert indexes(interview) == {"osh_index": (27.1, None)}
    assert failed(interview) == set()


def test_a_safety_survey_with_too_few_answers_is_withheld(fill: Fill) -> None:
    blank = ("os_plan", "os_risk", "os_selfcheck", "os_e_guard", "os_ppe")  # 15 of 20 items = 75 %
    record = {name: value for name, value in D_FULL.items() if name not in blank}
    assert indexes(fill("osh_survey", record)) == {"osh_index": (None, None)}


@pytest.mark.parametrize(("year", "points"), [(2019, 100), (2018, 100), (2017, 50), (2016, 25), (0, 0)])
def test_monitoring_counts_less_the_longer_ago_it_was(fill: Fill, year: int, points: float) -> None:
    items = {one.name: one for one in compute_scores(fill("osh_survey", {**D_FULL, "os_w_year": year})).items}
    assert items["i_os_w_year"].points == points
    assert items["i_os_w_exceed"].applies is (year > 0)


def test_accidents_are_rates_and_never_points(fill: Fill) -> None:
    accidents = {"os_a_total": 2, "os_a_victims": 3, "os_a_fatal": 1, "os_a_serious": 1, "os_a_days": 50}
    interview = fill("osh_survey", {**D_FULL, **accidents})
    found = compute_indicators(interview)
    # 3/250*1000 = 12; 3/500000*10^6 = 6; 1/250*10^5 = 400; 50/250*1000 = 200
    assert (found["frequency_1000"], found["ltifr"]) == (12, 6)
    assert (found["fatality_100000"], found["days_lost_1000"]) == (400, 200)
    assert indexes(interview) == {"osh_index": (74.8, None)}
    assert compute_indicators(fill("osh_survey", {**D_FULL, **accidents, "os_hours": None}))["ltifr"] is None


def test_measured_points_are_compared_with_the_limit_of_their_exposure(fill: Fill) -> None:
    points = [
        {"os_p_place": "A", "os_p_factor": "noise", "os_p_value": 88, "os_p_hours": 4},  # 85 + 10 log10(2) = 88.01
        {"os_p_place": "B", "os_p_factor": "noise", "os_p_value": 88.1, "os_p_hours": 4},
        {"os_p_place": "C", "os_p_factor": "temp", "os_p_value": 33, "os_p_class": "medium"},  # 18-32
        {"os_p_place": "D", "os_p_factor": "rh", "os_p_value": 30, "os_p_class": "light"},  # 40-80
        {"os_p_place": "E", "os_p_factor": "gas", "os_p_value": 3},  # no limit known
    ]
    found = compute_indicators(fill("osh_survey", {**D_FULL, "os_points": points}))
    assert (found["points_judged"], found["points_exceeding"]) == (4, 3)


# (e) self-assessment -----------------------------------------------------------------------------------------------

E_FULL: dict[str, Any] = {
    "se_heard": "know", "se_source": "dept", "se_define": "d_cp", "se_benefits": "cost waste x_fee", "se_trained": 2,
    "se_apply": "system", "se_since": 2017, "se_techniques": "t1", "se_count": 3, "se_team": "yes",
    "se_support_got": "none", "se_base_year": 2016, "se_unit": "brick1000", "se_out0": 1000, "se_out1": 1200,
    "se_mix": "no", "se_elec0": 100000, "se_elec1": 108000, "se_fuel_type": "coal56", "se_fuel0": 200, "se_fuel1": 216,
    "se_mat_name": "đất", "se_mat0": 1500, "se_mat1": 1746, "se_mat_price": 0.5, "se_claim": 12, "se_invest": 100,
    "se_evidence": "bill", "se_barriers": "none", "se_need": "loan",
}  # fmt: skip


def test_savings_are_joined_by_base_year_prices(fill: Fill) -> None:
    interview = fill("self_assessment", E_FULL)
    found = compute_indicators(interview)
    # P1/P0 = 1.2. Electricity 120,000 -> 108,000: 10 %; coal 240 -> 216: 10 %; clay 1,800 -> 1,746: 3 %
    assert (found["saving_elec"], found["saving_fuel"], found["saving_mat"]) == (10, 10, 3)
    # electricity price in force on 1 July 2016: 1,622.01; coal 2,000,000; clay 500,000
    # base 120000*1622.01 = 194,641,200; 240*2,000,000 = 480,000,000; 1800*500,000 = 900,000,000: 1,574,641,200
    # avoided 19,464,120 + 48,000,000 + 27,000,000 = 94,464,120
    assert found["saving_denominator"] == pytest.approx(1_574_641_200)
    assert found["saving_numerator"] == pytest.approx(94_464_120)
    # 94,464,120 / 1,574,641,200 = 5.99909 %
    assert found["saving"] == pytest.approx(5.99909, abs=1e-5)
    assert (found["saving_8"], found["saving_class"]) == (False, "5_8")
    # TOE (15.43 + 100)*1.2 = 138.516 -> 16.6644 + 108 = 124.6644: 10 %
    assert found["saving_energy"] == pytest.approx(10)
    # CO2 12,000*0.9185 + 24*2,058 = 11,022 + 49,392 = 60,414
    assert found["co2_avoided_kg"] == pytest.approx(60_414)
    assert (found["level"], found["applies_cp"], found["excluded"]) == (3, True, False)
    assert (found["aware"], found["distractor"], found["define_right"]) == (True, True, True)
    assert failed(interview) == {"claim"}  # 12 against 6.0


def test_an_establishment_that_applies_nothing_has_level_0_and_no_saving(fill: Fill) -> None:
    found = compute_indicators(fill("self_assessment", {"se_heard": "never", "se_trained": 0, "se_apply": "none"}))
    assert (found["aware"], found["aware_loose"], found["level"], found["applies_cp"]) == (False, False, 0, False)
    assert found["saving_8"] is False
    assert found["saving"] is found["saving_numerator"] is found["excluded"] is found["define_right"] is None


@pytest.mark.parametrize(
    ("answers", "level"),
    [
        ({"se_apply": "simple"}, 1),
        ({"se_apply": "measured", "se_evidence": "none"}, 1),
        ({"se_apply": "measured"}, 2),
        ({"se_apply": "system", "se_team": "no"}, 2),
        ({"se_apply": "system", "se_evidence": "none"}, 1),
        ({"se_apply": "system"}, 3),
    ],
)
def test_the_level_follows_application_evidence_and_team(fill: Fill, answers: dict[str, Any], level: int) -> None:
    assert compute_indicators(fill("self_assessment", {**E_FULL, **answers}))["level"] == level


def test_a_resource_without_use_or_price_is_left_out_of_both_sums(fill: Fill) -> None:
    record = {**E_FULL, "se_fuel_type": "none", "se_mat_price": None}
    found = compute_indicators(fill("self_assessment", record))
    assert found["left_out"] == "fuel material"
    assert found["saving"] == pytest.approx(10)  # electricity alone
    # firewood has no default price: listed, yet its own saving is shown
    found = compute_indicators(fill("self_assessment", {**E_FULL, "se_fuel_type": "wood"}))
    assert (found["left_out"], found["saving_fuel"]) == ("fuel", 10)


@pytest.mark.parametrize(
    ("answers", "flags"),
    [
        ({}, (False, False, False)),
        ({"se_mix": "yes"}, (True, False, False)),
        ({"se_out1": 1300}, (False, False, False)),  # exactly 30 % is still in
        ({"se_out1": 1301}, (False, True, False)),
        ({"se_elec1": 59000}, (False, False, True)),  # 1 - 59/120 = 50.8 %
        ({"se_elec1": 60000}, (False, False, False)),  # exactly 50 %
        ({"se_water0": 100, "se_water1": 200}, (False, False, True)),  # 1 - 200/120 = -66.7 %
    ],
)
def test_unlikely_savings_wait_for_a_review(fill: Fill, answers: dict[str, Any], flags: tuple[bool, ...]) -> None:
    found = compute_indicators(fill("self_assessment", {**E_FULL, **answers}))
    assert (found["excluded_mix"], found["excluded_output"], found["excluded_extreme"]) == flags
    assert found["excluded"] is any(flags)


def test_a_higher_use_is_a_negative_saving(fill: Fill) -> None:
    found = compute_indicators(fill("self_assessment", {**E_FULL, "se_mat1": 2160}))
    # clay 1,800 -> 2,160: -20 %; avoided 67,464,120 - 180,000,000 = -112,535,880; / 1,574,641,200 = -7.1467 %
    assert found["saving"] == pytest.approx(-7.1467, abs=1e-4)
    assert found["saving_class"] == "lt0"


# (f) officers ------------------------------------------------------------------------------------------------------

RIGHT = {f"df_k{n}": answer for n, answer in enumerate("bcabbcbbbb", 1)}
F_FULL: dict[str, Any] = {
    "df_unit": "u373", "df_ref_year": 2019, "df_name": "Cán bộ mẫu", "df_position": "Phòng mẫu",
    "df_phone": "02293123456", "df_assigned": "yes", "df_assign_no": "1", "df_assign_date": "2018-01-01",
    "df_share": 30, "df_edu": "uni", "df_field": "env", "df_years": 5, "df_tr_count": 2, "df_tr_days": 4,
    "df_tr_cert": "no", **RIGHT, "df_k8": "a", "df_k9": "a", "df_k10": "a", "df_guided": 3, "df_assess": 1,
    "df_report": "yes", "df_tools": "guide pc list", "df_skill_walk": "m2", "df_skill_calc": "m2", "df_need": "none",
}  # fmt: skip


def points(interview: Interview) -> list[float | None]:
    return [indexes(interview)[name][0] for name in ("A", "T", "K", "P", "R", "total")]


def test_a_full_officer_form_scores_as_worked_out_by_hand(fill: Fill) -> None:
    interview = fill("officer_capacity", F_FULL)
    # A 10 + 6 (30 %) = 16; T 5 + 5 + 5 + 0 = 15; K 7 right = 21; P 5 + 5 + 5 = 15; R 3 tools = 6; total 73
    assert points(interview) == [16, 15, 21, 15, 6, 73]
    assert compute_indicators(interview)["capable"] is True


def test_an_officer_who_was_never_trained_is_not_capable_however_much_he_knows(fill: Fill) -> None:
    record = {**F_FULL, **RIGHT, "df_assigned": "no", "df_share": 0, "df_field": "econ", "df_tr_count": 0,
              "df_guided": 5, "df_tools": "none"}  # fmt: skip
    interview = fill("officer_capacity", record)
    # A 0; T university in another field 3, no course: 3; K 30; P 10 + 5 + 5 = 20; R 0; total 53
    assert points(interview) == [0, 3, 30, 20, 0, 53]
    assert compute_indicators(interview)["capable"] is False


def test_blank_answers_of_an_officer_earn_nothing(fill: Fill) -> None:
    interview = fill("officer_capacity", {"df_assigned": "yes", "df_k1": "b", "df_k2": "c"})
    assert points(interview) == [10, 0, 6, 0, 0, 16]
    assert compute_indicators(interview)["capable"] is False


@pytest.mark.parametrize(
    ("answers", "capable"),
    [
        ({}, True),
        ({"df_assigned": "no"}, False),
        ({"df_k7": "a"}, True),  # K 18, total 70
        ({"df_k6": "a", "df_k7": "a"}, False),  # K 15
        ({"df_share": 0, "df_guided": 0, "df_tools": "guide"}, False),  # total 73 - 6 - 5 - 4 = 58
        ({"df_share": 0, "df_guided": 0, "df_tools": "guide pc"}, True),  # exactly 60
    ],
)
def test_a_capable_officer_passes_every_gate(fill: Fill, answers: dict[str, Any], capable: bool) -> None:
    assert compute_indicators(fill("officer_capacity", {**F_FULL, **answers}))["capable"] is capable


def test_the_key_of_the_knowledge_check_stays_on_the_server(fill: Fill) -> None:
    definition = fill("officer_capacity", {}).definition
    telling = re.compile(r"df_k\d")
    rows = [(row.name, repr(row.rule), row.where) for row in definition.scores]
    rows += [(row.name, repr(row.rule), row.where) for row in definition.indicators]
    for name, rule, where in rows:
        assert where == "server" or not (telling.search(rule) or "df_key" in rule), name
