"""The register over HTTP: searching, editing, importing with every refusal named, exporting safely."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey_app.config import Settings
from survey_app.models import Establishment
from survey_app.registers.service import field_values
from survey_app.registers.tables import read_table, to_xlsx
from tests import factories as make

SignIn = Callable[..., FlaskClient]
HEADER = ["code", "Tên cơ sở", "legal", "unit_2016", "vsic", "workers"]
GOOD = ["NB-000901", "Xưởng đá Ninh Vân", "llc", "u374", "2396", "25"]


def upload(client: FlaskClient, rows: list[list[str]], name: str = "r.xlsx") -> str:
    content = to_xlsx("r", rows[0], rows[1:])
    return post_file(client, content, name).text


def post_file(client: FlaskClient, content: bytes, name: str):  # type: ignore[no-untyped-def]
    return client.post("/registers/establishments/import", data={"table": (io.BytesIO(content), name)})


def token_of(page: str) -> str:
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token
    return str(token[1])


def confirm(client: FlaskClient, page: str) -> str:
    return client.post("/registers/import/confirm", data={"token": token_of(page)}).text


def codes(session: Session) -> list[str]:
    session.commit()  # ends the snapshot, so that what a request has written since is seen
    return sorted(session.scalars(select(Establishment.code)))


def test_a_search_without_accents_finds_the_name(sign_in: SignIn, session: Session) -> None:
    make.establishment(session, name="Công ty Đá mỹ nghệ Ninh Vân")
    make.establishment(session, name="Xưởng cói Kim Sơn")
    page = sign_in("manager").get("/registers/establishments?search=da+ninh+van").text
    assert "Đá mỹ nghệ" in page
    assert "Kim Sơn" not in page.split('class="rows"')[1]


@pytest.mark.parametrize("wish", ["area=u374", "sector=V", "size=gt300", "scope=D_ent", "state=inactive"])
def test_a_filter_leaves_out_the_others(sign_in: SignIn, session: Session, wish: str) -> None:
    day = make.utc_now().date()
    make.establishment(session, name="Wanted", area="u374", sector="V", size="gt300", scopes=["D_ent"], closed_on=day)
    make.establishment(session, name="Other", area="u369", sector="F", size="le10", scopes=["D_all"])
    page = sign_in("manager").get(f"/registers/establishments?{wish}").text
    assert "Wanted" in page
    assert "Other" not in page


def test_an_establishment_of_another_area_is_not_found(sign_in: SignIn, session: Session) -> None:
    unit = make.establishment(session, area="u369")
    browser = sign_in("manager", area="u374")
    assert browser.get(f"/registers/establishments/{unit.id}").status_code == 404
    assert browser.get(f"/registers/establishments/{unit.id}/edit").status_code == 404
    assert browser.get("/registers/establishments/999999").status_code == 404


def test_personal_fields_are_shown_to_those_who_may_see_them_only(sign_in: SignIn, session: Session) -> None:
    unit = make.establishment(session, attributes={"contact_name": "Trần Thị Mẫu"})
    address = f"/registers/establishments/{unit.id}"
    assert "Trần Thị Mẫu" in sign_in("manager").get(address).text
    assert "Trần Thị Mẫu" not in sign_in("analyst").get(address).text
    assert "Trần Thị Mẫu" not in sign_in("analyst").get("/registers/establishments/export.csv").text


def test_the_page_of_an_establishment_tells_its_history(sign_in: SignIn, session: Session) -> None:
    unit = make.establishment(session)
    make.visit(session, unit=unit, outcome=413)
    make.record(session, unit=unit, state="returned")
    make.invitation(session, unit=unit)
    page = sign_in("manager").get(f"/registers/establishments/{unit.id}?lang=en").text
    assert "Closed down or dissolved" in page
    assert "returned" in page
    assert "not opened yet" in page


def test_adding_derives_area_sector_size_and_scopes(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    browser = sign_in("manager")
    fields = dict(zip(["code", "name", "legal", "unit_2016", "vsic", "workers"], GOOD, strict=True))
    assert browser.post("/registers/establishments/add", data=fields).status_code == 302
    unit = session.scalars(select(Establishment)).one()
    assert (unit.area, unit.sector, unit.size) == ("u374", "V", "w11_50")
    assert "D_core" in unit.scopes
    assert unit.attributes["workers"] == 25


def test_a_wrong_entry_is_named_and_nothing_is_kept(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    data = {"code": "X", "name": "A", "legal": "llc", "unit_2016": "u374", "vsic": "2396", "workers": "nhiều"}
    answer = sign_in("manager").post("/registers/establishments/add?lang=en", data=data)
    assert answer.status_code == 422
    assert "is not a number" in answer.text
    assert codes(session) == []


def test_a_manager_of_one_area_cannot_add_to_another(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    fields = dict(zip(["code", "name", "legal", "unit_2016", "vsic", "workers"], GOOD, strict=True))
    assert sign_in("manager", area="u369").post("/registers/establishments/add", data=fields).status_code == 422


def test_editing_changes_the_fields_given(sign_in: SignIn, session: Session) -> None:
    unit = make.establishment(session, code="NB-000007", attributes={"contact_name": "Kept"})
    data = {
        "code": "NB-000007",
        "name": "Tên mới",
        "legal": "llc",
        "unit_2016": "u372",
        "vsic": "1010",
        "contact_name": "Kept",
    }
    answer = sign_in("manager").post(f"/registers/establishments/{unit.id}/edit", data=data)
    assert answer.status_code == 302
    session.refresh(unit)
    assert (unit.name, unit.name_folded, unit.sector) == ("Tên mới", "ten moi", "F")
    assert unit.attributes["contact_name"] == "Kept"


def test_checking_a_table_changes_nothing_and_confirming_does(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    browser = sign_in("manager")
    page = upload(browser, [HEADER, GOOD])
    assert codes(session) == []
    confirm(browser, page)
    assert codes(session) == ["NB-000901"]


def test_importing_again_updates_by_code(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    browser = sign_in("manager")
    confirm(browser, upload(browser, [HEADER, GOOD]))
    confirm(browser, upload(browser, [HEADER, [*GOOD[:5], "450"]]))
    unit = session.scalars(select(Establishment)).one()
    assert unit.size == "gt300"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["", *GOOD[1:]], "must be filled in"),
        (["NB-1", *GOOD[1:]], "NB-000123"),
        ([GOOD[0], "", *GOOD[2:]], "must be filled in"),
        ([*GOOD[:2], "guild", *GOOD[3:]], "is not in the list"),
        ([*GOOD[:5], "12,5"], "is not a whole number"),
        ([*GOOD[:5], "many"], "is not a number"),
    ],
)
def test_a_refused_row_is_reported_with_its_number_and_reason(
    sign_in: SignIn, session: Session, row: list[str], reason: str
) -> None:
    make.register(session)
    browser = sign_in("manager")
    browser.set_cookie("language", "en")
    page = upload(browser, [HEADER, ["NB-000902", *GOOD[1:]], row])
    refused = page.partition(">Refused rows<")[2]
    assert reason in refused
    assert '<th scope="row" class="number">3</th>' in refused
    confirm(browser, page)
    assert codes(session) == ["NB-000902"]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_refused_rows_come_back_with_cell_and_reason_and_corrected_they_are_imported(
    sign_in: SignIn, session: Session, kind: str
) -> None:
    make.register(session)
    browser = sign_in("manager")
    browser.set_cookie("language", "en")
    wrong = ["NB-000903", "=Cơ sở Đá", *GOOD[2:5], "many"]
    page = upload(browser, [HEADER, ["NB-000902", *GOOD[1:]], wrong])
    confirm(browser, page)
    answer = browser.post(f"/registers/import/refused.{kind}", data={"token": token_of(page)})
    assert answer.status_code == 200
    limits = Settings.from_environment({}, testing=True).limits
    table = read_table(answer.data, f"refused.{kind}", limits)
    assert table.header == (*HEADER, "Row", "Wrong cells", "Why")
    (row,) = table.rows
    assert row.cells[: len(HEADER)] == tuple(wrong)
    assert row.cells[len(HEADER) :][:2] == ("3", "F3")
    assert "is not a number" in row.cells[-1]
    corrected = [*table.header], [*row.cells[: len(HEADER) - 1], "15", *row.cells[len(HEADER) :]]
    confirm(browser, upload(browser, [list(cells) for cells in corrected]))
    assert codes(session) == ["NB-000902", "NB-000903"]


def test_a_code_that_stands_twice_is_taken_once(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    browser = sign_in("manager")
    browser.set_cookie("language", "en")
    assert "Row 2 has the same code" in upload(browser, [HEADER, GOOD, GOOD])


def test_a_row_outside_the_area_of_the_account_is_refused(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    browser = sign_in("manager", area="u369")
    browser.set_cookie("language", "en")
    assert "does not cover" in upload(browser, [HEADER, GOOD])


def test_a_district_may_be_written_by_its_official_code_or_its_name(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    browser = sign_in("manager")
    rows = [[f"NB-00091{n}", *GOOD[1:3], district, *GOOD[4:]] for n, district in enumerate(["374", "huyen hoa lu"])]
    confirm(browser, upload(browser, [HEADER, *rows]))
    assert codes(session) == ["NB-000910", "NB-000911"]
    assert set(session.scalars(select(Establishment.area))) == {"u374"}


def test_a_csv_with_semicolons_and_bom_is_read(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    browser = sign_in("manager")
    text = "\ufeff" + ";".join(HEADER) + "\r\n" + ";".join(GOOD) + "\r\n"
    page = post_file(browser, text.encode(), "r.csv").text
    confirm(browser, page)
    assert codes(session) == ["NB-000901"]


@pytest.mark.parametrize(
    ("content", "name", "status"),
    [
        (b"not a workbook", "r.xlsx", 422),
        (b"PK\x03\x04broken", "r.xlsx", 422),
        (b"", "r.csv", 422),
        (b"\xff\xfe\xff\xfe\xff", "r.csv", 422),
        (b"x", "r.exe", 422),
        (b"\xd0\xcf\x11\xe0" * 40, "r.xls", 422),
        (b"a,b\n1,2", "r.csv", 422),
    ],
)
def test_a_broken_table_is_refused_with_a_message(
    sign_in: SignIn, session: Session, content: bytes, name: str, status: int
) -> None:
    make.register(session)
    session.commit()
    answer = post_file(sign_in("manager"), content, name)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_a_zip_bomb_is_refused_before_it_is_unpacked(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    assert post_file(sign_in("manager"), out.getvalue(), "r.xlsx").status_code == 413


def test_a_forged_import_is_not_found(sign_in: SignIn) -> None:
    assert sign_in("manager").post("/registers/import/confirm", data={"token": "forged"}).status_code == 404


def test_anothers_checked_import_is_not_found(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    page = upload(sign_in("manager"), [HEADER, GOOD])
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token
    assert sign_in("manager").post("/registers/import/confirm", data={"token": token[1]}).status_code == 404


def test_a_csv_that_was_exported_is_imported_again_without_a_change(sign_in: SignIn, session: Session) -> None:
    numbers = {"latitude": 20.0211, "longitude": 106.039, "revenue": 123.125, "toe": 2323.5}
    make.establishment(session, attributes={"vsic": "2396", "unit_2016": "u374", "legal": "llc", **numbers})
    session.commit()
    browser = sign_in("manager")
    exported = browser.get("/registers/establishments/export.csv").text
    confirm(browser, post_file(browser, exported.replace(",llc,", ",private,").encode(), "r.csv").text)
    session.expire_all()
    again = field_values(session.scalars(select(Establishment)).one())
    assert again["legal"] == "private"
    assert {name: again[name] for name in numbers} == numbers


def test_an_export_holds_no_formula(sign_in: SignIn, session: Session) -> None:
    make.establishment(session, name="=1+1", attributes={"vsic": "0810"})
    browser = sign_in("analyst")
    rows = list(csv.DictReader(io.StringIO(browser.get("/registers/establishments/export.csv").text.lstrip("\ufeff"))))
    assert rows[0]["name"] == "'=1+1"
    content = browser.get("/registers/establishments/export.xlsx").data
    cells = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert "=1+1" in cells[1]
    assert "0810" in cells[1]
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")


def test_the_template_names_columns_that_an_import_knows(sign_in: SignIn, session: Session) -> None:
    make.register(session)
    session.commit()
    header = sign_in("manager").get("/registers/establishments/template.csv").text
    assert "unit_2016" in header


def test_rows_are_derived_again_after_the_rules_changed(app: Flask, session: Session) -> None:
    make.register(session, name="units", kind="unit")
    facts = {"legal": "llc", "unit_2016": "u374", "vsic": "2396", "workers": 25, "kiln": "yes"}
    unit = make.establishment(session, stratum="old", scopes=["old"], attributes=facts)
    session.commit()
    output = app.test_cli_runner().invoke(args=["survey", "derive"]).output
    assert "establishments: 1 rows" in output
    session.refresh(unit)
    assert (unit.area, unit.stratum) == ("u374", "certain|enterprise|V")
    assert {"D_core", "take_all"} <= set(unit.scopes)
