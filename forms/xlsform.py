"""Rows -> every issue at once, each with its cell; then pyxform turns the same rows into XForm XML.

pyxform is the field's reference reader and resolves `${}`, but it stops at its first error and seldom says where; our
own pass over the rows finds them all. Only sheets and columns it knows are handed on: others end in a bare TypeError.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from forms.appearances import FORM, appearance_issues
from forms.columns import (
    BLANK_HERE,
    ELSEWHERE,
    TRANSLATABLE,
    TypeCell,
    for_pyxform,
    is_no,
    is_yes,
    languages_in,
    read_parameters,
    read_type,
)
from forms.defaults import misfits
from forms.expressions.resolve import GROUP, QUESTION, REPEAT, Schema, Steps, check, schema_from
from forms.expressions.several import several
from forms.files import Beside, check_beside, columns_of, list_uses, needs_of_rows
from forms.hints import explained, type_issue
from forms.issues import FormError, Issue, Severity
from forms.languages import language_code
from forms.longlists import LongList, long_lists, restored, shortened
from forms.model import FileNeed
from forms.shorthand import MATRIX_LIST
from forms.types import TYPES, Kind
from forms.workbook import Row, Sheet, iter_rows
from forms.xform import Mark

ROOT: Final = "data"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_REFERENCE: Final = re.compile(r"\$\{[^}]*\}")
_ROW: Final = re.compile(r"\[row\s*:\s*([0-9]+)\]\s*")
_NAMED: Final = re.compile(r"survey element named '([^']+)'")
_SHEET: Final = re.compile(r"'(survey|choices|settings|entities)' sheet")
_UNREAD: Final = ""  # the spelling of a type that was refused already
_CODE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_PARAMETERS: Final = re.compile(r"question type are '([^']*)'.*invalid parameter key\(s\): '([^']*)'", re.DOTALL)
_DYNAMIC: Final = re.compile(r"\$\{|[A-Za-z][\w\-]*\(")
_SEARCH: Final = re.compile(r"search\s*\(")
_RESERVED: Final = {"form": "meta", "repeat": "_id"}  # the block an XForm adds; the id of a row
_TEXTS: Final = ("label", "hint", "guidance_hint", "constraint_message", "required_message")
_SAID_BY_US: Final = (
    "is missing the survey",
    "is missing the choices",
    "has no label",
    "untranslated",
    "max-pixels",
    "'disabled' column",
    "no longer supported on most devices",
    "Choices should have a label",
    "case-insensitive match",
    "machine-readable codes",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the survey sheet and where it stands in the form."""

    row: Row
    type: TypeCell
    path: Steps


@dataclass(slots=True)
class Checked:
    """The rows as understood, and everything found wrong with them."""

    entries: list[Entry] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    columns: dict[str, frozenset[str] | None] = field(default_factory=dict)
    schema: Schema = field(default_factory=Schema)
    root: str = ROOT
    needs: tuple[FileNeed, ...] = ()  # files that must lie beside the workbook

    def complain(self, code: str, where: str, /, **parameters: str | int) -> None:
        """Note one more error."""
        self.issues.append(Issue(code, where, parameters))

    def warn(self, code: str, where: str, /, **parameters: str | int) -> None:
        """Note what the author should look at."""
        self.issues.append(Issue(code, where, parameters, Severity.WARNING))

    @property
    def has_errors(self) -> bool:
        """True when the rows must not be converted."""
        return any(issue.severity is Severity.ERROR for issue in self.issues)


