"""Questionnaires: reading workbooks, keeping versions, publishing them; a published version never changes."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from threading import Lock

from flask import current_app
from sqlalchemy import delete, func, select
from sqlalchemy.orm import joinedload, load_only, selectinload

from forms import Change, FormDefinition, Inspection, Issue, Question, Severity, compare, from_json
from survey_app import db
from survey_app.access import Permission, audit, find_invitation, find_user, has_permission
from survey_app.config import Limits, Settings
from survey_app.files import store
from survey_app.models import (
    Campaign,
    CampaignQuestionnaire,
    FormFile,
    FormVersion,
    Questionnaire,
    Register,
    User,
    utc_now,
)
from survey_app.problems import Conflict, Invalid, NotFound
from survey_app.questionnaires import beside, inspection
from survey_app.questionnaires.beside import FileBeside, Upload, sort_uploads
from survey_app.questionnaires.convert import ConversionStopped, Reading, convert, issue_from_json, issue_to_json

SUFFIXES = (".xlsx", ".xls", ".csv", ".md", ".xml")
CHOOSE = "Choose a workbook: .xlsx, .xls, .csv, .md, an XForm as .xml, or a .zip with one of them."
CACHED_DEFINITIONS = 64


class AlreadyPublished(Conflict):
    """Publishing twice, or changing what is published."""

    code, message = "already_published", "Version {version} is published already; its content never changes again."


class UnreadableWorkbook(Invalid):
    """The reader did not come back with an answer."""

    code = "unreadable_workbook"
    message = "This file could not be read. Check that it opens in your spreadsheet program, save it again and retry."


class FilesMissing(Conflict):
    """A form names files that are not there."""

    code, message = "files_missing", "These files are named in the questionnaire and are not there yet: {names}."


class _Definitions:
    """The last definitions used, by the hash of their content, so that ten databases share one cache safely."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, FormDefinition] = OrderedDict()
        self._guard = Lock()

    def find(self, sha256: str) -> FormDefinition | None:
        with self._guard:
            if sha256 in self._kept:
                self._kept.move_to_end(sha256)
            return self._kept.get(sha256)

    def keep(self, sha256: str, definition: FormDefinition) -> None:
        with self._guard:
            self._kept[sha256] = definition
            while len(self._kept) > CACHED_DEFINITIONS:
                self._kept.popitem(last=False)


_definitions = _Definitions()


@dataclass(frozen=True, slots=True)
class Summary:
    """A questionnaire in the list: its newest published and newest draft version."""

    questionnaire: Questionnaire
    published: FormVersion | None
    draft: FormVersion | None


# Reading and adding ---------------------------------------------------------------------------------------------


def read(source: bytes, name: str, files: Sequence[FileBeside] = ()) -> Reading:
    """What is in a workbook and the files beside it: a form, or every issue found.

    Raises Invalid for a file of another kind.
    """
    if PurePath(name).suffix.lower() not in SUFFIXES:
        raise Invalid(CHOOSE)
    try:
        reading = convert(source, name, {file.name: _content(file) if file.is_list else None for file in files})
    except ConversionStopped as error:
        raise UnreadableWorkbook from error
    issues = (*reading.issues, *beside.wrong_kinds(reading.form, files), *_no_register(reading.form))
    return replace(reading, issues=issues)


def _no_register(form: FormDefinition | None) -> list[Issue]:
    """Warnings for lists of entities that no register here is called: their proposals would reach nobody."""
    if form is None or not form.entities:
        return []
    known = set(db.session().scalars(select(Register.name)))
    wanted = [entity for entity in form.entities if entity.dataset not in known]
    names = ", ".join(sorted(known))
    return [
        Issue("entity_no_register", entity.cell, {"name": entity.dataset, "known": names}, Severity.WARNING)
        for entity in wanted
    ]


