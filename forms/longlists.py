"""Long choice lists travel past pyxform: it is given the first row of each, and the others are put into what it wrote.

pyxform spends most of its time on lists, row by row through four layers of trees. Only lists whose rows are all of one
plain kind go this way (the same languages in each, no media, no references), so that what stands for the first row
is the pattern of every other; the XForm is the same to the byte, and a test holds it against pyxform's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from forms.columns import TRANSLATABLE
from forms.languages import language_code
from forms.model import Choice, ChoiceList, Text
from forms.workbook import Row, Sheet, iter_rows

LONG: Final = 50
_PLAIN_COLUMN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
# Columns that pyxform treats in its own way.
_SPECIAL: Final = frozenset(
    {"media", "sms_option", "itextId", "image", "audio", "video", "big-image", "label", "name", "value"}
)


@dataclass(frozen=True, slots=True)
class LongList:
    """A list that pyxform sees one row of; cells as pyxform would clean them."""

    name: str
    rows: tuple[Mapping[str, str], ...]
    labels: Mapping[str, str]  # header -> language as it is written, "" for a label without one

    @property
    def is_translated(self) -> bool:
        """True when its labels stand in the itext, as those with a language do."""
        return "" not in self.labels.values()


def long_lists(sheets: Mapping[str, Sheet], with_other: frozenset[str]) -> dict[str, LongList]:
    """The lists that can travel past pyxform; `with_other` are those that a question adds a choice to."""
    rows: dict[str, list[Row]] = {}
    for row in iter_rows(sheets, "choices"):
        rows.setdefault(row.get("list_name"), []).append(row)
    found = {}
    for name, of_list in rows.items():
        labels = _labels(of_list) if len(of_list) >= LONG and name not in with_other else {}
        if labels:
            found[name] = LongList(name, tuple(_cleaned(row) for row in of_list), labels)
    return found


def _labels(rows: list[Row]) -> dict[str, str]:
    """The label columns of a plain list with the language of each; none for a list of another kind."""
    columns = {header for row in rows for header in row.cells} - {"list_name", "name"}
    labels = {header: header.partition("::")[2] for header in sorted(columns) if header.partition("::")[0] == "label"}
    others = columns - set(labels)
    if not labels or ("label" in labels and len(labels) > 1):
        return {}
    if any(not _PLAIN_COLUMN.fullmatch(header) or header in _SPECIAL | TRANSLATABLE for header in others):
        return {}
    is_plain = all("name" in row.cells and all(header in row.cells for header in labels) for row in rows)
    return labels if is_plain and not any("${" in row.cells[header] for row in rows for header in labels) else {}


def _cleaned(row: Row) -> dict[str, str]:
    from pyxform.parsing.sheet_headers import clean_text_values

    return {header: clean_text_values(value=text) for header, text in row.cells.items() if header != "list_name"}


def shortened(sheets: Mapping[str, Sheet], long: Mapping[str, LongList]) -> Iterator[dict[str, str]]:
    """The choices to hand to pyxform: of a long list only the first."""
    seen: set[str] = set()
    for row in iter_rows(sheets, "choices"):
        name = row.get("list_name")
        if name not in long or name not in seen:
            seen.add(name)
            yield dict(row.cells)


# -- putting them back ------------------------------------------------------------------------------------------------


def restored(xform: str, long: Mapping[str, LongList]) -> str:
    """The XForm with every row of its long lists."""
    for list_ in long.values():
        xform = _with_items(_with_texts(xform, list_) if list_.is_translated else xform, list_)
    return xform


def _with_texts(xform: str, list_: LongList) -> str:
    """The entries of each translation, behind that of the first row."""
    languages = {language: header for header, language in list_.labels.items()}
    name = _attribute(list_.name)
    pattern = re.compile(rf'( *)<text id="{re.escape(name)}-0">\n *<value>.*?</value>\n *</text>\n', re.DOTALL)

    def add(match: re.Match[str]) -> str:
        language = _unescaped(_LANGUAGE.findall(xform, 0, match.start())[-1])
        header, space = languages.get(language), match.group(1)
        entries = (
            f'{space}<text id="{name}-{number}">\n{space}  <value>{_text(row[header]) if header else "-"}</value>\n'
            f"{space}</text>\n"
            for number, row in enumerate(list_.rows)
        )
        return "".join(entries)

    return pattern.sub(add, xform)


_LANGUAGE: Final = re.compile(r'<translation lang="([^"]*)"')


def _with_items(xform: str, list_: LongList) -> str:
    name = _attribute(list_.name)
    pattern = re.compile(rf'(<instance id="{re.escape(name)}">\n *<root>\n)( *)<item>\n.*?</item>\n', re.DOTALL)

    def add(match: re.Match[str]) -> str:
        space = match.group(2)
        return match.group(1) + "".join(_item(list_, number, row, space) for number, row in enumerate(list_.rows))

    return pattern.sub(add, xform, count=1)


def _item(list_: LongList, number: int, row: Mapping[str, str], space: str) -> str:
    parts = [f"{space}<item>"]
    if list_.is_translated:
        parts.append(f"{space}  <itextId>{_text(list_.name)}-{number}</itextId>")
    parts.append(f"{space}  <name>{_text(row['name'])}</name>")
    if not list_.is_translated:
        parts.append(f"{space}  <label>{_text(row['label'])}</label>")
    parts += [
        f"{space}  <{header}>{_text(text)}</{header}>"
        for header, text in row.items()
        if header != "name" and header not in list_.labels
    ]
    return "\n".join((*parts, f"{space}</item>\n"))


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(text: str) -> str:
    return _text(text).replace('"', "&quot;")


def _unescaped(text: str) -> str:
    return text.replace("&quot;", '"').replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")


# -- as choices -------------------------------------------------------------------------------------------------------


def choice_list(list_: LongList, codes: Sequence[str]) -> ChoiceList:
    """The list as the form has it; `codes` are the form's languages, the default one first."""
    by_code = {language_code(language) if language else codes[0]: header for header, language in list_.labels.items()}
    labels = {code: by_code[code] for code in codes if code in by_code}
    return ChoiceList(list_.name, tuple(_choice(row, labels, list_) for row in list_.rows))


def _choice(row: Mapping[str, str], labels: Mapping[str, str], list_: LongList) -> Choice:
    text = Text({code: (row[header],) for code, header in labels.items()})
    return Choice(row["name"], text, extra={h: t for h, t in row.items() if h != "name" and h not in list_.labels})