def check_rows(sheets: Mapping[str, Sheet], given: Beside | None = None) -> Checked:
    """Everything wrong with a questionnaire's own sheets (survey, choices, settings) and the files beside it."""
    given = given or Beside()
    found = Checked()
    if not any(iter_rows(sheets, "survey")):
        found.complain("no_survey", "survey")
        return found
    for name, needed in (("survey", "type"), ("choices", "list_name")):
        if name in sheets and sheets[name].rows and needed not in sheets[name].headers:
            found.complain("missing_column", f"{name}!1", name=needed)
    if found.issues:
        return found
    settings = next(iter_rows(sheets, "settings"), None)
    found.root = settings.get("name") if settings and settings.get("name") else ROOT
    _check_choices(sheets, found, settings)
    if settings:
        found.columns |= dict.fromkeys(settings.get("external_instances").split())
    _read_structure(sheets, found)
    _note_files(sheets, found, given, settings)
    schema = found.schema = _schema(found)
    _check_settings(settings, sheets, schema, found)
    for entry in found.entries:
        _check_entry(entry, schema, found)
    found.issues += misfits(sheets, [(entry.row, entry.type) for entry in found.entries])
    _check_languages(sheets, found)
    _check_translations(sheets, found)
    return found


# -- structure --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """A group or repeat whose end has not come yet, and the names inside it so far."""

    path: Steps
    kind: str
    cell: str
    names: dict[str, str] = field(default_factory=dict)


def _read_structure(sheets: Mapping[str, Sheet], found: Checked) -> None:
    stack = [_Open((), "form", "survey!A1")]
    for row in iter_rows(sheets, "survey"):
        if is_yes(row.get("disabled")):
            continue
        type_ = _read_row_type(row, found)
        if type_ is None:
            continue
        if type_.kind == "end":
            _close(row, type_, stack, found)
            continue
        if type_.name == "audit":  # a log that other clients keep; pyxform puts it into the meta block
            continue
        _check_name(row, type_, stack[-1], found)
        name = row.get("name") or f"_row_{row.number}"
        path = (*stack[-1].path, name)
        found.entries.append(Entry(row, type_, path))
        if type_.kind == "begin":
            stack.append(_Open(path, type_.name, row.cell("type")))
    for unclosed in stack[1:]:
        found.complain("missing_end", unclosed.cell, name=unclosed.kind)


def _read_row_type(row: Row, found: Checked) -> TypeCell | None:
    text = row.get("type")
    if not text:
        if row.get("name") or row.get("label"):
            found.complain("missing_type", row.cell("type"))
        return None
    problem = type_issue(text)
    type_ = read_type(text) if problem is None else None
    if problem is not None:
        bare = " ".join(text.lower().split())
        found.complain(problem[0], row.cell("type"), **problem[1])
        if row.get("name") and not bare.startswith(("begin", "end")):
            # Whatever it was to be, its name exists and the rest of its row can be looked at in the same reading.
            return TypeCell("question", "text", _UNREAD)
    return type_


def _close(row: Row, type_: TypeCell, stack: list[_Open], found: Checked) -> None:
    top = stack[-1]
    if len(stack) > 1 and top.kind == type_.name:
        if not top.names:
            found.complain("empty_group", top.cell, name=top.kind)
        stack.pop()
        return
    found.complain("unmatched_end", row.cell("type"), name=type_.name)
    if len(stack) > 1 and not any(open_.kind == type_.name for open_ in stack):
        stack.pop()  # most likely the right end with the wrong word: go on as if it were right


def _check_name(row: Row, type_: TypeCell, parent: _Open, found: Checked) -> None:
    name, where = row.get("name"), row.cell("name")
    if not name:
        found.complain("missing_name", where)
        return
    if not _NAME.fullmatch(name):
        found.complain("bad_name", where, name=name)
    if name == _RESERVED.get(parent.kind):
        found.complain("reserved_name", where, name=name)
    if name in parent.names:
        found.complain("duplicate_name", where, name=name, other=parent.names[name])
    near = next((other for other in parent.names if other != name and other.lower() == name.lower()), None)
    if near is not None:
        found.warn("name_case", where, name=name, other=near)
    parent.names.setdefault(name, where)


