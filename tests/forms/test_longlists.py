"""Long lists travel past pyxform: the XForm is the same to the byte, and the form made of it the same."""

from __future__ import annotations

import pytest

from forms import read_markdown, xlsform
from forms.columns import canonical
from forms.longlists import LONG, long_lists
from forms.workbook import Sheet
from forms.xform import definition_from_xform

SURVEY = """
| survey |
| | type           | name | label::Tiếng Việt (vi) | label::English (en) | choice_filter |
| | select_one big | a    | Câu                    | Question            |               |
| | select_one yn  | b    | Câu                    | Question            |               |
| | select_one big | c    | Câu                    | Question            | area=${b}     |
"""
PLAIN = SURVEY.replace("::Tiếng Việt (vi)", "").replace("::English (en)", "::x").replace("| label::x", "| hint")
YN = "| | yn | yes | Có | Yes | |\n"
ROWS = LONG + 7


def sheets_of(md: str) -> dict[str, Sheet]:
    return {name: canonical(sheet)[0] for name, sheet in read_markdown(md).items()}


def choices(header: str, row: str, last: str = "") -> str:
    rows = "".join(f"{row.format(n=n)}\n" for n in range(ROWS))
    return f"{SURVEY}\n| choices |\n{header}\n{rows}{last}"


BOTH = "| | list_name | name | label::Tiếng Việt (vi) | label::English (en) | area |"
CASES = {
    "two languages": choices(BOTH, "| | big | n{n} | Xã {n} | Commune {n} | a{n} |", YN),
    "marks that XML knows": choices(BOTH, '| | big | n{n} | "Xã" & <b>{n}</b> | Côm \\| “mune” &amp; | <a>&{n} |', YN),
    "spaces and lines": choices(BOTH, "| | big | n{n} | Xã    số   {n} | Com  mune {n} | a   {n} |", YN),
    "a column filled here and there": choices(
        BOTH, "| | big | n{n} | Xã {n} | Commune {n} | |", "| | big | z | Z | Z | there |\n" + YN
    ),
    "another order of languages": choices(
        "| | list_name | name | area | label::English (en) | label::Tiếng Việt (vi) |",
        "| | big | n{n} | a{n} | Commune {n} | Xã {n} |",
        "| | yn | yes | | Yes | Có |\n",
    ),
    "one language of two": choices(
        "| | list_name | name | label::English (en) | area |", "| | big | n{n} | Commune {n} | x |", "| | yn | yes | Yes | |\n"
    ),
    "the other language of two": choices(
        "| | list_name | name | label::Tiếng Việt (vi) | area |", "| | big | n{n} | Xã {n} | x |", "| | yn | yes | Có | |\n"
    ),
    "labels without a language": choices("| | list_name | name | label | area |", "| | big | n{n} | L {n} | x |", "| | yn | y | Y | |\n"),
    "a name with marks": choices(BOTH, "| | big | n&{n} | Xã {n} | Commune {n} | x |", YN),
    "short list first": SURVEY + "\n| choices |\n" + BOTH + "\n" + YN + "".join(
        f"| | big | n{n} | Xã {n} | Commune {n} | x |\n" for n in range(ROWS)
    ),
    "whitespace kept": choices(BOTH, "| | big | n{n} | Xã   {n} | Commune {n} | x |", YN)
    + "\n| settings |\n| | clean_text_values |\n| | no |\n",
    "no language at all": "| survey |\n| | type | name | label |\n| | select_one big | a | A |\n| choices |\n"
    "| | list_name | name | label | area |\n" + "".join(f"| | big | {n} | N & {n} | {n} |\n" for n in range(ROWS)),
}  # fmt: skip
# These must go the long way: pyxform does something of its own with them.
SLOW = {
    "a translation missing": choices(BOTH, "| | big | n{n} | Xã {n} | Commune {n} | x |", "| | big | z | Z | | x |\n" + YN),
    "references": choices(BOTH, "| | big | n{n} | Xã {n} ${{b}} | Commune {n} | x |", YN),
    "pictures": choices(
        "| | list_name | name | label::Tiếng Việt (vi) | label::English (en) | media::image |",
        "| | big | n{n} | Xã {n} | Commune {n} | p.png |", YN,
    ),
    "mixed labels": choices(
        "| | list_name | name | label | label::English (en) | area |", "| | big | n{n} | Xã {n} | Commune {n} | x |", YN
    ),
    "a choice for other": choices(BOTH, "| | big | n{n} | Xã {n} | Commune {n} | x |", YN)
    .replace("select_one big | c", "select_one big or_other | c").replace("area=${b}", ""),
}  # fmt: skip


@pytest.mark.parametrize("md", [*CASES.values(), *SLOW.values()], ids=[*CASES, *SLOW])
def test_the_xform_is_the_one_pyxform_writes(md: str) -> None:
    sheets = sheets_of(md)
    checked = xlsform.check_rows(sheets)
    made = xlsform.convert(sheets, checked, "form")
    whole = xlsform.convert(sheets, checked, "form", whole_lists=True)
    assert made.xform == whole.xform
    assert whole.long == {}


@pytest.mark.parametrize("md", CASES.values(), ids=list(CASES))
def test_the_form_is_the_one_the_whole_xform_describes(md: str) -> None:
    sheets = sheets_of(md)
    checked = xlsform.check_rows(sheets)
    made = xlsform.convert(sheets, checked, "form")
    assert set(made.long) == {"big"}
    assert len(made.short) < len(made.xform) * 2 / 3
    marks = xlsform.marks(checked)
    short = definition_from_xform(made.short, marks, "vi", made.long)
    whole = definition_from_xform(made.xform, marks, "vi")
    assert short == whole
    assert len(short.choice_lists["big"].choices) >= ROWS


@pytest.mark.parametrize("md", SLOW.values(), ids=list(SLOW))
def test_a_list_of_another_kind_goes_the_long_way(md: str) -> None:
    sheets = sheets_of(md)
    with_other = frozenset({"big"}) if "or_other" in md else frozenset()
    assert long_lists(sheets, with_other) == {}