def read_uploads(workbook: Upload | None, files: Iterable[Upload]) -> tuple[Upload, Reading, tuple[FileBeside, ...]]:
    """A workbook with what was sent beside it, and with what an earlier version has and this one names too.

    Raises Invalid or TooLarge where there is nothing to read; what can be corrected comes back as issues.
    """
    given = sort_uploads(workbook, files, _limits())
    if given.workbook is None:
        raise Invalid(CHOOSE)
    found, issues = beside.examine(given.files, _limits())
    reading = read(given.workbook.content, given.workbook.name, found)
    inherited = _inherited(reading.form, {file.name for file in found})
    if inherited:
        found += inherited
        reading = read(given.workbook.content, given.workbook.name, found)
    return given.workbook, replace(reading, issues=(*issues, *reading.issues)), tuple(found)


def _inherited(form: FormDefinition | None, given: set[str]) -> list[FileBeside]:
    """Files that the form names and the newest version of the same questionnaire has."""
    names = {need.name for need in form.files} - given if form else set()
    if form is None or not names:
        return []
    newest = select(func.max(FormVersion.id)).join(Questionnaire).where(Questionnaire.form_id == form.form_id)
    query = select(FormFile).where(FormFile.form_version_id == newest.scalar_subquery(), FormFile.name.in_(names))
    return [_beside(row) for row in db.session().scalars(query.order_by(FormFile.name))]


def _beside(row: FormFile) -> FileBeside:
    return FileBeside(row.name, row.sha256, row.size, row.media_type)


def _content(file: FileBeside) -> bytes:
    return store().read(file.sha256) if file.content is None else file.content


def _limits() -> Limits:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.limits


def load_version(source: bytes, name: str, by: User | None = None) -> FormVersion:
    """Read a workbook and keep it as a draft version. Raises Invalid, with every issue, when it cannot be used."""
    return add_reading(read(source, name), source, name, by)


def add_reading(reading: Reading, source: bytes, name: str, by: User | None = None) -> FormVersion:
    """Keep what was read as a draft version. Raises Invalid, with every issue, when it cannot be used."""
    if reading.errors:
        raise Invalid("This questionnaire has {count} errors.", count=len(reading.errors), issues=reading.issues)
    return add_version(reading, source, name, by)


def has_workbook(source: bytes) -> bool:
    """True when exactly this workbook is a published version already."""
    sha256 = hashlib.sha256(source).hexdigest()
    query = select(FormVersion.id).where(FormVersion.workbook_sha256 == sha256, FormVersion.published_at.is_not(None))
    return db.session().scalar(query) is not None


def add_version(
    reading: Reading, source: bytes, name: str, by: User | None = None, files: Sequence[FileBeside] = ()
) -> FormVersion:
    """Keep what was read as a draft; a draft of the same version is replaced, the same workbook again is the same row.

    Raises AlreadyPublished when that version is published with other content.
    """
    if reading.form is None:
        raise Invalid
    workbook, _ = store().store([source], _limits().workbook_bytes)
    _store_bytes(files)
    db.begin_write()
    questionnaire = _questionnaire_of(reading.form)
    found = _find_version(questionnaire, reading.form.version)
    if found and found.is_published:
        if found.workbook_sha256 == workbook and _has_these(found, files):
            return found
        raise AlreadyPublished(
            "Version {version} is published already. Give the workbook another version on its settings sheet.",
            version=reading.form.version,
        )
    version = found or FormVersion(questionnaire_id=questionnaire.id, version=reading.form.version)
    _fill(version, reading, workbook, name, by)
    db.session().add(version)
    db.session().flush()
    _set_files(version, files)
    audit("form_version_added", f"form_version:{version.id}", form_id=questionnaire.form_id, version=version.version)
    return version


def _has_these(version: FormVersion, files: Iterable[FileBeside]) -> bool:
    here = {(row.name, row.sha256) for row in _rows_of(version.id)}
    return {(file.name, file.sha256) for file in files} <= here


def _store_bytes(files: Iterable[FileBeside]) -> None:
    for file in files:
        if file.content is not None:
            store().store([file.content], _limits().attachment_bytes)


def _set_files(version: FormVersion, files: Iterable[FileBeside]) -> None:
    """Make these the files of a draft, and no others."""
    session = db.session()
    session.execute(delete(FormFile).where(FormFile.form_version_id == version.id))
    for file in files:
        row = {"name": file.name, "sha256": file.sha256, "size": file.size, "media_type": file.media_type}
        session.add(FormFile(form_version_id=version.id, **row))
    session.flush()