def _note_files(sheets: Mapping[str, Sheet], found: Checked, given: Beside, settings: Row | None) -> None:
    """The files that the rows name, the fields of their lists, and what is wrong with them."""
    found.needs = needs_of_rows(sheets, found.entries, frozenset(found.columns), found.issues)
    known = columns_of(given)
    found.columns |= {need.instance: known.get(need.instance) for need in found.needs if need.instance}
    may_repeat = settings is not None and is_yes(settings.get("allow_choice_duplicates"))
    found.issues += check_beside(found.needs, list_uses(found.entries, may_repeat), given)


def _schema(found: Checked) -> Schema:
    kinds = {}
    for entry in found.entries:
        if entry.type.kind != "external":
            kinds[entry.path] = {"group": GROUP, "repeat": REPEAT}.get(entry.type.name, QUESTION)
            if entry.type.has_other:
                kinds[(*entry.path[:-1], f"{entry.path[-1]}_other")] = QUESTION
    return schema_from(kinds, found.columns, found.root)


# -- choices and settings ---------------------------------------------------------------------------------------------


def _check_choices(sheets: Mapping[str, Sheet], found: Checked, settings: Row | None) -> None:
    may_repeat = settings is not None and is_yes(settings.get("allow_choice_duplicates"))
    seen: dict[tuple[str, str], str] = {}
    columns: dict[str, set[str]] = {}
    for row in iter_rows(sheets, "choices"):
        list_name, name = row.get("list_name"), row.get("name")
        if not list_name:
            found.complain("choice_without_list", row.cell("list_name"))
            continue
        columns.setdefault(list_name, {"name", "label", "itextId"}).update(row.cells)
        if not name:
            found.complain("choice_without_name", row.cell("name"))
            continue
        if any(letter.isspace() for letter in name):
            found.complain("choice_name_space", row.cell("name"), name=name)
        if (list_name, name) in seen and not may_repeat:
            found.complain("duplicate_choice", row.cell("name"), name=name, other=seen[list_name, name])
        seen.setdefault((list_name, name), row.cell("name"))
        if not any(header.partition("::")[0] == "label" for header in row.cells):
            found.warn("missing_label", row.cell("label"))
    found.columns |= {name: frozenset(headers) for name, headers in columns.items()}


def _check_settings(settings: Row | None, sheets: Mapping[str, Sheet], schema: Schema, found: Checked) -> None:
    used = {entry.type.list_name for entry in found.entries}
    used |= {row.get(MATRIX_LIST) for row in iter_rows(sheets, "survey")}
    text = " ".join(cell for row in iter_rows(sheets, "survey") for cell in row.cells.values() if "instance(" in cell)
    for name, columns in found.columns.items():
        if columns is not None and name not in used and name not in text:
            found.warn("unused_list", "choices", name=name)
    if settings is None:
        return
    _check_appearance(settings, "style", FORM, found)
    for name in settings.cells:
        if name in ELSEWHERE:
            found.warn("setting_elsewhere", settings.cell(name), name=name)
    if settings.get("instance_name"):
        _check_expression(settings, "instance_name", ("meta", "instanceName"), schema, found)
    wanted = settings.get("default_language")
    if wanted and languages_in(sheets) and _language_header(wanted, sheets) is None:
        found.complain("unknown_language", settings.cell("default_language"), name=wanted)


def _language_header(wanted: str, sheets: Mapping[str, Sheet]) -> str | None:
    headers = languages_in(sheets)
    return next((name for name in headers if name == wanted or language_code(name) == language_code(wanted)), None)


# -- one row ----------------------------------------------------------------------------------------------------------


def _check_entry(entry: Entry, schema: Schema, found: Checked) -> None:
    row = entry.row
    if entry.type.kind == "external":
        return
    for column in ("relevant", "constraint", "calculation", "required", "read_only"):
        text = row.get(column)
        if text and not (column in ("required", "read_only") and (is_yes(text) or is_no(text))):
            _check_expression(row, column, entry.path, schema, found)
    if row.get("repeat_count"):
        _check_expression(row, "repeat_count", entry.path[:-1], schema, found)
    if _is_dynamic(row.get("default"), entry.type.name):
        _check_expression(row, "default", entry.path, schema, found)
    _check_references(row, entry.path, schema, found)
    _check_appearance(row, "appearance", entry.type.name, found)
    if entry.type.kind == "question":
        _check_question(entry, schema, found)
    elif entry.type.kind == "begin" and entry.type.name == "repeat" and not _has_label(row):
        found.warn("missing_label", row.cell("label"))


