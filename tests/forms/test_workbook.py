"""Reading files: formats by content, cells by place, hostile files refused before a parser sees them."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import openpyxl
import pytest

from forms import FormError, ReadLimits, read_workbook
from tests.forms.old_excel import xls


def xlsx(rows: list[list[object]], title: str = "survey") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def refusal(source: bytes, name: str = "form.xlsx", limits: ReadLimits | None = None) -> str:
    with pytest.raises(FormError) as caught:
        read_workbook(source, name, limits)
    return caught.value.issues[0].code


def test_a_row_of_a_workbook_knows_its_cell() -> None:
    row = read_workbook(xlsx([["type", None, "name"], [None], ["text", None, "a"]]))["survey"].rows[0]
    assert (row.cell("name"), row.get("name")) == ("survey!C3", "a")


def test_a_whole_number_in_a_cell_is_written_without_a_fraction() -> None:
    row = read_workbook(xlsx([["a", "b", "c", "d"], [5.0, 0.25, True, date(2026, 1, 2)]]))["survey"].rows[0]
    assert [row.get(name) for name in "abcd"] == ["5", "0.25", "TRUE", "2026-01-02"]


def test_text_is_composed_and_trimmed() -> None:
    row = read_workbook(xlsx([["label"], ["  Tie\u0302\u0301ng\u00a0Vie\u0302\u0323t\ufeff "]]))["survey"].rows[0]
    assert row.get("label") == "Tiếng Việt"


def test_a_workbook_under_a_wrong_name_is_read_by_its_content() -> None:
    assert "survey" in read_workbook(xlsx([["type"], ["text"]]), "form.csv")


def test_a_comma_separated_file_names_its_sheets_in_the_first_column() -> None:
    sheets = read_workbook("survey,type,name\n,text,a\nchoices,list_name,name\n,yn,y\n".encode("utf-8-sig"), "f.csv")
    assert [sheet.rows[0].cells for sheet in sheets.values()] == [
        {"type": "text", "name": "a"},
        {"list_name": "yn", "name": "y"},
    ]


def test_markdown_rows_are_numbered_by_line_and_prose_is_ignored() -> None:
    text = "# Title\n\n| survey | type | name |\n|---|:-:|---|\n| | text | a\\|b |\n\nProse | with bars\n"
    row = read_workbook(text.encode(), "f.md")["survey"].rows[0]
    assert (row.cell("name"), row.get("name")) == ("survey!B5", "a|b")


def test_two_tables_of_one_sheet_are_one_sheet() -> None:
    text = "| survey | type |\n| | text |\n\n| survey | name | type |\n| | n | note |\n"
    rows = read_workbook(text.encode(), "f.md")["survey"].rows
    assert [(row.get("type"), row.cell("type")) for row in rows] == [("text", "survey!A2"), ("note", "survey!B5")]


def test_a_million_rows_that_only_have_a_format_cost_nothing() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "survey"
    sheet.append(["type", "name"])
    sheet.append(["text", "a"])
    sheet.cell(1_048_576, 200).font = openpyxl.styles.Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    assert len(read_workbook(out.getvalue())["survey"].rows) == 1


def test_rows_without_end_that_hold_nothing_are_passed_over() -> None:
    plain = xlsx([["type", "name"], ["text", "a"]])
    empty = b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (number, number) for number in range(3, 200_000))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if b"</sheetData>" in content:
                content = content.replace(b"</sheetData>", empty + b"</sheetData>")
            target.writestr(entry, content)
    rows = read_workbook(out.getvalue())["survey"].rows
    assert [(row.number, row.get("name")) for row in rows] == [(2, "a")]


@pytest.mark.parametrize("name", ["form.xls", "form.xlsx", "form.csv"])
def test_a_workbook_of_old_excel_is_read_whatever_it_is_called(name: str) -> None:
    source = xls(
        {"Survey": [["type", "name", "label"], ["integer", "q", "Có bao nhiêu?"]], "choices": [["name"], [7.0]]}
    )
    sheets = read_workbook(source, name)
    assert sheets["survey"].rows[0].cells == {"type": "integer", "name": "q", "label": "Có bao nhiêu?"}
    assert sheets["choices"].rows[0].cells == {"name": "7"}


def test_one_value_in_the_last_cell_is_refused_before_it_fills_the_memory() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "survey"
    sheet.cell(1_048_576, 200).value = "x"
    out = io.BytesIO()
    book.save(out)
    assert refusal(out.getvalue()) == "sheet_too_wide"


def test_a_zip_bomb_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 20_000_000)
    assert refusal(out.getvalue()) == "workbook_bomb"


def test_an_archive_of_many_files_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(50):
            archive.writestr(f"{number}.xml", b"")
    assert refusal(out.getvalue(), limits=ReadLimits(archive_entries=20)) == "workbook_bomb"


@pytest.mark.parametrize(
    "source",
    [b"", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1broken", b"<html></html>", b'{"a": 1}', b"hello"],
)
def test_what_is_no_questionnaire_is_refused(source: bytes) -> None:
    assert refusal(source) == "not_a_workbook"


def test_a_text_in_another_encoding_is_refused_with_what_to_do() -> None:
    assert refusal("survey,type,label\n,text,Ti\xe9".encode("latin-1"), "f.csv") == "not_utf8"


def test_a_file_over_the_limit_is_refused() -> None:
    assert refusal(b"x" * 100, limits=ReadLimits(workbook_bytes=50)) == "workbook_too_large"
