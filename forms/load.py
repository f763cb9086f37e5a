"""The way in: a questionnaire's file -> the definition that runs, and the XForm that other clients download."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from forms import extras, xlsform
from forms.columns import canonical, languages_in
from forms.issues import FormError, Issue, Severity
from forms.model import FormDefinition, Text
from forms.workbook import ReadLimits, Sheet, iter_rows, read_markdown, read_workbook
from forms.xform import UNDETERMINED, definition_from_xform, language_code

_XML: Final = re.compile(rb"\s*(<\?xml|<!DOCTYPE|<!--|<(h:)?html)")


@dataclass(frozen=True, slots=True)
class LoadedForm:
    """A form that can be used, the XForm it was built from, and what its author should look at."""

    definition: FormDefinition
    xform: str
    warnings: tuple[Issue, ...] = ()


def load_form(source: bytes, name: str, *, limits: ReadLimits | None = None) -> LoadedForm:
    """Read a questionnaire (.xlsx, .xls, .csv, Markdown or XForm XML); raises FormError with every issue found."""
    limits = limits or ReadLimits()
    if len(source) <= limits.workbook_bytes and _XML.match(source[:4000].removeprefix(b"\xef\xbb\xbf")):
        definition = definition_from_xform(source)
        return LoadedForm(definition, source.decode("utf-8", "replace"))
    return _load(read_workbook(source, name, limits), _form_id(name))


def load_form_from_markdown(text: str, name: str = "form.md") -> LoadedForm:
    """Read a questionnaire written as Markdown tables."""
    return _load(read_markdown(text), _form_id(name))


def _form_id(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", PurePath(name).stem).strip("_") or "form"


def _load(raw: dict[str, Sheet], form_id: str) -> LoadedForm:
    issues: list[Issue] = []
    sheets: dict[str, Sheet] = {}
    for name, sheet in raw.items():
        sheets[name], found = canonical(sheet)
        issues += found
    checked = xlsform.check_rows(sheets)
    settings = dict(row.cells) if (row := next(iter_rows(sheets, "settings"), None)) else {}
    languages = _languages(sheets, settings)
    added = extras.read_extras(sheets, checked.entries, checked.schema, languages)
    issues += [*checked.issues, *added.issues]
    _raise_errors(issues)
    xform, warnings = xlsform.convert(sheets, checked, form_id)
    definition = definition_from_xform(xform, xlsform.marks(checked), languages[0])
    definition = extras.with_extras(definition, added, settings)
    definition = replace(definition, title=_title(definition, settings, languages))
    issues += [*warnings, *extras.warn_untranslated(definition)]
    return LoadedForm(definition, xform, tuple(issues))


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


def _raise_errors(issues: list[Issue]) -> None:
    if any(issue.severity is Severity.ERROR for issue in issues):
        raise FormError(sorted(issues, key=lambda issue: issue.severity is not Severity.ERROR))