def _check_appearance(row: Row, column: str, type_name: str, found: Checked) -> None:
    issues = appearance_issues(row.get(column), type_name, row.cell(column))
    found.issues.extend(issue for issue in issues if not _SEARCH.search(str(issue.parameters["name"])))


def _is_dynamic(default: str, type_name: str) -> bool:
    """True for a default that is computed; a text like "see (1)" is one to show as it is."""
    kind = TYPES[type_name].kind if type_name in TYPES else Kind.TEXT
    return "${" in default or (kind is not Kind.TEXT and _DYNAMIC.search(default) is not None)


def _check_question(entry: Entry, schema: Schema, found: Checked) -> None:
    row, type_ = entry.row, TYPES[entry.type.name]
    if entry.type.spelling in BLANK_HERE:
        found.warn("blank_here", row.cell("type"), name=entry.type.spelling)
    if _SEARCH.search(row.get("appearance")):
        found.complain("unsupported_search", row.cell("appearance"))
    needs_label = type_.is_asked and entry.type.spelling != _UNREAD
    if needs_label and not _has_label(row) and not _sets_itself(row):
        found.complain("label_needed", row.cell("label" if "label" in row.letters else "name"), name=row.get("name"))
    if type_.name == "calculate" and not any(row.get(column) for column in ("calculation", "default")):
        found.complain("missing_calculation", row.cell("calculation"))
    if entry.type.list_name:
        _check_list(entry, schema, found)
    if type_.kind is Kind.RANGE:
        _check_range(row, found)


def _check_list(entry: Entry, schema: Schema, found: Checked) -> None:
    row, name = entry.row, entry.type.list_name
    if name.startswith("${"):
        paths = schema.by_name.get(name.removeprefix("${").removesuffix("}").strip(), ())
        if len(paths) == 1 and schema.repeats_in(paths[0]):
            return  # its choices are the rows of the repeat that holds the question
        found.complain("choices_from_repeat", row.cell("type"))
        return
    if name not in schema.columns:
        near = difflib.get_close_matches(name, schema.columns, 1)
        code = "missing_list_near" if near else "missing_list"
        found.complain(code, row.cell("type"), name=name, near=near[0] if near else "")
        return
    if row.get("choice_filter"):
        columns = schema.columns[name]
        _check_expression(row, "choice_filter", entry.path, schema, found, True if columns is None else columns)
        if entry.type.has_other:
            found.complain("other_with_filter", row.cell("choice_filter"))


def _check_range(row: Row, found: Checked) -> None:
    values = {"start": "1", "end": "10", "step": "1", **read_parameters(row.get("parameters"))}
    numbers = []
    for name in ("start", "end", "step"):
        try:
            numbers.append(float(values[name]))
        except ValueError:
            found.complain("bad_parameter", row.cell("parameters"), name=name, value=values[name])
            return
    start, end, step = numbers
    if step == 0 or (end - start) / step < 0 or abs(end - start) / abs(step) > 10_000:
        found.complain("bad_range", row.cell("parameters"))


def _check_expression(
    row: Row,
    column: str,
    at: Steps,
    schema: Schema,
    found: Checked,
    item: frozenset[str] | bool | None = None,
) -> None:
    expression, errors = check(row.get(column), schema, at, item)
    for error in errors:
        code, parameters = explained(error, row.get(column))
        found.complain(code, row.cell(column), **parameters)
    for path in () if errors else dict.fromkeys(several(expression, schema)):
        found.warn("expression_several", row.cell(column), name=path[-1])