def add_files(version: FormVersion, uploads: Iterable[Upload], by: User | None = None) -> Reading:
    """Put files beside a draft and read it again with them; with errors nothing changes. Raises AlreadyPublished."""
    given = sort_uploads(None, uploads, _limits())
    sent = (*given.files, given.workbook) if given.workbook else given.files  # a .md or .xml may be meant as a file
    if not sent:
        raise Invalid("Choose one or more files.")
    found, issues = beside.examine(sent, _limits())
    names = {file.name for file in found}
    kept = [_beside(row) for row in _rows_of(version.id) if row.name not in names]
    return _reread(version, [*kept, *found], issues, by)


def remove_file(version: FormVersion, name: str, by: User | None = None) -> Reading:
    """Take a file away from a draft and read it again without; NotFound when it has none of that name."""
    rows = _rows_of(version.id)
    if all(row.name != name for row in rows):
        raise NotFound
    return _reread(version, [_beside(row) for row in rows if row.name != name], [], by)


def _reread(version: FormVersion, files: Sequence[FileBeside], issues: Sequence[Issue], by: User | None) -> Reading:
    if version.is_published:
        raise AlreadyPublished(version=version.version)
    reading = read(workbook_of(version), version.workbook_name, files)
    reading = replace(reading, issues=(*issues, *reading.issues))
    if reading.errors:
        return reading
    _store_bytes(files)
    db.begin_write()
    _fill(version, reading, version.workbook_sha256, version.workbook_name, by)
    _set_files(version, files)
    audit("form_files_changed", f"form_version:{version.id}", files=len(files))
    return reading


def _questionnaire_of(form: FormDefinition) -> Questionnaire:
    session = db.session()
    found = session.scalars(select(Questionnaire).where(Questionnaire.form_id == form.form_id)).first()
    title = {language: form.title.plain(language) for language in form.languages}
    if found is None:
        found = Questionnaire(form_id=form.form_id, title=title)
        session.add(found)
        session.flush()
    found.title = title
    return found


def _find_version(questionnaire: Questionnaire, version: str) -> FormVersion | None:
    query = select(FormVersion).where(FormVersion.questionnaire_id == questionnaire.id, FormVersion.version == version)
    return db.session().scalars(query).first()


