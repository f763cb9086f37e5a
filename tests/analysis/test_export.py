from __future__ import annotations

import csv
import io

import openpyxl
import pytest

from analysis import write_csv, write_xlsx


@pytest.mark.parametrize("text", ["=1+1", "+84", "-x", "@sum", "\t=1", "＝cmd", "  =HYPERLINK(\"x\")"])
def test_text_that_a_spreadsheet_could_run_is_inert_in_csv(text: str) -> None:
    data = write_csv(["a"], [{"a": text}])
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[1] == ["'" + text]


def test_numbers_stay_numbers_and_vietnamese_stays_vietnamese() -> None:
    data = write_csv(["tên", "n"], [{"tên": "Gạch Đặng Ngữ", "n": -1.5}])
    assert data.startswith(b"\xef\xbb\xbf")
    assert "Gạch Đặng Ngữ,-1.5" in data.decode("utf-8-sig")


def test_a_workbook_holds_no_formula_and_no_link() -> None:
    data = write_xlsx({"a/b": (["x", "y"], [{"x": "=1+1", "y": 2}, {"x": "http://example.vn", "y": None}])})
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert [cell.data_type for cell in cells if cell.value is not None] == ["s", "s", "s", "n", "s"]
    assert all(cell.hyperlink is None for cell in cells)
    assert sheet.title == "a_b"