def _check_references(row: Row, at: Steps, schema: Schema, found: Checked) -> None:
    """The `${}` in texts, triggers and parameters: each must name one question."""
    for header, text in row.cells.items():
        base = header.partition("::")[0]
        if "${" not in text or base not in (*_TEXTS, "trigger", "parameters"):
            continue
        for reference in _REFERENCE.findall(text):
            _, errors = check(reference, schema, at)
            for error in errors:
                found.complain(error.code, row.cell(header), **error.parameters)


def _sets_itself(row: Row) -> bool:
    """True for a question that is computed and need not be shown."""
    return any(header in ("calculation", "trigger") or header.startswith("bind::calculate") for header in row.cells)


def _has_label(row: Row) -> bool:
    return any(header.partition("::")[0] in ("label", "hint", "image", "audio", "video") for header in row.cells)


def _check_languages(sheets: Mapping[str, Sheet], found: Checked) -> None:
    """A language that cannot be told from its name is no language for a screen reader, nor for other clients."""
    for name in languages_in(sheets):
        if not _CODE.fullmatch(language_code(name)):
            found.warn("language_code_missing", "survey!1", name=name)


def _check_translations(sheets: Mapping[str, Sheet], found: Checked) -> None:
    """A text given in one language must be there in the others; a form goes on without, so it is a warning."""
    for name in ("survey", "choices"):
        if name not in sheets:
            continue
        families: dict[str, list[str]] = {}
        for header in sheets[name].headers:
            base, separator, _ = header.partition("::")
            if separator and base in TRANSLATABLE and base not in ("image", "audio", "video", "big-image"):
                families.setdefault(base, []).append(header)
        for row in iter_rows(sheets, name):
            for headers in families.values():
                given = [header for header in headers if header in row.cells]
                for header in headers if given else ():
                    if header not in row.cells:
                        language = header.partition("::")[2]
                        found.warn("missing_translation", row.cell(header), language=language)


# -- conversion -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Converted:
    """An XForm: whole, and as it was before its long lists were put back."""

    xform: str
    short: str
    long: Mapping[str, LongList]
    warnings: tuple[Issue, ...]


def convert(sheets: Mapping[str, Sheet], checked: Checked, form_id: str, *, whole_lists: bool = False) -> Converted:
    """The XForm that pyxform makes of the rows; raises FormError with its refusal.

    `whole_lists` sends the long ones through pyxform too: slowly, for who wants to compare.
    """
    # The steps of pyxform.xls2xform.convert but for one that looks through every list again for each question that
    # uses it, in search of a type we refuse anyway. Imported here: it takes a third of a second.
    from pyxform.builder import create_survey_element_from_dict
    from pyxform.errors import PyXFormError
    from pyxform.xls2json import workbook_to_json
    from pyxform.xls2json_backends import DefinitionData

    with_other = frozenset(entry.type.list_name for entry in checked.entries if entry.type.has_other)
    long = {} if whole_lists else long_lists(sheets, with_other)
    workbook = _workbook(sheets, checked, form_id, long)
    warnings: list[str] = []
    try:
        tree = workbook_to_json(
            workbook_dict=DefinitionData(**workbook),
            form_name=checked.root,
            fallback_form_name=form_id,
            warnings=warnings,
        )
        xform = create_survey_element_from_dict(tree).to_xml(validate=False, warnings=warnings)
    except PyXFormError as error:
        raise FormError([_refusal(str(error), checked)]) from error
    except Exception as error:  # a few faults end in bare TypeErrors and KeyErrors inside pyxform
        raise FormError([Issue("pyxform_failed", "survey")]) from error
    kept = [text for text in warnings if not any(known in text for known in _SAID_BY_US)]
    issues = tuple(replace(_refusal(text, checked), severity=Severity.WARNING) for text in kept)
    return Converted(restored(xform, long), xform, long, issues)


