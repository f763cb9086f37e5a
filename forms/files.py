"""What a form names and comes beside it, media of its texts and external lists, and whether it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from forms.columns import is_yes, read_parameters
from forms.issues import Issue, Severity
from forms.lists import ListFile, ListUse, check_use, instance_of, is_list, read_list
from forms.model import FileNeed, FormDefinition, Question, Text
from forms.workbook import Sheet, clean, iter_rows

if TYPE_CHECKING:
    from forms.xlsform import Entry

MEDIA: Final[Mapping[str, str]] = {"image": "image", "big-image": "image", "audio": "audio", "video": "video"}
NAME_CHARACTERS: Final = 200
_FOLDER: Final = re.compile(r"jr://(images|audio|video|file|file-csv)/")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PULLED: Final = re.compile(r"pulldata\(\s*(?:'([^']+)'|\"([^\"]+)\")")


@dataclass(frozen=True, slots=True)
class Beside:
    """The files that came with a form: lists with what they hold, of the others only the names."""

    names: frozenset[str] = frozenset()
    lists: Mapping[str, ListFile] = field(default_factory=dict)  # file name -> list


def is_safe_name(name: str) -> bool:
    """True for a file name that every system and every ODK client can keep: no path, no control characters."""
    return 0 < len(name) <= NAME_CHARACTERS and name == clean(name) and not _UNSAFE.search(name) and name[0] != "."


def beside(files: Mapping[str, bytes | None]) -> Beside:
    """The files given with a form (None: there, but not a list), lists read."""
    lists = {name: read_list(name, content) for name, content in files.items() if content is not None and is_list(name)}
    return Beside(frozenset(files), lists)


def columns_of(found: Beside) -> dict[str, frozenset[str] | None]:
    """The fields of each list that was read, by the instance it fills; None where it cannot be known."""
    return {
        instance_of(name): frozenset(column.partition("::")[0] for column in list_.columns) or None
        for name, list_ in found.lists.items()
    }


# -- what a workbook names --------------------------------------------------------------------------------------------


def needs_of_rows(
    sheets: Mapping[str, Sheet], entries: Sequence[Entry], given: frozenset[str], issues: list[Issue]
) -> tuple[FileNeed, ...]:
    """Every file that the rows name, each once, with the first cell that names it.

    `given` are the instances filled elsewhere: the workbook's own lists, and those that come at run time.
    """
    found: dict[str, FileNeed] = {}
    for need in (*_media_needs(sheets, issues), *_list_needs(sheets, entries, given, issues)):
        known = found.setdefault(need.name, need)
        if known.kind != need.kind:
            issues.append(Issue("file_two_kinds", need.cell, {"name": need.name, "other": known.cell}))
    return tuple(found.values())


def _media_needs(sheets: Mapping[str, Sheet], issues: list[Issue]) -> Iterator[FileNeed]:
    for sheet in ("survey", "choices"):
        headers = (
            [header for header in sheets[sheet].headers if header.partition("::")[0] in MEDIA]
            if sheet in sheets
            else []
        )
        for row in iter_rows(sheets, sheet) if headers else ():
            for header in headers:
                name = media_name(row.get(header))
                if name == "" or name == "-" or is_yes(row.get("disabled")):
                    continue
                if "${" in name or not is_safe_name(name):
                    issues.append(Issue("file_bad_name", row.cell(header), {"name": name}))
                    continue
                yield FileNeed(name, MEDIA[header.partition("::")[0]], row.cell(header))


def media_name(text: str) -> str:
    """The file's name, without the folder that some authors write before it."""
    return _FOLDER.sub("", text, count=1)


def _list_needs(
    sheets: Mapping[str, Sheet], entries: Sequence[Entry], given: frozenset[str], issues: list[Issue]
) -> Iterator[FileNeed]:
    declared: dict[str, str] = {}
    for entry in entries:
        name = _file_of(entry)
        if not name:
            continue
        if not is_safe_name(name) or not is_list(name):
            issues.append(Issue("file_bad_list", entry.row.cell("type"), {"name": name}))
        elif declared.setdefault(instance_of(name), name) != name:
            issues.append(
                Issue("file_same_stem", entry.row.cell("type"), {"name": name, "other": declared[instance_of(name)]})
            )
        else:
            yield FileNeed(name, "list", entry.row.cell("type"), instance_of(name))
    for instance, cell in pulled(sheets):
        if instance not in declared and instance not in given:
            yield FileNeed(f"{instance}.csv", "list", cell, instance)


