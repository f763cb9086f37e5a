"""Downloads of submissions: dates are dates, missing is told from not asked, the codebook knows every column."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from openpyxl import Workbook, load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis import open_xlsx
from survey_app.models import Questionnaire
from tests import factories
from tests.sending import Phone, assessor

SignIn = Callable[..., FlaskClient]
WIDE = """
    | survey   |                     |          |                        |                     |              |                       |          |
    |          | type                | name     | label::Tiếng Việt (vi) | label::English (en) | relevant     | unit::Tiếng Việt (vi) | unit::English (en) |
    |          | date                | opened   | Ngày khai trương       | Opened on           |              |                       |          |
    |          | decimal             | power    | Điện                   | Electricity         |              | kWh                   | kWh      |
    |          | text                | remark   | Ghi chú                | Remark              |              |                       |          |
    |          | text                | reason   | Lý do                  | Reason              | ${power} > 5 |                       |          |
    |          | select_one yn       | metered  | Có đồng hồ?            | Metered?            |              |                       |          |
    |          | select_multiple who | helpers  | Ai giúp?               | Who helps?          |              |                       |          |
    |          | begin repeat        | line     | Dây chuyền             | Line                |              |                       |          |
    |          | text                | product  | Sản phẩm               | Product             |              |                       |          |
    |          | end repeat          |          |                        |                     |              |                       |          |
    | choices  |                     |          |                        |                     |              |                       |          |
    |          | list_name           | name     | label::Tiếng Việt (vi) | label::English (en) |              |                       |          |
    |          | yn                  | yes      | Có                     | Yes                 |              |                       |          |
    |          | yn                  | no       | Không                  | No                  |              |                       |          |
    |          | who                 | staff    | Nhân viên              | Staff               |              |                       |          |
    |          | who                 | others   | Người ngoài            | Others              |              |                       |          |
    | settings |                     |          |                        |                     |              |                       |          |
    |          | form_id             | version  | form_title             | default_language    |              |                       |          |
    |          | wide                | 1        | Phiếu rộng             | Tiếng Việt (vi)     |              |                       |          |
    | scores   |                     |          |                        |                     |              |                       |          |
    |          | kind                | name     | label::Tiếng Việt (vi) | label::English (en) | parents      | rule                  | weight   |
    |          | index               | total    | Tổng điểm              | Total               |              |                       |          |
    |          | dimension           | order_d  | Nề nếp                 | Order               | total        |                       | 1        |
    |          | item                | metering | Đo đếm                 | Metering            | order_d      | if(${metered} = 'yes', 100, 0) | |
    |          | band                | good     | Tốt                    | Good                | total        | 50                    |          |
    |          | band                | weak     | Yếu                    | Weak                | total        | 0                     |          |
    | indicators |                   |          |                        |                     |              |                       |          |
    |          | name                | kind     | label::Tiếng Việt (vi) | label::English (en) | rule         |                       |          |
    |          | large               | truth    | Dùng nhiều điện        | Much power          | ${power} > 100 |                     |          |
