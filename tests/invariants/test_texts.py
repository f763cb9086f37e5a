"""Every text people read comes from a catalogue, and every catalogue is complete."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from forms.appearances import APPEARANCES
from forms.issues import MESSAGES
from survey_app import FEATURES
from survey_app.languages import catalogue, translate
from survey_app.problems import HTTP_MESSAGES, Problem

pytestmark = pytest.mark.one_database
ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "survey_app").rglob("templates/**/*.html"))
PYTHON = sorted(path for path in (ROOT / "survey_app").rglob("*.py") if "packs" not in path.parts)
CLIENT = sorted(path for path in (ROOT / "survey_app/client").rglob("*.ts") if "tests" not in path.parts)
SPOKEN_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt", "aria-description", "aria-roledescription"}
SPEAKERS = {"gettext", "translate", "label", "Says", "N_", "_"}
PARAMETER = re.compile(r"\{(\w+)[^}]*\}")
# Signs and names that are the same in every language.
NEUTRAL = re.compile(r"^[\W\d_]*$|^(SHA-256|CSV|XLSX|PDF|JSON|OpenAPI|GPS|QR|VSIC)$")


class Literals(HTMLParser):
    """Collects words that stand in a template outside expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"script", "style"}
        self.found += [value for name, value in attrs if name in SPOKEN_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def literals(source: str) -> list[str]:
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.S)
    source = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", source, flags=re.S)
    parser = Literals()
    parser.feed(source)
    words = [text.strip() for text in parser.found]
    return [text for text in words if not NEUTRAL.match(text)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "survey_app")))
def test_templates_hold_no_literal_text(template: Path) -> None:
    assert literals(template.read_text(encoding="utf8")) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "survey_app")))
def test_templates_hold_no_inline_style_or_script(template: Path) -> None:
    source = template.read_text(encoding="utf8")
    assert re.findall(r"<[^>]*\s(?:style|on[a-z]+)=", source) == []
    scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", source)
    assert scripts == []


def test_client_files_hold_no_sentence_outside_the_list_of_texts() -> None:
    wrong = []
    for file in CLIENT:
        if file.name == "texts.ts":
            continue
        for number, line in enumerate(file.read_text(encoding="utf8").splitlines(), start=1):
            code = re.sub(r"//.*|^\s*\*.*|throw new Error\(.*|/\*.*?\*/", "", line)
            wrong += [
                f"{file.name}:{number}: {text}" for text in re.findall(r"(?<!t\()[\"'`]([A-Z][a-z]+ [a-z][^\"'`]*)[\"'`]", code)
                if f't("{text}' not in code
            ]
    assert wrong == []


def template_messages() -> set[str]:
    found: set[str] = set()
    environment = Environment(autoescape=True)
    for template in TEMPLATES:
        tree = environment.parse(template.read_text(encoding="utf8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and call.args:
                found |= constants(call.args[0])
    return found


def constants(node: nodes.Node) -> set[str]:
    """The texts an expression may give: a constant, or both arms of a choice."""
    if isinstance(node, nodes.Const):
        return {str(node.value)}
    if isinstance(node, nodes.CondExpr):
        return constants(node.expr1) | (constants(node.expr2) if node.expr2 else set())
    return set()


def problem_classes() -> set[str]:
    def below(kind: type) -> set[type]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    for feature in FEATURES:
        import_module(f"survey_app.{feature}")
    return {kind.__name__ for kind in below(Problem)}


def python_messages() -> set[str]:
    found: set[str] = set()
    speakers = SPEAKERS | problem_classes()
    for file in PYTHON:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf8"))):
            if isinstance(node, ast.Call) and node.args:
                name = spoken_name(node.func)
                first = node.args[0]
                if name in speakers and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
            if isinstance(node, ast.ClassDef) and node.name in speakers:
                found |= class_messages(node)
    return found


def spoken_name(function: ast.expr) -> str:
    """The name called; of methods only gettext and translate speak (a column's `label` does not)."""
    if isinstance(function, ast.Attribute):
        return function.attr if function.attr in {"gettext", "translate"} or function.attr[:1].isupper() else ""
    return getattr(function, "id", "")


def class_messages(node: ast.ClassDef) -> set[str]:
    found: set[str] = set()
    for line in node.body:
        if isinstance(line, ast.Assign):
            for target in line.targets:
                names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
                if "message" in names:
                    values = line.value.elts if isinstance(line.value, ast.Tuple) else [line.value]
                    index = names.index("message")
                    value = values[index] if index < len(values) else values[-1]
                    if isinstance(value, ast.Constant):
                        found.add(str(value.value))
    return found


def client_messages() -> set[str]:
    file = ROOT / "survey_app/client/texts.ts"
    text = file.read_text(encoding="utf8")
    return {ast.literal_eval(match) for match in re.findall(r"^\s*(\"(?:[^\"\\]|\\.)+\"),?\s*(?://.*)?$", text, re.M)}


def all_messages() -> set[str]:
    return (
        template_messages() | python_messages() | client_messages() | set(MESSAGES.values()) | set(HTTP_MESSAGES.values())
        | {appearance.note for appearance in APPEARANCES}
    ) - {""}


def test_every_text_has_a_vietnamese_one() -> None:
    known = catalogue("vi")
    assert sorted(message for message in all_messages() if message not in known) == []


def test_a_translation_has_the_parameters_of_its_text() -> None:
    wrong = [
        message for message, text in catalogue("vi").items()
        if set(PARAMETER.findall(message)) != set(PARAMETER.findall(text))
    ]
    assert wrong == []


def test_the_pseudo_language_reaches_every_letter_but_no_parameter() -> None:
    text = translate("Page {number} of {pages}", "qps", number=1, pages=2)
    assert text.startswith("[")
    assert "1" in text
    assert "Page" not in text
