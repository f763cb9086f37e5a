"""What lies beside a workbook: pictures, sounds, films, lists, one by one or in a zip; judged before it is kept."""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from forms import FormDefinition, Issue, is_list_file, is_safe_file_name
from survey_app.config import Limits
from survey_app.content import NotAccepted, media_type, safe_svg
from survey_app.problems import Invalid, TooLarge

LIST_TYPES: Final = {".csv": "text/csv", ".xml": "application/xml", ".geojson": "application/geo+json"}
_ZIP: Final = b"PK\x03\x04"
_WORKBOOKS: Final = (".xlsx", ".xls", ".md")
_XFORM: Final = re.compile(rb"<(h:)?html[\s>]")
_SURVEY: Final = re.compile(r'\s*"?survey"?\s*(,|$)', re.IGNORECASE | re.MULTILINE)
_LITTER: Final = ("__MACOSX/",)
# What a container may hold cannot be told from how it begins, so these pass for either.
_EITHER: Final = frozenset({"video/mp4", "video/webm", "audio/ogg", "audio/mp4"})


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as a browser sent it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """What was uploaded, sorted: the workbook, where there is one, and what lies beside it."""

    workbook: Upload | None
    files: tuple[Upload, ...]


@dataclass(frozen=True, slots=True)
class FileBeside:
    """A file that passed; its bytes come along only while they are not in the store yet."""

    name: str
    sha256: str
    size: int
    media_type: str
    content: bytes | None = None

    @property
    def is_list(self) -> bool:
        """True for a list, whose content the reader of workbooks needs."""
        return is_list_file(self.name)


def sort_uploads(workbook: Upload | None, files: Iterable[Upload], limits: Limits) -> Given:
    """Unpack zips and find the workbook. Raises Invalid or TooLarge for what cannot be sorted out."""
    loose = [part for upload in files if upload.name for part in _unpacked(upload, limits)]
    if workbook is not None and _is_plain_zip(workbook.content):
        loose += _unpacked(workbook, limits)
        workbook = None
    if workbook is None:
        workbook, loose = _find_workbook(loose)
    if len(loose) > limits.form_files:
        raise TooLarge("There are too many files: at most {limit}.", limit=limits.form_files)
    if sum(len(file.content) for file in loose) > limits.form_bytes:
        raise TooLarge(limit=f"{limits.form_bytes // 1024 // 1024} MB")
    _require_once([file.name for file in loose])
    return Given(workbook, tuple(loose))


def _find_workbook(parts: list[Upload]) -> tuple[Upload | None, list[Upload]]:
    found = [part for part in parts if _is_workbook(part)]
    if len(found) > 1:
        names = ", ".join(part.name for part in found[:5])
        raise Invalid("There are several workbooks: {names}. Send one at a time.", names=names)
    return (found[0], [part for part in parts if part is not found[0]]) if found else (None, parts)


def _is_workbook(part: Upload) -> bool:
    suffix = PurePath(part.name).suffix.lower()
    if suffix == ".xml":
        return _XFORM.search(part.content[:4000]) is not None
    if suffix == ".csv":
        return _SURVEY.match(part.content[:4000].decode("utf-8-sig", "replace")) is not None
    return suffix in _WORKBOOKS


def _is_plain_zip(content: bytes) -> bool:
    """True for a zip that is not itself a workbook."""
    if not content.startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "[Content_Types].xml" not in archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _unpacked(upload: Upload, limits: Limits) -> list[Upload]:
    """The files in a zip, without their folders; another file as it is."""
    if not _is_plain_zip(upload.content):
        return [Upload(_clean(upload.name), upload.content)]
    try:
        with zipfile.ZipFile(io.BytesIO(upload.content)) as archive:
            _guard(archive, len(upload.content), limits)
            return list(_entries(archive, limits))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, RuntimeError):
        raise Invalid(
            "The zip “{name}” cannot be unpacked. Make it again without a password.", name=upload.name
        ) from None


def _guard(archive: zipfile.ZipFile, packed: int, limits: Limits) -> None:
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    is_bomb = total > 1024 * 1024 and total > limits.archive_ratio * packed
    if len(entries) > limits.archive_entries or total > limits.form_bytes or is_bomb:
        raise TooLarge("The zip unpacks to too much: at most {limit} MB.", limit=limits.form_bytes // 1024 // 1024)


def _entries(archive: zipfile.ZipFile, limits: Limits) -> Iterator[Upload]:
    for entry in archive.infolist():
        name = _clean(entry.filename)
        if entry.is_dir() or entry.filename.startswith(_LITTER) or name.startswith(".") or name == "Thumbs.db":
            continue
        with archive.open(entry) as file:  # stops at the declared size and checks the CRC, so a lie is found out
            yield Upload(name, file.read(limits.form_bytes + 1))


def _clean(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1]).strip()


def _require_once(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid("These files are there twice: {names}.", names=", ".join(twice[:5]))


# Judging --------------------------------------------------------------------------------------------------------


def examine(uploads: Iterable[Upload], limits: Limits) -> tuple[list[FileBeside], list[Issue]]:
    """The files that may lie beside a form, and an issue for each that may not."""
    found: list[FileBeside] = []
    issues: list[Issue] = []
    for upload in uploads:
        content = upload.content
        try:
            if upload.name.lower().endswith(".svg"):
                content = safe_svg(content)
            kind = _kind(upload, limits)
        except NotAccepted:
            issues.append(Issue("file_not_media", upload.name, {"name": upload.name}))
        except TooLarge:
            megabytes = limits.attachment_bytes // 1024 // 1024
            issues.append(Issue("file_too_large", upload.name, {"name": upload.name, "megabytes": megabytes}))
        else:
            digest = hashlib.sha256(content).hexdigest()
            found.append(FileBeside(upload.name, digest, len(content), kind, content))
            if not is_safe_file_name(upload.name):
                issues.append(Issue("file_bad_name", upload.name, {"name": upload.name}))
    return found, issues


def _kind(upload: Upload, limits: Limits) -> str:
    if len(upload.content) > limits.attachment_bytes:
        raise TooLarge
    suffix = PurePath(upload.name).suffix.lower()
    if suffix == ".svg":
        return "image/svg+xml"
    return LIST_TYPES.get(suffix) or media_type(upload.content, limits)


def wrong_kinds(form: FormDefinition | None, files: Iterable[FileBeside]) -> Iterator[Issue]:
    """An issue for each cell that asks for a picture and names a sound, and the like."""
    kinds = {file.name: file.media_type for file in files}
    for need in form.files if form else ():
        kind = kinds.get(need.name)
        if kind is None or need.kind == "list" or kind.startswith(need.kind):
            continue
        if not (need.kind in ("audio", "video") and kind in _EITHER):
            yield Issue("file_wrong_kind", need.cell, {"name": need.name, "kind": need.kind})