def _fill(version: FormVersion, reading: Reading, workbook: str, name: str, by: User | None) -> None:
    canonical = json.dumps(reading.definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    version.workbook_sha256, version.workbook_name = workbook, unicodedata.normalize("NFC", PurePath(name).name)[:255]
    version.xform, version.definition = reading.xform, reading.definition
    version.definition_sha256 = hashlib.sha256(canonical.encode()).hexdigest()
    version.warnings = [issue_to_json(issue) for issue in reading.warnings]
    version.created_at, version.created_by_id = utc_now(), by.id if by else None


def publish(version: FormVersion, by: User | None = None) -> None:
    """Freeze a draft so that data can be collected with it; its content never changes again."""
    if version.is_published:
        raise AlreadyPublished(version=version.version)
    missing = missing_files(version)
    if missing:
        raise FilesMissing(names=", ".join(missing[:10]))
    version.published_at, version.published_by_id = utc_now(), by.id if by else None
    audit("form_version_published", f"form_version:{version.id}", sha256=version.definition_sha256)


def retire(questionnaire: Questionnaire, retired: bool = True) -> None:
    """Take a questionnaire out of the choice for new campaigns, or put it back; running campaigns keep it."""
    questionnaire.retired_at = utc_now() if retired else None
    audit("questionnaire_retired" if retired else "questionnaire_restored", f"questionnaire:{questionnaire.id}")


def remove_draft(version: FormVersion) -> None:
    """Throw away a version that was never published."""
    if version.is_published:
        raise AlreadyPublished(version=version.version)
    _set_files(version, ())
    db.session().delete(version)
    audit("form_version_removed", f"form_version:{version.id}", version=version.version)


# Files beside a version -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileState:
    """A file that a version names, has, or both."""

    name: str
    needed_in: str  # the cell that names it, "" for a file nothing names
    kind: str
    media_type: str  # "" while it is not there
    size: int


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file as it is given to somebody; a published version's never changes."""

    path: Path
    name: str
    media_type: str
    is_frozen: bool


def _rows_of(version_id: int) -> Sequence[FormFile]:
    query = select(FormFile).where(FormFile.form_version_id == version_id).order_by(FormFile.name)
    return db.session().scalars(query).all()


def missing_files(version: FormVersion) -> list[str]:
    """Names of the files that a version names and does not have."""
    here = {row.name for row in _rows_of(version.id)}
    return [need.name for need in definition(version.id).files if need.name not in here]


def files_of(version: FormVersion) -> list[FileState]:
    """The files a version names, in the order of its rows, then those that nothing names."""
    rows = {row.name: row for row in _rows_of(version.id)}
    found = []
    for need in definition(version.id).files:
        row = rows.pop(need.name, None)
        found.append(FileState(need.name, need.cell, need.kind, row.media_type if row else "", row.size if row else 0))
    return found + [FileState(row.name, "", "", row.media_type, row.size) for row in rows.values()]


def get_file(version_id: int, name: str) -> ShownFile:
    """A file of a version for who may see that form; NotFound for anybody else."""
    row = db.session().get(FormFile, (version_id, unicodedata.normalize("NFC", name)))
    query = select(FormVersion.published_at).where(FormVersion.id == version_id)
    is_frozen = db.session().scalar(query) is not None
    if row is None or not _may_see(version_id, is_frozen):
        raise NotFound
    return ShownFile(store().path(row.sha256), row.name, row.media_type, is_frozen)


def _may_see(version_id: int, is_published: bool) -> bool:
    user, invitation = find_user(), find_invitation()
    if has_permission(user, Permission.MANAGE_FORMS):
        return True
    if is_published and has_permission(user, Permission.COLLECT):
        return True
    used = invitation.campaign.questionnaires if invitation else ()
    return is_published and any(link.form_version_id == version_id for link in used)


# Looking up -----------------------------------------------------------------------------------------------------


def definition(form_version_id: int) -> FormDefinition:
    """The form of a version, from the process's cache where it was used before."""
    query = select(FormVersion.definition_sha256).where(FormVersion.id == form_version_id)
    sha256 = db.session().scalar(query)
    if sha256 is None:
        raise NotFound
    return definition_of(form_version_id, sha256)


def definition_of(form_version_id: int, sha256: str) -> FormDefinition:
    """The same for who has read the hash of the version's definition already."""
    found = _definitions.find(sha256)
    if found is None:
        query_all = select(FormVersion.definition).where(FormVersion.id == form_version_id)
        found = from_json(db.session().scalars(query_all).one())
        _definitions.keep(sha256, found)
    return found


def get_version(version_id: int) -> FormVersion:
    """A version with its questionnaire, or NotFound."""
    query = select(FormVersion).where(FormVersion.id == version_id).options(joinedload(FormVersion.questionnaire))
    found = db.session().scalars(query).first()
    if found is None:
        raise NotFound
    return found


def get_questionnaire(questionnaire_id: int) -> Questionnaire:
    """A questionnaire with its versions, oldest first, or NotFound."""
    query = select(Questionnaire).where(Questionnaire.id == questionnaire_id)
    found = db.session().scalars(query.options(selectinload(Questionnaire.versions).options(_LIGHT))).first()
    if found is None:
        raise NotFound
    return found


# A list of versions must not read ten definitions.
_LIGHT = load_only(
    FormVersion.questionnaire_id,
    FormVersion.version,
    FormVersion.workbook_name,
    FormVersion.created_at,
    FormVersion.published_at,
    FormVersion.retired_at,
    FormVersion.definition_sha256,
    raiseload=True,
)


def list_questionnaires() -> list[Summary]:
    """Every questionnaire, those in use first, by form id."""
    query = select(Questionnaire).options(selectinload(Questionnaire.versions).options(_LIGHT))
    rows = db.session().scalars(query.order_by(Questionnaire.retired_at.is_not(None), Questionnaire.form_id)).all()
    return [_summary(row) for row in rows]


def _summary(row: Questionnaire) -> Summary:
    published = [version for version in row.versions if version.is_published]
    drafts = [version for version in row.versions if not version.is_published]
    return Summary(row, published[-1] if published else None, drafts[-1] if drafts else None)


def list_published() -> Sequence[FormVersion]:
    """The newest published version of every questionnaire in use, by form id, for the choice of a campaign."""
    newest = select(func.max(FormVersion.id)).where(FormVersion.published_at.is_not(None))
    query = (
        select(FormVersion)
        .join(Questionnaire)
        .where(FormVersion.id.in_(newest.group_by(FormVersion.questionnaire_id)), Questionnaire.retired_at.is_(None))
        .options(joinedload(FormVersion.questionnaire), _LIGHT)
        .order_by(Questionnaire.form_id)
    )
    return db.session().scalars(query).all()


def find_published(form_id: str) -> FormVersion | None:
    """The newest published version of a questionnaire, or None."""
    query = (
        select(FormVersion)
        .join(Questionnaire)
        .where(Questionnaire.form_id == form_id)
        .where(FormVersion.published_at.is_not(None))
        .options(_LIGHT)
        .order_by(FormVersion.id.desc())
    )
    return db.session().scalars(query).first()


def list_campaigns_using(version: FormVersion) -> Sequence[Campaign]:
    """The campaigns a version is used in."""
    query = select(Campaign).join(CampaignQuestionnaire, CampaignQuestionnaire.campaign_id == Campaign.id)
    return (
        db.session()
        .scalars(query.where(CampaignQuestionnaire.form_version_id == version.id).order_by(Campaign.opens_on))
        .all()
    )


def warnings_of(version: FormVersion) -> list[Issue]:
    """What the author should look at, as found when the workbook was read."""
    return [issue_from_json(issue) for issue in version.warnings]


def inspect_version(version: FormVersion) -> Inspection:
    """What looking the form of a version through shows: length, unreachable questions, the graph and more."""
    return inspection.inspection_of(version.definition_sha256, definition(version.id))


def workbook_of(version: FormVersion) -> bytes:
    """The workbook exactly as it was uploaded."""
    return store().read(version.workbook_sha256)


def find_previous(version: FormVersion) -> FormVersion | None:
    """The version published last before this one, or None."""
    query = select(FormVersion).where(
        FormVersion.questionnaire_id == version.questionnaire_id,
        FormVersion.id < version.id,
        FormVersion.published_at.is_not(None),
    )
    return db.session().scalars(query.order_by(FormVersion.id.desc()).options(_LIGHT)).first()


def changes_since(previous: FormVersion, version: FormVersion) -> tuple[Change, ...]:
    """What differs between two versions, and whether data of the old one still lines up."""
    return compare(definition(previous.id), definition(version.id))


def outline(form: FormDefinition) -> list[tuple[int, object, str]]:
    """Items in the author's order as (depth, item, kind): kind is question, group or repeat."""
    return [(len(item.path) - 1, item, _kind(item)) for item in form.walk()]


def _kind(item: object) -> str:
    return "question" if isinstance(item, Question) else type(item).__name__.lower()


__all__ = [
    "AlreadyPublished",
    "FileBeside",
    "FilesMissing",
    "Reading",
    "Summary",
    "UnreadableWorkbook",
    "Upload",
    "add_files",
    "add_reading",
    "add_version",
    "changes_since",
    "definition",
    "files_of",
    "find_previous",
    "find_published",
    "get_file",
    "get_questionnaire",
    "get_version",
    "has_workbook",
    "inspect_version",
    "list_campaigns_using",
    "list_published",
    "list_questionnaires",
    "load_version",
    "missing_files",
    "outline",
    "publish",
    "read",
    "read_uploads",
    "remove_draft",
    "remove_file",
    "retire",
    "sort_uploads",
    "warnings_of",
    "workbook_of",
]