def _file_of(entry: Entry) -> str:
    if entry.type.is_file:
        return entry.type.file
    if entry.type.kind == "external" and entry.type.name in ("csv-external", "xml-external"):
        return f"{entry.path[-1]}.{entry.type.name.partition('-')[0]}"
    return ""


def pulled(sheets: Mapping[str, Sheet]) -> Iterator[tuple[str, str]]:
    """The instances that pulldata() reads, each with the cell."""
    for name in ("survey", "scores", "indicators", "resources", "measures", "checks"):
        for row in iter_rows(sheets, name):
            for header, text in row.cells.items():
                for match in _PULLED.finditer(text) if "pulldata" in text else ():
                    yield (match.group(1) or match.group(2)).removesuffix(".csv"), row.cell(header)


def list_uses(entries: Sequence[Entry], may_repeat: bool) -> Iterator[tuple[str, ListUse]]:
    """How the questions of a workbook use each list file."""
    for entry in entries:
        if entry.type.is_file:
            parameters = read_parameters(entry.row.get("parameters"))
            is_multiple = entry.type.name == "select_multiple"
            yield entry.type.file, _use(entry.type.file, entry.row.cell("type"), parameters, is_multiple, may_repeat)


def _use(name: str, cell: str, parameters: Mapping[str, str], is_multiple: bool, may_repeat: bool) -> ListUse:
    value, label = ("id", "title") if name.lower().endswith(".geojson") else ("name", "label")
    return ListUse(cell, parameters.get("value", value), parameters.get("label", label), is_multiple, may_repeat)


# -- what an XForm names ----------------------------------------------------------------------------------------------


def needs_of_definition(definition: FormDefinition, sources: Mapping[str, str]) -> tuple[FileNeed, ...]:
    """The files that an XForm written elsewhere names; `sources` are its instances with an address."""
    found = {need.name: need for item in definition.walk() for need in _of_media(item.media, item.cell)}
    for choices in definition.choice_lists.values():
        for choice in choices.choices:
            for need in _of_media(choice.media, f"{choices.name}/{choice.name}"):
                found.setdefault(need.name, need)
    for instance, source in sources.items():
        name = source.rpartition("/")[2]
        if source.startswith("jr://file") and is_list(name):
            found.setdefault(name, FileNeed(name, "list", f"instance({instance})", instance))
    return tuple(found.values())


def _of_media(media: Mapping[str, Text], cell: str) -> Iterator[FileNeed]:
    for kind, text in media.items():
        for parts in text.by_language.values():
            if parts and isinstance(parts[0], str) and is_safe_name(parts[0]):
                yield FileNeed(parts[0], MEDIA[kind], cell)


def uses_in(definition: FormDefinition, needs: Sequence[FileNeed]) -> Iterator[tuple[str, ListUse]]:
    """How the questions of a finished form use each list file."""
    names = {need.instance: need.name for need in needs if need.kind == "list"}
    for item in definition.questions():
        if isinstance(item, Question) and item.choices in names:
            name = names[item.choices or ""]
            yield name, _use(name, item.cell, item.parameters, item.type == "select_multiple", False)


# -- are they there ---------------------------------------------------------------------------------------------------


def check_beside(needs: Sequence[FileNeed], uses: Iterator[tuple[str, ListUse]], found: Beside) -> list[Issue]:
    """What is missing, not needed, or cannot be used; a missing file stops nobody before publishing."""
    issues = [
        Issue("file_missing", need.cell, {"name": need.name}, Severity.WARNING)
        for need in needs
        if need.name not in found.names
    ]
    needed = {need.name for need in needs}
    issues += [Issue("file_unused", name, {"name": name}, Severity.WARNING) for name in sorted(found.names - needed)]
    for need in needs:
        if need.name in found.lists:
            issues += found.lists[need.name].issues
    seen: set[tuple[object, ...]] = set()
    for name, use in uses:
        key = (name, use.value, use.label)
        if name in found.lists and not found.lists[name].issues and key not in seen:
            seen.add(key)
            issues += check_use(found.lists[name], use)
    return issues


def instances_of(needs: Sequence[FileNeed], found: Beside) -> dict[str, tuple[Mapping[str, str], ...]]:
    """The items of every list that the form needs and that came."""
    return {need.instance: found.lists[need.name].items for need in needs if need.name in found.lists}
