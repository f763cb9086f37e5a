"""The way in: a questionnaire's file -> the definition that runs, and the XForm that other clients download."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Final

from forms import extras, xlsform
from forms.columns import canonical, languages_in
from forms.files import Beside, beside, check_beside, instances_of, needs_of_definition, uses_in
from forms.issues import FormError, Issue, Severity
from forms.languages import UNDETERMINED, language_code
from forms.model import FileNeed, FormDefinition, Repeat, Text
from forms.shorthand import written_out
from forms.workbook import ReadLimits, Sheet, iter_rows, read_markdown, read_workbook
from forms.xform import definition_from_xform, instance_sources

_XML: Final = re.compile(rb"\s*(<\?xml|<!DOCTYPE|<!--|<(h:)?html)")


@dataclass(frozen=True, slots=True)
class LoadedForm:
    """A form that can be used, the XForm it was built from, and what its author should look at."""

    definition: FormDefinition
    xform: str
    warnings: tuple[Issue, ...] = ()
    # The rows it was read from, for whoever remarks on them; none for an XForm.
    sheets: Mapping[str, Sheet] = field(default_factory=dict, compare=False, repr=False)


def load_form(
    source: bytes, name: str, *, files: Mapping[str, bytes | None] | None = None, limits: ReadLimits | None = None
) -> LoadedForm:
    """Read a questionnaire (.xlsx, .xls, .csv, Markdown or XForm XML); raises FormError with every issue found.

    `files` are what lies beside it: name -> content of a list, None for any other file.
    """
    limits = limits or ReadLimits()
    if len(source) <= limits.workbook_bytes and _XML.match(source[:4000].removeprefix(b"\xef\xbb\xbf")):
        return _load_xform(source, beside(files or {}))
    return _load(read_workbook(source, name, limits), _form_id(name), beside(files or {}))


def load_form_from_markdown(
    text: str, name: str = "form.md", files: Mapping[str, bytes | None] | None = None
) -> LoadedForm:
    """Read a questionnaire written as Markdown tables."""
    return _load(read_markdown(text), _form_id(name), beside(files or {}))


def _form_id(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", PurePath(name).stem).strip("_") or "form"


def _load_xform(source: bytes, given: Beside) -> LoadedForm:
    definition = definition_from_xform(source)
    needs = needs_of_definition(definition, instance_sources(source))
    issues = [*_reserved_names(definition), *check_beside(needs, uses_in(definition, needs), given)]
    _raise_errors(issues)
    definition = _with_files(definition, needs, given)
    if b"base64RsaPublicKey" in source:
        issues.append(Issue("setting_elsewhere", "submission", {"name": "base64RsaPublicKey"}, Severity.WARNING))
    return LoadedForm(definition, source.decode("utf-8", "replace"), tuple(issues))


def _reserved_names(definition: FormDefinition) -> Iterator[Issue]:
    """A row of a repeat bears its own id, so that no question in it can be called so."""
    for item in definition.walk():
        if isinstance(item, Repeat):
            names = {child.name: child.cell for child in item.children}
            if "_id" in names:
                yield Issue("reserved_name", names["_id"], {"name": "_id"})


def _with_files(definition: FormDefinition, needs: tuple[FileNeed, ...], given: Beside) -> FormDefinition:
    return replace(definition, files=needs, instances={**definition.instances, **instances_of(needs, given)})


def _load(raw: dict[str, Sheet], form_id: str, given: Beside) -> LoadedForm:
    issues: list[Issue] = []
    sheets: dict[str, Sheet] = {}
    for name, sheet in raw.items():
        sheets[name], found = canonical(sheet)
        issues += found
    sheets, found = written_out(sheets)
    issues += found
    checked = xlsform.check_rows(sheets, given)
    settings = dict(row.cells) if (row := next(iter_rows(sheets, "settings"), None)) else {}
    languages = _languages(sheets, settings)
    added = extras.read_extras(sheets, checked.entries, checked.schema, languages)
    issues += [*checked.issues, *added.issues]
    _raise_errors(issues, sheets)
    made = xlsform.convert(sheets, checked, form_id)
    definition = definition_from_xform(made.short, xlsform.marks(checked), languages[0], made.long)
    definition = _with_files(extras.with_extras(definition, added, settings), checked.needs, given)
    definition = replace(definition, title=_title(definition, settings, languages))
    issues += [*made.warnings, *extras.warn_untranslated(definition)]
    return LoadedForm(definition, made.xform, tuple(issues), sheets)


def _languages(sheets: dict[str, Sheet], settings: dict[str, str]) -> tuple[str, ...]:
    """Language codes, the default one first."""
    codes = [language_code(header) for header in languages_in(sheets)]
    wanted = settings.get("default_language", "")
    first = language_code(wanted) if wanted else codes[0] if codes else UNDETERMINED
    return tuple(dict.fromkeys((first, *codes)))


def _title(definition: FormDefinition, settings: dict[str, str], languages: tuple[str, ...]) -> Text:
    given = {
        language_code(header.partition("::")[2]): (text,)
        for header, text in settings.items()
        if header.startswith("form_title::")
    }
    return Text({code: given[code] for code in languages if code in given}) if given else definition.title


def _raise_errors(issues: list[Issue], sheets: Mapping[str, Sheet] | None = None) -> None:
    if any(issue.severity is Severity.ERROR for issue in issues):
        raise FormError(sorted(issues, key=lambda issue: issue.severity is not Severity.ERROR), sheets)
