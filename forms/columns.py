"""The columns of a questionnaire's sheets under one spelling each, and the small grammars inside their cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from forms.issues import Issue, Severity
from forms.types import ALIASES, TYPES, UNSUPPORTED
from forms.workbook import Row, Sheet

TRANSLATABLE: Final = frozenset(
    [
        "label",
        "hint",
        "guidance_hint",
        "constraint_message",
        "required_message",
        "image",
        "big-image",
        "audio",
        "video",
        "unit",
        "message",
        "base",
    ]
)
# The columns of expressions whose curled quotes pyxform makes straight too; our own sheets keep theirs.
EXPRESSIONS: Final = frozenset(
    [
        "relevant",
        "constraint",
        "calculation",
        "required",
        "read_only",
        "default",
        "choice_filter",
        "repeat_count",
        "appearance",
        "parameters",
        "bind",
        "instance_name",
    ]
)
_CURLED: Final = str.maketrans("‘’“”", "''\"\"")
_LOOSE: Final = re.compile(r"\$\{\s*([^\s{}]+)\s*\}")
_ALIASES: Final[Mapping[str, str]] = {
    "relevance": "relevant",
    "calculate": "calculation",
    "readonly": "read_only",
    "constraining_message": "constraint_message",
    "requiredmsg": "required_message",
    "caption": "label",
    "count": "repeat_count",
    "jr:count": "repeat_count",
    "command": "type",
    "tag": "name",
    "list": "list_name",
    "id_string": "form_id",
    "set_form_id": "form_id",
    "set_form_title": "form_title",
    "control": "body",
}
# Settings that other clients act on, and this system only keeps for them.
ELSEWHERE: Final = frozenset(
    [
        "public_key",
        "submission_url",
        "auto_send",
        "auto_delete",
        "client_editable",
        "instance_id",
        "prefix",
        "delimiter",
        "sms_keyword",
        "sms_separator",
        "sms_allow_media",
        "sms_date_format",
        "sms_datetime_format",
        "sms_response",
    ]
)
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "survey": frozenset(
        [
            "type",
            "name",
            "label",
            "hint",
            "guidance_hint",
            "required",
            "required_message",
            "relevant",
            "constraint",
            "constraint_message",
            "calculation",
            "default",
            "trigger",
            "choice_filter",
            "repeat_count",
            "read_only",
            "appearance",
            "parameters",
            "image",
            "big-image",
            "audio",
            "video",
            "autoplay",
            "rows",
            "save_to",
            "bind",
            "instance",
            "body",
            "disabled",
            "unit",
            "personal",
            "evidence",
            "noapperrorstring",
            "no_app_error_string",
            "sms_field",
            "sms_option",
            "sms_separator",
            "sms_allow_media",
            "sms_date_format",
            "sms_datetime_format",
            "sms_response",
            "kobo--matrix_list",
            "kobo--score-choices",
            "kobo--rank-items",
            "kobo--rank-constraint-message",
            "hxl",
            "compact_tag",
            "note",
            "comment",
        ]
    ),
    "scores": frozenset(
        [
            "kind",
            "name",
            "label",
            "parents",
            "rule",
            "applies",
            "repeat",
            "weight",
            "method",
            "decimals",
            "minimum_share",
            "unit",
            "where",
        ]
    ),
    "indicators": frozenset(["name", "label", "kind", "rule", "applies", "where"]),
    "resources": frozenset(["name", "label", "cost", "quantity", "unit", "cap"]),
    "measures": frozenset(
        [
            "code",
            "label",
            "technique",
            "resources",
            "base",
            "share",
            "saving_low",
            "saving_high",
            "payback_low",
            "payback_high",
            "group",
            "trigger",
        ]
    ),
    "checks": frozenset(["name", "question", "rule", "grade", "message", "relevant"]),
    "settings": frozenset(
        [
            "form_title",
            "form_id",
            "version",
            "default_language",
            "instance_name",
            "name",
            "style",
            "allow_choice_duplicates",
            "clean_text_values",
            "omit_instanceid",
            "namespaces",
            "attribute",
            "instance_xmlns",
            "add_none_option",
            "title",
            "screen",
            "external_instances",
            "consent_question",
            "mode_question",
            "date_question",
            "measure_first",
            *ELSEWHERE,
        ]
    ),
}
_OURS: Final = frozenset({"unit", "personal", "evidence", "note", "comment", "hxl"})
_LISTED: Final = re.compile(
    r"(?P<kind>[a-z_1 ]+?)\s+(?P<list>\S+?)(?P<other>\s+or[_ ](?:specify[_ ])?other)?", re.IGNORECASE
)
_OLD: Final = re.compile(r"^(?:q (.+)|add (.+) prompt(?= using )|add (.+) prompt|get (.+))(?: using)?", re.IGNORECASE)
# What phones told their applications once, and a browser never; other clients still fill them in.
BLANK_HERE: Final[Mapping[str, str]] = {
    "simserial": "simserial",
    "sim id": "simserial",
    "subscriberid": "subscriberid",
    "subscriber id": "subscriberid",
    **{name: name for name in ("uri:deviceid", "uri:email", "uri:phonenumber", "uri:simserial")},
    **{name: name for name in ("uri:subscriberid", "uri:username")},
}
_STRUCTURE: Final = re.compile(r"(begin|end)[ _]+(group|repeat|lgroup|looped[ _]group)", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"([A-Za-z_\-]+)\s*=\s*([^\s,;]+)")


@dataclass(frozen=True, slots=True)
class TypeCell:
    """What a cell of column `type` says. kind: question, begin, end or external (no answer of ours)."""

    kind: str
    name: str  # a name of forms.types, "group" or "repeat"
    spelling: str  # what pyxform is given
    list_name: str = ""  # of choices, or the file's name without its ending
    is_file: bool = False
    has_other: bool = False
    file: str = ""  # of a list that lies beside the workbook


def canonical(sheet: Sheet) -> tuple[Sheet, list[Issue]]:
    """The sheet with one spelling per column, and issues for columns given twice or not known."""
    issues: list[Issue] = []
    names: dict[str, str] = {}
    letters: dict[str, str] = {}
    # Several tables in a Markdown file may make up one sheet; each row brings the letters of its own table.
    for header in sheet.headers:
        name = canonical_header(header, sheet.name)
        names[header] = name
        if list(names.values()).count(name) > 1:
            issues.append(Issue("duplicate_column", f"{sheet.name}!1", {"name": header}))
        known = _KNOWN.get(sheet.name)
        if known is not None and name.partition("::")[0] not in known:
            issues.append(Issue("unknown_column", f"{sheet.name}!1", {"name": header}, Severity.WARNING))
    rows = []
    shared: dict[int, dict[str, str]] = {}
    for row in sheet.rows:
        if id(row.letters) not in shared:
            shared[id(row.letters)] = {names.get(header, header): at for header, at in row.letters.items()}
        letters = shared[id(row.letters)]
        cells = {names[header]: _straightened(text, names[header]) for header, text in row.cells.items()}
        rows.append(Row(sheet.name, row.number, cells, letters))
    return Sheet(sheet.name, tuple(dict.fromkeys(names.values())), tuple(rows)), issues


def _straightened(text: str, header: str) -> str:
    """A cell with "${ name }" closed up and, outside texts, the quotes that word processors curl made straight."""
    if "${" in text:
        text = _LOOSE.sub(r"${\1}", text)
    if text.isascii() or header.partition("::")[0] not in EXPRESSIONS:
        return text
    return text.translate(_CURLED)


def canonical_header(header: str, sheet: str) -> str:
    """One spelling for a column: "Label : English" -> "label::English", "relevance" -> "relevant"."""
    base, *rest = [part.strip() for part in header.split("::")]
    if base.lower() == "media" and rest:
        base, *rest = rest
    if not rest and ":" in base and base.lower() != "jr:count":
        first, _, second = base.partition(":")
        if _simple(first) in TRANSLATABLE or _simple(first) in ("bind", "instance", "body"):
            base, rest = first.strip(), [second.strip()]
    name = _ALIASES.get(_simple(base), _simple(base))
    if name == "value" and sheet in ("choices", "external_choices", "survey"):
        name = "name"
    if name == "dataset" and sheet == "entities":
        name = "list_name"
    if sheet in ("choices", "external_choices") and name not in TRANSLATABLE | {"list_name", "name"}:
        name = base  # an author's own column keeps its letters: choice filters name it
    return "::".join((name, *rest))


def known_columns() -> frozenset[str]:
    """The columns of all sheets, as an author writes them without a language."""
    return frozenset(name for names in _KNOWN.values() for name in names)


def _simple(text: str) -> str:
    return re.sub(r"\s+", "_", text.strip().lower())


def read_type(text: str) -> TypeCell | None:
    """What a type cell says, None when no type of that name is known or run."""
    text = _OLD.sub(_modern, " ".join(text.split()))
    structure = _STRUCTURE.fullmatch(text)
    if structure:
        verb = structure.group(1).lower()
        thing = "group" if structure.group(2).lower() == "group" else "repeat"
        return TypeCell(verb, thing, f"{verb}_{thing}")
    lower = text.lower()
    if lower in BLANK_HERE:
        return TypeCell("question", "hidden", BLANK_HERE[lower])
    if lower in ("csv-external", "xml-external", "audit"):
        return TypeCell("external", lower, lower)
    for name in (text, lower):
        found = ALIASES.get(name, name)
        if found in TYPES and TYPES[found].kind not in ("choice", "choices", "rank"):
            return TypeCell("question", found, name if found != "image" else "image")
    return _read_listed(text)


def _modern(match: re.Match[str]) -> str:
    """The first spellings of types, such as "add text prompt", as they are written now."""
    inner = next(part for part in match.groups() if part)
    return {"select": "select_multiple", "phone number": "phonenumber"}.get(inner.lower(), inner)


def _read_listed(text: str) -> TypeCell | None:
    match = _LISTED.fullmatch(text)
    if match is None:
        return None
    kind = match.group("kind").lower()
    name = ALIASES.get(kind, kind)
    if name not in ("select_one", "select_multiple", "rank"):
        return None
    listed, has_other = match.group("list"), match.group("other") is not None
    is_file = kind.endswith("file")
    spelling = f"{name}{'_from_file' if is_file else ''} {listed}{' or_other' if has_other else ''}"
    if is_file:
        return TypeCell("question", name, spelling, PurePath(listed).stem, True, has_other, listed)
    return TypeCell("question", name, spelling, listed, False, has_other)


def is_unsupported(text: str) -> bool:
    """True for a type that XLSForm has and we do not run."""
    lower = " ".join(text.lower().split()) + " "
    return any(lower.startswith(f"{name} ") for name in UNSUPPORTED)


def read_parameters(text: str) -> dict[str, str]:
    """ "start=1 end=5" -> {"start": "1", "end": "5"}; commas and semicolons may separate too."""
    return dict(_PARAMETER.findall(text))


def is_yes(text: str) -> bool:
    """True for the words XLSForm takes as yes."""
    return text.strip().lower() in ("yes", "true", "true()", "x", "1")


def is_no(text: str) -> bool:
    """True for the words XLSForm takes as no."""
    return text.strip().lower() in ("", "no", "false", "false()", "0")


def languages_in(sheets: Mapping[str, Sheet]) -> tuple[str, ...]:
    """The languages of the sheets' labels as their headers write them, in order."""
    found: dict[str, None] = {}
    for name in ("survey", "choices"):
        for header in sheets[name].headers if name in sheets else ():
            base, separator, language = header.partition("::")
            if separator and base in TRANSLATABLE and base != "unit":
                found[language] = None
    return tuple(found)


def for_pyxform(sheet: Sheet) -> Iterator[str]:
    """The columns that pyxform is given: all but our own."""
    for header in sheet.headers:
        if sheet.name != "survey" or (header.partition("::")[0] in _KNOWN["survey"] - _OURS):
            yield header
