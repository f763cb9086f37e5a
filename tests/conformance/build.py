"""Makes the JSON cases of this folder from their Markdown sources: `python tests/conformance/build.py`.

Both engines run the JSON, so that neither needs the other's parser: forms are written as `to_json` gives them and
expressions as trees. A section (`## name`) holds a form's tables, its answers as a JSON block, and a table of cases.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent.parent))

from forms.expressions.functions import FUNCTIONS  # noqa: E402
from forms.expressions.parts import PARTS  # noqa: E402
from forms.expressions.resolve import parse, schema_of  # noqa: E402
from forms.expressions.syntax import expression_to_json  # noqa: E402
from forms.load import load_form_from_markdown  # noqa: E402
from forms.model import FormDefinition, Text  # noqa: E402
from forms.serial import to_json  # noqa: E402

CLOCK = {"now": "2026-11-23T22:50:00+07:00", "offset_minutes": 420}
_BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)
_BARE = FormDefinition("bare", "1", Text(), ("en",), ())


def sections(source: str) -> Iterator[tuple[str, str]]:
    """The (name, text) of each section."""
    for part in source.split("\n## ")[1:]:
        name, _, text = part.partition("\n")
        yield name.strip(), text


def tables(text: str) -> Iterator[list[str]]:
    """The lines of each Markdown table."""
    lines: list[str] = []
    for line in [*_BLOCK.sub("", text).splitlines(), ""]:
        if line.lstrip().startswith("|"):
            lines.append(line)
        elif lines:
            yield lines
            lines = []


def cells(line: str) -> list[str]:
    """The cells of a table's line; `\\|` is a bar."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def form_in(text: str, name: str) -> FormDefinition:
    """The form of a section, or one without questions."""
    found = ["\n".join(lines) for lines in tables(text) if cells(lines[0])[0] not in ("case", "")]
    if not found:
        return _BARE
    settings = f"\n\n| settings | form_id | version |\n|---|---|---|\n| | {name} | 1 |"
    return load_form_from_markdown("\n\n".join(found) + settings).definition


def key(name: str) -> str:
    """A section's name as a form id."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def expressions() -> dict[str, Any]:
    """expressions.json: a form, answers, a tree and what it yields as text, number or truth."""
    forms: dict[str, Any] = {}
    cases = []
    for name, text in sections((FOLDER / "expressions.md").read_text("utf-8")):
        definition = form_in(text, key(name))
        forms[key(name)] = to_json(definition)
        block = _BLOCK.search(text)
        for table in tables(text):
            if cells(table[0])[0] == "case":
                cases += [
                    _expression_case(definition, key(name), json.loads(block[1]) if block else {}, cells(line))
                    for line in table[2:]
                ]
    parts = {part: sorted(names) for part, names in PARTS.items()}
    return {"clock": CLOCK, "functions": sorted(FUNCTIONS), "parts": parts, "forms": forms, "cases": cases}


def _expression_case(definition: FormDefinition, form: str, answers: Any, row: list[str]) -> dict[str, Any]:
    note, text, written = row
    is_special = written in ("NaN", "Infinity", "-Infinity")
    expected = written if is_special else json.loads(written)
    kind = "number" if is_special else {bool: "truth", str: "text"}.get(type(expected), "number")
    tree = expression_to_json(parse(text, schema_of(definition)))
    name = f"{form}: {text}" + (f" ({note})" if note else "")
    case = {"name": name, "form": form, "expression": tree} | ({"note": note} if note else {})
    return case | ({"answers": answers} if answers else {}) | {"kind": kind, "expected": expected}


def scenarios() -> dict[str, Any]:
    """scenarios.json: a form, steps, and what stands after each."""
    forms: dict[str, Any] = {}
    cases = []
    for name, text in sections((FOLDER / "scenarios.md").read_text("utf-8")):
        blocks = _BLOCK.findall(text)
        if any(cells(lines[0])[0] not in ("case", "") for lines in tables(text)):
            last = key(name)
            forms[last] = to_json(form_in(text, last))
        cases += [{"name": name, "form": last, **json.loads(block)} for block in blocks]
    return {"clock": CLOCK, "forms": forms, "cases": cases}


def numbers() -> list[dict[str, Any]]:
    """numbers.json: what a typed number means."""
    cases = []
    for line in next(tables((FOLDER / "numbers.md").read_text("utf-8")))[2:]:
        text, language, meaning = cells(line)
        reading = json.loads(meaning)
        found = {"candidates": reading} if isinstance(reading, list) else {"value": reading}
        cases.append({"text": text.strip("`"), "language": language, **found})
    return cases


def built() -> dict[str, str]:
    """File name -> text of every file this script makes."""
    files = {"expressions.json": expressions(), "scenarios.json": scenarios(), "numbers.json": numbers()}
    return {name: dump(content) for name, content in files.items()}


def dump(content: Any) -> str:
    """JSON with one case a line."""
    if isinstance(content, list):
        return "[\n" + ",\n".join(_line(case) for case in content) + "\n]\n"
    forms = ",\n".join(f"{_line(name)}: {_line(form)}" for name, form in content["forms"].items())
    cases = ",\n".join(_line(case) for case in content["cases"])
    more = "".join(f'"{name}": {_line(content[name])},\n' for name in ("functions", "parts") if name in content)
    return f'{{"clock": {_line(content["clock"])},\n{more}"forms": {{\n{forms}\n}},\n"cases": [\n{cases}\n]}}\n'


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    for file, content in built().items():
        (FOLDER / file).write_text(content, "utf-8")