"""
ANSWERS = {
    "opened": "2019-03-05", "power": 3.5, "remark": None, "metered": "yes", "helpers": "staff",
    "line": [{"_id": "r1", "product": "Gạch"}],
}  # fmt: skip


@pytest.fixture
def phone(session: Session, sign_in: SignIn) -> Phone:
    phone = assessor(session, sign_in, md=WIDE)
    assert phone.send(ANSWERS).status_code == 201
    return phone


def download(browser: FlaskClient, session: Session, **options: str) -> bytes:
    session.rollback()
    form = session.scalars(select(Questionnaire.id).where(Questionnaire.form_id == "wide")).one()
    session.rollback()
    response = browser.post("/submissions/download?lang=en", data={"questionnaire": str(form), **options})
    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) == len(response.data)
    return bytes(response.data)


@pytest.fixture
def book(phone: Phone, sign_in: SignIn, session: Session) -> Workbook:
    return load_workbook(io.BytesIO(download(sign_in("manager"), session, kind="xlsx")))


def rows(book: Workbook, sheet: str) -> list[dict[str, object]]:
    head, *body = book[sheet].iter_rows(values_only=True)
    return [dict(zip([str(name) for name in head], row, strict=True)) for row in body]


def test_dates_are_dates_and_times_are_times(book: Workbook) -> None:
    (row,) = rows(book, "answers")
    assert row["opened"] == datetime(2019, 3, 5)
    assert row["visited_on"].date() == date.today()  # type: ignore[attr-defined]
    assert isinstance(row["received_at"], datetime)
    formats = {cell.number_format for cell in book["answers"][2] if isinstance(cell.value, datetime)}
    assert formats == {"dd/mm/yyyy", "dd/mm/yyyy hh:mm:ss"}


def test_asked_and_left_blank_is_told_from_not_asked(book: Workbook, phone: Phone) -> None:
    (row,) = rows(book, "answers")
    assert (row["remark"], row["reason"]) == (".", None)
    assert (row["helpers"], row["helpers.staff"], row["helpers.others"]) == ("staff", 1, 0)


def test_names_stand_beside_codes(book: Workbook) -> None:
    (row,) = rows(book, "answers")
    assert (row["area"], row["area_name"]) == ("u372", "Nho Quan District")


def test_the_codebook_has_a_row_for_every_column_of_every_sheet(book: Workbook) -> None:
    entries = rows(book, "codebook")
    described = {(entry["sheet"], entry["column"]) for entry in entries}
    sheets = [name for name in book.sheetnames if name not in ("about", "codebook")]
    assert described == {(name, cell.value) for name in sheets for cell in book[name][1]}
    assert all(entry["label_vi"] and entry["label_en"] for entry in entries)
    assert len(entries) == len(described)


def test_the_codebook_says_unit_choices_bands_and_what_missing_looks_like(book: Workbook) -> None:
    by_column = {entry["column"]: entry for entry in rows(book, "codebook")}
    assert (by_column["power"]["label_en"], by_column["power"]["unit_en"]) == ("Electricity", "kWh")
    assert by_column["metered"]["choices_vi"] == "yes = Có; no = Không"
    assert by_column["helpers.others"]["label_en"] == "Who helps? – Others"
    assert by_column["helpers.others"]["choices_en"] == "1 = chosen; 0 = not chosen"
    assert by_column["total_band"]["choices_en"] == "good = Good; weak = Weak"
    assert by_column["large"]["choices_en"] == "TRUE = it holds; FALSE = it does not"
    assert "u372 = Nho Quan District" in str(by_column["area"]["choices_en"])
    assert ". = asked and left blank" in str(by_column["remark"]["missing"])


def test_the_front_sheet_states_the_rows_of_every_other(book: Workbook) -> None:
    stated = {row["What"]: row["Value"] for row in rows(book, "about")}
    for name in ("answers", "line", "figures", "codebook"):
        assert stated[f"Rows of the sheet {name}"] == book[name].max_row - 1


def test_figures_and_codebook_come_as_csv_too(phone: Phone, sign_in: SignIn, session: Session) -> None:
    figures = download(sign_in("manager"), session, kind="csv", table="figures").decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(figures))
    assert (row["total"], row["total_band"], row["large"]) == ("100.0", "good", "False")
    answers = download(sign_in("manager"), session, kind="csv").decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(answers))
    assert (row["opened"], row["remark"], row["reason"]) == ("2019-03-05", ".", "")


def test_a_large_download_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        with open_xlsx(tmp_path / f"{count}.xlsx") as book:
            sheet = book.sheet("answers", ["name", "number"])
            for number in range(count):
                sheet.add({"name": f"Cơ sở {number}", "number": number})
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)  # what is loaded once
    assert peak(20_000) < 2 * peak(2_000)


def test_every_record_is_in_a_download_of_several_chunks(session: Session, sign_in: SignIn) -> None:
    version = factories.form_version(session, WIDE)
    campaign = factories.campaign(session, version)
    about = factories.questionnaire(session, WIDE)
    for number in range(450):
        record = factories.record(session, campaign, about=about)
        answers = {"power": number, "line": [{"_id": "r1", "product": f"P{number}"}]}
        factories.submission(session, record, version, answers)
    session.commit()
    book = load_workbook(io.BytesIO(download(sign_in("manager"), session, kind="xlsx")))
    assert sorted(row["power"] for row in rows(book, "answers")) == list(range(450))  # type: ignore[type-var]
    owner = {row["record"]: row["power"] for row in rows(book, "answers")}
    assert all(row["product"] == f"P{owner[row['record']]}" for row in rows(book, "line"))
