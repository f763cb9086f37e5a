"""Numbers as people type them: what the shared table does not say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from forms.numbers import read_number


def test_one_reading_is_a_value_and_two_are_a_question() -> None:
    assert read_number("1.234", "vi").value == Decimal(1234)
    assert read_number("1,234", "vi").candidates == (Decimal("1.234"), Decimal(1234))


@pytest.mark.parametrize("text", ["", "  ", "một trăm", "1" * 100, "1/2", "12%"])
def test_what_is_no_number_has_neither_value_nor_candidates(text: str) -> None:
    reading = read_number(text, "vi")
    assert reading.value is None
    assert reading.candidates == ()


@pytest.mark.parametrize("text", ["1.234.567,89", "0,5", "12", "1234567,001", "-3.000"])
def test_english_reads_the_same_number_with_the_signs_swapped(text: str) -> None:
    swapped = text.translate(str.maketrans(".,", ",."))
    assert read_number(text, "vi") == read_number(swapped, "en")