def _workbook(
    sheets: Mapping[str, Sheet], checked: Checked, form_id: str, long: Mapping[str, LongList]
) -> dict[str, Any]:
    survey_columns = [*for_pyxform(sheets["survey"])]
    survey = []
    for row in iter_rows(sheets, "survey"):
        cells = {name: row.cells[name] for name in survey_columns if name in row.cells}
        type_ = read_type(row.get("type"))
        survey.append({**cells, "type": type_.spelling} if type_ else cells)
    survey.extend(_declared_instances(sheets, checked))
    workbook: dict[str, Any] = {"survey": survey, "survey_header": [dict.fromkeys(survey_columns)]}
    for name in ("choices", "entities"):
        if name in sheets and sheets[name].rows:
            rows = shortened(sheets, long) if name == "choices" else (dict(row.cells) for row in sheets[name].rows)
            workbook[name] = list(rows)
            workbook[f"{name}_header"] = [dict.fromkeys(sheets[name].headers)]
    settings = _settings(sheets, form_id)
    return {**workbook, "settings": [settings], "settings_header": [dict.fromkeys(settings)]}


def _declared_instances(sheets: Mapping[str, Sheet], checked: Checked) -> Iterator[dict[str, str]]:
    """Rows that declare the instances given at run time, so that the XForm is whole for other clients too."""
    settings = next(iter_rows(sheets, "settings"), None)
    rows = {entry.row.get("name") for entry in checked.entries if entry.type.kind == "external"}
    for name in settings.get("external_instances").split() if settings else ():
        if name not in rows:
            yield {"type": "csv-external", "name": name}


def _settings(sheets: Mapping[str, Sheet], form_id: str) -> dict[str, str]:
    row = next(iter_rows(sheets, "settings"), None)
    ours = {"screen", "external_instances"}
    given = row.cells if row else {}
    settings = {name: text for name, text in given.items() if name not in ours and not name.startswith("form_title::")}
    if "omit_instanceid" in settings:  # the one name of XLSForm with capital letters in it
        settings["omit_instanceID"] = settings.pop("omit_instanceid")
    settings.setdefault("form_id", form_id)
    titles = [text for name, text in given.items() if name.startswith("form_title::")]
    settings.setdefault("form_title", titles[0] if titles else settings["form_id"])
    headers = languages_in(sheets)
    if headers:
        settings["default_language"] = _language_header(settings.get("default_language", ""), sheets) or headers[0]
    else:
        settings.pop("default_language", None)
    return settings


def _refusal(text: str, checked: Checked) -> Issue:
    """pyxform's own words; its row numbers count our rows from 2."""
    sheet = _SHEET.search(text)
    row = _ROW.search(text)
    named = _NAMED.search(text)
    for entry in checked.entries if named and not row else ():
        if named and entry.path[-1] == named.group(1):
            return Issue("pyxform", entry.row.cell("name"), {"text": text.strip()})
    where = sheet.group(1) if sheet else "survey"
    if row and where == "survey":
        index = int(row.group(1)) - 2
        rows = [entry.row for entry in checked.entries]
        where = rows[index].cell("type") if 0 <= index < len(rows) else where
        wrong = _PARAMETERS.search(text)
        if wrong and 0 <= index < len(rows):
            parameters = {"name": wrong.group(2), "known": wrong.group(1)}
            return Issue("unknown_parameter", rows[index].cell("parameters"), parameters)
    return Issue("pyxform", where, {"text": _ROW.sub("", text).strip()})


def marks(checked: Checked) -> dict[Steps, Mark]:
    """What the XForm loses of each row: its cell, its type as written, its parameters."""
    found = {}
    for entry in checked.entries:
        if entry.type.kind == "external":
            continue
        row = entry.row
        letters = {header: row.cell(header) for header in row.cells}
        parameters = read_parameters(row.get("parameters"))
        parameters = {name: value for name, value in parameters.items() if "${" not in value}
        found[entry.path] = Mark(row.cell("type"), entry.type.name, letters, parameters)
    return found
