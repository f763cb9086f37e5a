"""The rapid assessment fully answered, with three repeat rows, as the bytes a phone sends."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from forms import FormDefinition, Group, Question, Repeat

FINISHED = datetime.now(timezone(timedelta(hours=7))).replace(microsecond=0)
COMMON = {
    "id_establishment": "NB-000123",
    "id_name": "Cơ sở mẫu 0123",
    "id_legal": "llc",
    "id_tax": "0100047516",
    "id_unit2016": "u373",
    "id_commune": "14464",
    "id_vsic": "2392",
    "id_ref_year": FINISHED.year - 1,
    "id_mode": "visit",
    "id_visit_date": FINISHED.date().isoformat(),
    "id_consent": "yes",
    "id_resp_name": "Người trả lời mẫu",
    "id_resp_role": "Quản đốc",
    "id_phone": "0912345678",
    "id_email": "mau@example.invalid",
    "id_gps": "20.25 105.97 0 12",
}
CONTEXT = {
    "qa_output_qty": 20000,
    "qa_output_unit": "brick1000",
    "qa_elec_kwh": 500000,
    "qa_elec_cost": 800,
    "qa_fuels": "coal56",
    "qa_fuel_cost": 4000,
    "qa_water_m3": 10000,
    "qa_water_cost": 90,
    "qa_raw_cost": 3000,
    "qa_waste_cost": 100,
    "qa_systems": "kiln motor air",
}
CAPACITY = {
    "qa_c1_commit": "m3",
    "qa_c1_team": "m2",
    "qa_c1_target": "m2",
    "qa_c1_mgmtsys": "iso9001",
    "qa_c2_heard": "know",
    "qa_c2_benefits": "cost waste",
    "qa_c2_trained": 3,
    "qa_c2_method": "m1",
    "qa_c2_finance": "m2",
    "qa_c3_submeter": "m1",
    "qa_c3_norm": "m2",
    "qa_c3_balance": "m1",
    "qa_c3_wastecost": "m0",
    "qa_c3_years": 2,
}
STATUS = {
    "qa_s1_order": "m2",
    "qa_s1_leak": "m1",
    "qa_s1_maint": "m2",
    "qa_s1_idle": "m3",
    "qa_s1_storage": "m1",
    "qa_s1_sop": "m2",
    "qa_s2_light": "s2",
    "qa_s2_motor": "m1",
    "qa_s2_airleak": "m1",
    "qa_s2_airbar": 7,
    "qa_s2_insul": "m2",
    "qa_s2_comb": "m1",
    "qa_s2_fluetemp": 180,
    "qa_s2_heatrec": "m0",
    "qa_s2_cosphi": 0.92,
    "qa_s3_ctl": "m1",
    "qa_s3_reuse": "m1",
    "qa_s3_separate": "m2",
    "qa_s3_wwtp": "m2",
    "qa_s4_losspct": 4,
    "qa_s4_yield": "m2",
    "qa_s4_chem": "m2",
    "qa_s4_sort": "m3",
    "qa_s4_subst": "m1",
    "qa_s5_control": "m1",
    "qa_s5_equip": "m2",
    "qa_s5_newtech": "m0",
    "qa_s5_byprod": "m1",
    "qa_s5_product": "m2",
}
NEEDS = {
    "qa_techgroups": "t1 t4",
    "qa_barriers": "finance",
    "qa_support": "training",
    "qa_willing": "yes",
    "qa_note": "Lò nung cần bảo ôn lại; máy nén khí rò ở hai mối nối.",
    "qa_measures": [
        {
            "qa_m_name": f"Giải pháp {n}",
            "qa_m_tech": "t1",
            "qa_m_year": FINISHED.year - n,
            "qa_m_invest": 120.5 * n,
            "qa_m_resource": "elec",
            "qa_m_saved": 12000 * n,
            "qa_m_saved_vnd": 24 * n,
            "qa_m_evidence": "bill",
        }
        for n in (1, 2, 3)
    ],
}
RECORD: dict[str, Any] = {**COMMON, **CONTEXT, **CAPACITY, **STATUS, **NEEDS}


def tree(items: tuple[Any, ...], record: dict[str, Any]) -> dict[str, Any]:
    """The answers of a flat record in the shape of the form."""
    found: dict[str, Any] = {}
    for item in items:
        if isinstance(item, Repeat):
            rows = record.get(item.name, ())
            found[item.name] = [{"_id": f"row{n}", **tree(item.children, row)} for n, row in enumerate(rows, 1)]
        elif isinstance(item, Group):
            found[item.name] = tree(item.children, record)
        elif isinstance(item, Question) and item.name in record:
            found[item.name] = record[item.name]
    return found


def body(definition: FormDefinition, instance_id: str, code: str) -> bytes:
    """What a phone sends for one establishment, in canonical bytes."""
    content = {
        "answers": tree(definition.items, {**RECORD, "id_establishment": code}),
        "attachments": {},
        "device_id": "bench",
        "finished_at": FINISHED.isoformat(),
        "form_id": definition.form_id,
        "instance_id": instance_id,
        "reasons": {},
        "replaces": None,
        "sent_at": FINISHED.isoformat(),
        "started_at": (FINISHED - timedelta(hours=1)).isoformat(),
        "utc_offset_minutes": 420,
        "version": definition.version,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
